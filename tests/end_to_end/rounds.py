"""All replicas scraped at the same time, again and again: what two of them show at once, and counters that go back."""

import re
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

_SERIES: Final = re.compile(r'^(epay_operations_total\{.*terminal="([^"]+)".*\}) (\S+)$', re.MULTILINE)
_PATIENCE: Final = 1.0


def _page(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_PATIENCE) as answer:
            return str(answer.read().decode())
    except OSError:  # it is stopped, paused, or not there yet
        return ""


@dataclass
class Rounds:
    """What was seen of each terminal, and what was wrong with it.

    A terminal may be seen at two replicas in one round, in which it moved, and not in the next one as well.
    """

    violations: list[str] = field(default_factory=list)
    number: int = 0
    _before: Mapping[str, frozenset[int]] = field(default_factory=dict)
    _former: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _highest: dict[str, float] = field(default_factory=dict)
    _last: frozenset[str] = frozenset()

    def lost(self, removed: Collection[str] = ()) -> set[str]:
        """The series that were seen once, and in the last round at nobody; without those of terminals removed since."""
        gone = self._highest.keys() - self._last
        return {each for each in gone if not any(f'terminal="{name}"' in each for name in removed)}

    def take(self, pages: Mapping[int, str]) -> None:
        """One round: what each replica, by its port, answered."""
        self.number += 1
        owners: defaultdict[str, set[int]] = defaultdict(set)
        values: dict[str, float] = {}
        for port, page in pages.items():
            for series, terminal, value in _SERIES.findall(page):
                owners[terminal].add(port)
                values[series] = max(float(value), values.get(series, 0.0))
        for terminal, ports in owners.items():
            if len(ports) > 1 and len(self._before.get(terminal, ())) > 1:
                self.violations.append(f"round {self.number}: {terminal} at {sorted(ports)}, and in the round before")
            if len(ports) == 1:
                self._follow(terminal, *ports)
        for series, value in values.items():
            if value < self._highest.get(series, 0.0):
                self.violations.append(f"round {self.number}: {series} from {self._highest[series]} to {value}")
            self._highest[series] = max(value, self._highest.get(series, 0.0))
        self._last = frozenset(values)
        self._before = {terminal: frozenset(ports) for terminal, ports in owners.items()}
        for terminal in self._former.keys() - owners.keys():
            del self._former[terminal]

    def _follow(self, terminal: str, port: int) -> None:
        last = self._former[terminal] = [*self._former[terminal][-2:], port]
        if len(last) == 3 and last[0] == last[2] != last[1]:
            self.violations.append(f"round {self.number}: {terminal} at {last} in a row")


@contextmanager
def in_rounds(ports: Sequence[int], pause: float = 0.1) -> Iterator[Rounds]:
    """Scrape them in the background for as long as the body runs. A list of ports may grow meanwhile."""
    rounds, over = Rounds(), threading.Event()

    def work() -> None:
        with ThreadPoolExecutor(8) as pool:
            while not over.wait(pause):
                now = tuple(ports)
                rounds.take(dict(zip(now, pool.map(_page, now), strict=True)))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield rounds
    finally:
        over.set()
        thread.join()
