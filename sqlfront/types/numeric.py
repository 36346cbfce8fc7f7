"""numeric: exact decimal text that keeps its scale; base-10000 digits in binary.

A value is a str in PostgreSQL's canonical text ('1.50', '-0.001', 'NaN', 'Infinity'); Decimals are taken too.
Limits: 131072 digits before the point, 16383 after it. A typmod is applied by `typmod`, which also moves
values to decimal128 columns; both storage forms are printed here.
https://www.postgresql.org/docs/16/datatype-numeric.html
"""

from __future__ import annotations

import re
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidBinaryRepresentation, NumericValueOutOfRange
from foundation.sqltypes import NUMERIC
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.integers import parse_integer

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

WHOLE_DIGITS_MAX = 131072
SCALE_MAX = 16383
_BASE_DIGITS = 4
_POSITIVE, _NEGATIVE, _NAN, _PLUS_INFINITY, _MINUS_INFINITY = 0x0000, 0x4000, 0xC000, 0xD000, 0xF000
_INFINITY_SCALE = 0x20
"""What PostgreSQL sends in the scale field of an infinity: bits of its sign word."""
_SPECIAL_SIGNS = {"NaN": _NAN, "Infinity": _PLUS_INFINITY, "-Infinity": _MINUS_INFINITY}
_SPECIAL_TEXTS = {sign: text for text, sign in _SPECIAL_SIGNS.items()}
_SPECIAL_SPELLINGS = {
    "nan": "NaN", "infinity": "Infinity", "+infinity": "Infinity", "-infinity": "-Infinity",
    "inf": "Infinity", "+inf": "Infinity", "-inf": "-Infinity",
}  # fmt: skip

_DIGITS = r"[0-9](?:_?[0-9])*"
_DECIMAL = re.compile(
    rf"([+-]?)(?:({_DIGITS})(?:\.({_DIGITS})?)?|\.({_DIGITS}))(?:[eE]([+-]?{_DIGITS}))?", re.ASCII
)
_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_CANONICAL_COLUMN = r"^(?:0|-?[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?$"
_EXPONENT_MAX = 1 << 30
_HEADER = struct.Struct("!hhHH")


def overflow() -> NumericValueOutOfRange:
    return NumericValueOutOfRange("value overflows numeric format")


def canonical(sign: str, whole: str, fraction: str) -> str:
    """Canonical text of sign ('-' or ''), digits before and digits after the point.

    Raises:
        NumericValueOutOfRange: 22003, too many digits.
    """
    whole = whole.lstrip("0")
    if len(whole) > WHOLE_DIGITS_MAX or len(fraction) > SCALE_MAX:
        raise overflow()
    if not whole and not fraction.strip("0"):
        sign = ""
    return sign + (whole or "0") + ("." + fraction if fraction else "")


