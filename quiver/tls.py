"""TLS of the server: context from certificate and key files, and the channel-binding hash of the certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from foundation.errors import QuiverError

_MISMATCH = "KEY_VALUES_MISMATCH"


class TlsConfigurationError(QuiverError):
    """Certificate or key cannot be used; the server does not start."""

    sqlstate = "F0000"


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What the server needs to encrypt a connection.

    `channel_binding` is tls-server-end-point (RFC 5929, 4.1): the hash of the certificate; None when its
    signature algorithm names no hash (Ed25519), so that channel binding is not offered.
    """

    context: ssl.SSLContext
    channel_binding: bytes | None


def load_tls(certificate: Path, key: Path) -> TlsMaterial:
    """Read a PEM certificate (chain) and its key. TLS 1.2 is the oldest version spoken.

    Raises:
        TlsConfigurationError: F0000, a file is missing, malformed, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    content = _read("server certificate", certificate)
    _read("private key", key)
    try:
        leaf = x509.load_pem_x509_certificate(content)
    except ValueError:
        raise TlsConfigurationError(
            f'could not load server certificate file "{certificate}": not a PEM certificate'
        ) from None
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        reason = (
            "it does not belong to the certificate" if error.reason == _MISMATCH else "not a usable PEM key"
        )
        raise TlsConfigurationError(f'could not load private key file "{key}": {reason}') from None
    return TlsMaterial(context, certificate_hash(leaf))


def _read(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsConfigurationError(f'could not load {what} file "{path}": {error.strerror}') from None


def certificate_hash(certificate: x509.Certificate) -> bytes | None:
    """tls-server-end-point: the signature's hash over the DER certificate, SHA-256 in place of MD5 and SHA-1."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return None
    if algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate.public_bytes(Encoding.DER))
    return digest.finalize()
