"""The shares that a replica holds, and until when each may be shown: decided at the moment of a scrape."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from exporter.model import OF_ACCOUNTS, Snapshot, Supervision, Total, Totals
from exporter.state import Lease, Store


@dataclass(slots=True)
class Tenure:
    """A share that is held. `until`, by our clock, is earlier than by the database's: counted from before it was asked.

    `shown_until`: the same, or later where the server has refused everybody since.
    `going`: it is being given up, and is neither exposed nor renewed any more.
    """

    lease: Lease
    terminals: frozenset[str]
    store: Store
    until: float
    shown_until: float
    going: bool = False


class Tenures:
    """All that are held, by share. `seconds` is how long a lease lasts, `margin` what a refusal must leave of it."""

    def __init__(self, seconds: float, margin: float, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._margin = margin
        self._now = now
        self._held: dict[str, Tenure] = {}

    def __iter__(self) -> Iterator[str]:
        """The shares, as they are at this moment."""
        return iter(tuple(self._held))

    def __getitem__(self, share: str) -> Tenure:
        """Raises KeyError."""
        return self._held[share]

    def get(self, share: str) -> Tenure | None:
        """None where it is not held."""
        return self._held.get(share)

    def begin(self, lease: Lease, terminals: frozenset[str], store: Store, asked: float) -> None:
        """A lease has been given that was asked for at a moment of our clock."""
        end = asked + self._seconds
        self._held[lease.share] = Tenure(lease, terminals, store, end, end)

    def end(self, share: str) -> Tenure | None:
        """Forget a share."""
        return self._held.pop(share, None)

    def staying(self) -> dict[str, Tenure]:
        """Those that are not being given up."""
        return {share: tenure for share, tenure in self._held.items() if not tenure.going}

    def renewed(self, asked: Iterable[str], held: Collection[str], at: float) -> None:
        """Of those asked for at a moment some are still held; another replica has the others, or may have."""
        for share in asked:
            if tenure := self._held.get(share):
                end = at + self._seconds if share in held else at
                tenure.until = tenure.shown_until = end

    def refused(self, asked: float) -> None:
        """The server refuses everybody, as was asked at a moment: `exporter.state.postgres.leases` has the proof."""
        now = self._now()
        for tenure in self.staying().values():
            if tenure.shown_until - now >= self._margin:
                tenure.shown_until = max(tenure.shown_until, asked + self._seconds)

    def holds(self, share: str) -> bool:
        """Whether a share is this replica's to show at this moment."""
        tenure = self._held.get(share)
        return tenure is not None and not tenure.going and self._now() < tenure.shown_until

    def remaining(self, share: str) -> float:
        """For how many seconds a share's lease lasts without another renewal."""
        tenure = self._held.get(share)
        return max(tenure.until - self._now(), 0.0) if tenure and not tenure.going else 0.0

    def over(self) -> list[str]:
        """Those that may not be shown any longer, and are not being given up yet."""
        return [share for share in self.staying() if not self.holds(share)]

    def by_share(self, totals: Iterable[Total]) -> dict[str, list[Total]]:
        """Whose these totals are, without those that are of no share that is held."""
        held = tuple(self._held.items())  # asked in a thread, while shares come and go
        share_of = {name: share for share, tenure in held for name in tenure.terminals}
        found: dict[str, list[Total]] = {}
        for total in totals:
            owner = total.labels[0]
            share = owner if total.family in OF_ACCOUNTS else share_of.get(owner)
            if share is not None:
                found.setdefault(share, []).append(total)
        return found

    def shown(self, snapshot: Snapshot) -> Snapshot:
        """What may be shown of a snapshot at this moment, whatever happened since it was taken."""
        there = {each.terminal.account for each in snapshot.terminals}
        good = {share for share in there if self.holds(share)}
        return snapshot if good == there else _only(snapshot, good)


def _only(snapshot: Snapshot, good: set[str]) -> Snapshot:
    """A snapshot without what belongs to other shares."""
    terminals = tuple(each for each in snapshot.terminals if each.terminal.account in good)
    names = {each.terminal.name for each in terminals}
    supervision = snapshot.supervision
    return replace(
        snapshot,
        terminals=terminals,
        totals=Totals.of_parts(
            {
                owner: part
                for owner, part in snapshot.totals.parts()
                if owner.name in (good if owner.is_account else names)
            }
        ),
        supervision=Supervision(
            {name: its for name, its in supervision.thresholds.items() if name in names}, supervision.calendar
        ),
    )
