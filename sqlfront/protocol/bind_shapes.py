"""What the Binds of one statement have in common: everything but the values.

A driver binds a statement that it has prepared with the same formats every time. So a Bind is known by its first and its
last bytes, and what lies between them is cut into values.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.protocol.extended_query import Bind
from sqlfront.protocol.wire import INT32

HEADER_BYTES = 5
"""The type and the length before a message's body."""


@dataclass(frozen=True, slots=True)
class BindShape:
    """The bytes before the values, their number, the bytes behind them."""

    head: bytes
    count: int
    foot: bytes

    @classmethod
    def of(cls, bind: Bind) -> BindShape:
        nulls = (None,) * len(bind.parameters)
        like = Bind(bind.portal, bind.statement, bind.parameter_formats, nulls, bind.result_formats)
        body = like.encode()[HEADER_BYTES:]
        foot_bytes = 2 + 2 * len(bind.result_formats)
        values_at = len(body) - foot_bytes - 4 * len(nulls)
        return cls(body[:values_at], len(nulls), body[len(body) - foot_bytes :])

    def fits(self, body: bytes) -> bool:
        """Whether a Bind seems to differ in nothing but its values: `cells` tells for sure."""
        return body.startswith(self.head) and body.endswith(self.foot)

    def cells(self, data: bytes, start: int, end: int) -> list[bytes | None] | None:
        """The values of the Bind whose body is `data[start:end]`; None where that has another shape."""
        place, last = start + len(self.head), end - len(self.foot)
        if not data.startswith(self.head, start, end) or not data.endswith(self.foot, start, end):
            return None
        cells: list[bytes | None] = []
        for _ in range(self.count):
            if place + 4 > last:
                return None
            (size,) = INT32.unpack_from(data, place)
            place += 4
            if size < -1:
                return None
            cells.append(None if size < 0 else data[place : place + size])
            place += max(size, 0)
        return cells if place == last else None
