"""A bank with as many terminals as one likes: operation number g is at terminal g modulo n, at instant g times a step.

So what any span holds is known without anything being stored, and the bank costs next to nothing beside the exporter.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn

from exporter.app import wall_clock
from exporter.model import SECOND, Clock, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEARCHES = 400
"""As many as are read side by side: a fleet's sweeps are under way together, page by page."""
_FAILURES = (("484", "funds"), ("456", "technical"), ("455", "authentication"), ("457", "state"), ("501", "limits"))
_RECORD = (
    '{"id":"%s","dateTime":"%s","invoiceId":"%015d","amount":%d,"currency":"KZT","terminal":"%s","accountId":"acc-1",'
    '"description":"TEST p2p Dana Testova","language":"rus","senderCardMask":"4000********%04d","receiverCardMask":'
    '"5555********%04d","senderCardType":"VISA","receiverCardType":"MasterCard","senderIssuer":"Halyk","receiverIssuer":'
    '"Halyk","reference":"2%011d","secure":"3ds","code":"%s","reason":"%s","reasonCode":%s,"name":"Dana Testova",'
    '"email":"dana.testova@example.com","phone":"+70000000000","ip":"203.0.113.7","ipCountry":"KZ","ipCity":"Testopol",'
    '"ipRegion":"","ipDistrict":"","ipLongitude":71.43,"ipLatitude":51.13,"status":"%s","senderCardId":"card-%09d",'
    '"receiverCardId":"card-%09d"}'
)
ACCOUNT = """accounts:
  - token_url: http://127.0.0.1:{bank}/token
    operations_url: http://127.0.0.1:{bank}/operations
    username: demo
    password: demo
    client_id: demo
    client_secret: demo
    terminals: [{terminals}]
"""
"""The beginning of a configuration that reads from this bank; what is else in it comes behind."""


@dataclass(frozen=True)
class Traffic:
    """How many terminals there are, and how many operations each has in an hour."""

    terminals: int
    an_hour: float

    @property
    def step(self) -> int:
        """Microseconds between two operations, over all terminals."""
        return round(3600 * SECOND / (self.terminals * self.an_hour))

    def number(self, terminal: int) -> str:
        return f"{10_000_000 + terminal}"

    def between(self, start: Instant, end: Instant) -> range:
        """The operations of [start, end)."""
        return range(-(-start // self.step), -(-end // self.step))

    def at(self, terminals: Iterable[int], start: Instant, end: Instant) -> list[int]:
        """The operations of [start, end) at some of the terminals, in order."""
        span, wanted = self.between(start, end), sorted(terminals)
        rounds = range(span.start // self.terminals, -(-span.stop // self.terminals)) if span else ()
        return [
            operation
            for first in (each * self.terminals for each in rounds)
            for operation in map(first.__add__, wanted)
            if span.start <= operation < span.stop
        ]

    def fails(self, operation: int) -> bool:
        """One of ten."""
        return _digest(operation) % 10 == 0

    def record(self, operation: int) -> str:
        """As the bank lists it."""
        digest = _digest(operation)
        code, reason, status = "00", "Approved", "ok"
        if self.fails(operation):
            (code, reason), status = _FAILURES[digest // 10 % len(_FAILURES)], "failed"
        when = (_EPOCH + timedelta(microseconds=operation * self.step)).isoformat(timespec="microseconds")
        id_ = f"{operation:032x}"
        return _RECORD % (
            f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}",
            when,
            operation,
            500 + digest % 100_000,
            self.number(operation % self.terminals),
            digest % 10_000,
            digest // 7 % 10_000,
            operation,
            code,
            reason,
            int(code),
            status,
            digest % 10**9,
            digest // 3 % 10**9,
        )

    def page(self, operations: Sequence[int], total: int) -> bytes:
        """A page of the list."""
        return f'{{"totalCount":{total},"records":[{",".join(map(self.record, operations))}]}}'.encode()


def _digest(operation: int) -> int:
    return operation * 2_654_435_761 % 2**32


class Bank:
    """Login and list over HTTP. The last searches are remembered while their pages are read.

    Nothing happened before `since`, and nothing more happens once `/end` has been asked for; `/listed` says how many
    pages have been, and until when there are operations.
    """

    def __init__(self, traffic: Traffic, clock: Clock = wall_clock, cap: int = 500, since: Instant = 0) -> None:
        self._traffic = traffic
        self._clock = clock
        self._cap = cap
        self._since = since
        self._end: Instant | None = None
        self.listed = 0
        self._found: dict[str, list[int]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = b'{"access_token":"token","expires_in":7200,"token_type":"bearer"}'
        if scope["path"] == "/end":
            self._end = self._clock()
        if scope["path"] in ("/end", "/listed"):
            answer = json.dumps({"listed": self.listed, "until": self._now()}).encode()
        elif scope["path"] != "/token":
            self.listed += 1
            answer = self._list(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _now(self) -> Instant:
        return self._clock() if self._end is None else self._end

    def _list(self, body: bytes) -> bytes:
        asked = json.loads(body)
        search = json.dumps(asked["searchParameters"])
        page, size = asked["paging"]["page"], min(asked["paging"]["size"], self._cap)
        if page == 0 or search not in self._found:
            if len(self._found) > _SEARCHES:
                del self._found[next(iter(self._found))]
            self._found[search] = self._matching(asked["searchParameters"])
        found = self._found[search]
        return self._traffic.page(found[page : page + size], len(found))

    def _matching(self, parameters: list[dict[str, Any]]) -> list[int]:
        by_name = {each["name"]: each["searchParameter"] for each in parameters}
        start, end = (
            (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) for text in by_name["created_at"]
        )
        wanted = (int(number) - 10_000_000 for number in by_name["terminal_id"])
        return self._traffic.at(wanted, max(start, self._since), min(end, self._now()))


if __name__ == "__main__":
    _, terminals, an_hour, port, *since = sys.argv
    bank = Bank(Traffic(int(terminals), float(an_hour)), since=int(since[0]) if since else 0)
    uvicorn.run(bank, port=int(port), log_level="error")
