"""inet and cidr, macaddr and macaddr8, as PostgreSQL reads and prints them.

A value of inet or cidr is the stored form of `foundation.network`, one of macaddr its 6, of macaddr8 its 8 bytes.
https://www.postgresql.org/docs/15/datatype-net-types.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.errors import InvalidBinaryRepresentation, InvalidTextRepresentation, NumericValueOutOfRange
from foundation.network import IPV4, IPV6, address_bits, address_text, masked, pack_inet, unpack_inet
from foundation.sqltypes import CIDR, INET, MACADDR, MACADDR8
from sqlfront.types.bytea import hex_bytes
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import array_of_matrix, fixed_cells, mask_of, numbers_of
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.network_input import parse_cidr, parse_inet

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_HEADER_BYTES = 4


class NetworkCodec(Codec):
    """inet; in binary family, prefix length, whether it is cidr, address length, address."""

    is_cidr = False

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        parsed = (parse_cidr if self.is_cidr else parse_inet)(text)
        if parsed is None:
            raise self.syntax_error(text)
        if self.is_cidr and masked(*parsed) != parsed[0]:
            raise InvalidTextRepresentation(
                f'invalid cidr value: "{text}"', detail="Value has bits set to right of mask."
            )
        return pack_inet(*parsed)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        address, prefix = unpack_inet(value)
        text = address_text(address)
        return f"{text}/{prefix}" if self.is_cidr or prefix != address_bits(address) else text

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        if len(data) < _HEADER_BYTES:
            raise InsufficientData("no data left in message")
        family, prefix, _, size = data[:_HEADER_BYTES]
        wrong = f'in external "{self.type_name}" value'
        if family not in (IPV4, IPV6):
            raise InvalidBinaryRepresentation(f"invalid address family {wrong}")
        expected = 4 if family == IPV4 else 16
        if prefix > 8 * expected:
            raise InvalidBinaryRepresentation(f"invalid bits {wrong}")
        if size != expected:
            raise InvalidBinaryRepresentation(f"invalid length {wrong}")
        address = data[_HEADER_BYTES : _HEADER_BYTES + size]
        if len(address) < size:
            raise InsufficientData("no data left in message")
        if len(data) > _HEADER_BYTES + size:
            raise InvalidBinaryRepresentation("incorrect binary data format")
        if self.is_cidr and masked(address, prefix) != address:
            raise InvalidBinaryRepresentation(
                'invalid external "cidr" value', detail="Value has bits set to right of mask."
            )
        return pack_inet(address, prefix)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        address, prefix = unpack_inet(value)
        return bytes((value[0], prefix, self.is_cidr, len(address))) + address


class CidrCodec(NetworkCodec):
    """cidr: a network, whose address has no bits behind the prefix."""

    is_cidr = True


class _HardwareCodec(Codec):
    """What macaddr and macaddr8 share: bytes, printed in hexadecimal with colons."""

    width = 6

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return bytes(value).hex(":")

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        if len(data) < self.width:
            raise InsufficientData("no data left in message")
        check_width(data, self.width)
        return bytes(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return bytes(value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        raw = numbers_of(column, f"V{self.width}").view(np.uint8)
        digits = hex_bytes(raw.reshape(-1)).reshape(-1, self.width, 2)
        matrix = np.full((len(column), self.width, 3), ord(":"), np.uint8)
        matrix[:, :, :2] = digits
        return array_of_matrix(matrix.reshape(len(column), 3 * self.width)[:, :-1], None, mask_of(column))

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        raw = numbers_of(column, f"V{self.width}").view(np.uint8)
        return fixed_cells(raw.reshape(-1, self.width), mask_of(column))


_BLANKS = f"[{WHITESPACE}]*"
_NUMBER = r"(?>[+-]?(?:0[xX](?=[0-9a-fA-F]))?[0-9a-fA-F]+)"
_PAIR = r"(?>[+-][0-9a-fA-F]|[0-9a-fA-F]{1,2})"


def _form(number: str, *marks: str) -> re.Pattern[str]:
    """Six numbers with marks between them, read as scanf() reads them: without looking back."""
    pieces = [f"{_BLANKS}({number}){re.escape(mark)}" for mark in (*marks, "")]
    return re.compile("".join(pieces) + _BLANKS, re.ASCII)


_MACADDR_FORMS = (
    _form(_NUMBER, ":", ":", ":", ":", ":"), _form(_NUMBER, "-", "-", "-", "-", "-"),
    _form(_PAIR, "", "", ":", "", ""), _form(_PAIR, "", "", "-", "", ""),
    _form(_PAIR, "", ".", "", ".", ""), _form(_PAIR, "", "-", "", "-", ""), _form(_PAIR, "", "", "", "", ""),
)  # fmt: skip
_SPACERS = ":-."
_INT_BITS = 0xFFFFFFFF


class MacaddrCodec(_HardwareCodec):
    binary_bytes = 6

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        match = next((found for form in _MACADDR_FORMS if (found := form.fullmatch(text))), None)
        if match is None:
            raise self.syntax_error(text)
        octets = [int(group, 16) & _INT_BITS for group in match.groups()]
        if max(octets) > 255:
            raise NumericValueOutOfRange(f'invalid octet value in "macaddr" value: "{text}"')
        return bytes(octets)


class Macaddr8Codec(_HardwareCodec):
    width = 8
    binary_bytes = 8

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        octets = _read_octets(text.lstrip(WHITESPACE))
        if octets is None or len(octets) not in (6, 8):
            raise self.syntax_error(text)
        return octets if len(octets) == 8 else widened(octets)

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        return widened(data) if len(data) == 6 else super().decode_binary(data, context)


def widened(octets: bytes) -> bytes:
    """The EUI-64 address of a MAC address of 6 bytes."""
    return octets[:3] + b"\xff\xfe" + octets[3:]


def _read_octets(text: str) -> bytes | None:
    """Pairs of digits with one kind of spacer between some of them (`macaddr8_in`); None for anything else.

    As in PostgreSQL a single character behind the last pair is not looked at.
    """
    octets, at, spacer = bytearray(), 0, ""
    while at + 1 < len(text):
        pair = text[at : at + 2]
        if len(octets) == 8 or not pair.isascii() or not pair.isalnum():
            return None
        try:
            octets.append(int(pair, 16))
        except ValueError:
            return None
        at += 2
        mark = text[at : at + 1]
        if mark and mark in _SPACERS:
            if spacer not in ("", mark):
                return None
            spacer, at = mark, at + 1
        if len(octets) in (6, 8) and text[at : at + 1] and text[at] in WHITESPACE:
            if text[at:].strip(WHITESPACE):
                return None
            break
    return bytes(octets)


def register(types: TypeRegistry) -> None:
    types.add(INET.oid, NetworkCodec)
    types.add(CIDR.oid, CidrCodec)
    types.add(MACADDR.oid, MacaddrCodec)
    types.add(MACADDR8.oid, Macaddr8Codec)
