"""All that must hold for an alert to fire, in words and expressions, from what `levels` says of it."""

from grafana.source.levels import (
    ALL_SETTINGS,
    CAME,
    CODE,
    CURRENCIES,
    EXPECTED,
    NOW,
    SUCCEEDED,
    WINDOWS,
    Level,
    T,
    setting,
)


def line(level: Level, name: str) -> str:
    """The line that a setting draws into the level's graph; of several codes or currencies it is the same one."""
    return level.against.replace("SETTING", setting(level.key, name))


def short(name: str) -> str:
    """A condition's name where there is little room: of a level only its severity, and its currency."""
    before, found, _ = name.partition(": ")
    return before if found and before.split(",")[0] in ALL_SETTINGS else name


def conditions(level: Level) -> list[tuple[str, str, str, str]]:
    """All that must hold: what it is, its value, the sign, and what it is compared with, each one series a terminal."""
    extreme = "min" if level.sign == "<" else "max"
    whole = f"{extreme} by (terminal) ({level.expression})" if level.legend else level.expression
    if level.key == "volume_drop_all":
        whole = f'({level.expression}) * on () group_right () group by (terminal) (epay_alert_threshold{{alert="{level.key}", severity="critical", {T}}})'
    if level.key == "average_amount_shift":
        low = f"min by (terminal) ({level.expression})"
        found = [
            (f"high: {level.shown}", whole, ">", line(level, "high")),
            (f"low: {level.shown}", low, "<", line(level, "low")),
        ]
    elif level.key == "amount_outlier":
        tenge = f'max by (terminal) (epay_window_amount_max{{window="1h", outcome="success", currency="KZT", {T}}})'
        found = [
            (f"warning: {level.shown}", tenge, ">", line(level, "warning")),
            (f"warning_usd: {level.shown}", tenge.replace("KZT", "USD"), ">", line(level, "warning_usd")),
        ]
    elif level.key == "success_amount_drop":
        one_currency = 'max by (terminal) (({}) and on (currency) epay_expected_amount{{currency="{}", {}}})'
        found = [
            (
                f"warning, {currency}: {level.shown}",
                one_currency.format(level.expression, currency, T),
                ">",
                line(level, "warning"),
            )
            for currency in CURRENCIES
        ]
    elif level.key in {"volume_drop", "volume_spike"}:
        found = [
            (f"{name}, {window}: {level.shown}", _of_window(level.expression, window), ">", line(level, name))
            for window in WINDOWS
            for name in level.settings
        ]
    elif level.key == "error_budget_burn":
        found = [(f"critical: {level.shown}", whole, level.sign, line(level, "critical"))]
    else:
        found = [(f"{name}: {level.shown}", whole, level.sign, line(level, name)) for name in level.settings]
    return (
        found
        + [(each.name, each.expression, each.sign, setting(level.key, each.setting)) for each in level.guards]
        + _bounds(level)
    )


def _of_window(expression: str, window: str) -> str:
    """One window of an expression that has several."""
    return f'max by (terminal) (({expression}) and on (window) epay_expected_operations{{window="{window}", {T}}})'


def _worth(currency: str) -> str:
    """How many operations of a usual amount are expected; nothing while no usual amount is known."""
    usual = f'terminal_currency:epay_average_amount:4w{{currency="{currency}"}}'
    expected = f'epay_expected_amount{{window="1h", currency="{currency}", {T}}}'
    return f"max by (terminal) ({expected} / on (terminal, currency) {usual})"


def _bounds(level: Level) -> list[tuple[str, str, str, str]]:
    """The comparisons with the baseline's own bounds, which no setting names."""
    chosen_one = (
        f'* on (terminal) group by (terminal) (epay_alert_threshold{{alert="{level.key}", alert="$alert", {T}}})'
    )
    match level.key:
        case "volume_drop" | "volume_spike":
            drop = level.key == "volume_drop"
            bound, sign, word = ("_lower", "<", "lower") if drop else ("_upper", ">", "upper")
            found = []
            for window in WINDOWS:
                now = _of_window(NOW, window)
                edge = f'max by (terminal) (epay_expected_operations{bound}{{window="{window}", {T}}}) {chosen_one}'
                found.append((f"{window}, and the {word} bound", now, sign, edge))
                enough = (_of_window(EXPECTED, window), "min_expected") if drop else (now, "min_operations")
                found.append((f"{window}: enough", enough[0], ">=", setting(level.key, enough[1])))
            if drop:
                unexplained = (
                    f"0 * terminal:epay_volume_hour:explained{{{T}}} "
                    f"or on (terminal) 1 + 0 * max by (terminal) (epay_poll_success{{{T}}})"
                )
                found.append(("1h: not explained", unexplained, ">=", f"1 + 0 * {setting(level.key, 'warning')}"))
            return found
        case "success_amount_drop":
            return [
                (
                    f"{currency}, and the lower bound",
                    f'sum by (terminal) (terminal_currency:epay_success_amount:now{{currency="{currency}", {T}}})',
                    "<",
                    f'max by (terminal) (epay_expected_amount_lower{{window="1h", currency="{currency}", {T}}}) {chosen_one}',
                )
                for currency in CURRENCIES
            ] + [
                (
                    f"{currency}: operations expected, 1h",
                    _worth(currency) + f" or on (terminal) {setting(level.key, 'min_operations')}",
                    ">=",
                    setting(level.key, "min_operations"),
                )
                for currency in CURRENCIES
            ]
        case "terminal_silent":
            return [("operations, 5m: none", CAME, "<=", f"0 * {setting(level.key, 'critical')}")]
        case "all_failing":
            return [("successes, 10m: none", SUCCEEDED, "<=", f"0 * {setting(level.key, 'critical')}")]
        case "new_result_code":
            known = f"terminal:epay_week:known{{{T}}} or on (terminal) 0 * max by (terminal) (epay_poll_success{{{T}}})"
            return [("a week is known", known, ">=", f"1 + 0 * {setting(level.key, 'warning')}")]
        case "result_code_surge":
            beyond = (
                f"max by (terminal) (terminal_code:epay_window_failures:15m{{{T}}} - on ({CODE}) "
                f"terminal_code:epay_usual_failures_upper:15m{{{T}}})"
            )
            return [("failures beyond chance", beyond, ">", f"0 * {setting(level.key, 'warning')}")]
        case "pending_backlog":
            growing = f"max by (terminal) (deriv(epay_pending_operations{{{T}}}[15m]))"
            return [("growing, a second", growing, ">", f"0 * {setting(level.key, 'warning')}")]
        case "volume_drop_all":
            wanted = "terminal_window:epay_volume_drop_all:expected"
            here = f'* on () group_right () group by (terminal) (epay_alert_threshold{{alert="{level.key}", {T}}})'
            missing = f"sum({wanted} - terminal_window:epay_operations:now) {here}"
            chance = f"sqrt(sum(({wanted} - max by (terminal, window) (epay_expected_operations_lower)) ^ 2))"
            return [
                ("operations expected of all", f"sum({wanted}) {here}", ">=", setting(level.key, "min_expected")),
                ("terminals that count", f"count({wanted}) {here}", ">=", f"2 + 0 * {setting(level.key, 'critical')}"),
                (
                    "missing, and chance",
                    missing,
                    ">",
                    f"({chance}) * on () group_right () {setting(level.key, 'critical')}",
                ),
            ]
        case _:
            return []
