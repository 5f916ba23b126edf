"""The catalogue's definitions as families of prometheus_client, without samples."""

from collections.abc import Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from exporter.exposition.catalogue import Definition


def counter(definition: Definition) -> CounterMetricFamily:
    """The format adds `_total` by itself."""
    return CounterMetricFamily(definition.family, definition.help, labels=definition.labels)


def gauge(definition: Definition, further_labels: Sequence[str] = ()) -> GaugeMetricFamily:
    """With labels beyond those of the catalogue where they are given."""
    return GaugeMetricFamily(definition.name, definition.help, labels=(*definition.labels, *further_labels))


def histogram(definition: Definition) -> HistogramMetricFamily:
    """A family whose metrics are added with their cumulative buckets."""
    return HistogramMetricFamily(definition.name, definition.help, labels=definition.labels)
