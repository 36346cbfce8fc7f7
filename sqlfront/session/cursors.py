"""SQL cursors: DECLARE, FETCH, MOVE, CLOSE over a running query.

A cursor streams forward. SCROLL and WITH HOLD cursors keep their rows as one Arrow table, WITH HOLD ones from
commit on; others give up rows they have passed. Positions are PostgreSQL's: 0 before the first row, n + 1
after the last (https://www.postgresql.org/docs/15/sql-fetch.html).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

from foundation.errors import AdminShutdown, ObjectNotInPrerequisiteState, QueryCanceled, QuiverError
from foundation.sqltypes import arrow_type
from sqlfront.backend import CopyIn, CopyOut, Portal, ResultColumn
from sqlfront.errors import DuplicatePortal, UndefinedPortal
from sqlfront.session.clock import now_us
from sqlfront.session.outcome import Outcome


class Direction(Enum):
    """How FETCH counts: rows from here (negative = backwards), a row's number, or an offset from here."""

    FORWARD = "forward"
    ABSOLUTE = "absolute"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """`count` None means ALL. A backward fetch has a negative count; BACKWARD ALL is `is_backward_all`."""

    direction: Direction
    count: int | None
    is_backward_all: bool = False


class Cursor:
    """One open cursor; also the portal of that name, which drivers describe and execute by message."""

    def __init__(
        self,
        name: str,
        outcome: Outcome,
        *,
        is_scroll: bool,
        is_hold: bool,
        is_binary: bool = False,
        made_by: str = "",
    ) -> None:
        self.name = name
        self.is_binary = is_binary
        """Whether it was declared so; rows come in the format that the client asks for."""
        self.made_by = made_by
        """The text with its DECLARE."""
        self.created_at_us = now_us()
        self.is_holdable = is_hold
        self.is_short = False
        self.is_scroll = is_scroll
        self.is_held = False
        """Its transaction has committed; it now belongs to the session."""
        self._outcome = outcome
        self._batches = _started(outcome.batches)
        self._rows: pa.Table | None = None
        self._buffer: pa.RecordBatch | None = None
        self._position = 0
        """Row number the cursor stands on; rows 1 .. _position have been passed."""
        assert outcome.columns is not None, "a cursor is declared over a query"
        self.columns: tuple[ResultColumn, ...] | None = outcome.columns
        self._executed_rows = 0
        if is_scroll:
            self.materialise()

    def materialise(self) -> None:
        """Run the query to its end and keep the rows that are left."""
        if self._rows is None:
            batches = [self._buffer] if self._buffer is not None else []
            self._rows = pa.Table.from_batches([*batches, *self._batches], schema=self._schema())
            self._buffer = None

    def _schema(self) -> pa.Schema:
        return pa.schema([(f"c{i}", arrow_type(c.type)) for i, c in enumerate(self.columns or ())])

    def fetch(self, request: FetchRequest) -> list[pa.RecordBatch]:
        """The rows a FETCH returns; MOVE drops them.

        Raises:
            ObjectNotInPrerequisiteState: 55000, backwards on a cursor without SCROLL.
        """
        if self._rows is None:
            return self._fetch_forward(self._forward_count(request))
        return self._fetch_anywhere(request)

    def _forward_count(self, request: FetchRequest) -> tuple[int, int | None]:
        """(rows to skip, rows to return or None for all) of a streaming cursor."""
        count = request.count
        if request.direction is Direction.FORWARD and not request.is_backward_all:
            if count is None or count > 0:
                return 0, count
        elif request.direction is Direction.RELATIVE and count is not None and count > 0:
            return count - 1, 1
        elif request.direction is Direction.ABSOLUTE and count is not None and count > self._position:
            return count - self._position - 1, 1
        raise ObjectNotInPrerequisiteState(
            "cursor can only scan forward", hint="Declare it with SCROLL option to enable backward scan."
        )

    def _fetch_forward(self, skip_and_count: tuple[int, int | None]) -> list[pa.RecordBatch]:
        skip, count = skip_and_count
        fetched: list[pa.RecordBatch] = []
        wanted = count
        while wanted is None or wanted > 0 or skip > 0:
            batch = self._buffer if self._buffer is not None else next(self._batches, None)
            self._buffer = None
            if batch is None:
                break
            if skip:
                dropped = min(skip, batch.num_rows)
                skip -= dropped
                self._position += dropped
                batch = batch.slice(dropped)
            taken = batch.num_rows if wanted is None else min(wanted, batch.num_rows)
            if taken < batch.num_rows:
                self._buffer = batch.slice(taken)
            if taken:
                fetched.append(batch.slice(0, taken))
                self._position += taken
                wanted = None if wanted is None else wanted - taken
        return fetched

    def _fetch_anywhere(self, request: FetchRequest) -> list[pa.RecordBatch]:
        """FETCH over kept rows, in any direction."""
        assert self._rows is not None
        total, here, count = self._rows.num_rows, self._position, request.count
        if request.direction is Direction.FORWARD:
            if request.is_backward_all or (count is not None and count < 0):
                asked = here if request.is_backward_all or count is None else -count
                return self._fetch_backward(asked)
            if count == 0:
                return self._slice(here, 1) if 1 <= here <= total else []
            first = min(here, total) + 1
            returned = total - first + 1 if count is None else min(count, total - first + 1)
            self._position = first + returned - 1 if returned == count else total + 1
            return self._slice(first, returned)
        target = count or 0
        if request.direction is Direction.RELATIVE:
            target = here + target
        elif target < 0:
            target = total + 1 + target
        self._position = max(0, min(target, total + 1))
        return self._slice(self._position, 1) if 1 <= self._position <= total else []

    def _fetch_backward(self, asked: int) -> list[pa.RecordBatch]:
        """The `asked` rows before the current one, nearest first; fewer leave the cursor before the first row."""
        here = self._position
        returned = min(asked, max(here - 1, 0))
        self._position = here - returned if returned == asked else 0
        return self._slice_backward(here - 1, returned)

    def _slice(self, first: int, count: int) -> list[pa.RecordBatch]:
        """Rows first .. first + count - 1, numbered from 1."""
        assert self._rows is not None
        return list(self._rows.slice(first - 1, count).to_batches()) if count > 0 else []

    def _slice_backward(self, last: int, count: int) -> list[pa.RecordBatch]:
        """`count` rows ending at row `last`, in reverse order."""
        assert self._rows is not None
        if count <= 0:
            return []
        indices = pa.array(range(last - 1, last - 1 - count, -1), pa.int64())
        return list(self._rows.take(indices).to_batches())

    # -- as a portal, for Execute messages on the cursor's name

    def joinable(self) -> None:
        return None

    def start(self) -> CopyIn | CopyOut | None:
        return None

    def next_batch(self, rows_max: int) -> pa.RecordBatch | None:
        batches = self.fetch(FetchRequest(Direction.FORWARD, rows_max or None))
        if not batches:
            return None
        batch = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
        self._executed_rows += batch.num_rows
        return batch

    def command_tag(self) -> str:
        return f"SELECT {self._executed_rows}"

    def close(self) -> None:
        if self._outcome.on_close is not None:
            self._outcome.on_close()
            self._outcome.on_close = None


