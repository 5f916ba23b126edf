"""A webhook that keeps what Alertmanager sends, by receiver, as a person with a pager would have got it."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Message(NamedTuple):
    """One notification: of one group, with all its alerts that are not silent."""

    at: float  # as time.monotonic
    receiver: str
    status: str
    category: str
    terminal: str
    firing: frozenset[str]  # names of alerts
    resolved: frozenset[str]


class Webhook:
    """What has arrived so far."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._lock = threading.Lock()
        self.url = ""

    def keep(self, receiver: str, body: dict[str, Any]) -> None:
        names: dict[str, set[str]] = {"firing": set(), "resolved": set()}
        for alert in body["alerts"]:
            names[alert["status"]].add(alert["labels"]["alertname"])
        group = body["groupLabels"]
        place = group.get("category", ""), group.get("terminal", "")
        message = Message(
            time.monotonic(), receiver, body["status"], *place, frozenset(names["firing"]), frozenset(names["resolved"])
        )
        with self._lock:
            self._messages.append(message)

    def messages(self, receiver: str = "", status: str = "") -> list[Message]:
        """Those to a receiver, and with a status, where they are given; in the order of arrival."""
        with self._lock:
            return [each for each in self._messages if receiver in {"", each.receiver} and status in {"", each.status}]


@contextlib.contextmanager
def webhook() -> Iterator[Webhook]:
    """Listens on a free port; the receiver is the path."""
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.keep(self.path.strip("/"), body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
