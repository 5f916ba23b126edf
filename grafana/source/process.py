"""The exporter as a process, and as something that is scraped."""

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries

from grafana.source import looks
from grafana.source.panels import graph, listing
from grafana.source.queries import TERMINAL, query, rows

JOB: Final = 'job=~".*epay.*"'


def panels() -> list[tuple[int, timeseries.Panel]]:
    """What it uses of the machine, and how large its scrapes are."""
    memory = graph(
        "Memory",
        "Resident memory of the exporter.",
        [query("A", f"process_resident_memory_bytes{{{JOB}}}", "{{instance}}")],
        looks.BYTES,
        soft_most=100_000_000,
        decimals=0,
    )
    cpu = graph(
        "Processor",
        "Processor time of the exporter by time passed: 1 is a whole core.",
        [query("A", f"rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])", "{{instance}}")],
        looks.SHARE,
        soft_most=0.1,
        decimals=1,
    )
    series = graph(
        "Samples a scrape",
        "Samples of each scrape, and operations a second that stand under code other because a terminal has too many codes.",
        [
            query("A", f"scrape_samples_scraped{{{JOB}}}", "samples {{instance}}"),
            query("B", f"sum(increase(epay_label_overflow_total{{{TERMINAL}}}[1h]))", "operations under other, 1h"),
        ],
        looks.COUNT,
        soft_most=1000,
        decimals=0,
    )
    scrape = graph(
        "Scrape",
        "How long Prometheus takes to scrape the exporter.",
        [query("A", f"scrape_duration_seconds{{{JOB}}}", "{{instance}}")],
        looks.SECONDS,
        soft_most=0.1,
    )
    return [(6, cpu), (6, memory), (6, series), (6, scrape)]


def versions() -> table.Panel:
    """Which version runs."""
    return listing(
        "Version",
        "What is running.",
        [rows("A", f"max by (instance, version, revision, python_version) (epay_exporter_build_info{{{JOB}}})")],
        {"Instance": [], "Version": [], "Revision": [], "Python": []},
        {"instance": "Instance", "version": "Version", "revision": "Revision", "python_version": "Python"},
        nothing="no exporter is scraped",
        hidden=("Value",),
    )
