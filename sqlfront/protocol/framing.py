"""Cutting the byte stream into messages, with the size limit checked before anything is collected.

A frame is a type byte, an int32 length that counts itself, and a body; the start-up packet has no type byte.
`FrameReader` keeps at most one incomplete frame plus what arrived with it. It copies a body once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlfront.protocol.errors import FatalProtocolViolation
from sqlfront.protocol.wire import INT32

STARTUP_PACKET_BYTES_MAX = 10_000
"""PostgreSQL's MAX_STARTUP_PACKET_LENGTH."""

_HEADER_BYTES = 5


class Frame(NamedTuple):
    """One message: its type byte as an integer and its body."""

    kind: int
    body: bytes


class FrameReader:
    """The unread bytes of a connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0

    @property
    def buffered_bytes(self) -> int:
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next_startup_packet(self) -> bytes | None:
        """Body of the next packet without a type byte, or None = need more.

        Raises:
            FatalProtocolViolation: 08P01, impossible length.
        """
        if self.buffered_bytes < 4:
            return None
        (length,) = INT32.unpack_from(self._buffer, self._at)
        if not 8 <= length <= STARTUP_PACKET_BYTES_MAX:
            raise FatalProtocolViolation("invalid length of startup packet")
        return self._cut(4, length - 4)

    def next_frame(self, limits: Mapping[int, int]) -> Frame | None:
        """The next message, or None = need more. `limits`: largest body by allowed type, in bytes.

        Raises:
            FatalProtocolViolation: 08P01, a type that is not allowed now, or an impossible length.
        """
        if self.buffered_bytes < _HEADER_BYTES:
            if self.buffered_bytes and self._buffer[self._at] not in limits:
                raise self._unexpected(self._buffer[self._at])
            return None
        kind = self._buffer[self._at]
        limit_bytes = limits.get(kind)
        if limit_bytes is None:
            raise self._unexpected(kind)
        (length,) = INT32.unpack_from(self._buffer, self._at + 1)
        if not 0 <= length - 4 <= limit_bytes:
            raise FatalProtocolViolation("invalid message length")
        body = self._cut(_HEADER_BYTES, length - 4)
        return None if body is None else Frame(kind, body)

    def is_next(self, kind: int) -> bool:
        """Whether a message of this type has begun to arrive next."""
        return self.buffered_bytes > 0 and self._buffer[self._at] == kind

    def more_of(self, kind: int, bytes_max: int) -> list[bytes]:
        """Bodies of the complete messages of one type that come next, up to about `bytes_max` in all."""
        bodies: list[bytes] = []
        size = 0
        while size < bytes_max and self.buffered_bytes >= _HEADER_BYTES and self._buffer[self._at] == kind:
            (length,) = INT32.unpack_from(self._buffer, self._at + 1)
            if length < 4 or length > bytes_max:
                break
            body = self._cut(_HEADER_BYTES, length - 4)
            if body is None:
                break
            bodies.append(body)
            size += len(body)
        return bodies

    def peek(self, start: int, bytes_max: int) -> bytes:
        """The unread bytes from the `start`th on, at most so many; they stay unread."""
        first = self._at + start
        return bytes(self._buffer[first : first + bytes_max])

    def skip(self, count: int) -> None:
        """Take `count` unread bytes, whole messages, as read."""
        self._at += count
        if self._at >= len(self._buffer):
            self._drop_read_bytes()

    def _cut(self, header_bytes: int, body_bytes: int) -> bytes | None:
        start = self._at + header_bytes
        end = start + body_bytes
        if len(self._buffer) < end:
            self._drop_read_bytes()
            return None
        with memoryview(self._buffer) as view:
            body = bytes(view[start:end])
        self._at = end
        if end == len(self._buffer):
            self._drop_read_bytes()
        return body

    def _drop_read_bytes(self) -> None:
        # Read bytes are dropped when the reader runs dry, not per message: each drop moves what is left.
        if self._at:
            del self._buffer[: self._at]
            self._at = 0

    @staticmethod
    def _unexpected(kind: int) -> FatalProtocolViolation:
        return FatalProtocolViolation(f"invalid frontend message type {kind}")
