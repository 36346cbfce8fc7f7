"""Bytes of message bodies: a checked reader, and builders that the message classes share.

A body is sliced out of the stream before it is read, so a wrong count inside can never reach beyond it: every
read checks the bytes that are left first. Failures are 08P01 in PostgreSQL's words, or 22021 for text that is
not UTF-8. Integers are big-endian, strings UTF-8 with a terminating zero byte.
"""

from __future__ import annotations

import struct

from foundation.errors import CharacterNotInRepertoire
from sqlfront.protocol.errors import ProtocolViolation

INT16 = struct.Struct("!h")
UINT16 = struct.Struct("!H")
INT32 = struct.Struct("!i")
UINT32 = struct.Struct("!I")
_HEADER = struct.Struct("!ci")


class Body:
    """A cursor over one message body.

    Raises (all methods):
        ProtocolViolation: 08P01, the body is shorter than its content says.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _advance(self, size: int) -> int:
        at = self._at
        if size < 0 or size > len(self._data) - at:
            raise ProtocolViolation("insufficient data left in message")
        self._at = at + size
        return at

    def byte(self) -> bytes:
        return self.take(1)

    def int16(self) -> int:
        value: int = INT16.unpack_from(self._data, self._advance(2))[0]
        return value

    def uint16(self) -> int:
        value: int = UINT16.unpack_from(self._data, self._advance(2))[0]
        return value

    def int32(self) -> int:
        value: int = INT32.unpack_from(self._data, self._advance(4))[0]
        return value

    def uint32(self) -> int:
        value: int = UINT32.unpack_from(self._data, self._advance(4))[0]
        return value

    def int16s(self) -> tuple[int, ...]:
        """A uint16 count and as many int16."""
        count = self.uint16()
        return struct.unpack_from(f"!{count}h", self._data, self._advance(2 * count))

    def uint32s(self) -> tuple[int, ...]:
        """A uint16 count and as many uint32."""
        count = self.uint16()
        return struct.unpack_from(f"!{count}I", self._data, self._advance(4 * count))

    def take(self, size: int) -> bytes:
        at = self._advance(size)
        return self._data[at : at + size]

    def sized(self) -> bytes | None:
        """An int32 length and as many bytes; length -1 is None."""
        size = self.int32()
        return None if size == -1 else self.take(size)

    def cstring(self) -> str:
        """A zero-terminated UTF-8 string.

        Raises:
            CharacterNotInRepertoire: 22021, not UTF-8.
        """
        end = self._data.find(0, self._at)
        if end < 0:
            raise ProtocolViolation("invalid string in message")
        raw = self._data[self._at : end]
        self._at = end + 1
        return decode_utf8(raw)

    def rest(self) -> bytes:
        raw = self._data[self._at :]
        self._at = len(self._data)
        return raw

    @property
    def left_bytes(self) -> int:
        return len(self._data) - self._at

    def end(self) -> None:
        """Every byte must have been read."""
        if self._at != len(self._data):
            raise ProtocolViolation("invalid message format")


def decode_utf8(raw: bytes) -> str:
    """Text of the client.

    Raises:
        CharacterNotInRepertoire: 22021, with the bytes of the character as PostgreSQL lists them.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        lead = raw[error.start]
        width = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        shown = " ".join(f"0x{byte:02x}" for byte in raw[error.start : error.start + width])
        raise CharacterNotInRepertoire(f'invalid byte sequence for encoding "UTF8": {shown}') from None


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A framed message: type byte, int32 length that counts itself, body."""
    return _HEADER.pack(kind, len(body) + 4) + body


def cstring(text: str) -> bytes:
    """A zero-terminated string. Zero bytes inside would end it early, so they are left out."""
    raw = text.encode("utf-8", "replace")
    return (raw.replace(b"\0", b"") if 0 in raw else raw) + b"\0"


def sized(value: bytes | None) -> bytes:
    return INT32.pack(-1) if value is None else INT32.pack(len(value)) + value
