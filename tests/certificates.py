"""Certificates for tests, made by the `openssl` command."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tools import require

_CONFIGURATION = """[req]
distinguished_name = dn
prompt = no
x509_extensions = ext
[dn]
CN = {name}
[ext]
basicConstraints = critical,CA:{ca}
subjectAltName = {san}
"""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


def pair(directory: Path, name: str, issuer: Pair | None = None, san: str = "DNS:localhost,IP:127.0.0.1") -> Pair:
    """A certificate of a name, by an issuer or by itself; without one it can issue others."""
    made = Pair(directory / f"{name}.crt", directory / f"{name}.key")
    configuration = directory / f"{name}.cnf"
    configuration.write_text(_CONFIGURATION.format(name=name, ca="FALSE" if issuer else "TRUE", san=san))
    signed = ["-CA", str(issuer.certificate), "-CAkey", str(issuer.key)] if issuer else []
    subprocess.run(
        [
            *(require("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-config", str(configuration), *signed),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=20,
    )
    return made


def trusting(*servers: Pair, showing: Pair | None = None) -> ssl.SSLContext:
    """A client's context that trusts these, and shows a certificate of its own if it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for server in servers:
        context.load_verify_locations(server.certificate)
    if showing is not None:
        context.load_cert_chain(showing.certificate, showing.key)
    return context
