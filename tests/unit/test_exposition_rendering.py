"""The two formats and who gets which."""

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily

from exporter.exposition import render

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


def gauge(name: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, f"The gauge {name}.", value=value)


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain", "nonsense;;=,"])
def test_the_text_format_is_what_anybody_gets(accept: str) -> None:
    body, content_type = render([[gauge("a", 1)], [gauge("b", 2)]], accept)

    assert content_type.startswith("text/plain; version=0.0.4")
    assert body == (b"# HELP a The gauge a.\n# TYPE a gauge\na 1.0\n# HELP b The gauge b.\n# TYPE b gauge\nb 2.0\n")


@pytest.mark.parametrize("accept", ["application/openmetrics-text", PROMETHEUS_2, PROMETHEUS_3])
def test_openmetrics_is_what_prometheus_gets(accept: str) -> None:
    body, content_type = render([[gauge("a", 1)]], accept)

    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"a 1.0\n# EOF\n")


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_no_created_series(accept: str) -> None:
    registry = CollectorRegistry()
    Counter("things_total", "Counted things.", registry=registry).inc()

    body, _ = render([registry.collect()], accept)

    assert b"things_total 1.0" in body
    assert b"_created" not in body


def test_a_family_from_two_sources_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="two sources expose a"):
        render([[gauge("a", 1)], [gauge("a", 2)]], "")
