"""Goal: DuckDB's errors become PostgreSQL's SQLSTATE and wording.

Method: provoke each error on the engine itself and translate it; the message is DuckDB's own, not a copy.
"""

from __future__ import annotations

import duckdb
import pytest

from foundation.cancel import CancelToken
from foundation.errors import QuiverError
from planner.relational.engine import engine
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
