"""A configuration's secrets: whether they can be read, and what logs must mask."""

import contextlib

from exporter.config import Config, Secret, SecretUnreadable


def unreadable_secrets(config: Config) -> tuple[str, ...]:
    """One line for each secret that cannot be read."""
    problems = []
    for secret in _credentials(config):
        try:
            secret.read()
        except SecretUnreadable as error:
            problems.append(str(error))
    return tuple(problems)


def readable_secrets(config: Config) -> tuple[str, ...]:
    """The values to be masked in logs."""
    values = []
    for secret in _credentials(config):
        with contextlib.suppress(SecretUnreadable):
            values.append(secret.read())
    return tuple(values)


def _credentials(config: Config) -> tuple[Secret, ...]:
    return tuple(
        secret
        for account in config.accounts
        for secret in (account.username, account.password, account.client_id, account.client_secret)
    )
