"""A configuration's `ca_file`s: which of their certificates have ended."""

import contextlib
from datetime import UTC, datetime

import structlog

from exporter.app.clock import wall_clock
from exporter.config import Config
from exporter.config.authorities import AuthoritiesUnusable, authorities
from exporter.model import SECOND, Instant


def expired_authorities(config: Config, now: Instant) -> tuple[str, ...]:
    """One line for each certificate that has ended. Others in the same file may still do, so this stops nothing."""
    lines = []
    for index, account in enumerate(config.accounts):
        if account.ca_file is None:
            continue
        with contextlib.suppress(AuthoritiesUnusable):  # is said where the file is read to be used
            for each in authorities(account.ca_file):
                if each.ends * SECOND < now:
                    day = datetime.fromtimestamp(each.ends, UTC)
                    lines.append(
                        f'accounts[{index}].ca_file: {account.ca_file}: the certificate of "{each.name}" '
                        f"has expired on {day:%Y-%m-%d}"
                    )
    return tuple(lines)


def warn_of_expired_authorities(config: Config) -> None:
    """Say in the log which certificates have ended."""
    for line in expired_authorities(config, wall_clock()):
        structlog.get_logger("epay.app").warning("certificate has expired", reason=line)
