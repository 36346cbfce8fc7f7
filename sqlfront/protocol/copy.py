"""Messages of the COPY conversation, both directions.

https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-COPY
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlfront.protocol.wire import UINT16, Body, cstring, message


@dataclass(frozen=True, slots=True)
class CopyData:
    """A piece of the stream; its borders mean nothing."""

    kind: ClassVar[bytes] = b"d"
    data: bytes

    def encode(self) -> bytes:
        return message(self.kind, self.data)

    @classmethod
    def decode(cls, data: bytes) -> CopyData:
        return cls(data)


@dataclass(frozen=True, slots=True)
class CopyDone:
    kind: ClassVar[bytes] = b"c"

    def encode(self) -> bytes:
        return message(self.kind)

    @classmethod
    def decode(cls, data: bytes) -> CopyDone:
        Body(data).end()
        return cls()


@dataclass(frozen=True, slots=True)
class CopyFail:
    kind: ClassVar[bytes] = b"f"
    reason: str

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.reason))

    @classmethod
    def decode(cls, data: bytes) -> CopyFail:
        body = Body(data)
        fail = cls(body.cstring())
        body.end()
        return fail


def _encode_response(kind: bytes, overall_format: int, column_count: int) -> bytes:
    formats = UINT16.pack(overall_format) * column_count
    return message(kind, bytes([overall_format]) + UINT16.pack(column_count) + formats)


def _decode_response(data: bytes) -> tuple[int, int]:
    body = Body(data)
    overall_format = body.byte()[0]
    column_count = len(body.int16s())
    body.end()
    return overall_format, column_count


@dataclass(frozen=True, slots=True)
class CopyInResponse:
    """The server is ready for CopyData. All columns have the overall format, 0 text or 1 binary."""

    kind: ClassVar[bytes] = b"G"
    overall_format: int
    column_count: int

    def encode(self) -> bytes:
        return _encode_response(self.kind, self.overall_format, self.column_count)

    @classmethod
    def decode(cls, data: bytes) -> CopyInResponse:
        return cls(*_decode_response(data))


@dataclass(frozen=True, slots=True)
class CopyOutResponse:
    """CopyData follow. All columns have the overall format, 0 text or 1 binary."""

    kind: ClassVar[bytes] = b"H"
    overall_format: int
    column_count: int

    def encode(self) -> bytes:
        return _encode_response(self.kind, self.overall_format, self.column_count)

    @classmethod
    def decode(cls, data: bytes) -> CopyOutResponse:
        return cls(*_decode_response(data))
