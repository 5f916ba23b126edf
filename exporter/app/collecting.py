"""How often Python looks for objects that only refer to each other: seldom, in a process that hardly makes any."""

import gc
from typing import Final

RARELY: Final = (10_000, 3, 100)
"""Objects that are new, and rounds of the younger generations, before a generation is looked through.

A page of a thousand records makes thousands of objects, none of which refer to each other in circles: with Python's own
threshold of 700 they are looked through several times for each page, which takes a tenth of the time that counting
takes. All threads stand still meanwhile, some 0.2 ms for a thousand objects. So the younger generations are small; what
has lived for long is looked through after three million new objects. What refers to itself, as errors do, dies young.
"""


def collect_rarely() -> None:
    """What has been built up to now stays, and is not looked at again; the rest is looked through now and then."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)
