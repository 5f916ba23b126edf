"""`make bench`: every bar is measured on two sides that alternate in one run and give the same result.

Absolute times differ from machine to machine and from minute to minute; the ratio is what is held. `--only=WORD` takes
those with the word in their name, `--json` prints machine and figures as JSON (`--json=FILE` beside the table),
`--strict` ends with 1 where a bar is missed, `--list` measures nothing.
"""

import argparse
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar, Figure, Result, measured
from benchmarks.peers import end_in_order

ROOMS = (
    "ingest",
    "windows",
    "memory",
    "exposition",
    "state",
    "polling",
    "day",
    "scrape",
)
"""The modules that know bars; each has `bars()`."""

_LIBRARIES = ("prometheus-client", "msgspec", "httpx", "starlette", "uvicorn")


def bars() -> Iterator[Bar | Figure]:
    """All of them, room by room: what one has prepared can go before the next one begins."""
    for name in ROOMS:
        if (Path(__file__).parent / f"{name}.py").exists():
            yield from importlib.import_module(f"benchmarks.{name}").bars()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def table(results: list[Result]) -> Table:
    """What a person reads."""
    found = Table(box=box.SIMPLE, pad_edge=False)
    found.add_column("bar", overflow="fold", min_width=30)
    for heading in ("ours", "peer", "ratio", "must", "stretch"):
        found.add_column(heading, justify="right", no_wrap=True)
    found.add_column("met")
    for each in results:
        found.add_row(
            f"{each.name}\n  {each.note}" if each.note else each.name,
            _number(each.value, each.unit),
            _number(each.peer, each.unit),
            "" if each.ratio is None else f"{each.ratio:.1f}×",
            _asked(each),
            "" if each.stretch is None else _bare(each.stretch, each),
            each.met,
        )
    return found


def _asked(each: Result) -> str:
    wanted = [] if each.must is None else [_bare(each.must, each)]
    if each.per_second_must is not None:
        wanted.append(_number(each.per_second_must, each.unit))
    return "\n".join(wanted)


def _bare(value: float, each: Result) -> str:
    return f"{value:g}×" if each.ratio is not None or each.unit == "×" else f"{value:,g}"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text}×" if unit == "×" else f"{text} {unit}"


def main() -> int:
    """Measure, say what there is while it goes on, and end with the whole table."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition(".")[0])
    arguments.add_argument("--only", default="", metavar="WORD", help="those with this in their name")
    arguments.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="as JSON, to a file or instead of the table"
    )
    arguments.add_argument("--strict", action="store_true", help="end with 1 where a bar is missed")
    arguments.add_argument("--list", action="store_true", help="the names, and measure nothing")
    asked = arguments.parse_args()
    end_in_order()
    began, results, told = machine(), [], Console(stderr=True, highlight=False)
    for each in bars():
        if asked.only.lower() not in each.name.lower():
            continue
        if asked.list:
            print(each.name)
            continue
        start = time.monotonic()
        results.append(measured(each))
        told.print(f"{time.monotonic() - start:6.1f} s  {each.name}: {results[-1].met or 'measured'}")
        gc.collect()
    if asked.list:
        return 0
    data = json.dumps({"machine": began, "bars": [each.as_data() for each in results]}, indent=2, ensure_ascii=False)
    if asked.json and asked.json != "-":
        Path(asked.json).write_text(data + "\n", encoding="utf-8")
    if asked.json == "-":
        print(data)
    else:
        Console(width=None if sys.stdout.isatty() else 140, highlight=False).print(table(results))
    return int(asked.strict and any(each.met == "missed" for each in results))


if __name__ == "__main__":
    sys.exit(main())
