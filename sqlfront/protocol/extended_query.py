"""Messages of the extended query conversation: Parse, Bind, Describe, Execute, Close, Flush, Sync and answers.

https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from sqlfront.protocol.errors import ProtocolViolation
from sqlfront.protocol.wire import INT32, UINT16, Body, cstring, message, sized


class Target(Enum):
    """What a Describe or Close names."""

    STATEMENT = b"S"
    PORTAL = b"P"


@dataclass(frozen=True, slots=True)
class Parse:
    """`parameter_oids` may be shorter than the parameters; 0 = to be inferred."""

    kind: ClassVar[bytes] = b"P"
    name: str
    text: str
    parameter_oids: tuple[int, ...] = ()

    def encode(self) -> bytes:
        oids = struct.pack(f"!H{len(self.parameter_oids)}I", len(self.parameter_oids), *self.parameter_oids)
        return message(self.kind, cstring(self.name) + cstring(self.text) + oids)

    @classmethod
    def decode(cls, data: bytes) -> Parse:
        body = Body(data)
        parse = cls(body.cstring(), body.cstring(), body.uint32s())
        body.end()
        return parse


@dataclass(frozen=True, slots=True)
class Bind:
    """Format codes: none = all text, one = for all, else one each. A None value is NULL."""

    kind: ClassVar[bytes] = b"B"
    portal: str
    statement: str
    parameter_formats: tuple[int, ...] = ()
    parameters: tuple[bytes | None, ...] = ()
    result_formats: tuple[int, ...] = ()

    def encode(self) -> bytes:
        body = cstring(self.portal) + cstring(self.statement) + _encode_int16s(self.parameter_formats)
        body += UINT16.pack(len(self.parameters)) + b"".join(map(sized, self.parameters))
        return message(self.kind, body + _encode_int16s(self.result_formats))

    @classmethod
    def decode(cls, data: bytes) -> Bind:
        body = Body(data)
        portal, statement = body.cstring(), body.cstring()
        parameter_formats = body.int16s()
        count = body.uint16()
        # Each value has at least its length: a count beyond that is refused before values are collected.
        if 4 * count > body.left_bytes:
            raise ProtocolViolation("insufficient data left in message")
        parameters = tuple(body.sized() for _ in range(count))
        bind = cls(portal, statement, parameter_formats, parameters, body.int16s())
        body.end()
        return bind


def _encode_int16s(values: tuple[int, ...]) -> bytes:
    return struct.pack(f"!H{len(values)}h", len(values), *values)


def _decode_target(data: bytes, verb: str) -> tuple[Target, str]:
    body = Body(data)
    kind = body.byte()
    name = body.cstring()
    body.end()
    try:
        return Target(kind), name
    except ValueError:
        raise ProtocolViolation(f"invalid {verb} message subtype {kind[0]}") from None


@dataclass(frozen=True, slots=True)
class Describe:
    kind: ClassVar[bytes] = b"D"
    target: Target
    name: str

    def encode(self) -> bytes:
        return message(self.kind, self.target.value + cstring(self.name))

    @classmethod
    def decode(cls, data: bytes) -> Describe:
        return cls(*_decode_target(data, "DESCRIBE"))


@dataclass(frozen=True, slots=True)
class Close:
    kind: ClassVar[bytes] = b"C"
    target: Target
    name: str

    def encode(self) -> bytes:
        return message(self.kind, self.target.value + cstring(self.name))

    @classmethod
    def decode(cls, data: bytes) -> Close:
        return cls(*_decode_target(data, "CLOSE"))


@dataclass(frozen=True, slots=True)
class Execute:
    """`rows_max` 0 = all rows; a negative count means the same, as in PostgreSQL."""

    kind: ClassVar[bytes] = b"E"
    portal: str
    rows_max: int = 0

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.portal) + INT32.pack(self.rows_max))

    @classmethod
    def decode(cls, data: bytes) -> Execute:
        body = Body(data)
        execute = cls(body.cstring(), body.int32())
        body.end()
        return execute


@dataclass(frozen=True, slots=True)
class Empty:
    """Base of messages without a body."""

    kind: ClassVar[bytes]

    def encode(self) -> bytes:
        return message(self.kind)

    @classmethod
    def decode(cls, data: bytes) -> Empty:
        Body(data).end()
        return cls()


class Flush(Empty):
    kind = b"H"


class Sync(Empty):
    kind = b"S"


class ParseComplete(Empty):
    kind = b"1"


class BindComplete(Empty):
    kind = b"2"


class CloseComplete(Empty):
    kind = b"3"


class NoData(Empty):
    kind = b"n"


class PortalSuspended(Empty):
    kind = b"s"


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    kind: ClassVar[bytes] = b"t"
    oids: tuple[int, ...]

    def encode(self) -> bytes:
        return message(self.kind, struct.pack(f"!H{len(self.oids)}I", len(self.oids), *self.oids))

    @classmethod
    def decode(cls, data: bytes) -> ParameterDescription:
        body = Body(data)
        description = cls(body.uint32s())
        body.end()
        return description
