"""Authentication messages: AuthenticationOk and the SASL exchange.

https://www.postgresql.org/docs/15/sasl-authentication.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from sqlfront.protocol.errors import ProtocolViolation
from sqlfront.protocol.wire import INT32, Body, cstring, message, sized

_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12


@dataclass(frozen=True, slots=True)
class AuthenticationOk:
    kind: ClassVar[bytes] = b"R"

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(_OK))


@dataclass(frozen=True, slots=True)
class AuthenticationSASL:
    """The mechanisms offered, best first."""

    kind: ClassVar[bytes] = b"R"
    mechanisms: tuple[str, ...]

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(_SASL) + b"".join(map(cstring, self.mechanisms)) + b"\0")


@dataclass(frozen=True, slots=True)
class AuthenticationSASLContinue:
    kind: ClassVar[bytes] = b"R"
    data: bytes

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(_SASL_CONTINUE) + self.data)


@dataclass(frozen=True, slots=True)
class AuthenticationSASLFinal:
    kind: ClassVar[bytes] = b"R"
    data: bytes

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(_SASL_FINAL) + self.data)


AuthenticationMessage: TypeAlias = (
    AuthenticationOk | AuthenticationSASL | AuthenticationSASLContinue | AuthenticationSASLFinal
)


def decode_authentication(data: bytes) -> AuthenticationMessage:
    """Any 'R' message, told apart by its code.

    Raises:
        ProtocolViolation: 08P01, malformed or a method that is never offered.
    """
    body = Body(data)
    code = body.int32()
    if code == _SASL:
        names = []
        while name := body.cstring():
            names.append(name)
        body.end()
        return AuthenticationSASL(tuple(names))
    if code == _SASL_CONTINUE:
        return AuthenticationSASLContinue(body.rest())
    if code == _SASL_FINAL:
        return AuthenticationSASLFinal(body.rest())
    body.end()
    if code != _OK:
        raise ProtocolViolation(f"authentication method {code} is not supported")
    return AuthenticationOk()


@dataclass(frozen=True, slots=True)
class SASLInitialResponse:
    """The mechanism chosen; `data` None = no initial response."""

    kind: ClassVar[bytes] = b"p"
    mechanism: str
    data: bytes | None

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.mechanism) + sized(self.data))

    @classmethod
    def decode(cls, data: bytes) -> SASLInitialResponse:
        body = Body(data)
        response = cls(body.cstring(), body.sized())
        body.end()
        return response


@dataclass(frozen=True, slots=True)
class SASLResponse:
    kind: ClassVar[bytes] = b"p"
    data: bytes

    def encode(self) -> bytes:
        return message(self.kind, self.data)

    @classmethod
    def decode(cls, data: bytes) -> SASLResponse:
        return cls(data)
