"""Each file in tests/data/web is one good web configuration or one mistake, with the line, key and text expected."""

import re
from pathlib import Path

import pytest

from exporter.config import Problem
from exporter.web.settings import RateLimit, parse_settings

FILES = Path(__file__).parent.parent / "data" / "web"
GOOD = sorted(FILES.glob("*.ok.yaml"))
BAD = sorted(FILES.glob("*.bad.yaml"))


def problems(path: Path) -> list[Problem]:
    return parse_settings(path)[1]


def expectations(path: Path) -> list[tuple[int, str, str]]:
    found = re.findall(r"^# expect: (\d+) (.*?): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [(int(line), key.strip(), text.strip()) for line, key, text in found]


def test_there_are_files() -> None:
    assert len(GOOD) >= 5
    assert len(BAD) >= 30


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_is_read(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_mistake_is_reported_at_its_line_and_key_and_nothing_else_is(path: Path) -> None:
    expected = expectations(path)
    found = problems(path)
    assert [(problem.line, problem.key) for problem in found] == [(line, key) for line, key, _ in expected]
    for problem, (_, _, text) in zip(found, expected, strict=True):
        assert text in f"{problem.text}; {problem.hint}"
        assert problem.file == str(path)
        assert "\n" not in str(problem)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_no_secret_occurs_in_any_error(path: Path) -> None:
    assert "hush" not in "\n".join(map(str, problems(path)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "web.yaml")

    assert str(problem) == f"{tmp_path}/web.yaml: cannot be read: No such file or directory"


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_bytes(b"a: b\nc: \xff\n")

    assert str(problems(path)[0]).startswith(f"{path}:2: not UTF-8")


def test_all_of_the_toolkits_sample_is_understood() -> None:
    settings, _ = parse_settings(FILES / "toolkit-sample.ok.yaml")

    assert settings.tls is not None
    assert settings.tls.cert_file == FILES / "server.crt"
    assert settings.tls.client_ca_file == FILES / "tls" / "clients.crt"
    assert settings.tls.client_allowed_sans == frozenset({"prometheus.example", "::1"})
    assert settings.tls.ciphers == ("ECDHE-RSA-AES128-GCM-SHA256",)
    assert settings.tls.curve == "prime256v1"
    assert set(settings.users) == {b"alice", b"bob"}
    assert settings.rate_limit == RateLimit(1_000_000, 5)
    assert settings.headers == {
        "Content-Security-Policy": "default-src 'self' ${NOT_A_VARIABLE}",
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000",
    }
    assert settings.notes == ("http2: only HTTP/1.1 is served",)
    assert "$2y" not in repr(settings)
