"""Secrets and personal data are hunted for wherever the exporter leaves a trace."""

import hashlib
import json
import re
import urllib.request
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.processes import configuration, eventually, free_port, get, sample, simulated, started

PERSONAL = (
    "name", "email", "phone", "ip", "ipCity", "ipDistrict", "accountId", "invoiceId", "reference", "description",
    "senderCardMask", "receiverCardMask", "senderCardId", "receiverCardId",
)  # fmt: skip
SECRETS = {
    "username": "merchant-user-7f3a",
    "password": "p#ss$w&rd*:%-9c1d",
    "client_id": "client-5b2e",
    "client_secret": "s3cret:%&$#-d41d8c",
}


def _token(bank: str, password: str) -> str:
    form = "&".join(f"{key}=demo" for key in ("username", "client_id", "client_secret"))
    body = f"grant_type=password&scope=transfer&password={password}&{form}".encode()
    with urllib.request.urlopen(f"{bank}/oauth2/token", body, timeout=10) as answer:
        return str(json.load(answer)["access_token"])


def _records(bank: str) -> list[dict[str, object]]:
    """A page of the bank's records, read past the exporter, as it shows them to a merchant."""
    asked = {
        "paging": {"page": 0, "size": 200},
        "searchParameters": [
            {
                "name": "created_at",
                "method": "between",
                "searchParameter": ["2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"],
            }
        ],
        "orderParameters": [{"field": "created_at", "typeOrder": "DESC"}],
    }
    request = urllib.request.Request(
        f"{bank}/api/p2p/operations",
        json.dumps(asked).encode(),
        {"Authorization": f"Bearer {_token(bank, 'demo')}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return list(json.load(answer)["records"])


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    faults = [f"--fault={fault}=0.1" for fault in ("http-500", "html", "truncated", "error-200", "poison")]
    doubles = "--variant=duplicate-share=0.2"
    with simulated(tmp_path / "bank.log", port, doubles, *faults):
        eventually(lambda: get(f"http://127.0.0.1:{port}/truth")[0] == 200)
        yield port


def test_nothing_personal_is_found_in_logs_metrics_pages_or_state(tmp_path: Path, bank: int) -> None:
    web = free_port()
    breakdowns = "breakdowns: [sender_issuer, receiver_issuer, sender_card_type, receiver_card_type]"
    path = configuration(tmp_path, bank, ("98151552", "98151553"), more=breakdowns)
    arguments = ("run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{web}", "--log.level=debug")
    with started(tmp_path / "exporter.log", *arguments) as exporter:
        address = f"http://127.0.0.1:{web}"
        eventually(lambda: (sample(get(f"{address}/metrics")[1], "epay_records_total", kind="new") or 0) > 100)
        eventually(lambda: (_duplicates(get(f"{address}/metrics")[1])) > 0)
        traces = [get(f"{address}{path}")[1] for path in ("/metrics", "/", "/-/ready")]
        exporter.stop()
        traces.append(exporter.text())
    traces += [file.read_bytes().decode("latin-1") for file in tmp_path.glob("state.db*")]
    records = eventually(lambda: _tried(bank))
    values = {str(record[field]) for record in records for field in PERSONAL if field in record}
    values = {value for value in values if len(value) >= 5}

    assert len(values) > 100
    found = {value for value in values for trace in traces if value in trace and _as_a_word(value, trace)}
    assert found == set()
    assert [
        digest for record in records[:10] for digest in _digests(record) for trace in traces if digest in trace
    ] == []


def _as_a_word(value: str, trace: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", trace) is not None


def _duplicates(text: str) -> float:
    return sample(text, "epay_duplicate_operations_total", terminal="t1552") or 0


def _digests(record: dict[str, object]) -> Iterator[str]:
    """What anybody who has a card's number could compare with: digests without a key, of one card and of both."""
    senders = [str(record.get(field) or "") for field in ("senderCardId", "senderCardMask")]
    receivers = [str(record.get(field) or "") for field in ("receiverCardId", "receiverCardMask")]
    texts = {text for text in (*senders, *receivers) if len(text) >= 5}
    texts |= {
        f"{a}{between}{b}" for (a, b), between in product(zip(senders, receivers, strict=True), ("", "\0", ":", "|"))
    }
    amount, currency = record.get("amount"), record.get("currency")
    minor = round(float(str(amount)) * 100) if isinstance(amount, (int, float)) else 0
    texts |= {f"{a}\0{b}\0{minor}\0{currency}" for a, b in zip(senders, receivers, strict=True)}
    for text in texts:
        content = text.encode()
        digests = [hashlib.new(name, content).digest() for name in ("md5", "sha1", "sha256")]
        digests += [hashlib.blake2b(content, digest_size=size).digest() for size in (7, 8, 16, 32)]
        for digest in digests:
            yield digest.decode("latin-1")
            yield digest.hex()
            if len(digest) <= 8:
                yield from (str(int.from_bytes(digest, "little")), str(int.from_bytes(digest, "big")))


def _tried(bank: int) -> list[dict[str, object]]:
    try:
        return _records(f"http://127.0.0.1:{bank}")
    except (OSError, ValueError):  # one of the faults
        return []


def test_no_secret_is_found_in_logs_metrics_pages_or_state(tmp_path: Path, bank: int) -> None:
    web = free_port()
    path = configuration(tmp_path, bank)
    text = path.read_text()
    for name in SECRETS:
        text = text.replace(f"{name}: demo", f"{name}: ${{{name.upper()}}}")
    path.write_text(text)
    environ = {name.upper(): value for name, value in SECRETS.items()}
    arguments = ("run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{web}", "--log.level=debug")
    with started(tmp_path / "exporter.log", *arguments, **environ) as exporter:
        address = f"http://127.0.0.1:{web}"
        eventually(lambda: "epay_logins_total" in (shown := get(f"{address}/metrics")[1]) and "refused" in shown)
        eventually(lambda: "poll failed" in exporter.text())
        traces = [get(f"{address}{path}")[1] for path in ("/metrics", "/")]
        exporter.stop()
        traces.append(exporter.text())
    traces += [file.read_bytes().decode("latin-1") for file in tmp_path.glob("state.db*")]

    assert "check username, password, client_id and client_secret" in traces[-2]
    assert [name for name, value in SECRETS.items() for trace in traces if value in trace] == []
