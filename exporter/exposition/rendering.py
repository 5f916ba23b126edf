"""The exporter's own metrics as bytes: the text format, or OpenMetrics where the scraper prefers it."""

from collections.abc import Collection, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


def render(sources: Iterable[Iterable[Metric]], accept: str, taken: Collection[str] = frozenset()) -> tuple[bytes, str]:
    """All families of all sources and their content type, in the format that an Accept header asks for.

    `taken` are names of families that are exposed beside these.
    """
    encode, content_type = choose_encoder(accept)
    return encode(_Joined(sources, taken)), content_type


def is_openmetrics(content_type: str) -> bool:
    """Whether a content type is that of OpenMetrics, and not of the text format."""
    return content_type.startswith("application/openmetrics-text")


class _Joined(Collector):
    """Several sources as one collector, which is what the encoders take."""

    def __init__(self, sources: Iterable[Iterable[Metric]], taken: Collection[str]) -> None:
        self._sources = sources
        self._taken = taken

    def collect(self) -> Iterator[Metric]:
        """Each family once: both formats forbid a second, and Prometheus would drop the whole scrape for it."""
        seen = set(self._taken)
        for source in self._sources:
            for family in source:
                if family.name in seen:
                    raise ValueError(f"two sources expose {family.name}")
                seen.add(family.name)
                yield _without_created(family)


def _without_created(family: Metric) -> Metric:
    """The family without its `_created` series: they double the number of series, and nobody asks for them."""
    if not any(sample.name.endswith("_created") for sample in family.samples):
        return family
    lean = Metric(family.name, family.documentation, family.type, family.unit)
    lean.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return lean