def _started(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run a query as far as its first rows, so that it sees what its declaration saw.

    An error of the data waits for the FETCH, where PostgreSQL reports it.
    """
    try:
        first = next(batches, None)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError as error:
        return _failing(error)
    return iter(()) if first is None else itertools.chain((first,), batches)


def _failing(error: QuiverError) -> Iterator[pa.RecordBatch]:
    yield from ()
    raise error


class CursorTable:
    """The cursors among a session's portals: SQL's DECLARE and Bind messages share one namespace."""

    def __init__(self, portals: dict[str, Portal]) -> None:
        self._portals = portals

    def add(self, cursor: Cursor) -> None:
        if cursor.name in self._portals:
            raise DuplicatePortal(f'cursor "{cursor.name}" already exists')
        self._portals[cursor.name] = cursor

    def get(self, name: str) -> Cursor:
        cursor = self._portals.get(name)
        if not isinstance(cursor, Cursor):
            raise UndefinedPortal(f'cursor "{name}" does not exist')
        return cursor

    def close(self, name: str) -> None:
        self.get(name).close()
        del self._portals[name]

    def close_all(self) -> None:
        for cursor in self.open_cursors():
            self.close(cursor.name)

    def open_cursors(self) -> list[Cursor]:
        return [portal for portal in self._portals.values() if isinstance(portal, Cursor)]

    @property
    def has_holdable(self) -> bool:
        return any(cursor.is_holdable for cursor in self.open_cursors())

    def hold(self) -> None:
        """Before a commit: read WITH HOLD cursors to their end while the snapshot is still there."""
        for cursor in self.open_cursors():
            if cursor.is_holdable:
                cursor.materialise()

    def transaction_ended(self, committed: bool) -> None:
        """Cursors end with their transaction, but WITH HOLD ones that were committed."""
        for cursor in self.open_cursors():
            if cursor.is_holdable and committed:
                cursor.is_held = True
            elif not cursor.is_held:
                self.close(cursor.name)

    def mark(self) -> frozenset[Cursor]:
        """The open cursors, for a savepoint."""
        return frozenset(self.open_cursors())

    def rollback_to(self, mark: frozenset[Cursor]) -> None:
        """Cursors declared after the savepoint go; those closed since do not come back."""
        for cursor in self.open_cursors():
            if cursor not in mark:
                self.close(cursor.name)
