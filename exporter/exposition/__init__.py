"""A snapshot as Prometheus reads it: metric families, built fresh for each scrape, and the two text formats."""

from exporter.exposition.families import families
from exporter.exposition.rendering import render

__all__ = ["families", "render"]
