"""A bank of a private authority behind a proxy, as an operator meets it: what is said, and that it can be mended."""

import asyncio
import html
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.certificates import pair
from tests.gateways import Gateway, proxy, tls_before
from tests.processes import configuration, eventually, finished, free_port, get, sample, simulated, started

PASSWORD = "hush/S3CRET"
WRITTEN = "hush%2FS3CRET"


@asynccontextmanager
async def a_bank(directory: Path) -> AsyncIterator[Gateway]:
    """The simulator behind TLS, with a certificate of `authority.crt` in the directory."""
    port = free_port()
    server = pair(directory, "server", pair(directory, "authority"))
    with simulated(directory / "bank.log", port):
        await asyncio.to_thread(eventually, lambda: get(f"http://127.0.0.1:{port}/truth")[0] == 200)
        async with tls_before(port, server) as front:
            yield front


def written(directory: Path, bank: int, *lines: str) -> Path:
    path = configuration(directory, bank)
    text = path.read_text().replace("http://", "https://")
    path.write_text(
        text.replace("    username: demo", "".join(f"    {line}\n" for line in lines) + "    username: demo")
    )
    return path


async def test_the_doctor_goes_by_the_authority_and_the_proxy_of_the_account(tmp_path: Path) -> None:
    async with a_bank(tmp_path) as front, proxy("user", PASSWORD) as way:
        path = written(tmp_path, front.port, "ca_file: authority.crt", "proxy_url: ${EPAY_PROXY}")
        arguments: Any = ("check", "--online", f"--config.file={path}")
        right = f"http://user:{WRITTEN}@127.0.0.1:{way.port}"
        code, text, errors = await asyncio.to_thread(finished, *arguments, EPAY_PROXY=right)
        assert (code, errors) == (0, "")
        assert "login" in text
        assert set(way.asked) == {f"CONNECT 127.0.0.1:{front.port} HTTP/1.1"}

        wrong = right.replace(WRITTEN, "other-S3CRET")
        code, text, errors = await asyncio.to_thread(finished, *arguments, EPAY_PROXY=wrong)
        assert code == 2
        assert "the proxy wants a user name and password, or others than it got (HTTP 407)" in errors
        assert "S3CRET" not in text + errors


async def test_what_is_not_trusted_is_on_the_status_page_and_in_the_log_and_a_reload_mends_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = pair(tmp_path / "other", "authority").certificate
    async with a_bank(tmp_path) as front, proxy("user", PASSWORD) as way:
        (tmp_path / "proxy_url").write_text(f"http://user:{WRITTEN}@127.0.0.1:{way.port}")
        lines = "proxy_url_file: proxy_url", "ca_file: other/authority.crt"
        path, port = written(tmp_path, front.port, *lines), free_port()
        web = f"http://127.0.0.1:{port}"
        arguments = (f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
        with started(tmp_path / "log", "run", *arguments) as process:

            def shown(path: str) -> str:
                return html.unescape(get(f"{web}{path}")[1])

            async def page_with(text: str) -> str:
                return await asyncio.to_thread(eventually, lambda: page if text in (page := shown("/")) else "")

            why = f"annot connect to 127.0.0.1 through the proxy 127.0.0.1:{way.port}: its certificate is not trusted: "
            page = await page_with(why)
            assert f"(only the certificates of {other} are)" in page
            assert why in process.text()

            written(tmp_path, front.port, "proxy_url_file: proxy_url", "ca_file: authority.crt")
            process.popen.send_signal(signal.SIGHUP)
            await page_with("The terminal is read")
            metrics = shown("/metrics")
            assert (sample(metrics, "epay_poll_success") or 0) == 1
            traces = (process.text(), metrics, shown("/"))
            assert not [trace for trace in traces if PASSWORD in trace or WRITTEN in trace or "S3CRET" in trace]
            assert process.stop() == 0
            assert "Traceback" not in process.text()
