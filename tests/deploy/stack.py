"""The compose file's services as processes of this machine: the same commands on the same files, with addresses in
place of the services' names and shorter intervals."""

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from tests.deploy.composed import laid_out, moved, services
from tests.tools import require

PORTS: Final = {
    "simulator": 8900,
    "exporter": 10084,
    "exporter-2": 10084,
    "exporter-3": 10084,
    "postgres": 5432,
    "prometheus": 9090,
    "alertmanager": 9093,
}
OWN: Final = {
    "simulator": lambda: ["epay-exporter"],
    "prometheus": lambda: [require("prometheus", "prometheus")],
    "alertmanager": lambda: [require("prometheus-alertmanager", "prometheus-alertmanager")],
}
"""What images begin with by themselves."""


class Stack(NamedTuple):
    """Addresses of services by name, and the directory they find their files in."""

    addresses: dict[str, str]
    directory: Path

    def put_in(self, text: str) -> str:
        """A text with addresses where it names services, or all interfaces."""
        for name, address in self.addresses.items():
            for host in (name, "0.0.0.0", "127.0.0.1"):
                text = text.replace(f"{host}:{PORTS[name]}", address)
            port = address.rpartition(":")[2]
            text = text.replace(f'"127.0.0.1", {PORTS[name]}', f'"127.0.0.1", {port}')
            text = text.replace(f"--port={PORTS[name]}", f"--port={port}")
        return text

    def url(self, name: str, path: str) -> str:
        return f"http://{self.addresses[name]}{path}"


def command(stack: Stack, name: str) -> list[str]:
    """What the container would run, for here."""
    service = services("demo", "replicas")[name]
    whole = [*(service["entrypoint"] or OWN[name]()), *service["command"]]
    if "volumes" in service:
        root = laid_out(service, stack.directory / name)
        for path in (each for each in root.rglob("*") if each.is_file()):
            path.write_text(hastened(stack.put_in(path.read_text(encoding="utf-8")), path), encoding="utf-8")
        whole = moved(whole, service, root)
    address = f"--web.listen-address={stack.addresses[name]}"
    more = {
        "simulator": (),  # it is told its address already; the others listen on their default one
        "prometheus": (address, "--rules.alert.resend-delay=1s"),  # the first time nobody may be known yet to send to
    }.get(name, (address,))
    return [{"python": sys.executable}.get(each, each) for each in map(stack.put_in, [*whole, *more])]


def hastened(text: str, path: Path) -> str:
    """Prometheus' files with a second for every interval."""
    if path.parent.name not in {"prometheus", "rules"}:
        return text
    return re.sub(r"^( +(?:\w+_)?(?:interval|timeout): )\w+", r"\g<1>1s", text, flags=re.MULTILINE)
