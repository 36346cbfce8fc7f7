"""SCRAM-SHA-256: stored verifiers and the server's side of the exchange (RFC 5802, RFC 7677, RFC 5929).

A verifier is stored as PostgreSQL stores it, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the
three values in base64. The user name inside the SCRAM messages is ignored, as PostgreSQL does: the start-up
packet's counts. Nothing here tells a wrong password from an unknown user.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from dataclasses import dataclass

from foundation.errors import FeatureNotSupported
from sqlfront.protocol.errors import FatalProtocolViolation, InvalidAuthorization

SCRAM_SHA_256 = "SCRAM-SHA-256"
SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"
DEFAULT_ITERATIONS = 4096
_SALT_BYTES = 16
_NONCE_BYTES = 18
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Verifier:
    """What the server knows of a password."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    def encode(self) -> str:
        salt, stored, server = map(_base64, (self.salt, self.stored_key, self.server_key))
        return f"{SCRAM_SHA_256}${self.iterations}:{salt}${stored}:{server}"

    @classmethod
    def decode(cls, text: str) -> Verifier:
        """Raises ValueError when the text is no SCRAM-SHA-256 verifier."""
        scheme, _, rest = text.partition("$")
        salted, _, keys = rest.partition("$")
        iterations, _, salt = salted.partition(":")
        stored, _, server = keys.partition(":")
        if scheme != SCRAM_SHA_256 or not iterations.isascii() or not iterations.isdigit():
            raise ValueError("not a SCRAM-SHA-256 verifier")
        verifier = cls(
            int(iterations), *(base64.b64decode(part, validate=True) for part in (salt, stored, server))
        )
        if not (verifier.iterations and verifier.salt) or {
            len(verifier.stored_key),
            len(verifier.server_key),
        } != {_KEY_BYTES}:
            raise ValueError("not a SCRAM-SHA-256 verifier")
        return verifier


def is_verifier(text: str) -> bool:
    """Whether a password given to CREATE ROLE is already a verifier."""
    try:
        Verifier.decode(text)
    except ValueError:
        return False
    return True


def make_verifier(password: str, *, salt: bytes | None = None, iterations: int = DEFAULT_ITERATIONS) -> str:
    """The verifier to store for a password, with a random salt unless one is given."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    salted = _salted_password(password, salt, iterations)
    stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    return Verifier(iterations, salt, stored_key, _hmac(salted, b"Server Key")).encode()


def mock_verifier(user: str, secret: bytes) -> str:
    """A verifier for an unknown role: the same for each try of one name, and no password fits it.

    `secret` is random and private to the server, else a client could compute the salt and know.
    """
    salt = _hmac(secret, b"salt:" + user.encode("utf-8", "replace"))[:_SALT_BYTES]
    keys = [_hmac(secret, label + user.encode("utf-8", "replace")) for label in (b"stored:", b"server:")]
    return Verifier(DEFAULT_ITERATIONS, salt, keys[0], keys[1]).encode()


def is_password(password: str, verifier: str) -> bool:
    """Whether a password in clear belongs to a verifier."""
    known = Verifier.decode(verifier)
    salted = _salted_password(password, known.salt, known.iterations)
    return hmac.compare_digest(_hmac(salted, b"Server Key"), known.server_key)


def _salted_password(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", prepare_password(password), salt, iterations)


def prepare_password(password: str) -> bytes:
    """SASLprep (RFC 4013) of a password; one that the profile forbids is used as it is, as PostgreSQL does."""
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared or _is_prohibited(prepared):
        return password.encode("utf-8", "surrogatepass")
    return prepared.encode()


_PROHIBITED = (
    stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
    stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
    stringprep.in_table_c8, stringprep.in_table_c9,
)  # fmt: skip


def _is_prohibited(text: str) -> bool:
    if any(check(character) for character in text for check in _PROHIBITED):
        return True
    if not any(map(stringprep.in_table_d1, text)):
        return False
    # RFC 3454, 6: right-to-left text has no left-to-right characters and right-to-left ones at both ends.
    ends_right_to_left = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return any(map(stringprep.in_table_d2, text)) or not ends_right_to_left


def mechanisms(channel_binding: bytes | None) -> tuple[str, ...]:
    """What to offer. `channel_binding` is tls-server-end-point's hash, None without TLS."""
    return (SCRAM_SHA_256,) if channel_binding is None else (SCRAM_SHA_256_PLUS, SCRAM_SHA_256)