def parse_numeric(text: str) -> str | None:
    """Canonical text of what a text spells in PostgreSQL's syntax, None when it spells no number.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    stripped = text.strip(WHITESPACE)
    match = _DECIMAL.fullmatch(stripped)
    if match is None:
        special = _SPECIAL_SPELLINGS.get(stripped.lower())
        if special is not None:
            return special
        integer = parse_integer(stripped)
        return None if integer is None else str(integer)
    sign, whole, fraction, bare_fraction, exponent_text = match.groups(default="")
    whole = whole.replace("_", "")
    fraction = (fraction or bare_fraction).replace("_", "")
    exponent = int(exponent_text.replace("_", "") or 0)
    if abs(exponent) >= _EXPONENT_MAX:
        raise overflow()
    if exponent > 0:
        if not (whole + fraction).strip("0"):
            exponent = min(exponent, len(fraction))
        if len(whole.lstrip("0")) + exponent > WHOLE_DIGITS_MAX + len(fraction):
            raise overflow()
        fraction = fraction.ljust(exponent, "0")
        whole, fraction = whole + fraction[:exponent], fraction[exponent:]
    elif exponent < 0:
        if len(fraction) - exponent > SCALE_MAX:
            raise overflow()
        whole = whole.rjust(-exponent, "0")
        whole, fraction = whole[:exponent], whole[exponent:] + fraction
    return canonical("-" if sign == "-" else "", whole, fraction)


def numeric_text(value: Any) -> str:
    """Canonical text of a numeric value in any of its Python forms: str, Decimal, int."""
    if isinstance(value, str) and (_CANONICAL.fullmatch(value) or value in _SPECIAL_SIGNS):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        value = f"{value:f}"
    text = parse_numeric(str(value))
    assert text is not None, value
    return text


def encode_numeric(text: str) -> bytes:
    """Binary form of a canonical text: digit count, weight, sign, scale, base-10000 digits; all int16."""
    special = _SPECIAL_SIGNS.get(text)
    if special is not None:
        return _HEADER.pack(0, 0, special, 0 if special == _NAN else _INFINITY_SCALE)
    unsigned = text.lstrip("-")
    whole, _, fraction = unsigned.partition(".")
    whole = whole.lstrip("0")
    group_count = -(-len(whole) // _BASE_DIGITS)
    digits = whole.rjust(group_count * _BASE_DIGITS, "0") + fraction
    digits = digits.ljust(-(-len(digits) // _BASE_DIGITS) * _BASE_DIGITS, "0")
    groups = [int(digits[i : i + _BASE_DIGITS]) for i in range(0, len(digits), _BASE_DIGITS)]
    weight = group_count - 1
    first = next((i for i, group in enumerate(groups) if group), len(groups))
    groups, weight = groups[first:], weight - first
    while groups and groups[-1] == 0:
        groups.pop()
    sign = _NEGATIVE if text.startswith("-") else _POSITIVE
    header = _HEADER.pack(len(groups), weight if groups else 0, sign, len(fraction))
    return header + struct.pack(f"!{len(groups)}h", *groups)


def decode_numeric(data: bytes) -> str:
    """Canonical text of a binary form.

    Raises:
        InsufficientData: 08P01, it ends early.
        InvalidBinaryRepresentation: 22P03, bad sign, scale or digit, or something follows.
    """
    if len(data) < _HEADER.size:
        raise InsufficientData("insufficient data left in message")
    count, weight, sign, scale = _HEADER.unpack_from(data)
    count &= 0xFFFF
    if sign not in _SPECIAL_TEXTS and sign not in (_POSITIVE, _NEGATIVE):
        raise InvalidBinaryRepresentation('invalid sign in external "numeric" value')
    if scale > SCALE_MAX:
        raise InvalidBinaryRepresentation('invalid scale in external "numeric" value')
    if len(data) < _HEADER.size + 2 * count:
        raise InsufficientData("insufficient data left in message")
    if len(data) > _HEADER.size + 2 * count:
        raise InvalidBinaryRepresentation("incorrect binary data format")
    groups = struct.unpack_from(f"!{count}h", data, _HEADER.size)
    if any(not 0 <= group < 10000 for group in groups):
        raise InvalidBinaryRepresentation('invalid digit in external "numeric" value')
    if sign in _SPECIAL_TEXTS:
        return _SPECIAL_TEXTS[sign]
    digits = "".join(f"{group:04d}" for group in groups)
    whole_digits = (weight + 1) * _BASE_DIGITS
    if whole_digits <= 0:
        whole, fraction = "", "0" * -whole_digits + digits
    else:
        digits = digits.ljust(whole_digits, "0")
        whole, fraction = digits[:whole_digits], digits[whole_digits:]
    return canonical("-" if sign == _NEGATIVE else "", whole, fraction[:scale].ljust(scale, "0"))


class NumericCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> str:
        value = parse_numeric(text)
        if value is None:
            raise self.syntax_error(text)
        return value

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return numeric_text(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        return decode_numeric(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return encode_numeric(numeric_text(value))

    def array(self, values: list[Any]) -> pa.Array:
        return pa.array([None if v is None else numeric_text(v) for v in values], pa.utf8())

    def values(self, column: pa.Array) -> list[Any]:
        texts: list[Any] = self._texts(column).to_pylist()
        return texts

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return self._texts(column)

    def _texts(self, column: pa.Array) -> pa.Array:
        """A utf8 column is canonical already; decimals print with their scale."""
        if not pa.types.is_decimal(column.type):
            return column
        if column.type.scale > 6:
            # Arrow prints small decimals with an exponent.
            return pa.array([None if v is None else f"{v:f}" for v in column.to_pylist()], pa.utf8())
        return pc.cast(column, pa.utf8())

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        if pc.all(pc.match_substring_regex(strings, _CANONICAL_COLUMN)).as_py() is not False:
            return strings
        return super().parse_text_column(strings, context)


def register(types: TypeRegistry) -> None:
    types.add(NUMERIC.oid, NumericCodec)
