"""Writes grafana/dashboards/*.json anew: `python -m grafana.source`."""

from pathlib import Path

from grafana.source.boards import BOARDS
from grafana.source.frame import text

TARGET = Path(__file__).parents[1] / "dashboards"

if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for board in BOARDS:
        (TARGET / f"{board.uid}.json").write_text(text(board), encoding="utf-8")
