"""Runs of Bind and Execute messages: one statement executed for many sets of parameters, as drivers pipeline it.

executemany() of psycopg and asyncpg and JDBC's batches send for every set

    Bind (unnamed portal), [Describe portal,] Execute (no row limit)

and read the answers later. Where such messages wait in the buffer they are recognised by their bytes, which differ
in nothing but the parameters, and the sets are taken column by column; the messages themselves stay unread until
somebody `skip`s them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlfront.protocol.extended_query import Bind
from sqlfront.protocol.framing import FrameReader
from sqlfront.protocol.wire import INT32

ROWS_MAX = 1000
BYTES_MAX = 1 << 18
"""What is looked at, and executed, at a time: an error is found by executing the sets of a run singly again."""

_DESCRIBE = b"D\x00\x00\x00\x06P\x00"
_EXECUTE = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
_HEADER_BYTES = 5

Cells = Sequence[bytes | None]


@dataclass(frozen=True, slots=True)
class BindRun:
    """At least two executions.

    Attributes:
        first: the Bind that was read already.
        columns: for each parameter its cells, one an execution.
        count: how many executions.
        is_described: whether each portal is described.
        unread_bytes: how many bytes of the buffer belong to the run.
    """

    first: Bind
    columns: tuple[Cells, ...]
    count: int
    is_described: bool
    unread_bytes: int


def find_run(first: Bind, reader: FrameReader) -> BindRun | None:
    """The run that begins with this Bind, the messages behind it unread; None when there is none."""
    if first.portal or reader.buffered_bytes <= len(_EXECUTE):
        return None
    data = reader.peek(BYTES_MAX)
    is_described = data.startswith(_DESCRIBE)
    tail = _DESCRIBE + _EXECUTE if is_described else _EXECUTE
    if not data.startswith(tail + b"B"):
        return None
    shape = _Shape.of(first)
    rows: list[Cells] = [first.parameters]
    end = at = len(tail)
    while len(rows) < ROWS_MAX:
        row, at = shape.next_row(data, at)
        if row is None or not data.startswith(tail, at):
            break
        at += len(tail)
        end = at
        rows.append(row)
    if len(rows) < 2:
        return None
    return BindRun(first, tuple(zip(*rows)), len(rows), is_described, end)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the Binds of a run have in common: everything before the values, their number, everything after."""

    head: bytes
    count: int
    foot: bytes

    @classmethod
    def of(cls, bind: Bind) -> _Shape:
        nulls = (None,) * len(bind.parameters)
        like = Bind(bind.portal, bind.statement, bind.parameter_formats, nulls, bind.result_formats)
        encoded = like.encode()[_HEADER_BYTES:]
        foot_bytes = 2 + 2 * len(bind.result_formats)
        values_at = len(encoded) - foot_bytes - 4 * len(nulls)
        return cls(encoded[:values_at], len(nulls), encoded[len(encoded) - foot_bytes :])

    def next_row(self, data: bytes, at: int) -> tuple[Cells | None, int]:
        """The values of a Bind at this place and where it ends; None when no whole Bind of the shape is there."""
        start = at + _HEADER_BYTES
        if start > len(data) or data[at] != ord("B"):
            return None, at
        end = at + 1 + INT32.unpack_from(data, at + 1)[0]
        if not start <= end <= len(data) or not data.startswith(self.head, start):
            return None, at
        place, last = start + len(self.head), end - len(self.foot)
        cells: list[bytes | None] = []
        for _ in range(self.count):
            if place + 4 > last:
                return None, at
            (size,) = INT32.unpack_from(data, place)
            place += 4
            if size < 0:
                cells.append(None)
                continue
            cells.append(data[place : place + size])
            place += size
        if place != last or data[last:end] != self.foot:
            return None, at
        return cells, end
