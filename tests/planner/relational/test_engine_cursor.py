"""Both ways of an `EngineCursor` into DuckDB give the same rows, errors and plans, and let go of what they read.

Method: the public calls are the oracle of the short ones; a stand-in for the connection has the public calls only.
"""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from planner.relational.engine import engine
from planner.relational.engine_cursor import EngineCursor

NUMBERS = pa.table(
    {"n": pa.chunked_array([[1, 2, 3], [4, None]]), "word": pa.array(["a", "b", "c", "d", "e"])}
)


class _PublicCalls:
    def __init__(self, connection: Any) -> None:
        self.register, self.sql, self.execute = connection.register, connection.sql, connection.execute
        self.interrupt, self.close = connection.interrupt, connection.close


@pytest.fixture(params=["short", "public"])
def cursor(request: pytest.FixtureRequest) -> Iterator[EngineCursor]:
    connection = engine().cursor()
    opened = EngineCursor(connection if request.param == "short" else _PublicCalls(connection))
    yield opened
    opened.close()


def test_rows_of_tables_read_more_than_once(cursor: EngineCursor) -> None:
    first, second = cursor.register(NUMBERS), cursor.register(NUMBERS.slice(0, 2))
    sql = f"WITH a AS (SELECT * FROM {first}) SELECT a.n, b.word FROM a JOIN a AS b USING (n) WHERE n IN (FROM {second} SELECT n)"
    assert sorted(cursor.reader(sql, 8192).read_all().to_pylist(), key=str) == [
        {"n": 1, "word": "a"},
        {"n": 2, "word": "b"},
    ]


def test_batches_are_no_larger_than_asked(cursor: EngineCursor) -> None:
    batches = list(cursor.reader("SELECT range AS n FROM range(10000)", 2048))
    assert sum(batch.num_rows for batch in batches) == 10000
    assert max(batch.num_rows for batch in batches) <= 2048


def test_errors_before_and_behind_the_first_row(cursor: EngineCursor) -> None:
    name = cursor.register(NUMBERS)
    with pytest.raises(duckdb.BinderException):
        cursor.reader(f"SELECT nothing FROM {name}", 8192)
    with pytest.raises((duckdb.Error, OSError, pa.ArrowInvalid)):
        cursor.reader(f"SELECT CAST(word AS INTEGER) FROM {name}", 8192).read_all()


def test_plan_is_json(cursor: EngineCursor) -> None:
    name = cursor.register(NUMBERS)
    for analyze in (False, True):
        assert json.loads(cursor.explained(f"SELECT sum(n) FROM {name}", analyze=analyze))


def test_tables_go_with_their_cursor() -> None:
    for wrap in (EngineCursor, lambda connection: EngineCursor(_PublicCalls(connection))):
        cursor = wrap(engine().cursor())
        table = pa.table({"n": [1, 2]})
        seen = weakref.ref(table)
        cursor.reader(f"SELECT n FROM {cursor.register(table)}", 8192).read_all()
        cursor.close()
        del table, cursor
        gc.collect()
        assert seen() is None


def test_this_duckdb_has_the_short_calls() -> None:
    connection = engine().cursor()
    assert hasattr(connection, "_register_source") and hasattr(connection, "_submit")
    connection.close()
