"""What is committed is what the source makes."""

from grafana.source.boards import BOARDS
from grafana.source.frame import text
from tests.dashboards.shipped import DIRECTORY


def test_every_committed_dashboard_is_what_its_source_makes() -> None:
    made = {f"{board.uid}.json": text(board) for board in BOARDS}
    committed = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.json")}
    assert committed.keys() == made.keys()
    stale = [name for name, content in made.items() if committed[name] != content]
    assert not stale, "run `make dashboards`"
