"""Whether files have changed since they were last looked at."""

from collections.abc import Iterable
from pathlib import Path

Signature = tuple[tuple[int, int, int, int] | None, ...]


def signature(files: Iterable[Path]) -> Signature:
    """What changes when any of the files does. A file that cannot be looked at has none, and raises nothing."""
    found: list[tuple[int, int, int, int] | None] = []
    for file in files:
        try:
            stat = file.stat()
        except (OSError, ValueError):
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)
