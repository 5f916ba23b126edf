"""YAML and environment in, a frozen Config out; all errors at once."""

from exporter.config.durations import DurationInvalid, format_duration, parse_duration
from exporter.config.loading import load
from exporter.config.problems import ConfigInvalid, Problem
from exporter.config.records import (
    REQUIRED_WINDOWS,
    Account,
    Alerts,
    Baseline,
    CalendarEntry,
    Config,
    Limits,
    Paging,
    Poll,
    Secret,
    SecretUnreadable,
    TerminalFilter,
    Thresholds,
    TokenBody,
)

__all__ = [
    "REQUIRED_WINDOWS",
    "Account",
    "Alerts",
    "Baseline",
    "CalendarEntry",
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
    "Thresholds",
    "TokenBody",
    "format_duration",
    "load",
    "parse_duration",
]
