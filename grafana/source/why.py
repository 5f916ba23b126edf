"""Why did it fire: level, expected, bounds, thresholds and gates of one alert at one terminal, as its rule sees them."""

from typing import Final

from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

from exporter.thresholds import CATALOGUE
from grafana.source import looks, shared
from grafana.source.conditions import conditions, line, short
from grafana.source.frame import Board, alerts, one_terminal
from grafana.source.headline import headline
from grafana.source.layout import Line, Section
from grafana.source.levels import ALL_SETTINGS, LEVELS, T, chosen
from grafana.source.looks import setting
from grafana.source.panels import graph, listing, number, states
from grafana.source.queries import instant, known, query, rows

_WRAPPED: Final = setting("custom.cellOptions", {"type": "auto", "wrapText": True})
_GATES: Final = {
    "all together": f"max(terminal:epay_gate:open{{{T}}}) or 0 * min(epay_poll_success{{{T}}})",
    "polls succeed (2m)": f"max(max_over_time(epay_poll_success{{{T}}}[2m]))",
    "windows complete": f"min(epay_window_complete{{{T}}})",
    "not catching up": f"1 - max(epay_catching_up{{{T}}})",
    "fresh (2m)": f"time() - max(epay_last_poll_success_timestamp_seconds{{{T}}}) < bool 120",
    "no maintenance": f'1 - max(epay_calendar_active{{kind="maintenance", {T}}})',
    "no holiday": f'1 - max(epay_calendar_active{{kind="holiday", {T}}})',
    "3 weeks known": f"max(epay_baseline_weeks{{{T}}}) >= bool 3",
}
"""Open (1) or shut (0): a business alert speaks only while they are open."""


def _alert_series(state: str = "") -> str:
    """ALERTS of the chosen alert: its name from the key, which no series but this dashboard brings together."""
    condition = f', alertstate="{state}"' if state else ""
    found = f'ALERTS{{alertname=~"Epay.*", terminal=~"$terminal|"{condition}}}'
    for alert in CATALOGUE.values():
        found = f'label_replace({found}, "alert", "{alert.key}", "alertname", "{alert.name}")'
    return f'({found} and on (alert) epay_alert_threshold{{alert="$alert", {T}}})'


def _level() -> timeseries.Panel:
    asked = []
    for level in LEVELS:
        name = level.legend or level.shown
        asked.append(query(level.key, chosen(level.key, known(level.expression)), name))
        if level.also:
            asked.append(query(f"{level.key}_also", chosen(level.key, level.also[1]), level.also[0]))
        if level.against == "SETTING":
            continue
        asked += [query(f"{level.key}_{each}", line(level, each), f"{each} level") for each in level.settings]
        asked.append(query(f"{level.key}_usual", chosen(level.key, level.usual), "usual"))
    scaled = "|".join(level.key for level in LEVELS if level.against != "SETTING")
    lines = "|".join(ALL_SETTINGS)
    plain = f'max by (severity) (epay_alert_threshold{{alert="$alert", alert!~"{scaled}", severity=~"{lines}", {T}}})'
    asked.append(query("levels", plain, "{{severity}} level"))
    text = (
        "What the rule compares (a share is 0 to 1, an age is seconds) and the dashed levels it compares with, from the "
        "configuration or, where the level is a multiple of what is usual, that multiple."
    )
    looking = shared.LEVELS | {
        "/^(info|high|low) /": looks.dashed(looks.SKY, 2),
        "usual": looks.dashed(looks.GREEN, 1),
    }
    return graph("Level and thresholds", text, asked, "short", least=None, soft_most=0.1, looking=looking)


def _conditions() -> statetimeline.Panel:
    asked = []
    for level in LEVELS:
        parts = [
            f'label_replace(({value}) {sign} bool on (terminal) ({wanted}), "condition", "{index}: {short(name)} {sign}", "", "")'
            for index, (name, value, sign, wanted) in enumerate(conditions(level), 1)
        ]
        asked.append(query(level.key, "\nor ".join(parts), "{{condition}}"))
    text = (
        "Each condition of the rule besides the gates, over time. A severity fires when its own level and all the other "
        "conditions are met for as long as its `for`; severities and window pairs stand side by side."
    )
    made = states("Conditions", text, asked, looks.MET, nothing="the alert is switched off for this terminal")
    names = "|".join(ALL_SETTINGS)
    return made.override_by_regexp(f"/^\\d: ({names})[ ,]/", [looks.mapped(looks.REACHED)])


def _numbers() -> table.Panel:
    asked = [
        rows(
            ref,
            "\nor ".join(
                f"label_replace(label_replace(max by (terminal) ({each[part]}) and on (terminal) ({each[3]}), "
                f'"condition", "{index}: {each[0]}", "", ""), "sign", "{each[2]}", "", "")'
                for level in LEVELS
                for index, each in enumerate(conditions(level), 1)
            ),
        )
        for ref, part in (("A", 1), ("B", 3))
    ]
    names = {"condition": "Condition", "sign": "Is it", "Value #A": "Value", "Value #B": "Line"}
    return listing(
        "Conditions in numbers",
        "The same conditions as of the end of the time shown: what each compares, and with what.",
        asked,
        {
            "Condition": [setting("custom.minWidth", 230), _WRAPPED],
            "Value": [setting("custom.width", 76), setting("unit", "short")],
            "Is it": [setting("custom.width", 56)],
            "Line": [setting("custom.width", 76), setting("unit", "short")],
        },
        names,
        sort=("Condition", False),
        nothing="the alert is switched off for this terminal, or nothing is known",
        hidden=("terminal",),
    )


