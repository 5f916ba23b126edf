"""What is remembered of the operations of one account: by id, and by terminal and minute."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from exporter.model import MINUTE, Checkpoint, Entry, Instant, Outcome


class Book:
    """One terminal's operations by the minute they were created in, and those of them that are pending."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.pending: dict[bytes, Entry] = {}
        self._minutes: defaultdict[int, dict[bytes, Entry]] = defaultdict(dict)

    def put(self, entry: Entry) -> None:
        """Take an entry in; the same id must not be held under another minute."""
        self._minutes[entry.created // MINUTE][entry.id] = entry
        if entry.key.outcome is Outcome.PENDING:
            self.pending[entry.id] = entry
        else:
            self.pending.pop(entry.id, None)

    def remove(self, entry: Entry) -> None:
        """Let an entry go."""
        minute = entry.created // MINUTE
        self._minutes[minute].pop(entry.id, None)
        if not self._minutes[minute]:
            del self._minutes[minute]
        self.pending.pop(entry.id, None)

    def since(self, instant: Instant) -> Iterator[Entry]:
        """The entries created at or after an instant, in no order, and some of the minute before it."""
        first = instant // MINUTE
        for minute, entries in self._minutes.items():
            if minute >= first:
                yield from entries.values()

    def before(self, instant: Instant) -> Iterator[Entry]:
        """The entries of all minutes that ended at or before an instant."""
        last = instant // MINUTE
        for minute, entries in self._minutes.items():
            if minute < last:
                yield from entries.values()


class Shelf:
    """The books of an account, and one index of ids over them: an id counts once, whatever terminal it turns up at."""

    def __init__(self, checkpoints: Iterable[tuple[str, Checkpoint]]) -> None:
        self.books = {name: Book(checkpoint) for name, checkpoint in checkpoints}
        self._entries: dict[bytes, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, id_: bytes) -> Entry | None:
        """The entry with this id, where it is remembered."""
        return self._entries.get(id_)

    def put(self, entry: Entry) -> None:
        """Take an entry in, in place of the one with the same id."""
        self.drop(entry.id)
        self._entries[entry.id] = entry
        self.books[entry.key.terminal].put(entry)

    def drop(self, id_: bytes) -> None:
        """Let an id go; one that is not held is no error."""
        entry = self._entries.pop(id_, None)
        if entry is not None:
            self.books[entry.key.terminal].remove(entry)
