"""A snapshot as metric families of prometheus_client, built afresh each time: the plain way.

What the exporter exposes is compared with it, and raced against it.
"""

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from exporter.exposition import catalogue
from exporter.exposition.catalogue import Definition
from exporter.exposition.numbers import major
from exporter.exposition.withdrawal import is_withdrawn
from exporter.model import SECOND, Instant, Snapshot, TerminalSnapshot
from tests.plain.catalogue import gauge
from tests.plain.counters import total_families
from tests.plain.forecasts import forecast_families
from tests.plain.supervision import supervision_families
from tests.plain.windows import window_families


def families(snapshot: Snapshot, now: Instant, exposed: int) -> Iterator[Metric]:
    """All metrics of a snapshot, for a scraper whose last one was the snapshot with sequence `exposed`."""
    read = [each for each in snapshot.terminals if each.read]
    fresh = [each for each in read if not is_withdrawn(each, snapshot, now)]
    yield from total_families(snapshot, exposed)
    yield from window_families(fresh)
    yield from _pending_families(fresh, read)
    yield from forecast_families(fresh, read)
    yield _terminal_info(read)
    yield from _poll_families(snapshot, read, fresh)
    yield from _reconciliation_families(read)
    yield from supervision_families(snapshot.supervision, now)


def _pending_families(fresh: Sequence[TerminalSnapshot], read: Sequence[TerminalSnapshot]) -> Iterator[Metric]:
    pending = gauge(catalogue.PENDING_OPERATIONS)
    for each in fresh:
        pending.add_metric((each.terminal.name,), each.pending)
    yield pending
    yield _instants(catalogue.OLDEST_PENDING, [(each, each.oldest_pending) for each in fresh])
    yield _instants(catalogue.LAST_OPERATION, [(each, each.checkpoint.newest) for each in read])


def _poll_families(
    snapshot: Snapshot, read: Sequence[TerminalSnapshot], fresh: Sequence[TerminalSnapshot]
) -> Iterator[Metric]:
    tried = [each for each in snapshot.terminals if each.tried]
    complete = {each.terminal.name for each in fresh if each.window_complete}
    yield _flags(catalogue.POLL_SUCCESS, [(each, not each.failing) for each in tried])
    yield _instants(catalogue.LAST_POLL_SUCCESS, [(each, each.last_success) for each in snapshot.terminals])
    yield _instants(catalogue.WATERMARK, [(each, each.checkpoint.watermark) for each in snapshot.terminals])
    yield _flags(catalogue.CATCHING_UP, [(each, each.catching_up) for each in read])
    yield _flags(catalogue.WINDOW_COMPLETE, [(each, each.terminal.name in complete) for each in read])
    yield _instants(catalogue.COUNTING_SINCE, [(each, each.checkpoint.counting_since) for each in snapshot.terminals])


def _reconciliation_families(read: Sequence[TerminalSnapshot]) -> Iterator[Metric]:
    operations = gauge(catalogue.RECONCILIATION_OPERATIONS)
    amounts = gauge(catalogue.RECONCILIATION_AMOUNT)
    for each in read:
        if each.difference is not None:
            operations.add_metric((each.terminal.name,), each.difference.operations)
            for currency, amount in each.difference.amounts.items():
                amounts.add_metric((each.terminal.name, currency), major(amount, currency))
    yield operations
    yield amounts


def _terminal_info(terminals: Sequence[TerminalSnapshot]) -> GaugeMetricFamily:
    """One series a terminal, all with the same label names; to Prometheus an empty label is none."""
    own = catalogue.TERMINAL_INFO.labels
    configured = sorted({name for each in terminals for name in each.terminal.labels}.difference(own))
    family = gauge(catalogue.TERMINAL_INFO, configured)
    for each in terminals:
        terminal = each.terminal
        values = [terminal.labels.get(name, "") for name in configured]
        family.add_metric((terminal.name, terminal.id, terminal.account, *values), 1)
    return family


def _instants(definition: Definition, values: Sequence[tuple[TerminalSnapshot, Instant | None]]) -> GaugeMetricFamily:
    """Unix time in seconds by terminal; absent where there is none."""
    family = gauge(definition)
    for each, instant in values:
        if instant is not None:
            family.add_metric((each.terminal.name,), instant / SECOND)
    return family


def _flags(definition: Definition, values: Sequence[tuple[TerminalSnapshot, bool]]) -> GaugeMetricFamily:
    """1 or 0 by terminal."""
    family = gauge(definition)
    for each, flag in values:
        family.add_metric((each.terminal.name,), int(flag))
    return family
