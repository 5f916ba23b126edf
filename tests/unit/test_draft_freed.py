"""What a decision was made from is given back at once, and not when garbage is collected."""

import gc
import weakref

from exporter.ledger.draft import Draft
from exporter.model import SECOND, Operations
from tests.builders import T0, ledger, operation, reading


def test_a_draft_is_gone_with_the_last_that_holds_it() -> None:
    book = ledger()
    gc.collect()
    gc.disable()
    try:
        draft = Draft(book._memory, T0 + SECOND, (), 0, unknown=(), again=False)
        draft.meet(Operations.of([operation("a")]))
        draft.close(reading([operation("a")]))
        draft.decision()
        gone = weakref.ref(draft)
        del draft

        assert gone() is None
    finally:
        gc.enable()
