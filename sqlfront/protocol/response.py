"""Messages of the server that belong to no single conversation: rows, completion, errors, notices.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from foundation.row_types import described_type
from foundation.sqltypes import TYPES
from sqlfront.backend import Format, ResultColumn
from sqlfront.protocol.wire import INT32, UINT16, Body, cstring, decode_utf8, message, sized

_FIELD = struct.Struct("!IhIhih")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a RowDescription; `type_bytes` is pg_type.typlen."""

    name: str
    table_oid: int
    attnum: int
    type_oid: int
    type_bytes: int
    typmod: int
    format: int


@dataclass(frozen=True, slots=True)
class RowDescription:
    kind: ClassVar[bytes] = b"T"
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, columns: Sequence[ResultColumn], formats: Sequence[Format]) -> RowDescription:
        return cls(
            tuple(
                Field(
                    column.name,
                    column.table_oid,
                    column.attnum,
                    described_type(column.type)[0],
                    TYPES[column.type.oid].length if column.type.oid in TYPES else -1,
                    described_type(column.type)[1],
                    result_format.value,
                )
                for column, result_format in zip(columns, formats, strict=True)
            )
        )

    def encode(self) -> bytes:
        parts = [UINT16.pack(len(self.fields))]
        for f in self.fields:
            parts.append(cstring(f.name))
            parts.append(_FIELD.pack(f.table_oid, f.attnum, f.type_oid, f.type_bytes, f.typmod, f.format))
        return message(self.kind, b"".join(parts))

    @classmethod
    def decode(cls, data: bytes) -> RowDescription:
        body = Body(data)
        fields = tuple(
            Field(body.cstring(), *_FIELD.unpack(body.take(_FIELD.size))) for _ in range(body.uint16())
        )
        body.end()
        return cls(fields)


@dataclass(frozen=True, slots=True)
class DataRow:
    """One row. The server writes rows by the batch; this class is for clients and tests."""

    kind: ClassVar[bytes] = b"D"
    values: tuple[bytes | None, ...]

    def encode(self) -> bytes:
        return message(self.kind, UINT16.pack(len(self.values)) + b"".join(map(sized, self.values)))

    @classmethod
    def decode(cls, data: bytes) -> DataRow:
        body = Body(data)
        row = cls(tuple(body.sized() for _ in range(body.uint16())))
        body.end()
        return row


@dataclass(frozen=True, slots=True)
class CommandComplete:
    kind: ClassVar[bytes] = b"C"
    tag: str

    def encode(self) -> bytes:
        return message(self.kind, cstring(self.tag))

    @classmethod
    def decode(cls, data: bytes) -> CommandComplete:
        body = Body(data)
        complete = cls(body.cstring())
        body.end()
        return complete


@dataclass(frozen=True, slots=True)
class EmptyQueryResponse:
    kind: ClassVar[bytes] = b"I"

    def encode(self) -> bytes:
        return message(self.kind)

    @classmethod
    def decode(cls, data: bytes) -> EmptyQueryResponse:
        Body(data).end()
        return cls()


@dataclass(frozen=True, slots=True)
class ReadyForQuery:
    """`status`: b'I' idle, b'T' in a transaction block, b'E' in a failed one."""

    kind: ClassVar[bytes] = b"Z"
    status: bytes

    def encode(self) -> bytes:
        return message(self.kind, self.status)

    @classmethod
    def decode(cls, data: bytes) -> ReadyForQuery:
        body = Body(data)
        ready = cls(body.byte())
        body.end()
        return ready


@dataclass(frozen=True, slots=True)
class _Fields:
    """Code letter to text, as ErrorResponse and NoticeResponse carry them.

    https://www.postgresql.org/docs/15/protocol-error-fields.html
    """

    kind: ClassVar[bytes]
    fields: dict[str, str]

    def encode(self) -> bytes:
        parts = [code.encode() + cstring(text) for code, text in self.fields.items()]
        return message(self.kind, b"".join(parts) + b"\0")

    @classmethod
    def _decode_fields(cls, data: bytes) -> dict[str, str]:
        body = Body(data)
        fields: dict[str, str] = {}
        while (code := body.byte()) != b"\0":
            fields[decode_utf8(code)] = body.cstring()
        body.end()
        return fields


@dataclass(frozen=True, slots=True)
class ErrorResponse(_Fields):
    kind: ClassVar[bytes] = b"E"

    @classmethod
    def decode(cls, data: bytes) -> ErrorResponse:
        return cls(cls._decode_fields(data))


@dataclass(frozen=True, slots=True)
class NoticeResponse(_Fields):
    kind: ClassVar[bytes] = b"N"

    @classmethod
    def decode(cls, data: bytes) -> NoticeResponse:
        return cls(cls._decode_fields(data))


@dataclass(frozen=True, slots=True)
class NotificationResponse:
    kind: ClassVar[bytes] = b"A"
    process_id: int
    channel: str
    payload: str

    def encode(self) -> bytes:
        return message(self.kind, INT32.pack(self.process_id) + cstring(self.channel) + cstring(self.payload))

    @classmethod
    def decode(cls, data: bytes) -> NotificationResponse:
        body = Body(data)
        notification = cls(body.int32(), body.cstring(), body.cstring())
        body.end()
        return notification
