"""The status page as HTML: one template and one stylesheet from the package for all languages, no script."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

import jinja2
from markupsafe import Markup

from exporter.model import Instant, Snapshot
from exporter.web import texts
from exporter.web.status import Missing, Refusal, State, status
from exporter.web.texts import OWN_NAMES, Language
from exporter.web.voice import Voice

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
        style = files("exporter.web").joinpath("templates", "status.css").read_text(encoding="utf-8")
        self._template = environment.get_template("status.html")
        self._constants = {
            "style": Markup(style),  # noqa: S704  # the package's own file
            "telemetry_path": telemetry_path,
            "version": version,
            "refresh": REFRESH_SECONDS,
            "symbols": _SYMBOLS,
            "missing_words": {Missing.NOT_YET: texts.NOT_YET, Missing.TOO_OLD: texts.TOO_OLD},
            "text": texts,
            "languages": OWN_NAMES,
        }
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def render(
        self,
        snapshot: Snapshot,
        now: Instant,
        refusal: Refusal | None = None,
        *,
        language: Language = Language.ENGLISH,
    ) -> str:
        """The whole page at this moment."""
        voice = Voice(language)
        return self._template.render(
            status=status(snapshot, now, refusal, voice=voice),
            language=language,
            say=voice.say,
            number=voice.number,
            **self._constants,
        )
