"""Every key that a configuration can have, by the mapping that it stands in."""

from collections.abc import Mapping
from typing import Final

SECRETS: Final = ("username", "password", "client_id", "client_secret")

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "": (
        "accounts",
        "poll",
        "windows",
        "outcomes",
        "reason_codes",
        "breakdowns",
        "limits",
        "state",
        "baseline",
        "calendar",
        "alerts",
    ),
    "accounts[]": (
        "name",
        "environment",
        "token_url",
        "operations_url",
        "token_body",
        *SECRETS,
        *(f"{secret}_file" for secret in SECRETS),
        "scope",
        "period_field",
        "terminal_filter",
        "paging",
        "ca_file",
        "proxy_url",
        "proxy_url_file",
        "terminals",
    ),
    "accounts[].terminals[]": ("id", "number", "name", "labels"),
    "poll": (
        "interval",
        "lookback",
        "sweep_interval",
        "max_gap",
        "follow_pending",
        "page_size",
        "timeout",
        "max_concurrency",
        "requests_per_second",
    ),
    "limits": ("max_codes_per_terminal", "max_breakdown_values", "max_response_bytes"),
    "state": ("url", "lease"),
    "baseline": ("weeks", "windows", "history", "history_requests_per_second"),
    "calendar[]": ("from", "to", "kind", "terminals"),
    "alerts": ("defaults", "terminals"),
}
"""Mapping → its keys; `[]` stands for any entry of a list. Mappings with keys of the user's own are not listed."""
