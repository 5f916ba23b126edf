"""A configuration's secrets: whether they can be read, and what logs must mask."""

import contextlib

from exporter.config import Config, Secret, SecretUnreadable, state_secrets
from exporter.config.problems import Wrong
from exporter.config.proxies import proxy


def unreadable_secrets(config: Config) -> tuple[str, ...]:
    """One line for each secret that cannot be read."""
    problems = []
    for secret in (*_credentials(config), *_proxies(config)):
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
    for secret in _proxies(config):
        with contextlib.suppress(SecretUnreadable, Wrong):
            values.extend(proxy(secret.read()).secrets)  # its password, not its address
    return (*values, *state_secrets(config.state_url))


def _credentials(config: Config) -> tuple[Secret, ...]:
    return tuple(
        secret
        for account in config.accounts
        for secret in (account.username, account.password, account.client_id, account.client_secret)
    )


def _proxies(config: Config) -> tuple[Secret, ...]:
    return tuple(account.proxy_url for account in config.accounts if account.proxy_url is not None)
