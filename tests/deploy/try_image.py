"""Builds the image and runs it the way a cautious host would: `make image-test`. Needs root, buildah and iproute2.

The image's own user, working directory, environment and command are used; around it: a read-only root, a volume at
/data, no capability, no way to get one, and no network but a loopback of its own, on which the image also plays the
bank. Where docker.io is out of reach, STAND_IN=1 makes a base of Debian's packages (debootstrap) in a storage of its
own; that proves the steps, not the real base. IMAGE_BUILD_FLAGS adds to `buildah bud`.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.11-slim"
IMAGE = "localhost/epay-exporter:image-test"
REVISION = "0123abc"
BANK, EXPORTER = "127.0.0.1:8900", "127.0.0.1:10084"
CONFIGURATION = f"""\
accounts:
  - token_url: http://{BANK}/oauth2/token
    operations_url: http://{BANK}/api/p2p/operations
    username: demo
    password: demo
    client_id: demo
    client_secret: demo
    terminals: [{{id: "98151552", name: wallet}}]
poll: {{interval: 1s}}
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def output(*command: str | Path) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


# Outside: it is built, and its root mounted


def storage(directory: Path) -> list[str]:
    """The host's own storage, or for a stand-in one of its own, where it cannot be taken for the real base."""
    own = ["--root", str(directory / "store"), "--runroot", str(directory / "run"), "--storage-driver", "vfs"]
    return own if os.environ.get("STAND_IN") else []


def stand_in(buildah: list[str], directory: Path) -> None:
    """Debian's Python under the name of the real base."""
    root = directory / "root"
    packages = "python3,python3-venv,python3-pip,ca-certificates"
    output("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root)
    (root / "usr/bin/python").symlink_to("python3")
    container = output(*buildah, "from", "scratch")
    output(*buildah, "add", "-q", container, root, "/")
    output(*buildah, "commit", "-q", "--rm", container, BASE)
    shutil.rmtree(root)


@contextlib.contextmanager
def mounted(buildah: list[str]) -> Iterator[Path]:
    container = output(*buildah, "from", "--pull-never", IMAGE)
    try:
        yield Path(output(*buildah, "mount", container))
    finally:
        output(*buildah, "umount", container)
        output(*buildah, "rm", container)


def main() -> None:
    missing = [name for name in ("buildah", "ip", "unshare", "setpriv") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        sys.exit(f"make image-test needs root and apt-get install buildah iproute2 (missing: {missing or 'root'})")
    with tempfile.TemporaryDirectory(prefix="image-test.", dir="/var/tmp") as name:
        directory = Path(name)
        buildah = ["buildah", *storage(directory)]
        if os.environ.get("STAND_IN"):
            say("base: a stand-in of Debian's packages, not python:3.11-slim")
            stand_in(buildah, directory)
        began = time.monotonic()
        build = ["bud", "--quiet", "--format=docker", "--isolation=chroot", "--network=host", "--no-cache"]
        build += ["--pull-never"] if os.environ.get("STAND_IN") else []
        build += shlex.split(os.environ.get("IMAGE_BUILD_FLAGS", ""))
        output(*buildah, *build, f"--build-arg=REVISION={REVISION}", "-t", IMAGE, ".")
        say(f"built in {time.monotonic() - began:.0f} s")
        described = json.loads(output(*buildah, "inspect", "--type=image", IMAGE))["Docker"]["config"]
        assert described["Labels"]["org.opencontainers.image.revision"] == REVISION
        assert set(described["Volumes"]) == {"/data"}
        assert set(described["ExposedPorts"]) == {"10084/tcp"}
        with mounted(buildah) as root:
            own = sum(file.lstat().st_size for file in (root / "opt").rglob("*") if file.is_file())
            say(f"size: {size(root) >> 20} MiB unpacked, of which {own >> 20} MiB above the base")
            try_it(root, directory, described)
    say("all well")


def size(root: Path) -> int:
    return int(output("du", "-sxb", root).split()[0])


def try_it(root: Path, directory: Path, described: dict[str, Any]) -> None:
    """Prepare what an engine would, and go on in namespaces of our own."""
    data, configuration = directory / "data", directory / "configuration"
    shutil.copytree(root / "data", data)
    os.chown(data, (root / "data").stat().st_uid, (root / "data").stat().st_gid)
    configuration.mkdir()
    (configuration / "config.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (root / "etc/epay-exporter").mkdir()
    (directory / "described.json").write_text(json.dumps(described), encoding="utf-8")
    inside = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", sys.executable, __file__, "--inside"]
    subprocess.run([*inside, root, directory], check=True, timeout=120)


# Inside: a mount, network and process namespace that end with us


class Image:
    """What is described by the image, around its root directory."""

    def __init__(self, root: Path, described: dict[str, Any]) -> None:
        user, _, group = described["User"].partition(":")
        assert (user, group) == ("65532", "65532")
        self.command = [*described["Entrypoint"], *described["Cmd"]]
        self.entrypoint = described["Entrypoint"]
        self.health = described["Healthcheck"]["Test"][1:]
        self._prefix = ["chroot", str(root), "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        self._prefix += ["--no-new-privs", "--bounding-set=-all", "env", "--ignore-environment"]
        self._prefix += [f"--chdir={described['WorkingDir']}", *described["Env"]]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._prefix, *command])

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._prefix, *command], capture_output=True, text=True, timeout=30, check=False)


