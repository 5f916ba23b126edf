"""A second bank, written from the bank's documents alone, that shares no code with the exporter or its simulator.

A world of operations is made beforehand; over HTTP the bank shows of it what is visible at the moment of the request.
It is as awkward as the documents allow: short pages, text where a number is expected, mixed offsets, nothing ordered
unless asked. The truth is a literal reading of the documents' tables.
"""

import contextlib
import email
import email.message
import json
import random
import re
import socket
import struct
import sys
import threading
import time
import uuid
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

NS = 1_000_000_000

CREDENTIALS = {
    "username": "judge-user-Jx7",
    "password": "Pw#$&*:%geheim-Qz1",
    "client_id": "judge-client-Ky3",
    "client_secret": "Cs&=+ %%$$geheim-Wv9",
}
PERSONAL = {
    "invoiceId": "990077001122",
    "accountId": "acct-person-5521",
    "description": "Beschreibung-Leckage",
    "senderCardMask": "4003********7793",
    "receiverCardMask": "5578********6614",
    "reference": "203480429951",
    "reason": "Отказ для Ермека Жаксыбекова",
    "name": "Ермек Жаксыбеков",
    "email": "ermek.leak@example.kz",
    "phone": "+77015559944",
    "ip": "185.97.113.77",
    "ipCity": "Талдыкорган-Утечка",
    "senderCardId": "card-id-leak-3301",
    "receiverCardId": "card-id-leak-3302",
}
"""What must be found nowhere outside the bank."""
GOSSIP = f"Клиент {PERSONAL['name']}, {PERSONAL['phone']}, {PERSONAL['email']}, карта 4003123412347793"
"""An error message that says too much."""


class Place(NamedTuple):
    """A terminal: what the search takes, what records carry, what the exporter calls it, its share of the traffic."""

    id: str
    number: str
    name: str
    weight: int


PLACES = (
    Place("98151552", "98151552", "wallet", 6),
    Place("2f1b6d0e-58f4-4e0a-9d84-0a2b2f1f7c11", "98151553", "payouts", 3),
    Place("98151554", "98151554", "kiosk", 1),
)
FOREIGN = Place("70000001", "70000001", "somebody-else", 1)


# -- the documents' tables, read literally ---------------------------------------------------------------------------

SUCCESS = {"ok", "success", "charge"}
SUCCESS_CODES = {"", "00", "0", "ok", "charge"}
SUCCESS_REASONS = {"", "0", "00"}
PENDING = {"new", "pending", "processing", "in_progress", "fingerprint", "auth", "3d"}
FAILURE = {
    "failed",
    "fail",
    "error",
    "reject",
    "rejected",
    "declined",
    "cancel",
    "cancel_old",
    "refund",
    "expired",
}
CLASSES = {
    "funds": "484",
    "limits": "476 488 491 528 529 2678 2740 3141",
    "authentication": "455 468 473 499 500 503 877",
    "card_data": "457 459 469 470 471 472 501 522 2357",
    "card_state": "465 467 478 479 481 482 483 485 489 492 524 525",
    "issuer_declined": "462 463 466 480 486 487 490 495 521 523 527 2872",
    "issuer_unavailable": "493 494",
    "technical": "100 293 454 456 458 460 461 475 477 496 497 498 502 526 1267 1268 1269 1563 1564 2358 2656 3014 3240",
    "configuration": "464",
}
CLASS_OF = {code: name for name, codes in CLASSES.items() for code in codes.split()}


def plain(status: str | None) -> str:
    """Statuses are compared without regard to case and blanks."""
    return (status or "").strip().lower()


class Result(NamedTuple):
    """What a record says of the operation's fate, as it is sent."""

    status: str | None
    code: str | None
    reason: str | int | None

    @property
    def reason_text(self) -> str:
        return "" if self.reason is None else str(self.reason)

    @property
    def outcome(self) -> str:
        status, code, reason = plain(self.status), (self.code or "").lower(), self.reason_text
        if status in SUCCESS and code in SUCCESS_CODES and reason in SUCCESS_REASONS:
            return "success"
        if status in PENDING or (reason == "454" and status not in SUCCESS | FAILURE):
            return "pending"
        if status in SUCCESS | FAILURE:
            return "failure"
        return "unknown"


