"""The shipped alert rules: where they are, and what they say as one Prometheus rule file.

The files in `grafana/alerts` are the source of truth. A wheel carries them as `data/alerts` in the package; an editable
installation reads them where they lie.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

FILES: Final = (
    "recording.yaml",
    "availability.yaml",
    "volume.yaml",
    "amount.yaml",
    "integrity.yaml",
    "exporter.yaml",
)
"""In the order of their printing. Recorded series come first: the others ask for them."""

GRAFANA_URL: Final = "http://localhost:3000"
RUNBOOK_URL: Final = "https://github.com/epay-exporter/epay-exporter/blob/main/docs/runbooks.md"

_GROUPS: Final = "groups:\n"
_DEFAULT_INTERVAL: Final = "1m"  # Prometheus' own evaluation_interval where none is configured
_URL: Final = re.compile(r"https?://[A-Za-z0-9\-._~:/?@!$&()*+,;=%\[\]]+")
_ANCHOR: Final = re.compile(r"(?<=: )([&*])(\w+)(?=\s)")
_HEADER: Final = """\
# Alert and recording rules of epay-exporter {version}, for Prometheus 2.42 and newer: name this file in `rule_files`.
# No terminal and no threshold is written here: thresholds come from the exporter's configuration, as the series
# epay_alert_threshold, and a reload of the exporter changes them.

"""


class RulesMissing(Exception):
    """The installation carries no rules, or not all of them."""


class LinkInvalid(ValueError):
    """A base for links that cannot stand in a rule file."""


class Links(NamedTuple):
    """Where dashboards and runbooks are: the bases of `dashboard_url` and `runbook_url`."""

    grafana: str = GRAFANA_URL
    runbooks: str = RUNBOOK_URL


OURS: Final = Links()


class AlertRule(NamedTuple):
    """One alert rule. Durations are Prometheus' own words, empty where the rule says nothing."""

    group: str
    interval: str
    name: str
    expression: str
    pending_for: str
    keep_firing_for: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def link_base(text: str) -> str:
    """A base for links without the slash at its end; LinkInvalid where it would break the file or the link."""
    if not _URL.fullmatch(text):
        raise LinkInvalid("an http or https address without blanks, quotes, braces and # is wanted")
    return text.rstrip("/")


def alerts(links: Links = OURS) -> tuple[AlertRule, ...]:
    """Every alert rule, in the order of the files."""
    return tuple(alert for name, text in texts(links) if name != FILES[0] for alert in _alerts(text))


def prometheus(version: str, links: Links = OURS) -> str:
    """All rules as one Prometheus rule file, comments included."""
    parts = []
    for name, text in texts(links):
        before, groups, after = _with_own_anchors(name, text).partition(_GROUPS)
        if not groups or _GROUPS in after:
            raise RulesMissing(f"{name} has no list of groups of its own")
        parts.append((before, after))
    body = "\n".join(f"{before}{after}" for before, after in parts[1:])
    first_before, first_after = parts[0]
    return _HEADER.format(version=version) + f"{first_before}{_GROUPS}{first_after}\n{body}"


def texts(links: Links = OURS) -> Iterator[tuple[str, str]]:
    """Name and content of each file, with the links led where they are wanted. RulesMissing where one is not there."""
    directory = _directory()
    for name in FILES:
        try:
            text = (directory / name).read_text(encoding="utf-8")
        except OSError as error:
            raise RulesMissing(f"{name} cannot be read: {error.strerror}") from None
        yield name, text.replace(RUNBOOK_URL, links.runbooks).replace(GRAFANA_URL, links.grafana)


def _with_own_anchors(name: str, text: str) -> str:
    """Two files may give an anchor the same name; in one document that would be a mistake."""
    return _ANCHOR.sub(rf"\1\2_{name.removesuffix('.yaml')}", text)


def _directory() -> Traversable:
    package = files("exporter")
    shipped = package / "data" / "alerts"
    if shipped.is_dir():
        return shipped
    checkout = Path(str(package)).parent / "grafana" / "alerts"
    if checkout.is_dir():
        return checkout
    raise RulesMissing("this installation carries no alert rules")


def _alerts(text: str) -> Iterator[AlertRule]:
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                yield _alert(group, rule)


def _alert(group: Mapping[str, Any], rule: Mapping[str, Any]) -> AlertRule:
    return AlertRule(
        group=group["name"],
        interval=group.get("interval", _DEFAULT_INTERVAL),
        name=rule["alert"],
        expression=str(rule["expr"]),
        pending_for=rule.get("for", ""),
        keep_firing_for=rule.get("keep_firing_for", ""),
        labels=rule.get("labels", {}),
        annotations=rule.get("annotations", {}),
    )
