"""Goal: FETCH in every direction returns PostgreSQL's rows. Method: a list model of the cursor's position."""

import random
from collections.abc import Iterator

import pyarrow as pa
import pytest

from foundation.errors import ObjectNotInPrerequisiteState
from foundation.sqltypes import INT4
from sqlfront.backend import ResultColumn
from sqlfront.errors import DuplicatePortal, UndefinedPortal
from sqlfront.session.cursors import Cursor, CursorTable, Direction, FetchRequest
from sqlfront.session.outcome import Outcome

COLUMNS = (ResultColumn("n", INT4),)


def rows(count: int, batch: int) -> Iterator[pa.RecordBatch]:
    for first in range(1, count + 1, batch):
        values = list(range(first, min(first + batch, count + 1)))
        yield pa.RecordBatch.from_arrays([pa.array(values, pa.int32())], names=["c0"])


def cursor(count: int, *, is_scroll: bool) -> Cursor:
    return Cursor("c", Outcome("", COLUMNS, rows(count, 4)), is_scroll=is_scroll, is_hold=False)


def fetched(
    open_cursor: Cursor, direction: Direction, count: int | None, *, backward_all: bool = False
) -> list[int]:
    batches = open_cursor.fetch(FetchRequest(direction, count, backward_all))
    return [value for batch in batches for value in batch.column(0).to_pylist()]


class Model:
    """PostgreSQL's rules, spelled out on a list."""

    def __init__(self, total: int) -> None:
        self.total, self.here = total, 0

    def fetch(self, direction: Direction, count: int | None) -> list[int]:
        if direction is Direction.FORWARD:
            step = self.total + 1 if count is None else count
            if step == 0:
                return [self.here] if 1 <= self.here <= self.total else []
            found = []
            for _ in range(abs(step)):
                self.here += 1 if step > 0 else -1
                if not 1 <= self.here <= self.total:
                    self.here = max(0, min(self.here, self.total + 1))
                    break
                found.append(self.here)
            return found
        target = self.here + (count or 0) if direction is Direction.RELATIVE else (count or 0)
        if direction is Direction.ABSOLUTE and target < 0:
            target += self.total + 1
        self.here = max(0, min(target, self.total + 1))
        return [self.here] if 1 <= self.here <= self.total else []


@pytest.mark.parametrize("total", [0, 1, 3, 10])
def test_scroll_cursor_agrees_with_the_model(total: int) -> None:
    generator = random.Random(total)
    for _ in range(50):
        model, real = Model(total), cursor(total, is_scroll=True)
        for _ in range(12):
            direction = generator.choice(list(Direction))
            count = generator.choice([None, -12, -2, -1, 0, 1, 2, 5, 12])
            if count is None and direction is not Direction.FORWARD:
                count = 0
            assert fetched(real, direction, count) == model.fetch(direction, count), (direction, count)


def test_forward_cursor_streams_and_refuses_to_go_back() -> None:
    real = cursor(10, is_scroll=False)
    assert fetched(real, Direction.FORWARD, 3) == [1, 2, 3]
    assert fetched(real, Direction.RELATIVE, 2) == [5]
    assert fetched(real, Direction.ABSOLUTE, 7) == [7]
    with pytest.raises(ObjectNotInPrerequisiteState):
        fetched(real, Direction.FORWARD, -1)
    assert fetched(real, Direction.FORWARD, None) == [8, 9, 10]
    assert fetched(real, Direction.FORWARD, 1) == []


def test_backward_all() -> None:
    real = cursor(5, is_scroll=True)
    assert fetched(real, Direction.FORWARD, 3) == [1, 2, 3]
    assert fetched(real, Direction.FORWARD, None, backward_all=True) == [2, 1]
    assert fetched(real, Direction.FORWARD, 1) == [1]


def test_cursor_table() -> None:
    table = CursorTable({})
    table.add(cursor(1, is_scroll=False))
    with pytest.raises(DuplicatePortal):
        table.add(cursor(1, is_scroll=False))
    table.close("c")
    with pytest.raises(UndefinedPortal):
        table.get("c")
    held = Cursor("h", Outcome("", COLUMNS, rows(3, 2)), is_scroll=False, is_hold=True)
    table.add(held)
    table.add(cursor(1, is_scroll=False))
    table.hold()
    table.transaction_ended(committed=True)
    assert fetched(table.get("h"), Direction.FORWARD, None) == [1, 2, 3]
    with pytest.raises(UndefinedPortal):
        table.get("c")
    table.transaction_ended(committed=False)
    assert table.get("h") is held, "once committed it outlives later transactions"
    table.add(Cursor("undone", Outcome("", COLUMNS, rows(3, 2)), is_scroll=False, is_hold=True))
    table.transaction_ended(committed=False)
    with pytest.raises(UndefinedPortal):
        table.get("undone")
