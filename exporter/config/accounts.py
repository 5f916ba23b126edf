"""Reads `accounts`: logins, addresses, terminals, and that none of them is there twice."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from exporter.config.authorities import AuthoritiesUnusable, trust
from exporter.config.keys import SECRETS
from exporter.config.leaves import choice, label, secret, text, word
from exporter.config.problems import Wrong
from exporter.config.proxies import proxy
from exporter.config.records import Account, Paging, Secret, SecretUnreadable, TerminalFilter, TokenBody
from exporter.config.urls import http_url
from exporter.config.values import Section, Value, attempt, each, joined
from exporter.model import Terminal

_LABEL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TAKEN_LABELS: Final = ("terminal", "terminal_id", "account")


class Environment(StrEnum):
    """Which of the bank's systems."""

    TEST = "test"
    PRODUCTION = "production"


PRESETS: Final[Mapping[Environment, tuple[str, str]]] = {
    Environment.TEST: (
        "https://testoauth.homebank.kz/epay2/oauth2/token",
        "https://testepay.homebank.kz/api/p2p/operations",
    ),
    # operations_url: from the newer Russian page of the bank's documentation only.
    Environment.PRODUCTION: (
        "https://epay-oauth.homebank.kz/oauth2/token",
        "https://epay.homebank.kz/api/p2p/operations",
    ),
}
"""token_url and operations_url by environment, as documented by the bank."""


@dataclass(slots=True)
class Roster:
    """Names met so far and where.

    `unread` counts the places where a terminal's name may stand that could not be read (to begin with: the whole file);
    while there are some, a name that is not in the roster may still exist.
    """

    accounts: dict[str, Value] = field(default_factory=dict)
    terminals: dict[str, Value] = field(default_factory=dict)
    unread: int = 1

    def knows(self, value: Value) -> str:
        """Reads the name of a terminal that is configured."""
        name = label(value)
        self.check(name)
        return name

    def check(self, name: str) -> None:
        """Raises Wrong where no terminal has this name."""
        if not self.unread and name not in self.terminals:
            raise Wrong("no terminal has this name", "names are given under accounts, terminals, name")


def accounts(value: Value, roster: Roster) -> tuple[Account, ...]:
    """All accounts; the roster is filled on the way."""
    count = len(value.items())
    if not count:
        raise Wrong("at least one account is needed")
    roster.unread += count - 1
    return tuple(each(value, lambda item: _account(item, roster)))


def _account(value: Value, roster: Roster) -> Account:
    section = value.section()
    name = section.get("name", label, "main")
    if section.sound("name"):
        _once(roster.accounts, name, section.at("name"), "name")
    urls = _urls(section)
    no_terminals: tuple[Terminal, ...] = ()
    secrets = {key: _secret(section, key) for key in SECRETS}
    return Account(
        name=name,
        token_url=urls[0],
        operations_url=urls[1],
        username=secrets["username"],
        password=secrets["password"],
        client_id=secrets["client_id"],
        client_secret=secrets["client_secret"],
        terminals=section.need("terminals", lambda value: _terminals(value, name, roster), no_terminals),
        scope=section.get("scope", text, "transfer"),
        token_body=section.get("token_body", choice(TokenBody), TokenBody.FORM_DATA),
        period_field=section.get("period_field", word(("created_at", "created_date")), "created_at"),
        terminal_filter=section.get("terminal_filter", choice(TerminalFilter), TerminalFilter.SERVER),
        paging=section.get("paging", choice(Paging), Paging.OFFSET),
        ca_file=section.get("ca_file", _ca_file, None),
        proxy_url=_proxy(section),
    )


def _urls(section: Section) -> tuple[str, str]:
    """Both addresses. One that is given replaces the preset; one alone needs an environment for the other.

    With neither addresses nor environment the test system is read: it can do no harm, and a minimal file works.
    """
    environment = section.get("environment", choice(Environment), Environment.TEST)
    token_url, operations_url = PRESETS[environment]
    own = section.get("token_url", http_url, token_url), section.get("operations_url", http_url, operations_url)
    given = [key for key in ("token_url", "operations_url") if key in section]
    if "environment" not in section and section.sound("environment") and len(given) == 1:
        other = "operations_url" if given == ["token_url"] else "token_url"
        if section.sound(other):
            section.missing(other, "give both URLs, or set environment to test or production")
    return own


