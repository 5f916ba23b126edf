"""config.example.yaml explains every key that there is, and no other; it is itself a configuration that works."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config import Baseline, Limits, Poll, load
from exporter.config.document import Items, Node, Pairs, parse
from exporter.config.keys import KEYS
from exporter.thresholds import CATALOGUE, Alert

EXAMPLE = Path(__file__).parent.parent.parent / "config.example.yaml"
ENVIRON = {
    "EPAY_USERNAME": "user",
    "EPAY_PASSWORD": "password",
    "EPAY_CLIENT_ID": "client",
    "EPAY_CLIENT_SECRET": "secret",
}
# The contract's configuration block, key by key, the way to the bank, and how long leases last.
CONTRACT = {
    "": "accounts poll windows outcomes reason_codes breakdowns limits state baseline calendar alerts",
    "accounts[]": "name environment token_url operations_url token_body username username_file password password_file"
    " client_id client_id_file client_secret client_secret_file scope period_field terminal_filter paging"
    " ca_file proxy_url proxy_url_file terminals",
    "accounts[].terminals[]": "id number name labels",
    "poll": "interval lookback sweep_interval max_gap follow_pending page_size timeout max_concurrency"
    " requests_per_second",
    "limits": "max_codes_per_terminal max_breakdown_values max_response_bytes",
    "state": "url lease",
    "baseline": "weeks windows history history_requests_per_second",
    "calendar[]": "from to kind terminals",
    "alerts": "defaults terminals",
}


def uncommented(text: str) -> str:
    """The example with the alternatives switched on that it shows as comments."""
    return re.sub(r"^( +)# ([a-z_]+: \S+)$", r"\1\2", text, flags=re.MULTILINE)


def found(node: Node, place: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a document that the schema must know, with the place where it stands."""
    if isinstance(node, Items):
        for item in node.nodes:
            yield from found(item, f"{place}[]")
    elif isinstance(node, Pairs) and place in KEYS:
        for key, value in node.nodes:
            yield place, key.text
            yield from found(value, f"{place}.{key.text}" if place else key.text)


def test_the_schema_has_the_contracts_keys_and_no_others() -> None:
    assert {place: set(keys) for place, keys in KEYS.items()} == {
        place: set(keys.split()) for place, keys in CONTRACT.items()
    }


def test_the_example_has_every_key_of_the_schema_and_no_other() -> None:
    shown = set(found(parse(uncommented(EXAMPLE.read_text(encoding="utf-8")))))
    assert shown == {(place, key) for place, keys in KEYS.items() for key in keys}


def test_the_example_is_a_configuration_that_works() -> None:
    config = load(EXAMPLE, ENVIRON)
    assert [terminal.name for terminal in config.terminals] == ["wallet"]
    assert config.accounts[0].password.read() == "password"


def test_the_example_shows_the_defaults() -> None:
    config = load(EXAMPLE, ENVIRON)
    assert (config.poll, config.limits, config.baseline) == (Poll(), Limits(), Baseline())
    assert config.alerts.defaults == {alert.key: alert.defaults for alert in CATALOGUE.values()}


@pytest.mark.parametrize("key", sorted({key for keys in KEYS.values() for key in keys}))
def test_every_key_of_the_example_is_explained(key: str) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    at = [index for index, line in enumerate(lines) if re.match(rf"\s*(- |# )?{key}:", line)]
    # Beside it, above it, or above its group of entries.
    assert any("#" in "".join(lines[max(0, index - 4) : index + 1]) for index in at)


@pytest.mark.parametrize("alert", CATALOGUE.values(), ids=lambda alert: alert.key)
def test_every_setting_of_an_alert_is_explained_in_the_catalogues_words(alert: Alert) -> None:
    after = EXAMPLE.read_text(encoding="utf-8").partition("\nalerts:\n")[2].partition(f"    {alert.key}: ")[2]
    lines = after.splitlines()[: len(alert.settings) + 1]
    assert alert.name in lines[0]
    for setting, line in zip(alert.settings, lines[1:], strict=True):
        assert line.strip().startswith(f"{setting.name}: ")
        assert line.endswith(setting.meaning)
