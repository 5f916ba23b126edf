"""The table of `benchmarks.growth` as a picture: two panels with logarithmic axes, one line a cost. Plain SVG."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 960, 430
LEFT, TOP, PANEL, TALL, APART = 64, 56, 370, 290, 90
DECADES = (-1, 5)
"""Of the vertical axis: from a tenth to a hundred thousand."""

LINES = (
    ("CPU of a poll, ms", "#1f77b4", lambda each: each["poll_ms"]),
    ("CPU of a scrape, ms", "#d62728", lambda each: each["scrape_ms"]),
    ("RSS, MB", "#2ca02c", lambda each: each["resident"] / 1e6),
    ("requests of a poll", "#9467bd", lambda each: each["requests"]),
    ("scraped, kB (gzip)", "#ff7f0e", lambda each: each["scraped"] / 1e3),
)
_TEXT = 'font-family="system-ui, sans-serif" fill="#333"'


def picture(points: Sequence[Mapping[str, Any]], terminals: int, rate: float) -> str:
    """Costs by terminals at one rate, and by operations at one number of terminals."""
    by_terminals = sorted((p for p in points if p["rate"] == rate), key=lambda each: each["terminals"])
    by_rate = sorted((p for p in points if p["terminals"] == terminals), key=lambda each: each["rate"])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>How cost grows with terminals and with operations</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_panel(LEFT, f"terminals, at {rate:g} operations a second", by_terminals, "terminals"),
        *_panel(LEFT + PANEL + APART, f"operations a second, {terminals:,} terminals", by_rate, "rate"),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(left: int, title: str, points: Sequence[Mapping[str, Any]], across: str) -> list[str]:
    if not points:
        return []
    first, last = (math.log10(each[across]) for each in (points[0], points[-1]))

    def x(value: float) -> float:
        return left + PANEL * (math.log10(value) - first) / max(last - first, 1e-9)

    def y(value: float) -> float:
        low, high = DECADES
        return TOP + TALL * (high - min(max(math.log10(max(value, 1e-9)), low), high)) / (high - low)

    parts = [f'<text x="{left + PANEL / 2}" y="{TOP - 14}" font-size="15" text-anchor="middle" {_TEXT}>{title}</text>']
    for decade in range(DECADES[0], DECADES[1] + 1):
        level = y(10.0**decade)
        parts.append(
            f'<line x1="{left}" x2="{left + PANEL}" y1="{level:.1f}" y2="{level:.1f}" stroke="#ddd"/>'
            f"{_label(left - 8, level + 4, 'end', f'{10.0**decade:,.10g}')}"
        )
    for point in points:
        place, foot = x(point[across]), TOP + TALL
        parts.append(
            f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{foot}" stroke="#eee"/>'
            f"{_label(place, foot + 18, 'middle', f'{point[across]:,g}')}"
        )
    for _, colour, value in LINES:
        dots = [(x(point[across]), y(value(point))) for point in points]
        path = " ".join(f"{across_:.1f},{up:.1f}" for across_, up in dots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across_:.1f}" cy="{up:.1f}" r="3.5" fill="{colour}"/>' for across_, up in dots]
    return parts


def _legend() -> list[str]:
    parts, left, foot = [], LEFT, HEIGHT - 24
    for name, colour, _ in LINES:
        parts.append(
            f'<line x1="{left}" x2="{left + 22}" y1="{foot - 4}" y2="{foot - 4}" stroke="{colour}" stroke-width="3"/>'
            f'<text x="{left + 28}" y="{foot}" font-size="13" {_TEXT}>{name}</text>'
        )
        left += 175
    return parts


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}" {_TEXT}>{text}</text>'