def inside(root: Path, directory: Path) -> None:
    output("mount", "--make-rprivate", "/")
    output("mount", "--bind", root, root)
    output("mount", "-o", "remount,bind,ro", root)
    output("mount", "--bind", directory / "data", root / "data")
    output("mount", "--bind", directory / "configuration", root / "etc/epay-exporter")
    output("mount", "--rbind", "/dev", root / "dev")
    output("mount", "-t", "proc", "proc", root / "proc")
    output("ip", "link", "set", "lo", "up")
    image = Image(root, json.loads((directory / "described.json").read_text(encoding="utf-8")))

    version = image.run(*image.entrypoint, "--version")
    assert f"revision: {REVISION}," in version.stdout, version
    say(version.stdout.strip())
    for place in ("/", "/etc", "/opt/epay-exporter", "/tmp", "/var/tmp", "/etc/epay-exporter"):
        assert image.run("touch", f"{place}/x").returncode != 0, f"{place} can be written to"
    assert image.run("touch", "/data/x").returncode == 0
    bank = image.start(*image.entrypoint, "simulate", f"--listen={BANK}")
    exporter = image.start(*image.command)
    try:
        await_ready()
        tell_about(root, exporter.pid, directory)
        assert image.run("sh", "-c", shlex.join(image.health)).returncode == 0
        began = time.monotonic()
        exporter.send_signal(signal.SIGTERM)
        assert exporter.wait(5) == 0
        say(f"stopped by SIGTERM in {time.monotonic() - began:.1f} s with exit code 0")
        assert image.run("sh", "-c", shlex.join(image.health)).returncode != 0
    finally:
        for process in (bank, exporter):
            process.kill()
            process.wait()


def await_ready() -> None:
    began = time.monotonic()
    while True:
        with contextlib.suppress(OSError):
            for path in ("/-/healthy", "/-/ready"):
                assert urllib.request.urlopen(f"http://{EXPORTER}{path}", timeout=5).status == 200
            metrics = urllib.request.urlopen(f"http://{EXPORTER}/metrics", timeout=5).read().decode()
            if 'epay_poll_success{terminal="wallet"} 1' in metrics:
                break
        assert time.monotonic() - began < 30, "not ready in 30 s"
        time.sleep(0.1)
    assert f'revision="{REVISION}"' in metrics
    say(f"first poll of the bank in {time.monotonic() - began:.1f} s, metrics served")


def tell_about(root: Path, pid: int, directory: Path) -> None:
    """As which user it runs, with which rights, and what it has written."""
    lines = (root / f"proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65532"}
    assert status["NoNewPrivs"] == "1"
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    written = {file.name: file.stat().st_uid for file in (directory / "data").iterdir()}
    assert written["epay-exporter.db"] == 65532, written
    say(f"user 65532:65532, no capability, read-only root, resident {int(status['VmRSS'].split()[0]) >> 10} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
