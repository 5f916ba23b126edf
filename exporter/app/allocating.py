"""One heap for all threads: what one of them gives back, another one can have."""

import ctypes
from collections.abc import Mapping
from typing import Any, Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of glibc's malloc.h


def use_one_heap(environ: Mapping[str, str], library: Any = None) -> bool:
    """Have glibc's malloc take everything from one arena; whether that was done. To be called before threads begin.

    Otherwise each thread has its own, which keeps what was free at its busiest moment for itself: polls, scrapes, what
    prepares them and the store each hold their peak, together 30 MB of 280 with a thousand terminals. Threads of Python
    hardly ever allocate at the same time, so sharing costs them nothing. Other C libraries have no such call and need
    none; who has set MALLOC_ARENA_MAX, or the tunable of its name, has decided. `library`: in place of what the process
    is linked with.
    """
    if "MALLOC_ARENA_MAX" in environ or "arena_max" in environ.get("GLIBC_TUNABLES", ""):
        return False
    try:
        mallopt = (ctypes.CDLL(None) if library is None else library).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS; Windows has no library without a name
        return False
    return bool(mallopt(_ARENA_MAX, 1) == 1)
