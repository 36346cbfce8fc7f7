"""Start-up messages: the untyped packets a client opens with, and what the server answers besides authentication.

https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.3 (Start-up)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from foundation.errors import FeatureNotSupported
from sqlfront.protocol.errors import FatalProtocolViolation, InvalidAuthorization, InvalidCommandLine
from sqlfront.protocol.wire import INT32, UINT32, Body, cstring, message

PROTOCOL_MAJOR = 3
PROTOCOL_3_0 = 3 << 16
_CANCEL_CODE = 1234 << 16 | 5678
_SSL_CODE = 1234 << 16 | 5679
_GSSENC_CODE = 1234 << 16 | 5680
_NAME_BYTES_MAX = 63


@dataclass(frozen=True, slots=True)
class SSLRequest:
    def encode(self) -> bytes:
        return INT32.pack(8) + UINT32.pack(_SSL_CODE)


@dataclass(frozen=True, slots=True)
class GSSENCRequest:
    def encode(self) -> bytes:
        return INT32.pack(8) + UINT32.pack(_GSSENC_CODE)


@dataclass(frozen=True, slots=True)
class CancelRequest:
    process_id: int
    secret_key: int

    def encode(self) -> bytes:
        return (
            INT32.pack(16)
            + UINT32.pack(_CANCEL_CODE)
            + INT32.pack(self.process_id)
            + INT32.pack(self.secret_key)
        )


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """`version` is major << 16 | minor; `parameters` as sent, names in order."""

    version: int = PROTOCOL_3_0
    parameters: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        pairs = b"".join(cstring(name) + cstring(value) for name, value in self.parameters.items())
        body = UINT32.pack(self.version) + pairs + b"\0"
        return INT32.pack(len(body) + 4) + body


StartupPacket: TypeAlias = SSLRequest | GSSENCRequest | CancelRequest | StartupMessage


def decode_startup_packet(data: bytes) -> StartupPacket:
    """Any packet without a type byte.

    Raises:
        FatalProtocolViolation: 08P01, malformed.
        FeatureNotSupported: 0A000, another major protocol version.
    """
    body = Body(data)
    code = body.uint32()
    if code == _SSL_CODE:
        return SSLRequest()
    if code == _GSSENC_CODE:
        return GSSENCRequest()
    if code == _CANCEL_CODE:
        if body.left_bytes != 8:
            raise FatalProtocolViolation("invalid length of cancel request packet")
        return CancelRequest(body.int32(), body.int32())
    check_protocol_version(code)
    return StartupMessage(code, _decode_parameters(body))


def check_protocol_version(code: int) -> None:
    """Only major version 3 is spoken; a newer minor version is negotiated down."""
    if code >> 16 != PROTOCOL_MAJOR:
        raise FeatureNotSupported(
            f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0 to 3.0"
        )


def _decode_parameters(body: Body) -> dict[str, str]:
    parameters: dict[str, str] = {}
    while body.left_bytes:
        name = body.cstring()
        if not name:
            break
        parameters[name] = body.cstring()
    else:
        raise FatalProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    if body.left_bytes:
        raise FatalProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    return parameters


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What a StartupMessage asks for, checked. `unknown_options` are `_pq_.` names to be negotiated away."""

    user: str
    database: str
    settings: dict[str, str]
    unknown_options: tuple[str, ...]


def read_session_request(startup: StartupMessage) -> SessionRequest:
    """Sort the parameters of a StartupMessage.

    Raises:
        InvalidAuthorization: 28000, no user.
        InvalidCommandLine: 42601, a switch in `options` that is not `-c` or `--`.
        FeatureNotSupported: 0A000, a replication connection.
    """
    given = dict(startup.parameters)
    user = given.pop("user", "")
    if not user:
        raise InvalidAuthorization("no PostgreSQL user name specified in startup packet")
    database = given.pop("database", "") or user
    if given.pop("replication", "false").lower() not in ("false", "off", "no", "0", "f", "n"):
        raise FeatureNotSupported("replication connections are not supported")
    settings = parse_options(given.pop("options", ""))
    unknown = tuple(name for name in given if name.startswith("_pq_."))
    # PostgreSQL applies `options` first, so a parameter of its own wins.
    settings.update((name, value) for name, value in given.items() if not name.startswith("_pq_."))
    return SessionRequest(_cut_name(user), _cut_name(database), settings, unknown)


def _cut_name(name: str) -> str:
    return name.encode()[:_NAME_BYTES_MAX].decode("utf-8", "ignore")


def parse_options(text: str) -> dict[str, str]:
    """The `options` parameter: `-c name=value`, `-cname=value`, `--name=value`; backslash quotes a character.

    Raises:
        InvalidCommandLine: 42601, another switch or a missing value.
    """
    settings: dict[str, str] = {}
    words = iter(_split_options(text))
    for word in words:
        if word == "-c":
            switch, assignment = "-c ", next(words, "")
        elif word.startswith("-c"):
            switch, assignment = "-c ", word[2:]
        elif word.startswith("--"):
            switch, assignment = "--", word[2:]
        else:
            raise InvalidCommandLine(f"invalid command-line argument for server process: {word}")
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise InvalidCommandLine(f"{switch}{assignment} requires a value")
        settings[name.replace("-", "_")] = value
    return settings


def _split_options(text: str) -> list[str]:
    """Words separated by white space; a backslash makes the next character ordinary."""
    words: list[str] = []
    word: list[str] = []
    is_open = False
    characters = iter(text)
    for character in characters:
        if character.isspace():
            if is_open:
                words.append("".join(word))
            word, is_open = [], False
        else:
            is_open = True
            word.append(next(characters, "") if character == "\\" else character)
    if is_open:
        words.append("".join(word))
    return words


@dataclass(frozen=True, slots=True)
class NegotiateProtocolVersion:
    """Sent when the client asked for a newer minor version or for options the server does not know."""

    kind: ClassVar[bytes] = b"v"
    version: int
    unknown_options: tuple[str, ...]

    def encode(self) -> bytes:
        names = b"".join(map(cstring, self.unknown_options))
        return message(self.kind, UINT32.pack(self.version) + INT32.pack(len(self.unknown_options)) + names)

    @classmethod
    def decode(cls, data: bytes) -> NegotiateProtocolVersion:
        body = Body(data)
        version = body.uint32()
        names = tuple(body.cstring() for _ in range(body.int32()))
        body.end()
        return cls(version, names)


@dataclass(frozen=True, slots=True)
class ParameterStatus:
    kind: ClassVar[bytes] = b"S"
    name: str
    value: str

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.name) + cstring(self.value))

    @classmethod
    def decode(cls, data: bytes) -> ParameterStatus:
        body = Body(data)
        status = cls(body.cstring(), body.cstring())
        body.end()
        return status


@dataclass(frozen=True, slots=True)
class BackendKeyData:
    kind: ClassVar[bytes] = b"K"
    process_id: int
    secret_key: int

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(self.process_id) + INT32.pack(self.secret_key))

    @classmethod
    def decode(cls, data: bytes) -> BackendKeyData:
        body = Body(data)
        key = cls(body.int32(), body.int32())
        body.end()
        return key
