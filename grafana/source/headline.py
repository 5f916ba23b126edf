"""The numbers that dashboards begin with."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat

from grafana.source import looks
from grafana.source.frame import url
from grafana.source.looks import SHARE, TENGE
from grafana.source.panels import number
from grafana.source.queries import (
    TERMINAL,
    TROUBLE,
    alerts,
    amount,
    expected,
    expected_amount,
    finals,
    instant,
    now_of,
    operations,
    successes,
    trouble,
)


def headline() -> dict[str, stat.Panel]:
    """The numbers that begin Overview and Terminal, by what they are."""
    now, wanted = operations("1h"), expected("1h")
    paid, usual = amount("1h"), expected_amount("1h")
    critical = alerts(more='severity="critical"')
    others = alerts(more='severity!="critical"')
    firing: Sequence[looks.Step] = ((None, looks.GREEN), (1, looks.VERMILLION))
    warning: Sequence[looks.Step] = ((None, looks.GREEN), (1, looks.ORANGE))
    plain: Sequence[looks.Step] = ((None, looks.SKY),)
    failed = f'epay_window_amount{{window="1h", outcome="failure", {TROUBLE}, currency="KZT", {TERMINAL}}}'
    return {
        "alerts": number(
            "Alerts",
            "Alerts of the selected terminals, of accounts and of the exporter that fire now.",
            [
                instant("A", f"count({critical}) or vector(0)", "critical"),
                instant("B", f"count({others}) or vector(0)", "other"),
            ],
            "none",
            firing,
            decimals=0,
            looking={"other": [looks.stepped(*warning)]},
            sizes=(13, 26),
        ),
        "success": number(
            "Success, 1h",
            "Successes by successes and failures in the sliding window of 1h; customers' declines count as failures.",
            [instant("A", f"sum({successes('1h')}) / sum({finals('1h')})")],
            SHARE,
            plain,
            most=1,
            decimals=1,
        ),
        "volume": number(
            "Volume, 1h",
            "Operations of the last hour by what the same time of the past weeks leads to expect.",
            [instant("A", f"{now_of(now, wanted)} / sum({wanted})")],
            SHARE,
            plain,
            decimals=0,
            nothing="no baseline",
        ),
        "turnover": number(
            "₸ in 1h",
            "Tenge of the successful operations in the sliding window of 1h.",
            [instant("A", f"sum({paid})")],
            TENGE,
            plain,
            decimals=0,
        ),
        "turnover share": number(
            "₸, of usual",
            "Tenge that got through in the last hour by what the same time of the past weeks leads to expect.",
            [instant("A", f"{now_of(paid, usual)} / sum({usual})")],
            SHARE,
            plain,
            decimals=0,
            nothing="no baseline",
        ),
        "missing": number(
            "₸ missing, 1h",
            "How many tenge less than the same time of the past weeks leads to expect got through in the last hour, over the "
            "terminals where it is less: what an outage costs, whether or not anything fails.",
            [instant("A", f"sum(clamp_min({usual} - ({paid} or on (terminal) 0 * {usual}), 0))")],
            TENGE,
            plain,
            decimals=0,
            nothing="no baseline",
        ),
        "last": number(
            "Last op",
            "How long ago the newest operation at the selected terminals was created.",
            [instant("A", f"time() - max(epay_last_operation_timestamp_seconds{{{TERMINAL}}})")],
            looks.SECONDS,
            plain,
            decimals=0,
            nothing="never",
        ),
        "lost": number(
            "₸ failed, 1h",
            "Tenge of the operations of 1h that failed as technical, issuer unavailable or configuration: not the customers'.",
            [instant("A", f"sum({failed}) or 0 * sum({finals('1h')})")],
            TENGE,
            plain,
            decimals=0,
        ),
        "trouble": number(
            "System, 15m",
            "Share of the finals of 15m that failed as technical, issuer unavailable or configuration: the bank, an issuer or us, "
            "not the customers.",
            [instant("A", f"(sum({trouble('15m')}) or 0 * sum({finals('15m')})) / sum({finals('15m')})")],
            SHARE,
            plain,
            most=1,
            decimals=1,
        ),
        "pending": number(
            "Pending",
            "Age of the oldest operation that is still pending.",
            [instant("A", f"time() - min(epay_oldest_pending_timestamp_seconds{{{TERMINAL}}})")],
            looks.SECONDS,
            plain,
            decimals=0,
            nothing="none",
        ),
        "age": number(
            "Data",
            "Time since the last good poll of the terminal that was read longest ago: how old everything here is.",
            [instant("A", f"time() - min(max by (terminal) (epay_last_poll_success_timestamp_seconds{{{TERMINAL}}}))")],
            looks.SECONDS,
            ((None, looks.GREEN), (120, looks.VERMILLION)),  # where the gate of the business alerts shuts
            decimals=0,
            nothing="never read",
        ),
        "up": number(
            "Exporter",
            "Whether Prometheus can scrape the exporter; if not, everything else here is missing.",
            [instant("A", 'min(up{job=~".*epay.*"})')],
            "none",
            most=1,
            values=looks.UP,
            nothing="unknown",
            background=True,
            url=url("epay-exporter"),
        ),
    }
