"""One line for each event that matters, on stderr: logfmt as Prometheus writes it, JSON, or for people.

Whatever reaches a line passes here last: known secrets are masked in every field, exceptions and tracebacks included,
and no value can break out of its line or steer a terminal.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("logfmt", "json", "console")

_MASK: Final = "***"
_SHORTEST_SECRET: Final = 4
"""Shorter ones would blacken half of every line, and are none."""
_OWN_FIELDS: Final = ("ts", "level")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BARE: Final = re.compile(r'[^\s="\\\x00-\x1f]+')
_NOT_IN_KEYS: Final = re.compile(rf'[\s="]|{_CONTROL.pattern}')


def configure(level: str, format: str, secrets: Iterable[str] = ()) -> None:  # noqa: A002  # the flag's own name
    """Send structlog's and the standard library's records to stderr; may be called again, then it replaces all.

    Libraries speak from warning upwards only: their chatter is not about the bank.
    """
    _MASKING.know(secrets)
    threshold = getattr(logging, level.upper())
    finish: list[Processor] = [
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        _MASKING,
        _in_order,
        *_renderers(format),
    ]
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    structlog.configure(
        processors=[*shared, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=_STDERR),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(_STDERR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(threshold, logging.WARNING))


def mask(secrets: Iterable[str]) -> None:
    """Mask these secrets as well from now on, also in what loggers say that were made before."""
    _MASKING.know(secrets, also=True)


class _Stderr:
    """Stderr as it is at the time of writing, should somebody have put another in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STDERR: Final[Any] = _Stderr()


class _Handler(logging.StreamHandler[Any]):
    """Ours, to be told from other people's when it is replaced."""


class _Masking:
    """Replaces every known secret in every field, and brings all values into a form that can be rendered.

    There is one for all loggers, since a bound logger keeps the processors that it was made with.
    """

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._secrets: re.Pattern[str] | None = None

    def know(self, secrets: Iterable[str], *, also: bool = False) -> None:
        """Replace these from now on; `also`: and those known before."""
        self._known = frozenset(secrets) | (self._known if also else frozenset())
        forms = {form for secret in self._known if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)  # one secret may hold another
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        return {
            key if key in _OWN_FIELDS else self._text(str(key)): value if key in _OWN_FIELDS else self._plain(value)
            for key, value in event.items()
        }

    def _text(self, text: str) -> str:
        return self._secrets.sub(_MASK, text) if self._secrets else text

    def _plain(self, value: object) -> Any:
        """The value made of nothing but texts, numbers, dicts and lists."""
        match value:
            case None | bool():
                return value
            case str():
                return self._text(str(value))
            case int() | float():
                text = str(value)
                masked = self._text(text)
                finite = not isinstance(value, float) or math.isfinite(value)
                return value if masked == text and finite else masked
            case Mapping():
                return {self._text(str(key)): self._plain(each) for key, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._plain(each) for each in value]
            case bytes():
                return self._text(value.decode("utf-8", "backslashreplace"))
            case BaseException():
                return self._text(str(value) or type(value).__name__)
            case _:
                return self._text(str(value))


_MASKING: Final = _Masking()


def _forms(secret: str) -> set[str]:
    """A secret as it may meet us: as it is, in a form's body, in JSON, in a repr, and in a repr of any of these."""
    forms = {secret, quote(secret, safe=""), quote_plus(secret)}
    for _ in range(2):
        forms |= {json.dumps(form)[1:-1] for form in forms}
        forms |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
        forms |= {repr(form)[1:-1] for form in forms}
    return forms


def _in_order(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """ts, level and msg first, whatever else there is; milliseconds are enough."""
    ts, level, msg = event.pop("ts"), event.pop("level"), event.pop("event", "")
    return {"ts": f"{ts[:-4]}Z", "level": level, "msg": msg, **event}


def _renderers(name: str) -> list[Processor]:
    match name:
        case "logfmt":
            return [_logfmt]
        case "json":
            return [structlog.processors.JSONRenderer(sort_keys=False)]
        case "console":
            console = structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), event_key="msg", timestamp_key="ts", sort_keys=False
            )
            return [_escaped, console]
    raise ValueError(f"no such log format: {name}")


def _logfmt(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """`key=value` pairs on one line. structlog's own renderer leaves carriage returns and escape codes as they are."""
    return " ".join(f"{_NOT_IN_KEYS.sub('_', key) or '_'}={_logfmt_value(value)}" for key, value in event.items())


def _logfmt_value(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _BARE.fullmatch(text) and not _CONTROL.search(text):
        return text
    return _CONTROL.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _escaped(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """For the console: no value but a traceback may hold line breaks or steer the terminal."""

    def text(value: object, *, keep: str = "") -> object:
        if not isinstance(value, str):
            return value
        return _CONTROL.sub(lambda match: match[0] if match[0] in keep else _escape(match), value)

    return {str(text(key)): text(value, keep="\n\t" if key == "exception" else "") for key, value in event.items()}