class ServerExchange:
    """One authentication, server side: client-first -> server-first, client-final -> server-final.

    Args:
        verifier: stored form.
        mechanism: the client's choice.
        channel_binding: tls-server-end-point's hash of the server certificate, None without TLS.
        nonce: the server's part of the nonce, printable ASCII without a comma; random unless given.

    Raises (both steps):
        FatalProtocolViolation: 08P01, malformed message, in PostgreSQL's words.
        InvalidAuthorization: 28000, channel binding or nonce does not fit.
        FeatureNotSupported: 0A000, authorization identity or extension.
    """

    def __init__(
        self, verifier: str, mechanism: str, *, channel_binding: bytes | None = None, nonce: str | None = None
    ) -> None:
        if mechanism not in mechanisms(channel_binding):
            raise FatalProtocolViolation("client selected an invalid SASL authentication mechanism")
        self._verifier = Verifier.decode(verifier)
        self._is_bound = mechanism == SCRAM_SHA_256_PLUS
        self._channel_binding = channel_binding
        self._nonce = nonce or _base64(secrets.token_bytes(_NONCE_BYTES))
        self._gs2_header = b""
        self._client_first_bare = b""
        self._server_first = b""

    def first(self, client_first: bytes) -> bytes:
        """server-first-message."""
        text = _decode_ascii_compatible(client_first)
        flag, comma, rest = text.partition(",")
        self._check_channel_binding_flag(flag)
        authzid, second_comma, bare = rest.partition(",")
        if not comma or not second_comma:
            raise _malformed("Comma expected, but found end of message.")
        if authzid:
            raise FeatureNotSupported("client uses authorization identity, but it is not supported")
        if bare.startswith("m="):
            raise FeatureNotSupported("client requires an unsupported SCRAM extension")
        user, *attributes = bare.split(",")
        if not user.startswith("n=") or not attributes or not attributes[0].startswith("r="):
            raise _malformed('Expected attributes "n" and "r" in client-first-message.')
        client_nonce = attributes[0][2:]
        if not client_nonce or any(not 0x21 <= ord(c) <= 0x7E for c in client_nonce):
            raise FatalProtocolViolation("non-printable characters in SCRAM nonce")
        self._nonce = client_nonce + self._nonce
        self._gs2_header = f"{flag},,".encode()
        self._client_first_bare = bare.encode()
        salt = _base64(self._verifier.salt)
        self._server_first = f"r={self._nonce},s={salt},i={self._verifier.iterations}".encode()
        return self._server_first

    def final(self, client_final: bytes) -> bytes | None:
        """server-final-message, or None when the proof is wrong."""
        text = _decode_ascii_compatible(client_final)
        without_proof, separator, proof_text = text.rpartition(",p=")
        attributes = without_proof.split(",")
        if not separator or len(attributes) < 2 or not attributes[0].startswith("c="):
            raise _malformed('Expected attributes "c", "r" and "p" in client-final-message.')
        self._check_channel_binding_data(attributes[0][2:])
        if not hmac.compare_digest(attributes[1].encode(), f"r={self._nonce}".encode()):
            raise FatalProtocolViolation("invalid SCRAM response", detail="Nonce does not match.")
        proof = _decode_proof(proof_text)
        auth_message = b",".join((self._client_first_bare, self._server_first, without_proof.encode()))
        signature = _hmac(self._verifier.stored_key, auth_message)
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key):
            return None
        return b"v=" + _base64(_hmac(self._verifier.server_key, auth_message)).encode()

    def _check_channel_binding_flag(self, flag: str) -> None:
        if flag.startswith("p="):
            if not self._is_bound:
                raise _malformed(
                    "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes "
                    "channel binding data."
                )
            if flag != "p=tls-server-end-point":
                raise FatalProtocolViolation(f'unsupported SCRAM channel-binding type "{flag[2:]}"')
        elif flag not in ("n", "y"):
            raise _malformed(f'Unexpected channel-binding flag "{flag[:16]}".')
        elif self._is_bound:
            raise _malformed(
                "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data."
            )
        elif flag == "y" and self._channel_binding is not None:
            raise InvalidAuthorization(
                "SCRAM channel binding negotiation error",
                detail="The client supports SCRAM channel binding but thinks the server does not.  "
                "However, this server does support channel binding.",
            )

    def _check_channel_binding_data(self, encoded: str) -> None:
        expected = self._gs2_header
        if self._is_bound:
            assert self._channel_binding is not None
            expected += self._channel_binding
        if hmac.compare_digest(encoded.encode(), _base64(expected).encode()):
            return
        if self._is_bound:
            raise InvalidAuthorization("SCRAM channel binding check failed")
        raise FatalProtocolViolation("unexpected SCRAM channel-binding attribute in client-final-message")


def _decode_proof(text: str) -> bytes:
    try:
        proof = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        proof = b""
    if len(proof) != _KEY_BYTES:
        raise _malformed("Malformed proof in client-final-message.")
    return proof


def _decode_ascii_compatible(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("Message is not UTF-8.") from None
    if "\0" in text:
        raise _malformed("Message length does not match input length.")
    return text


def _malformed(detail: str) -> FatalProtocolViolation:
    return FatalProtocolViolation("malformed SCRAM message", detail=detail)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