def _settings() -> table.Panel:
    meanings: dict[str, tuple[str, str | None]] = {}
    for alert in CATALOGUE.values():
        said = ""
        for each in alert.settings:
            said = (
                each.meaning.replace("the same", said) if said and each.meaning.startswith("the same") else each.meaning
            )
            meanings[f"{alert.key}.{each.name}"] = (said, None)
    asked = f'label_join(max by (alert, severity) (epay_alert_threshold{{alert="$alert", {T}}}), "meaning", ".", "alert", "severity")'
    return listing(
        "Settings of the alert",
        "As configured for this terminal (alerts.defaults or alerts.terminals), with what each number means.",
        [rows("A", asked)],
        {
            "Setting": [setting("custom.width", 124)],
            "Value": [setting("custom.width", 70)],
            "Meaning": [looks.mapped(meanings), _WRAPPED, setting("unit", "string"), setting("custom.minWidth", 240)],
        },
        {"severity": "Setting", "Value": "Value", "meaning": "Meaning"},
        sort=("Setting", False),
        nothing="the alert is switched off for this terminal",
        hidden=("alert",),
        unit="short",
    )


def _gates() -> statetimeline.Panel:
    asked = [query(f"G{index}", expression, name) for index, (name, expression) in enumerate(_GATES.items())]
    text = (
        "A business alert speaks only while polls succeed, windows are complete, nothing is being caught up, the data is "
        "fresh and no maintenance is planned; volume and amount alerts also pause on holidays and need three weeks of baseline. Alerts on polling have no gate."
    )
    return states("Gates", text, asked, looks.OPEN)


def _history() -> statetimeline.Panel:
    firing, pending = _alert_series("firing"), _alert_series("pending")
    asked = [query("A", f"2 * max by (severity) ({firing}) or max by (severity) ({pending})", "{{severity}}")]
    text = "The alert itself: pending while its `for` runs, then firing, a row a severity."
    return states("The alert", text, asked, looks.ALERT, nothing="neither pending nor firing in this time")


def _top() -> list[tuple[int, stat.Panel]]:
    firing, pending = _alert_series("firing"), _alert_series("pending")
    since = f"min(ALERTS_FOR_STATE and ignoring (alertstate, alert) {firing}) * 1000"
    silent = {"0": ("silent", looks.GREEN), **looks.ALERT}
    calendar = f"max(epay_calendar_active{{{T}}})"
    return [
        (
            4,
            number(
                "State",
                "Whether the alert fires, waits for its `for`, or is silent.",
                [instant("A", f"2 * max({firing}) or max({pending}) or vector(0)")],
                "none",
                most=2,
                values=silent,
                background=True,
            ),
        ),
        (
            4,
            number(
                "Condition since",
                "When the condition of the firing alert began to hold.",
                [instant("A", since)],
                "dateTimeFromNow",
                ((None, looks.SKY),),
                nothing="not firing",
            ),
        ),
        (
            4,
            number(
                "Gate",
                "Whether business alerts may speak about this terminal now.",
                [instant("A", _GATES["all together"])],
                "none",
                most=1,
                values=looks.OPEN,
                background=True,
                nothing="unknown",
            ),
        ),
        (
            4,
            number(
                "Calendar",
                "Whether a holiday or a maintenance is going on.",
                [instant("A", calendar)],
                "none",
                most=1,
                values={"0": ("ordinary", looks.GREEN), "1": ("planned", looks.BLUE)},
                nothing="unknown",
            ),
        ),
        (4, headline()["volume"]),
        (4, headline()["age"]),
    ]


def board() -> Board:
    """The dashboard."""
    return Board(
        "epay-why",
        "ePay: Why did it fire",
        "One alert at one terminal as its rule sees it: level, expected, bounds, thresholds, conditions, and gates open or shut.",
        [
            Section(
                "",
                [
                    Line(3, _top()),
                    Line(7, [(15, _level()), (9, _gates())]),
                    Line(6, [(6, _conditions()), (9, _numbers()), (9, _settings())]),
                ],
            ),
            Section(
                "What it could have known",
                [
                    Line(5, [(10, _history()), (14, shared.alerts_over_time("All alerts of the terminal"))]),
                    Line(
                        8,
                        [
                            (8, shared.volume("Operations, 15m: now, expected, bounds", "15m")),
                            (8, shared.volume("Operations, 1h: now, expected, bounds", "1h")),
                            (8, shared.turnover("Tenge, 1h: now, expected, bounds")),
                        ],
                    ),
                ],
            ),
        ],
        [alerts(), one_terminal()],
    )
