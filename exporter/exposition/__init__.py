"""A snapshot as Prometheus reads it, in both formats: written piece by piece when it changes, joined for a scrape."""

from exporter.exposition.exposition import Answer, Exposition
from exporter.exposition.picture import FAMILIES
from exporter.exposition.rendering import is_openmetrics, render

__all__ = ["FAMILIES", "Answer", "Exposition", "is_openmetrics", "render"]
