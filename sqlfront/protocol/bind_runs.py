"""Runs of Bind and Execute messages: one statement executed for many sets of parameters, as drivers pipeline it.

executemany() of psycopg and asyncpg and JDBC's batches send for every set

    Bind (unnamed portal), [Describe portal,] Execute (no row limit)

and read the answers later. Such messages are recognised by their bytes, which differ in nothing but the parameters,
as they arrive, until something else comes; the sets are taken column by column. The messages themselves stay unread
until somebody `skip`s them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlfront.protocol.bind_shapes import HEADER_BYTES, BindShape
from sqlfront.protocol.extended_query import Bind
from sqlfront.protocol.framing import FrameReader
from sqlfront.protocol.wire import INT32

ROWS_MAX = 1000
BYTES_MAX = 1 << 18
"""What is looked at, and executed, at a time: an error is found by executing the sets of a run singly again."""

DESCRIBE = b"D\x00\x00\x00\x06P\x00"
EXECUTE = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"

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


class RunCollector:
    """Collects the run that begins with a Bind, as its messages arrive. They stay unread."""

    def __init__(self, first: Bind, reader: FrameReader) -> None:
        self._first = first
        self._reader = reader
        self._tail = b""
        self._rows: list[Cells] = []
        self._end = 0

    @cached_property
    def _shape(self) -> BindShape:
        return BindShape.of(self._first)

    def collect(self) -> bool:
        """Take what has arrived; whether it is all part of the run, the last message perhaps not whole.

        A client that has sent neither Sync nor Flush waits for no answer: it has more to send.
        """
        if self._first.portal:
            return False
        data, at = self._reader.peek(self._end, BYTES_MAX), 0
        if not self._rows and data:
            self._tail = DESCRIBE + EXECUTE if data[:1] == DESCRIBE[:1] else EXECUTE
        while len(self._rows) < ROWS_MAX and self._end < BYTES_MAX:
            row, start = self._next_row(data, at)
            if row is None:
                return _is_cut_bind(data[at:])
            if not data.startswith(self._tail, start) or not self._tail:
                return self._tail.startswith(data[start:])
            self._rows.append(row)
            self._end += start + len(self._tail) - at
            at = start + len(self._tail)
        return False

    def _next_row(self, data: bytes, at: int) -> tuple[Cells | None, int]:
        if not self._rows:
            return self._first.parameters, at
        # Most often a Sync comes here.
        if data[at : at + 1] != b"B" or at + HEADER_BYTES > len(data):
            return None, at
        end = at + 1 + INT32.unpack_from(data, at + 1)[0]
        cells = self._shape.cells(data, at + HEADER_BYTES, end) if end <= len(data) else None
        return cells, at if cells is None else end

    def run(self) -> BindRun | None:
        """What was collected; None for less than two executions."""
        if len(self._rows) < 2:
            return None
        is_described = self._tail is not EXECUTE
        return BindRun(self._first, tuple(zip(*self._rows)), len(self._rows), is_described, self._end)


def _is_cut_bind(data: bytes) -> bool:
    """Whether this is the beginning of a Bind, or nothing."""
    if len(data) < HEADER_BYTES:
        return not data or data[:1] == b"B"
    return data[:1] == b"B" and len(data) < 1 + INT32.unpack_from(data, 1)[0]
