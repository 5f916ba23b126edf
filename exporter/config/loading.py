"""A configuration file in, a Config out, or all that is wrong with the file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from exporter.config.accounts import Roster, accounts
from exporter.config.alerting import alerts, calendar
from exporter.config.document import DocumentBroken, Node, parse
from exporter.config.problems import ConfigInvalid, Problem, Wrong
from exporter.config.records import REQUIRED_WINDOWS, Alerts, Config, Limits, Poll
from exporter.config.settings import (
    DEFAULT_STATE,
    baseline,
    breakdowns,
    limits,
    poll,
    state,
    usual_baseline,
    windows,
)
from exporter.config.tables import reason_classes, shipped_reason_classes, shipped_statuses, statuses
from exporter.config.values import Reading, Value
from exporter.outcomes import Outcomes

_LARGEST: Final = 4 * 1024 * 1024


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in a file, with `${NAME}` taken from `environ`. Raises ConfigInvalid with all problems.

    Secrets' files with relative paths are looked for in the file's own directory, as Prometheus does it, and must be
    readable; the path in `state.url` is relative to the working directory.
    """
    reading = Reading(str(path), path.parent, environ)
    document = _document(path)
    config = _config(Value(reading, "", document.line, document))
    if reading.problems or config is None:
        raise ConfigInvalid(reading.problems)
    return replace(config, doubts=tuple(sorted(reading.doubts, key=lambda each: each.line)))


def _document(path: Path) -> Node:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
        # Windows' editors begin UTF-8 files with a mark that is not part of the text.
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid([Problem(str(path), line, "", "not UTF-8", "save the file as UTF-8")]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigInvalid([Problem(str(path), 0, "", f"cannot be read: {reason}")]) from None
    except DocumentBroken as broken:
        raise ConfigInvalid([Problem(str(path), broken.line, "", broken.text, broken.hint)]) from None


def _config(root: Value) -> Config | None:
    if root.null:
        root.report("the file is empty", "config.example.yaml shows what belongs into it")
        return None
    try:
        section = root.section()
    except Wrong:
        root.report("the file must be a mapping: keys like accounts: and poll: at its left edge")
        return None
    roster = Roster()
    polls = section.get("poll", poll, Poll())
    shown = section.get("windows", windows, REQUIRED_WINDOWS)
    url, lease = section.get("state", state, DEFAULT_STATE)
    return Config(
        accounts=section.need("accounts", lambda value: accounts(value, roster), (), "at least one account is needed"),
        outcomes=Outcomes(
            section.get("outcomes", statuses, shipped_statuses()),
            section.get("reason_codes", reason_classes, shipped_reason_classes()),
        ),
        poll=polls,
        windows=shown,
        breakdowns=section.get("breakdowns", breakdowns, ()),
        limits=section.get("limits", limits, Limits()),
        state_url=url,
        lease=lease,
        baseline=section.get("baseline", lambda value: baseline(value, polls, shown), usual_baseline(polls)),
        calendar=section.get("calendar", lambda value: calendar(value, roster), ()),
        alerts=section.get("alerts", lambda value: alerts(value, roster), Alerts()),
    )