FINALS: tuple[tuple[int, Result], ...] = (
    (40, Result("ok", "00", 0)),
    (8, Result("OK", "00", "0")),
    (4, Result("success", "", "")),
    (4, Result("CHARGE", "CHARGE", 0)),
    (3, Result(" Ok ", "ok", "00")),
    (3, Result("ok", "0", None)),
    (6, Result("failed", "51", 484)),
    (4, Result("FAILED", "05", "466")),
    (3, Result("error", "91", 494)),
    (2, Result("declined", "error", 493)),
    (2, Result("reject", "", -17)),
    (2, Result("rejected", "01", "-5")),
    (2, Result("cancel", "00", 0)),
    (1, Result("CANCEL_OLD", "00", 0)),
    (1, Result("refund", "CHARGE", 0)),
    (2, Result("expired", None, "455")),
    (2, Result("ok", "05", 0)),
    (2, Result("ok", "00", 484)),
    (1, Result("failed", "error", 454)),
    (1, Result("fail", "96", "496")),
    (1, Result("failed", "03", 464)),
    (1, Result("settled", "00", 0)),
    (1, Result("mystery", "X1", "abc")),
)
PENDINGS = (
    Result("NEW", "", ""),
    Result("processing", "00", 0),
    Result("3D", None, None),
    Result("auth", "", 0),
    Result("", "", 454),
    Result("in_progress", "error", "454"),
)


# -- the world -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One operation, from its creation to its end, with the JSON of each of its appearances."""

    id: str
    created: int
    visible: int
    final: int
    place: Place
    amount: Decimal
    currency: str
    first: Result
    last: Result
    json_first: str
    json_last: str
    readable: bool = True
    unreadable_until: int = 0
    json_unreadable: str = ""

    def json(self, now: int) -> str:
        if now < self.unreadable_until:
            return self.json_unreadable
        return self.json_first if now < self.final else self.json_last


