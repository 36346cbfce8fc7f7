"""Goal: DuckDB's errors become PostgreSQL's SQLSTATE and wording.

Method: provoke each error on the engine itself and translate it; the message is DuckDB's own, not a copy.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from foundation.cancel import CancelToken
from foundation.errors import QuiverError
from planner.relational.engine import Engine, EngineOptions, engine
from planner.relational.error_mapping import translate


@pytest.mark.parametrize(
    ("sql", "sqlstate", "message"),
    [
        ("SELECT 1 // 0", "22012", "division by zero"),
        ("SELECT CAST(1 AS DOUBLE) / 0", "22012", "division by zero"),
        ("SELECT CAST(2147483647 AS INTEGER) + CAST(1 AS INTEGER)", "22003", "integer out of range"),
        ("SELECT CAST(32767 AS SMALLINT) + CAST(1 AS SMALLINT)", "22003", "smallint out of range"),
        ("SELECT CAST(CAST(1e10 AS DOUBLE) AS INTEGER)", "22003", "integer out of range"),
        ("SELECT CAST(CAST(40000 AS INTEGER) AS SMALLINT)", "22003", "smallint out of range"),
        ("SELECT CAST(CAST(1000 AS INTEGER) AS DECIMAL(4,2))", "22003", "numeric field overflow"),
        ("SELECT ln(CAST(0 AS DOUBLE))", "2201E", "cannot take logarithm of zero"),
        ("SELECT sqrt(CAST(-1 AS DOUBLE))", "2201F", "cannot take square root of a negative number"),
        ("SELECT (SELECT range FROM range(2))", "21000", "more than one row returned by a subquery"),
        ("SELECT 'b' LIKE 'b\\' ESCAPE '\\'", "22025", "LIKE pattern must not end with escape character"),
        ("SELECT regexp_matches('a', '(')", "2201B", "invalid regular expression"),
        ("SELECT timezone('nowhere', make_timestamptz(0))", "22023", 'time zone "nowhere" not recognized'),
        ("SELECT nosuch(1)", "0A000", "this query is not supported"),
    ],
)
def test_translation(sql: str, sqlstate: str, message: str) -> None:
    cursor = engine().cursor()
    with pytest.raises(duckdb.Error) as caught:
        cursor.sql(sql).fetchall()
    cursor.close()
    error = translate(caught.value, CancelToken(), None)
    assert isinstance(error, QuiverError)
    assert (error.sqlstate, error.message.startswith(message)) == (sqlstate, True), error.message


def test_our_own_error_passes_through() -> None:
    cause = ValueError("ours")
    wrapped = duckdb.InvalidInputException(
        "Python exception occurred while executing the UDF: ValueError: ours"
    )
    assert translate(wrapped, CancelToken(), cause) is cause


def test_interrupt_is_the_cancel_word() -> None:
    token = CancelToken()
    token.cancel()
    error = translate(duckdb.InterruptException("Interrupted!"), token, None)
    assert isinstance(error, QuiverError) and error.sqlstate == "57014"


@pytest.mark.parametrize(
    ("text", "sqlstate", "message"),
    [
        (
            'Could not write file "/t/duckdb_temp_storage-0.tmp": No space left on device',
            "53100",
            "could not write to temporary file: No space left on device",
        ),
        (
            'Cannot open file "/t/duckdb_temp_storage-0.tmp": Too many open files',
            "53000",
            "could not open temporary file: Too many open files",
        ),
        ('Could not read from file "/t/x.tmp": Input/output error', "58030", "Could not read from file"),
    ],
)
def test_failures_of_temporary_files(text: str, sqlstate: str, message: str) -> None:
    error = translate(duckdb.IOException(f"IO Error: {text}"), CancelToken(), None)
    assert isinstance(error, QuiverError)
    assert error.sqlstate == sqlstate and message in error.message


def test_a_disk_that_was_full_sets_no_limit(tmp_path: Path) -> None:
    """DuckDB's default limit is what is free at the first query."""
    limited = Engine(EngineOptions(temp_directory=str(tmp_path)))
    cursor = limited.cursor()
    ((limit,),) = cursor.sql("SELECT current_setting('max_temp_directory_size')").fetchall()
    cursor.close()
    limited.close()
    assert limit.endswith("TiB")
