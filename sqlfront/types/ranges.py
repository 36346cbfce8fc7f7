"""Ranges and multiranges: `[1,5)`, `empty`, `{[1,2),[5,6)}`; in binary a byte of flags, then the bounds with their lengths.

Bounds are read and printed by the codec of the subtype. Follows `range_parse`, `range_deparse`, `range_recv` and `range_send`
of postgres/postgres:src/backend/utils/adt/rangetypes.c, and `multirange_in` of multirangetypes.c beside it.
A value is the stored form (`foundation.ranges`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from foundation.errors import InvalidBinaryRepresentation
from foundation.ranges import (
    BY_OID,
    RANGE_TYPES,
    Bound,
    Cuts,
    bound_of,
    cuts_of,
    is_behind,
    merged,
    range_cuts,
    ranges_in,
    stored,
)
from foundation.sqltypes import INT4, INT8, NUMERIC, SqlType
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.integers import IntegerCodec
from sqlfront.types.numeric import NumericCodec, numeric_text
from sqlfront.types.range_text import read_multirange, read_range
from sqlfront.types.timestamps import DateCodec, TimestampCodec, TimestamptzCodec

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_EMPTY, _HAS_LOWER, _HAS_UPPER, _NO_LOWER, _NO_UPPER = 1, 2, 4, 8, 16
_LENGTH = struct.Struct("!i")
_QUOTED = re.compile(rf'["\\()\[\],{WHITESPACE}]')
_EMPTY_TEXT = "empty"


def _subtype_codec(subtype: SqlType) -> tuple[Codec, Callable[[Any], Bound]]:
    """The codec of a subtype, and what makes a bound of the values that it decodes."""
    if subtype in (INT4, INT8):
        return IntegerCodec(subtype), int
    if subtype == NUMERIC:
        return NumericCodec(subtype), numeric_text
    times = {1082: DateCodec, 1114: TimestampCodec, 1184: TimestamptzCodec}[subtype.oid](subtype)
    return times, times.to_integer


class RangeCodec(Codec):
    def __init__(self, sql_type: SqlType) -> None:
        super().__init__(sql_type)
        self.form = BY_OID[sql_type.oid]
        self.element, self._bound_of_value = _subtype_codec(self.form.subtype)

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        return stored(self.form, self.cuts_of_text(text, context))

    def cuts_of_text(self, text: str, context: CodecContext) -> Cuts:
        read = read_range(text)
        if read is None:
            return ()
        lower, upper = (
            None if bound is None else self._bound_of_value(self.element.decode_text(bound, context))
            for bound in (read.lower, read.upper)
        )
        return range_cuts(self.form, lower, upper, has_lower=read.has_lower, has_upper=read.has_upper)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        cuts = cuts_of(self.form, value)
        return self.text_of_cuts(cuts, context) if cuts else _EMPTY_TEXT

    def text_of_cuts(self, cuts: Cuts, context: CodecContext) -> str:
        lower, upper = cuts
        left = "(" if is_behind(lower) or bound_of(self.form, lower) is None else "["
        right = "]" if is_behind(upper) else ")"
        return f"{left}{self._bound_text(lower, context)},{self._bound_text(upper, context)}{right}"

    def _bound_text(self, cut: bytes, context: CodecContext) -> str:
        bound = bound_of(self.form, cut)
        if bound is None:
            return ""
        text = self.element.encode_text(bound, context)
        if not _QUOTED.search(text):
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        return stored(self.form, self.cuts_of_binary(data, context))

    def cuts_of_binary(self, data: bytes, context: CodecContext) -> Cuts:
        if not data:
            raise InsufficientData("no data left in message")
        flags, at = data[0], 1
        bounds: list[Bound] = [None, None]
        for number, missing in enumerate((_NO_LOWER, _NO_UPPER)):
            if flags & (_EMPTY | missing):
                continue
            cell, at = sized_cell(data, at)
            bounds[number] = self._bound_of_value(self.element.decode_binary(cell, context))
        if at < len(data):
            raise InvalidBinaryRepresentation("incorrect binary data format")
        if flags & _EMPTY:
            return ()
        has_lower, has_upper = bool(flags & _HAS_LOWER), bool(flags & _HAS_UPPER)
        return range_cuts(self.form, bounds[0], bounds[1], has_lower=has_lower, has_upper=has_upper)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return self.binary_of_cuts(cuts_of(self.form, value), context)

    def binary_of_cuts(self, cuts: Cuts, context: CodecContext) -> bytes:
        if not cuts:
            return bytes((_EMPTY,))
        (lower, low), (upper, high) = ((cut, bound_of(self.form, cut)) for cut in cuts)
        flags = _NO_LOWER if low is None else 0 if is_behind(lower) else _HAS_LOWER
        flags |= _NO_UPPER if high is None else _HAS_UPPER if is_behind(upper) else 0
        cells = [self.element.encode_binary(bound, context) for bound in (low, high) if bound is not None]
        return bytes((flags,)) + b"".join([_LENGTH.pack(len(cell)) + cell for cell in cells])


class MultirangeCodec(RangeCodec):
    """In binary a count, then the ranges with their lengths."""

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        ranges = [self.cuts_of_text(piece, context) for piece in read_multirange(text)]
        return stored(self.form, merged(ranges))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        texts = [self.text_of_cuts(pair, context) for pair in ranges_in(cuts_of(self.form, value))]
        return "{" + ",".join(texts) + "}"

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        if len(data) < _LENGTH.size:
            raise InsufficientData("insufficient data left in message")
        (count,) = _LENGTH.unpack_from(data)
        at, ranges = _LENGTH.size, []
        for _ in range(count):
            cell, at = sized_cell(data, at)
            ranges.append(self.cuts_of_binary(cell, context))
        if at < len(data):
            raise InvalidBinaryRepresentation("incorrect binary data format")
        return stored(self.form, merged(ranges))

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        cells = [self.binary_of_cuts(pair, context) for pair in ranges_in(cuts_of(self.form, value))]
        return _LENGTH.pack(len(cells)) + b"".join([_LENGTH.pack(len(cell)) + cell for cell in cells])


def sized_cell(data: bytes, at: int) -> tuple[bytes, int]:
    """(the bytes behind their int32 length, where they end)."""
    if len(data) < at + _LENGTH.size:
        raise InsufficientData("insufficient data left in message")
    (size,) = _LENGTH.unpack_from(data, at)
    at += _LENGTH.size
    if size < 0 or at + size > len(data):
        raise InsufficientData("insufficient data left in message")
    return data[at : at + size], at + size


def register(types: TypeRegistry) -> None:
    for form in RANGE_TYPES:
        types.add(form.range.oid, RangeCodec)
        types.add(form.multirange.oid, MultirangeCodec)
