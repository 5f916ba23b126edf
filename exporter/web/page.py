"""The status page as HTML: one template and one stylesheet from the package, no script."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

import jinja2
from markupsafe import Markup

from exporter.model import Instant, Snapshot
from exporter.web.status import Missing, Refusal, State, status

REFRESH_SECONDS: Final = 15

_SYMBOLS: Final = {State.TROUBLE: "✕", State.WAITING: "…", State.ATTENTION: "!", State.FINE: "✓"}
"""Beside each colour a symbol and a word: not everybody sees the colour."""


class Page:
    """Renders the page. The stylesheet stands in the page itself and is allowed by its hash alone."""

    def __init__(self, telemetry_path: str, version: str) -> None:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("exporter.web", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["thousands"] = lambda number: f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        style = files("exporter.web").joinpath("templates", "status.css").read_text(encoding="utf-8")
        self._template = environment.get_template("status.html")
        self._constants = {
            "style": Markup(style),  # noqa: S704  # the package's own file
            "telemetry_path": telemetry_path,
            "version": version,
            "refresh": REFRESH_SECONDS,
            "symbols": _SYMBOLS,
            "Missing": Missing,
        }
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def render(self, snapshot: Snapshot, now: Instant, refusal: Refusal | None = None) -> str:
        """The whole page at this moment."""
        return self._template.render(status=status(snapshot, now, refusal), **self._constants)
