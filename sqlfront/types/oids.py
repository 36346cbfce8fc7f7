"""oid, xid, cid and the reg* types (unsigned numbers, the latter printed as names), and tid."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    QuiverError,
    UndefinedFunction,
    UndefinedObject,
    UndefinedSchema,
    UndefinedTable,
)
from foundation.sqltypes import (
    CID,
    OID,
    REGCLASS,
    REGNAMESPACE,
    REGOPER,
    REGOPERATOR,
    REGPROC,
    REGPROCEDURE,
    REGROLE,
    REGTYPE,
    TID,
    XID,
    SqlType,
)
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import (
    array_of_numbers,
    byte_set,
    cells_matrix,
    fixed_cells,
    mask_of,
    numbers_of,
    only_bytes,
)
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_OID = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_TID = re.compile(r"\s*\(\s*([0-9]+),\s*([0-9]+)\)", re.ASCII)
_TID_STRUCT = struct.Struct("!IH")
_OID_MAX = 0xFFFFFFFF
_DIGITS = byte_set(b"0123456789")


def _parse_oid(text: str, type_name: str) -> int:
    """strtoul() with octal and hexadecimal; the negative of an int4 wraps around.

    Raises:
        InvalidTextRepresentation: 22P02. NumericValueOutOfRange: 22003.
    """
    stripped = text.strip(WHITESPACE)
    if not _OID.fullmatch(stripped):
        raise InvalidTextRepresentation(f'invalid input syntax for type {type_name}: "{text}"')
    digits = stripped.lstrip("+-")
    try:
        value = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10)
    except ValueError:
        raise InvalidTextRepresentation(f'invalid input syntax for type {type_name}: "{text}"') from None
    if stripped[0] == "-":
        value = -value
    if not -0x80000000 <= value <= _OID_MAX:
        raise NumericValueOutOfRange(f'value "{text}" is out of range for type {type_name}')
    return value & _OID_MAX


class OidCodec(Codec):
    binary_bytes = 4

    def decode_text(self, text: str, context: CodecContext) -> int:
        return _parse_oid(text, self.type_name)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(int(value))

    def decode_binary(self, data: bytes, context: CodecContext) -> int:
        check_width(data, 4)
        return int.from_bytes(data, "big")

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return int(value).to_bytes(4, "big")

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return pc.cast(column, pa.utf8())

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        if only_bytes(strings, _DIGITS) and not pc.any(pc.starts_with(strings, "0")).as_py():
            try:
                return pc.cast(strings, pa.uint32())
            except pa.ArrowInvalid:
                pass
        return super().parse_text_column(strings, context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        swapped = numbers_of(column, np.uint32).astype(">u4")
        return fixed_cells(swapped.view(np.uint8).reshape(-1, 4), mask_of(column))

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(cells, 4)
        if matrix is None:
            return super().parse_binary_column(cells, context)
        values = np.ascontiguousarray(matrix).view(">u4")[:, 0].astype(np.uint32)
        return array_of_numbers(values, pa.uint32(), mask_of(cells))


_MISSING: dict[int, tuple[type[QuiverError], str]] = {
    REGCLASS.oid: (UndefinedTable, 'relation "{}" does not exist'),
    REGTYPE.oid: (UndefinedObject, 'type "{}" does not exist'),
    REGNAMESPACE.oid: (UndefinedSchema, 'schema "{}" does not exist'),
    REGROLE.oid: (UndefinedObject, 'role "{}" does not exist'),
    REGPROC.oid: (UndefinedFunction, 'function "{}" does not exist'),
    REGPROCEDURE.oid: (UndefinedFunction, 'function "{}" does not exist'),
    REGOPER.oid: (UndefinedFunction, "operator does not exist: {}"),
    REGOPERATOR.oid: (UndefinedFunction, "operator does not exist: {}"),
}


class RegCodec(OidCodec):
    """An OID that prints as the name of its object; 0 prints as `-`, an unknown one as its number."""

    def __init__(self, sql_type: SqlType) -> None:
        super().__init__(sql_type)
        self.missing_error, self.missing_message = _MISSING[sql_type.oid]

    def decode_text(self, text: str, context: CodecContext) -> int:
        if text == "-":
            return 0
        if text.isascii() and text.isdigit():
            return _parse_oid(text, "oid")
        oid = context.reg_oids(self.sql_type.oid, text) if context.reg_oids else None
        if oid is None:
            raise self.missing_error(self.missing_message.format(text))
        return oid

    def encode_text(self, value: Any, context: CodecContext) -> str:
        oid = int(value)
        if oid == 0:
            return "0" if self.sql_type in (REGOPER, REGOPERATOR) else "-"
        name = context.reg_names(self.sql_type.oid, oid) if context.reg_names else None
        return str(oid) if name is None else name

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        # One look-up per distinct OID.
        distinct = column.dictionary_encode()
        return Codec.text_column(self, distinct.dictionary, context).take(distinct.indices)

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.parse_text_column(self, strings, context)


class TidCodec(Codec):
    """tid: '(block,offset)'; uint32 and uint16 in binary."""

    binary_bytes = 6

    def decode_text(self, text: str, context: CodecContext) -> str:
        match = _TID.fullmatch(text)
        if match is None or int(match[1]) > _OID_MAX or int(match[2]) > 0xFFFF:
            raise self.syntax_error(text)
        return f"({int(match[1])},{int(match[2])})"

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        check_width(data, 6)
        block, offset = _TID_STRUCT.unpack(data)
        return f"({block},{offset})"

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        match = _TID.fullmatch(value)
        assert match is not None, value
        return _TID_STRUCT.pack(int(match[1]) & _OID_MAX, int(match[2]) & 0xFFFF)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column


def register(types: TypeRegistry) -> None:
    for sql_type in (OID, XID, CID):
        types.add(sql_type.oid, OidCodec)
    for oid in _MISSING:
        types.add(oid, RegCodec)
    types.add(TID.oid, TidCodec)
