"""TLS contexts made from files, and what is wrong with the files."""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from exporter.web.settings import Tls, canonical

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFICATION: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_LARGEST: Final = 4 * 1024 * 1024

Complaint = tuple[str, str, str]
"""Key, text, hint."""


def build(tls: Tls) -> tuple[ssl.SSLContext | None, list[Complaint]]:
    """A context for new connections, or all that is wrong with the files that it needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if tls.server_preference:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    complaints = [
        *_attempt("cipher_suites", lambda: context.set_ciphers(":".join(tls.ciphers)) if tls.ciphers else None),
        *_attempt("curve_preferences", lambda: context.set_ecdh_curve(tls.curve) if tls.curve else None),
        *_loaded_pair(context, tls),
    ]
    if tls.client_ca_file is not None and tls.verifies_clients:
        complaints += _loaded_authorities(context, tls.client_ca_file)
    context.verify_mode = _VERIFICATION[tls.client_auth_type]
    return (None if complaints else context), complaints


def _loaded_pair(context: ssl.SSLContext, tls: Tls) -> list[Complaint]:
    complaints = _pem("cert_file", tls.cert_file, b"-----BEGIN CERTIFICATE-----", "PEM certificate")
    complaints += _pem("key_file", tls.key_file, b"PRIVATE KEY-----", "PEM private key")
    if complaints:
        return complaints
    # Without a password's source OpenSSL would ask whoever sits at the terminal.
    return _attempt("key_file", lambda: context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: ""))


def _loaded_authorities(context: ssl.SSLContext, file: Path) -> list[Complaint]:
    complaints = _pem("client_ca_file", file, b"-----BEGIN CERTIFICATE-----", "PEM certificate")
    return complaints or _attempt("client_ca_file", lambda: context.load_verify_locations(cafile=file))


def _pem(key: str, path: Path, mark: bytes, kind: str) -> list[Complaint]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        return [(key, f"{path} cannot be read: {reason}", "relative paths begin at the directory of this file")]
    if mark not in content:
        return [(key, f"{path} has no {kind} in it", "")]
    if key == "key_file" and (b"ENCRYPTED" in content):
        return [(key, f"{path} is encrypted with a passphrase, which nobody could enter", "store the key unencrypted")]
    return []


_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
    "KEY_TYPE_MISMATCH": "the key does not belong to the certificate",
    "EE_KEY_TOO_SMALL": "the certificate's key is too short to be safe",
    "CA_MD_TOO_WEAK": "the certificate's signature is too weak to be safe",
}


def _attempt(key: str, step: Callable[[], object]) -> list[Complaint]:
    try:
        step()
    except ssl.SSLError as error:
        reason = error.reason or "unknown reason"
        return [(key, _REASONS.get(reason, f"OpenSSL cannot use it: {reason.replace('_', ' ').lower()}"), "")]
    except (OSError, ValueError):
        return [(key, "OpenSSL cannot use it", "")]
    return []


def names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """The subject's alternative names in a certificate that a client has shown."""
    return frozenset(canonical(name) for _, name in (certificate or {}).get("subjectAltName", ()))