def _proxy(section: Section) -> Secret | None:
    """The URL of a proxy, in which a password may stand: a secret, but one that may be left out."""
    given = any(key in section or not section.sound(key) for key in ("proxy_url", "proxy_url_file"))
    return _secret(section, "proxy_url", proxy) if given else None


def _ca_file(value: Value) -> Path:
    """A file of certificates, which must be usable already now: at the first login it would be too late."""
    said = text(value)
    file = value.reading.directory / said
    try:
        trust(file)
    except AuthoritiesUnusable as unusable:
        raise Wrong(f"the file cannot be used: {unusable.reason}", unusable.hint or _where(value, said)) from None
    return file


def _secret(section: Section, key: str, check: Callable[[str], object] = lambda _: None) -> Secret:
    """A credential, outright or as a file, and never both. `check` raises Wrong of what cannot be right."""
    file_key, path = f"{key}_file", joined(section.value.path, key)

    def checked(value: Value) -> str:
        said = secret(value)
        check(said)
        return said

    outright = section.get(key, checked, "")
    file = section.get(file_key, lambda value: _secret_file(value, path, check), None)
    if key in section and file_key in section:
        section.at(file_key).report(f"given together with {key}", "keep one of the two")
    elif key not in section and file_key not in section and section.sound(key, file_key):
        section.missing(key, f"give {key} or {file_key}")
    return Secret(path, None if file else outright, file)


def _secret_file(value: Value, key: str, check: Callable[[str], object]) -> Path:
    """The file of a credential, which must be readable already now: at the first login it would be too late.

    A relative path begins at the directory of the configuration file, as in Prometheus. No error shows the path: it
    may be the password itself, written behind the wrong key.
    """
    said = text(value)
    file = value.reading.directory / said
    try:
        check(Secret(key, file=file).read())
    except SecretUnreadable as unreadable:
        raise Wrong(f"the file cannot be used: {unreadable.reason}", _where(value, said)) from None
    return file


def _where(value: Value, said: str) -> str:
    """Where a path begins, for those that do not say it themselves."""
    return "" if Path(said).is_absolute() else f"relative paths begin in {value.reading.directory.absolute()}"


def _terminals(value: Value, account: str, roster: Roster) -> tuple[Terminal, ...]:
    count = len(value.items())
    if not count:
        raise Wrong("at least one terminal is needed")
    roster.unread += count - 1
    ids: dict[str, Value] = {}
    numbers: dict[str, Value] = {}

    def read(item: Value) -> Terminal:
        section = item.section()
        id_ = section.need("id", label, "")
        number = section.get("number", label, id_)
        # An id that is there twice would repeat itself as number and name; that is one mistake.
        fresh = section.sound("id") and _once(ids, id_, section.at("id"), "id")
        if section.sound("number") and ("number" in section or fresh):
            _once(numbers, number, section.at("number", "id"), "number")
        name = section.get("name", label, id_)
        if section.sound("name") and ("name" in section or section.sound("id")):
            roster.unread -= 1
            if "name" in section or fresh:
                _once(roster.terminals, name, section.at("name", "id"), "name")
        return Terminal(id_, number, name, account, section.get("labels", _labels, {}))

    return tuple(each(value, read))


def _once(met: dict[str, Value], text: str, value: Value, what: str) -> bool:
    """Whether a text is new here; where not, that is reported without repeating the text."""
    first = met.setdefault(text, value)
    if first is not value:
        value.report(f"the same {what} as {first.path} on line {first.line}", f"each needs a {what} of its own")
    return first is value


def _labels(value: Value) -> dict[str, str]:
    labels = {}
    for name, item in value.entries():
        if not _LABEL_NAME.fullmatch(name):
            item.report("not a label name", "letters, digits and _, not beginning with a digit")
        elif name.startswith("__"):
            item.report("label names that begin with __ belong to Prometheus")
        elif name in _TAKEN_LABELS:
            item.report("this label is already there", f"taken: {', '.join(_TAKEN_LABELS)}")
        else:
            labels[name] = attempt(item, text, "")
    return labels
