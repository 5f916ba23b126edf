"""One issuer is down: the windows by issuer say so, and say what the bank's truth says."""

import json
import re
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from exporter.simulator.scenario import TROUBLED_ISSUER
from tests.processes import configuration, eventually, free_port, get, sample, simulated, started

DIMENSIONS = {"sender_issuer": "senderIssuer", "receiver_card_type": "receiverCardType"}

Counts = dict[tuple[str, ...], int]


def _shown(text: str) -> Counts:
    """Operations of the longest window by terminal, dimension, value and outcome."""
    counts = Counter[tuple[str, ...]]()
    for labels, value in re.findall(r"^epay_window_breakdown_operations\{(.*)\} (\S+)$", text, re.MULTILINE):
        found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if found["window"] == "1h":
            counts[found["terminal"], found["dimension"], found["value"], found["outcome"]] += int(float(value))
    return counts


def _truth(bank: str, since: int, now: int) -> tuple[Counts, dict[str, int]]:
    """The same as the bank knew it at an instant, and the duplicates since another."""
    with urllib.request.urlopen(f"{bank}/truth?from={now - 3_600_000_000}&to={now}&at={now}", timeout=10) as answer:
        truth: dict[str, Any] = json.load(answer)
    with urllib.request.urlopen(f"{bank}/truth?from={since}&to={now}&at={now}", timeout=10) as answer:
        duplicates: dict[str, int] = json.load(answer)["duplicates"]
    names = {theirs: ours for ours, theirs in DIMENSIONS.items()}
    counts = Counter[tuple[str, ...]]()
    for row in truth["breakdowns"]:
        if row["terminal"] in ("98151552", "98151553") and row["dimension"] in names:
            key = (f"t{row['terminal'][-4:]}", names[row["dimension"]], row["value"] or "unknown", row["outcome"])
            counts[key] += row["operations"]
    return counts, duplicates


def test_windows_by_issuer_and_duplicates_equal_the_truth_before_and_after_a_kill(tmp_path: Path) -> None:
    port, web = free_port(), free_port()
    bank, address = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{web}"
    variants = (
        "scenario-delay=0",
        "late-share=0",
        "duplicate-share=0.1",
        "traffic=4",
        "history-days=0",
    )
    path = configuration(
        tmp_path,
        port,
        ("98151552", "98151553"),
        poll="interval: 1s, sweep_interval: 1s, requests_per_second: 100",
        more=f"breakdowns: [{', '.join(DIMENSIONS)}]",
    )
    run = ("run", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{web}")

    def agree(enough: int) -> bool:
        """Whether a scrape says what the bank knew at the moment of its poll."""
        text = get(f"{address}/metrics")[1]
        marks = [
            sample(text, name, terminal="t1552")
            for name in ("epay_watermark_timestamp_seconds", "epay_counting_since_timestamp_seconds")
        ]
        counts = _shown(text)
        if not counts or None in marks:
            return False
        now, since = (round((mark or 0) * 1_000_000) for mark in marks)
        truth, duplicates = _truth(bank, since, now)
        counted = {n: sample(text, "epay_duplicate_operations_total", terminal=f"t{n[-4:]}") for n in duplicates}
        repeated = counted["98151552"] == duplicates["98151552"] and counted["98151553"] == duplicates["98151553"]
        return counts == truth and repeated and duplicates["98151552"] >= enough

    flags = ("--scenario=issuer-outage", "--seed=3", *(f"--variant={each}" for each in variants))
    with simulated(tmp_path / "bank.log", port, *flags):
        eventually(lambda: get(f"{bank}/truth")[0] == 200)
        for enough in (3, 6):
            with started(tmp_path / "exporter.log", *run):
                eventually(partial(agree, enough), seconds=180)
                shown = get(f"{address}/metrics")[1]

    failed = {
        found: sample(
            shown,
            "epay_window_breakdown_operations",
            terminal="t1552",
            window="5m",
            value=found,
            reason_class="issuer_unavailable",
        )
        for found in (TROUBLED_ISSUER, "Steppe Bank")
    }
    assert (failed[TROUBLED_ISSUER] or 0) > 1
    assert (failed["Steppe Bank"] or 0) < (failed[TROUBLED_ISSUER] or 0)
