"""Credentials: outright or from a file that is read anew, and never shown."""

from pathlib import Path

import pytest

from exporter.config import Secret, SecretUnreadable


def unreadable(secret: Secret) -> str:
    with pytest.raises(SecretUnreadable) as caught:
        secret.read()
    return str(caught.value)


def test_a_secret_given_outright_is_read() -> None:
    assert Secret("accounts[0].password", "a $# b ").read() == "a $# b "


def test_a_rotated_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "password"
    secret = Secret("accounts[0].password", file=file)
    file.write_text("old\n")
    assert secret.read() == "old"
    file.write_text("new")
    assert secret.read() == "new"


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a\n", "a"), (b"a\r\n", "a"), (b" a \n", " a "), (b"\xef\xbb\xbfa", "a"), ("пароль\n".encode(), "пароль")],
)
def test_line_breaks_at_the_end_and_byte_order_marks_do_not_belong_to_it(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    assert Secret("accounts[0].password", file=file).read() == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\r\n", "the file is empty"),
        (b"\xffhush", "not UTF-8"),
        (b"x" * 70_000, "too large"),
    ],
)
def test_a_file_without_a_usable_secret_is_named_with_its_key(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    said = unreadable(Secret("accounts[0].password", file=file))
    assert said.startswith(f"accounts[0].password_file: {file}: {reason}")
    assert "hush" not in said


def test_a_missing_file_is_named_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "password"
    assert unreadable(Secret("key", file=file)) == f"key_file: {file}: No such file or directory"


def test_a_secret_does_not_show(tmp_path: Path) -> None:
    assert "hush" not in repr(Secret("accounts[0].password", "hush"))
