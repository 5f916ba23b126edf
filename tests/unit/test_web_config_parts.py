"""Passwords, the bucket, and the Authorization header, each by itself."""

import base64
import re
from pathlib import Path

import bcrypt
import pytest

from exporter.web.passwords import Passwords
from exporter.web.protection import Bucket, credentials
from exporter.web.settings import RateLimit, parse_settings

README = Path(__file__).parent.parent.parent / "README.md"


def hashed(password: bytes, cost: int = 4) -> bytes:
    return bcrypt.hashpw(password, bcrypt.gensalt(cost))


@pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"])
async def test_hashes_of_all_tools_are_understood(prefix: bytes) -> None:
    users = {b"alice": prefix + hashed(b"right")[4:]}

    assert await Passwords().right(users, b"alice", b"right", "host")
    assert not await Passwords().right(users, b"alice", b"wrong", "host")


async def test_only_the_first_72_bytes_count_as_in_other_tools() -> None:
    users = {b"alice": hashed(b"x" * 72)}

    assert await Passwords().right(users, b"alice", b"x" * 100, "host")
    assert not await Passwords().right(users, b"alice", b"x" * 71, "host")


@pytest.mark.parametrize("password", [b"", b"\0", b"right\0", b"\xff\xfe", b"x" * 100_000])
async def test_odd_passwords_are_wrong_and_nothing_worse(password: bytes) -> None:
    assert not await Passwords().right({b"alice": hashed(b"right")}, b"alice", password, "host")


async def test_unknown_users_cost_as_much_as_known_ones() -> None:
    passwords, users = Passwords(), {b"alice": hashed(b"right", 5), b"bob": hashed(b"right", 6)}
    costs = {passwords._nobodys(users, name.encode())[4:6] for name in map(str, range(40))}

    assert costs == {b"05", b"06"}
    assert not await passwords.right(users, b"carol", b"right", "host")
    assert passwords.checked == 1


async def test_the_hash_that_stands_in_for_nobody_opens_nothing() -> None:
    # The toolkit's own: a hash of "fakepassword".
    assert not await Passwords().right({b"alice": hashed(b"right")}, b"bob", b"fakepassword", "host")


async def test_wrong_passwords_do_not_push_out_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.web.passwords._WRONG", 3)
    passwords, users = Passwords(), {b"alice": hashed(b"right")}
    await passwords.right(users, b"alice", b"right", "host")
    for guess in range(10):
        await passwords.right(users, b"alice", b"%d" % guess, "host")
    checked = passwords.checked

    assert await passwords.right(users, b"alice", b"right", "host")
    assert passwords.checked == checked
    assert len(passwords._wrong) == 3


async def test_nothing_of_a_password_is_kept() -> None:
    passwords = Passwords()
    await passwords.right({b"alice": hashed(b"right-password")}, b"alice", b"right-password", "host")

    assert b"right-password" not in repr(vars(passwords)).encode()


def test_a_bucket_fills_up_to_its_burst() -> None:
    now = 100.0
    bucket = Bucket(RateLimit(interval=500_000, burst=2), lambda: now)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now += 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_without_an_interval_nothing_is_limited() -> None:
    bucket = Bucket(RateLimit())
    assert all(bucket.take() for _ in range(1000))


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Basic {encoded(b'alice:a:b')}", (b"alice", b"a:b")),
        (f"basic  {encoded('алия:пароль'.encode())}", ("алия".encode(), "пароль".encode())),
        (f"BASIC {encoded(b':')}", (b"", b"")),
        (f"Basic {encoded(b'alice')}", None),
        (f"Bearer {encoded(b'alice:a')}", None),
        ("Basic ä", None),
        ("Basic YWxpY2U6YQ", None),
        ("Basic", None),
        ("", None),
    ],
)
def test_credentials_of_a_header(header: str, expected: tuple[bytes, bytes] | None) -> None:
    assert credentials(header) == expected


def test_the_example_in_readme_is_understood(tmp_path: Path) -> None:
    found = re.findall(
        r"^```yaml\n(tls_server_config:.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "web.yaml").write_text(found[0], encoding="utf-8")

    settings, problems = parse_settings(tmp_path / "web.yaml")

    assert problems == []
    assert settings.tls
    assert settings.users
    assert settings.rate_limit.burst
