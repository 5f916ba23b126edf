"""YAML and environment in, a frozen Config out; all errors at once."""

from exporter.config.durations import DurationInvalid, format_duration, parse_duration
from exporter.config.loading import load
from exporter.config.problems import ConfigInvalid, Problem
from exporter.config.records import (
    REQUIRED_WINDOWS,
    Account,
    Alerts,
    Baseline,
    Config,
    Limits,
    Paging,
    Poll,
    Secret,
    SecretUnreadable,
    TerminalFilter,
    TokenBody,
)
from exporter.config.urls import shown_state, state_kind, state_secrets

__all__ = [
    "REQUIRED_WINDOWS",
    "Account",
    "Alerts",
    "Baseline",
    "Config",
    "ConfigInvalid",
    "DurationInvalid",
    "Limits",
    "Paging",
    "Poll",
    "Problem",
    "Secret",
    "SecretUnreadable",
    "TerminalFilter",
    "TokenBody",
    "format_duration",
    "load",
    "parse_duration",
    "shown_state",
    "state_kind",
    "state_secrets",
]
