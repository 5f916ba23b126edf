"""A configuration's doubts, said in the log: nobody runs `check` again after the day on which all was well."""

import structlog

from exporter.config import Config


def tell_doubts(config: Config) -> None:
    """Say what can be used and is hardly meant."""
    for doubt in config.doubts:
        structlog.get_logger("epay.app").warning("configuration is doubtful", reason=str(doubt))
