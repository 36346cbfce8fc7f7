"""Messages of the simple query conversation, and Terminate.

https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.4
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlfront.protocol.wire import Body, cstring, message


@dataclass(frozen=True, slots=True)
class Query:
    """One string with any number of statements."""

    kind: ClassVar[bytes] = b"Q"
    text: str

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.text))

    @classmethod
    def decode(cls, data: bytes) -> Query:
        body = Body(data)
        query = cls(body.cstring())
        body.end()
        return query


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Fast-path function call; recognised so that it can be refused."""

    kind: ClassVar[bytes] = b"F"
    payload: bytes

    def encode(self) -> bytes:
        return message(self.kind, self.payload)

    @classmethod
    def decode(cls, data: bytes) -> FunctionCall:
        return cls(data)


@dataclass(frozen=True, slots=True)
class Terminate:
    kind: ClassVar[bytes] = b"X"

    def encode(self) -> bytes:
        return message(self.kind)

    @classmethod
    def decode(cls, data: bytes) -> Terminate:
        Body(data).end()
        return cls()
