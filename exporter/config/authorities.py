"""The certificates of a `ca_file`: read, made into what TLS trusts, and asked when they end."""

import re
import ssl
from pathlib import Path
from typing import Any, Final, NamedTuple

_LARGEST: Final = 4 * 1024 * 1024
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----", re.ASCII)


class AuthoritiesUnusable(Exception):
    """No trust can be made of a file; `reason` names no content, `hint` says what to do where that is known."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Authority(NamedTuple):
    """A certificate that others are signed with. `ends`: seconds since the epoch."""

    name: str
    ends: int


def trust(file: Path) -> ssl.SSLContext:
    """A client's context that trusts the certificates of a PEM file and nothing else. Raises AuthoritiesUnusable.

    Each of them is trusted for what it is, also one that is not a root: as in Prometheus' `tls_config.ca_file`.
    """
    blocks = _blocks(file)
    for place, block in enumerate(blocks, start=1):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block)
        except (ssl.SSLError, ValueError):
            which = f"certificate {place} of {len(blocks)} in it" if len(blocks) > 1 else "the certificate in it"
            raise AuthoritiesUnusable(f"{which} is damaged") from None
    context = ssl.create_default_context(cadata="\n".join(blocks))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def authorities(file: Path) -> tuple[Authority, ...]:
    """The authorities of a PEM file, in no particular order. Raises AuthoritiesUnusable.

    A certificate that is none of an authority's, as a server's own that signs nothing, is left out: OpenSSL lists only
    those that may sign others.
    """
    return tuple(
        Authority(_name(each), ssl.cert_time_to_seconds(str(each["notAfter"]))) for each in trust(file).get_ca_certs()
    )


def _blocks(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        raise AuthoritiesUnusable(f"cannot be read: {reason}") from None
    if len(content) > _LARGEST:
        raise AuthoritiesUnusable("larger than 4 MiB: this is no file of certificates")
    blocks = _CERTIFICATE.findall(content.decode("ascii", "replace"))
    if not blocks:
        hint = "openssl x509 -inform der -in FILE -out FILE.pem makes one" if content[:1] == b"\x30" else ""
        raise AuthoritiesUnusable("no PEM certificate is in it", hint)
    return blocks


def _name(certificate: dict[str, Any]) -> str:
    """What people call it: the common name, or whatever its subject ends with."""
    parts = [pair for each in certificate.get("subject", ()) for pair in each]
    named = [value for kind, value in parts if kind == "commonName"] or [value for _, value in parts]
    return str(named[-1]) if named else "without a name"