def written(created: int, digits: int, hours: int) -> str:
    """A moment as the bank writes it: with its offset and so many digits."""
    moment = datetime.fromtimestamp(created // NS, UTC).astimezone(timezone(timedelta(hours=hours)))
    fraction = f".{created % NS:09d}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+{hours:02d}:00"


def read_moment(text: str) -> int:
    """RFC 3339 to nanoseconds."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    if match is None:
        raise ValueError(text)
    whole = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int(whole.timestamp()) * NS + int((match[2] or "").ljust(9, "0"))


def render(body: Mapping[str, object], amount: str, result: Result | None, chance: random.Random) -> str:
    """A record with its amount exactly as given; what is nothing is null or left out."""
    record = dict(body, amount="@amount@")
    if result is not None:
        for name, value in (("status", result.status), ("code", result.code), ("reasonCode", result.reason)):
            if value is not None:
                record[name] = value
            elif chance.random() < 0.5:
                record[name] = None
    return json.dumps(record, ensure_ascii=chance.random() < 0.5).replace('"@amount@"', amount)


def amount_text(chance: random.Random) -> str:
    return chance.choice(
        (
            str(chance.randrange(1, 500_000)),
            str(chance.randrange(1, 900) * 100),
            f"{chance.randrange(1, 90_000)}.{chance.randrange(10)}",
            f"{chance.randrange(90_000)}.{chance.randrange(1, 100):02d}",
            f"{chance.randrange(1, 9_000)}.{chance.randrange(100):02d}",
            f"{chance.randrange(1, 900)}.00",
            f"{chance.randrange(1, 9)}.{chance.randrange(1, 9)}E+3",
        )
    )


def spoil(body: Mapping[str, object], amount: str, result: Result, kind: int, chance: random.Random) -> str:
    """The same record, such that nobody can read it, in a page that is still JSON."""
    match kind % 6:
        case 0:
            return render(body, '"двенадцать"', result, chance)
        case 1:
            return render(dict(body, dateTime="вчера"), amount, result, chance)
        case 2:
            return render(dict(body, dateTime=None), amount, result, chance)
        case 3:
            return render(body, '{"value": 12}', result, chance)
        case 4:
            return render(dict(body, id=None), amount, result, chance)
        case _:
            return chance.choice(("null", '"rubbish"', "17", "[]"))


@dataclass(frozen=True)
class World:
    """All operations, in the order of created_at and id, and what must be exposed of them."""

    start: int
    end: int
    """From here on nothing is created."""
    settled: int
    """From here on everything is visible, readable and final."""
    operations: list[Operation]

    def counted(self, since: Mapping[str, int]) -> tuple[dict["Key", int], dict["MoneyKey", Decimal]]:
        """Counters once all is settled, of what was created at or after each terminal's moment."""
        return tally(op for op in self.ours() if op.created >= since[op.place.name])

    def window(self, ends: Mapping[str, int], length: int) -> tuple[dict["Key", int], dict["MoneyKey", Decimal]]:
        """A window once all is settled, which ends for each terminal at a moment of its own."""
        return tally(op for op in self.ours() if ends[op.place.name] - length <= op.created < ends[op.place.name])

    def ours(self) -> Iterator[Operation]:
        return (op for op in self.operations if op.readable and op.place is not FOREIGN)


class Key(NamedTuple):
    """What a counter's series is told apart by."""

    terminal: str
    outcome: str
    status: str
    code: str
    reason_code: str


class MoneyKey(NamedTuple):
    """The same, with the currency."""

    key: Key
    currency: str


def tally(operations: Iterable[Operation]) -> tuple[dict[Key, int], dict[MoneyKey, Decimal]]:
    counts: dict[Key, int] = defaultdict(int)
    amounts: dict[MoneyKey, Decimal] = defaultdict(Decimal)
    for op in operations:
        result = op.last
        key = Key(op.place.name, result.outcome, plain(result.status), result.code or "", result.reason_text)
        counts[key] += 1
        amounts[MoneyKey(key, op.currency)] += op.amount
    return dict(counts), dict(amounts)


def make_world(
    start: int,
    *,
    history: int = 170,
    traffic: int = 27,
    settle: float = 4.0,
    rate: int = 30,
    seed: int = 1,
    poison: float = 0.0,
) -> World:
    """Traffic from `history` seconds before the start until `traffic` seconds after it; what is still pending or hidden
    `settle` seconds later is so no longer."""
    chance = random.Random(seed)
    end = start + traffic * NS
    settled = end + int(settle * NS)
    moment = float(start - history * NS)
    operations: list[Operation] = []
    while True:
        moment += chance.expovariate(rate * 1.05) * NS
        if moment >= end:
            break
        operations.append(_operation(chance, int(moment), settled, poison))
        if chance.random() < poison:
            operations.append(_operation(chance, int(moment), settled, poison, readable=False))
    operations.sort(key=lambda op: (op.created, op.id))
    return World(start, end, settled, operations)


def make_table(start: int) -> World:
    """An operation of each fate that the table of outcomes speaks of, all from before the start."""
    chance = random.Random(7)
    codes = (*SUCCESS_CODES, "05", None)
    reasons = [*CLASS_OF, *(int(code) for code in CLASS_OF), "", 0, "00", "0", None, "777777", -1]
    odd = ("", None, "teleported", " Failed", "REJECT ", "3d")
    fates = [Result(status, code, reason) for status in SUCCESS for code in codes for reason in (0, "", "484")]
    fates += [Result(status, "00", 0) for status in (*PENDING, *FAILURE, *odd)]
    fates += [Result(status.upper(), "", 0) for status in (*SUCCESS, *PENDING, *FAILURE)]
    fates += [Result("failed", "", reason) for reason in reasons]
    # An answer that was not received: final where the documents call the status final.
    fates += [Result(status, "error", 454) for status in ("CHARGE", *FAILURE, *PENDING, "", None)]
    made = [
        _operation(chance, start - (100 + each) * NS // 10, start - NS, 0, fate=fate) for each, fate in enumerate(fates)
    ]
    return World(start, start, start, sorted(made, key=lambda op: (op.created, op.id)))


def _operation(
    chance: random.Random,
    moment: int,
    settled: int,
    poison: float,
    *,
    readable: bool = True,
    fate: Result | None = None,
) -> Operation:
    digits = chance.randrange(8)
    created = moment // 10 ** (9 - digits) * 10 ** (9 - digits)
    place = chance.choices((*PLACES, FOREIGN), weights=[*(place.weight for place in PLACES), 0 if fate else 0.5])[0]
    late = int(chance.uniform(0.2, 8) * NS) if chance.random() < 0.10 else 0
    visible = min(moment + late, settled)
    pending = chance.random() < 0.20
    final = min(moment + int(chance.uniform(1, 10) * NS), settled) if pending else 0
    last = fate or chance.choices([result for _, result in FINALS], weights=[weight for weight, _ in FINALS])[0]
    first = chance.choice(PENDINGS) if pending else last
    amount = amount_text(chance)
    currency = "USD" if chance.random() < 0.25 else "KZT"
    identity = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    body = {
        **PERSONAL,
        "id": identity,
        "dateTime": written(created, digits, chance.choice((5, 6))),
        "currency": currency,
        "terminal": place.number,
        "language": "",
        "senderCardType": "VISA",
        "receiverCardType": None,
        "ipLongitude": 0,
        "aNewField": {"nested": [1, 2, None]},
    }
    kind = chance.randrange(6)
    spoilt = spoil(body, amount, first, kind, chance)
    sick = readable and chance.random() < poison
    return Operation(
        id=identity,
        created=created,
        visible=visible,
        final=final,
        place=place,
        amount=Decimal(amount),
        currency=currency,
        first=first,
        last=last,
        json_first=render(body, amount, first, chance) if readable else spoilt,
        json_last=render(body, amount, last, chance) if readable else spoilt,
        readable=readable,
        unreadable_until=min(visible + int(chance.uniform(1, 6) * NS), settled) if sick else 0,
        json_unreadable=spoilt,
    )


# -- the bank over HTTP ----------------------------------------------------------------------------------------------

FAULTS = ("500", "reset", "truncated", "html", "error_body", "429", "slow", "revoked")


@dataclass
class Bank:
    """What is set before the start, and what is seen meanwhile."""

    world: World
    token_seconds: float = 5.0
    cap: int = 40
    fault_rate: float = 0.0
    faults_until: int = 0
    refused: frozenset[str] = frozenset()
    always: str = ""
    """A fault that every search shows."""
    always_login: str = ""
    hang: float = 0.0
    tokens: dict[str, int] = field(default_factory=dict)
    logins: list[int] = field(default_factory=list)
    refused_logins: list[int] = field(default_factory=list)
    searches: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(99))
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    @contextlib.contextmanager
    def serving(self) -> Iterator["Bank"]:
        bank = self

        class Bound(_Handler):
            def __init__(self, *arguments: Any) -> None:
                self.bank = bank
                super().__init__(*arguments)

        server = _Server(("127.0.0.1", 0), Bound)
        server.bank = self
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    # Login

    def login(self, form: Mapping[str, str]) -> tuple[int, str]:
        now = time.time_ns()
        expected = {"grant_type": "password", "scope": "transfer", **CREDENTIALS}
        with self.lock:
            self.logins.append(now)
            if dict(form) != expected:
                self.refused_logins.append(now)
                wrong = sorted(key for key in expected.keys() | form.keys() if expected.get(key) != form.get(key))
                self.violations.append(f"login with wrong {wrong}")
                return 401, json.dumps({"error": "invalid_grant", "error_description": GOSSIP + str(dict(form))})
            token = f"T0ken.{self.chance.getrandbits(96):x}"
            self.tokens = {token: now + int(self.token_seconds * NS)}  # a new token revokes the old one
        return 200, json.dumps(
            {
                "access_token": token,
                "expires_in": f"{self.token_seconds:g}",
                "refresh_token": "",
                "scope": "transfer",
                "token_type": "bearer",
            }
        )

    def admits(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        with self.lock:
            return kind.lower() == "bearer" and self.tokens.get(token, 0) > time.time_ns()

    def fault(self) -> str:
        """Which one this search shows, if any."""
        if self.always:
            return self.always
        with self.lock:
            self.searches += 1
            if time.time_ns() >= self.faults_until or self.chance.random() >= self.fault_rate * len(FAULTS):
                return ""
            name = self.chance.choice(FAULTS)
            self.shown[name] += 1
            return name

    # The list

    def search(self, body: bytes) -> tuple[int, str]:
        try:
            query = json.loads(body)
            paging = query["paging"]
            skip, size = paging["page"], paging["size"]
            if type(skip) is not int or type(size) is not int or skip < 0 or size < 1:
                raise ValueError("paging")  # noqa: TRY301 -- one way to say no
            low, high, wanted = self._conditions(query["searchParameters"])
            order = [(each["field"], each["typeOrder"]) for each in query["orderParameters"]]
        except (ValueError, KeyError, TypeError) as error:
            with self.lock:
                self.violations.append(f"search refused: {error!r}: {body[:300]!r}")
            return 400, json.dumps({"code": 232, "message": "Метод поиска отсутствует. " + GOSSIP}, ensure_ascii=False)
        if wanted is not None and wanted & self.refused:
            return 403, json.dumps({"code": 300, "message": "Терминал недоступен. " + GOSSIP}, ensure_ascii=False)
        now = time.time_ns()
        found = self.between(low, high, wanted, now)
        self._sort(found, order)
        page = found[skip : skip + min(size, self.cap)]
        records = "[" + ",".join(op.json(now) for op in page) + "]" if page else "null"
        return 200, f'{{"totalCount": {len(found)}, "records": {records}}}'

    def between(self, low: int, high: int, wanted: frozenset[str] | None, now: int) -> list[Operation]:
        """Both bounds belong to the period."""
        operations = self.world.operations
        first = bisect_left(operations, low, key=lambda op: op.created)
        last = bisect_right(operations, high, key=lambda op: op.created)
        return [op for op in operations[first:last] if op.visible <= now and (wanted is None or op.place.id in wanted)]

    def _sort(self, found: list[Operation], order: list[tuple[str, str]]) -> None:
        if order == [("created_at", "ASC"), ("id", "ASC")]:
            return  # they are kept that way
        self.chance.shuffle(found)
        for name, direction in reversed(order):
            found.sort(key=lambda op: op.created if name == "created_at" else op.id, reverse=direction == "DESC")

    @staticmethod
    def _conditions(conditions: list[dict[str, Any]]) -> tuple[int, int, frozenset[str] | None]:
        period: tuple[int, int] | None = None
        wanted: frozenset[str] | None = None
        for condition in conditions:
            values = condition["searchParameter"]
            if not all(isinstance(value, str) for value in values):
                raise ValueError("values")
            match condition["name"], condition["method"], len(values):
                case "created_at", "between", 2:
                    period = (read_moment(values[0]), read_moment(values[1]))
                case "terminal_id", "in", count if count >= 1:
                    wanted = frozenset(values)
                case "terminal_id", "=", 1:
                    wanted = frozenset(values)
                case _:
                    raise ValueError(condition)
        if period is None:
            raise ValueError("no period")
        return *period, wanted


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    bank: Bank

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- the base class says so
        """A client that goes away is none; anything else is a mistake of the judge's."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.bank.violations.append(f"the bank itself: {error!r}")


HTML = "<html><head><title>Техникалық жұмыстар</title></head><body>Қызмет уақытша қолжетімсіз</body></html>"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bank: Bank

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's word
        """Nothing."""

    def do_GET(self) -> None:
        self.bank.violations.append(f"GET {self.path}")
        self.answer(405, "")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # killed while it asked
            self.close_connection = True
            return
        if self.path == "/oauth2/token":
            if self.bank.always_login:
                with self.bank.lock:
                    self.bank.logins.append(time.time_ns())
                self.misbehave(self.bank.always_login, 200, "{}")
                return
            status, text = self.bank.login(self.form(body))
            self.answer(status, text)
        elif self.path == "/api/p2p/operations":
            self.operations(body)
        else:
            self.bank.violations.append(f"POST {self.path}")
            self.answer(404, "")

    def operations(self, body: bytes) -> None:
        if self.bank.hang:
            time.sleep(self.bank.hang)
        fault = self.bank.fault()
        if fault == "revoked":
            with self.bank.lock:
                self.bank.tokens = {}
        if not self.bank.admits(self.headers.get("Authorization", "")):
            self.answer(401, json.dumps({"error": "invalid_token", "error_description": GOSSIP}))
            return
        status, text = self.bank.search(body)
        self.misbehave(fault, status, text)

    def misbehave(self, fault: str, status: int, text: str) -> None:
        """Sends the answer, or what the fault makes of it."""
        match fault:
            case "500":
                self.answer(500, json.dumps({"code": 500, "message": GOSSIP}))
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
            case "truncated":
                self.answer(status, text[: len(text) * 2 // 3])
            case "html":
                self.answer(200, HTML + GOSSIP, kind="text/html; charset=utf-8")
            case "error_body":
                self.answer(
                    200, json.dumps({"code": 999, "message": "Внутренняя ошибка. " + GOSSIP}, ensure_ascii=False)
                )
            case "429":
                self.answer(429, "slow down", extra="Retry-After: 1\r\n")
            case "slow":
                time.sleep(self.bank.chance.uniform(1, 2))
                self.answer(status, text)
            case _:
                self.answer(status, text)

    def form(self, body: bytes) -> dict[str, str]:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        fields: dict[str, str] = {}
        for part in message.get_payload() if message.is_multipart() else ():
            if isinstance(part, email.message.Message):
                content = part.get_payload(decode=True)
                name = part.get_param("name", header="content-disposition")
                fields[str(name)] = content.decode() if isinstance(content, bytes) else str(content)
        return fields

    def answer(self, status: int, text: str, *, kind: str = "application/json", extra: str = "") -> None:
        """In one write, so that nobody waits for a second packet."""
        content = text.encode()
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        self.wfile.write(head.encode() + content)
