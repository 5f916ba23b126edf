"""The dashboards as code: `python -m grafana.source` writes them anew into grafana/dashboards.

A module a dashboard; what they share is in `frame` (variables, annotations, links, the file), `layout` (where panels
stand), `panels` (kinds of panel), `looks` (colours, units, mappings) and `queries`.
"""
