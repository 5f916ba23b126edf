"""What the answers about terminals mean: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.config.records import TerminalFilter
from exporter.doctor.finding import Finding, Line, Place, Verdict
from exporter.doctor.numbering import fit, listed
from exporter.model import Terminal


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """Records by the number they carry, and what the bank said to the ids.

    unfiltered: in the list without a terminal, None where the bank refuses that. filtered: under ids that were taken.
    alone: by terminal name, under its id only; an empty mapping where a month held none. candidates: by terminal name,
    a number of the list that the bank takes as an id, where it refuses the configured one.
    """

    terminals: tuple[Terminal, ...]
    chosen: TerminalFilter
    unfiltered: Mapping[str, int] | None
    whole_list: str
    batches: tuple[str, ...]
    filtered: Mapping[str, int]
    accepted: frozenset[str]
    refused: Mapping[str, str]
    untried: frozenset[str]
    alone: Mapping[str, Mapping[str, int]]
    candidates: Mapping[str, str] = field(default_factory=dict)

    @property
    def ignored(self) -> bool:
        """Whether an id brings records of several terminals: the bank then does not filter at all."""
        return any(len(numbers) > 1 for numbers in self.alone.values())

    @property
    def guilty(self) -> list[Terminal]:
        """Terminals whose ids are refused; all that were asked for where nothing was taken."""
        names = self.refused.keys() | (frozenset() if self.accepted else self.untried)
        return [terminal for terminal in self.terminals if terminal.name in names]

    @property
    def hidden(self) -> list[Terminal]:
        """Terminals whose records are in the list, and which their id does not bring."""
        whole, guilty = self.unfiltered or {}, self.guilty
        lost = [t for t in self.terminals if whole.get(t.number) and not self.filtered.get(t.number)]
        return [t for t in lost if t in guilty or self.alone.get(t.name) == {}]

    @property
    def strangers(self) -> list[str]:
        """Numbers in the list that nobody claims and that may be shown: often the right ones."""
        claimed = {terminal.number for terminal in self.terminals}
        return [number for number in self.unfiltered or {} if number not in claimed and fit(number)]


def id_finding(facts: TerminalFacts) -> Finding:
    """Does the search by `terminal_id` take the configured ids, and bring what it should."""
    evidence = "; ".join((*facts.batches, f"without terminal_id: {facts.whole_list}", *_refusals(facts)))
    if facts.chosen is TerminalFilter.CLIENT:
        return _client_finding(facts, evidence)
    lost, hidden = [t.name for t in facts.terminals if t.name in facts.refused], facts.hidden
    client = Line(Place.ACCOUNT, "terminal_filter", TerminalFilter.CLIENT)
    if facts.candidates:
        lines = tuple(_reidentified(facts))
        answer = f"the bank refuses the ids of {listed(facts.candidates)}; it takes what its list carries for them"
        return Finding("terminal_id", Verdict.CHANGE, answer, evidence, lines)
    if hidden:
        what = "refuses the ids of" if any(each in facts.guilty for each in hidden) else "finds nothing by the ids of"
        answer = f"the bank {what} {_names(hidden)}, though its list has their records: let the exporter filter"
        return Finding("terminal_id", Verdict.CHANGE, answer, evidence, (client,))
    if facts.ignored:
        answer = "one id brings records of several terminals: the bank does not filter by it"
        return Finding("terminal_id", Verdict.CHANGE, answer, evidence, (client,))
    if lost:
        answer = f"the bank refuses the ids of {listed(lost)}: check them against its papers{_strangers(facts)}"
        return Finding("terminal_id", Verdict.PROBLEM, answer, evidence)
    if facts.untried:
        answer = f"some of these ids are refused, too many to find out which: {listed(sorted(facts.untried))}"
        return Finding("terminal_id", Verdict.PROBLEM, answer + _strangers(facts), evidence)
    line = Line(Place.ACCOUNT, "terminal_filter", TerminalFilter.SERVER)
    return Finding("terminal_id", Verdict.OK, f"all {len(facts.accepted)} ids are taken", evidence, (line,))


def _client_finding(facts: TerminalFacts, evidence: str) -> Finding:
    line = Line(Place.ACCOUNT, "terminal_filter", TerminalFilter.CLIENT)
    if facts.unfiltered is None:
        server = Line(Place.ACCOUNT, "terminal_filter", TerminalFilter.SERVER)
        answer = "the bank refuses the list without terminal_id"
        return Finding("terminal_id", Verdict.CHANGE, answer, evidence, (server,))
    taken = "the bank takes the ids, so server would cost less" if facts.accepted else "the bank refuses the ids"
    works = taken if not (facts.accepted and facts.hidden) else "the bank finds nothing by some of the ids"
    return Finding("terminal_id", Verdict.OK, f"not asked for (terminal_filter: client); {works}", evidence, (line,))


def number_finding(facts: TerminalFacts, ids: Finding) -> Finding:
    """Do the records carry the configured numbers."""
    sources = (facts.filtered, facts.unfiltered or {})
    seen = {
        t.name: max(source.get(t.number, 0) for source in (*sources, facts.alone.get(t.name, {})))
        for t in facts.terminals
    }
    evidence = "records seen: " + listed(f"{name} {count}" for name, count in seen.items())
    lines = tuple(_renumbered(facts))
    if lines:
        names = listed(f"{line.terminal.name} {line.value}" for line in lines if line.terminal is not None)
        answer = f"records under these ids carry another number: {names}"
        return Finding("terminal number", Verdict.CHANGE, answer, evidence, lines)
    if any(line.place is Place.TERMINAL for line in ids.lines):
        return Finding("terminal number", Verdict.OK, "as it follows from terminal_id", evidence)
    if problem := _confusion(facts):
        return Finding("terminal number", Verdict.PROBLEM, problem, evidence)
    if unseen := [name for name, count in seen.items() if not count]:
        answer = f"no record of {listed(unseen)} was seen{_strangers(facts)}"
        return Finding("terminal number", Verdict.UNKNOWN, answer, evidence)
    return Finding("terminal number", Verdict.OK, "records carry the configured numbers", evidence)


def _confusion(facts: TerminalFacts) -> str:
    """What is wrong with numbers that no line of configuration mends."""
    if facts.ignored:
        return ""
    claimed = {terminal.number: terminal.name for terminal in facts.terminals}
    for name, numbers in facts.alone.items():
        others = [claimed[number] for number in numbers if claimed.get(number, name) != name]
        if others:
            return f"the id of {name} brings records of {listed(others)}: the ids are mixed up"
        if numbers and not any(number in claimed or fit(number) for number in numbers):
            return f"records under the id of {name} carry something that is no terminal's number"
    return ""


def _reidentified(facts: TerminalFacts) -> Iterable[Line]:
    for terminal in facts.terminals:
        number = facts.candidates.get(terminal.name)
        if number is not None:
            yield Line(Place.TERMINAL, "id", number, terminal)
            if terminal.number != number:
                yield Line(Place.TERMINAL, "number", number, terminal)


def _renumbered(facts: TerminalFacts) -> Iterable[Line]:
    """Terminals whose id brings records of one other number, which is no other terminal's."""
    claimed = {terminal.number for terminal in facts.terminals}
    for terminal in facts.terminals:
        numbers = list(facts.alone.get(terminal.name, {}))
        if len(numbers) == 1 and numbers[0] not in claimed and fit(numbers[0]):
            yield Line(Place.TERMINAL, "number", numbers[0], terminal)


def _refusals(facts: TerminalFacts) -> list[str]:
    said = sorted(set(facts.refused.values()))
    return [f"refused alone: {listed(facts.refused)} ({listed(said)})"] if said else []


def _strangers(facts: TerminalFacts) -> str:
    return f"; the list also carries {listed(facts.strangers)}" if facts.strangers else ""


def _names(terminals: Iterable[Terminal]) -> str:
    return listed(terminal.name for terminal in terminals)
