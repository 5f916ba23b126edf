"""How often Python looks for objects that only refer to each other: seldom, in a process that hardly makes any."""

import gc
from typing import Final

RARELY: Final = (50_000, 20, 10)
"""Objects that are new, and rounds of the younger generations, before a generation is looked through.

A page of a thousand records makes thousands of objects, none of which refer to each other in circles: with Python's own
threshold of 700 they are looked through several times for each page, which takes a tenth of the time that counting
takes. What is held back instead is some megabytes at most.
"""


def collect_rarely() -> None:
    """What has been built up to now stays, and is not looked at again; the rest is looked through now and then."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)
