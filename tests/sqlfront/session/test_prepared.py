"""Goal: no plan outlives what it was made for. Method: statements prepared before and run after a change of catalog,
search path or settings, in the same session, another one, and inside a transaction with DDL of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from foundation.errors import FeatureNotSupported, UndefinedColumn
from foundation.sqltypes import INT4, TEXT
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]


@pytest.fixture
def filled(client: Client, table: str) -> str:
    client.script(f"CREATE TABLE {table} (id int, v text); INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    return table


def test_a_statement_is_bound_again_after_ddl(connect: ConnectClient, filled: str) -> None:
    client, other = connect(), connect()
    client.prepare("named", f"SELECT id, v FROM {filled} WHERE id = $1")
    client.prepare("star", f"SELECT * FROM {filled} ORDER BY id")
    other.script(f"ALTER TABLE {filled} ADD COLUMN w int DEFAULT 5")
    assert client.execute_prepared("named", 2).rows == [(2, "b")]
    with pytest.raises(FeatureNotSupported, match="cached plan must not change result type"):
        client.execute_prepared("star")
    other.script(f"ALTER TABLE {filled} RENAME COLUMN v TO renamed")
    with pytest.raises(UndefinedColumn):
        client.execute_prepared("named", 1)
    other.script(
        f"DROP TABLE {filled}; CREATE TABLE {filled} (id int, v text); INSERT INTO {filled} VALUES (1, 'z')"
    )
    assert client.execute_prepared("named", 1).rows == [(1, "z")]
    assert client.execute_prepared("star").rows == [(1, "z")]


def test_the_plan_cache_tells_search_paths_and_value_settings_apart(client: Client, filled: str) -> None:
    client.script(f"CREATE SCHEMA {filled}s; CREATE TABLE {filled}s.{filled} (other text)")
    for _ in range(2):
        client.script("SET search_path = public")
        assert len(client.rows(f"SELECT * FROM {filled}")) == 2
        client.script(f"SET search_path = {filled}s, public")
        assert client.rows(f"SELECT * FROM {filled}") == []
        for order, month in (("MDY", 1), ("DMY", 2)):
            client.script(f"SET DateStyle = 'ISO, {order}'")
            assert client.value("SELECT '01/02/2020'::date").month == month
        for zone, hour in (("UTC", 12), ("Asia/Tokyo", 3)):
            client.script(f"SET TimeZone = '{zone}'")
            assert client.value("SELECT '2020-01-01 12:00'::timestamptz").hour == hour


def test_plans_over_uncommitted_ddl_stay_in_their_transaction(connect: ConnectClient, filled: str) -> None:
    client, other = connect(), connect()
    question, new_question = f"SELECT * FROM {filled} ORDER BY id", f"SELECT * FROM {filled}new"
    assert other.rows(question) == [(1, "a"), (2, "b")]
    client.script(f"BEGIN; CREATE TABLE {filled}new (a int); ALTER TABLE {filled} ADD COLUMN w int DEFAULT 5")
    client.prepare("own", question)
    assert client.rows(new_question) == []
    assert client.execute_prepared("own").rows == client.rows(question) == [(1, "a", 5), (2, "b", 5)]
    assert other.sqlstate(new_question) == "42P01"
    assert other.sqlstate(f"SET lock_timeout = 1; {question}") == "55P03"
    client.script("ROLLBACK")
    assert other.rows(question) == [(1, "a"), (2, "b")]
    assert client.sqlstate(new_question) == other.sqlstate(new_question) == "42P01"
    with pytest.raises(FeatureNotSupported, match="cached plan"):
        client.execute_prepared("own")
    assert client.rows(question) == [(1, "a"), (2, "b")]


def test_a_block_sees_a_table_that_another_session_made_meanwhile(connect: ConnectClient, table: str) -> None:
    client, other = connect(), connect()
    client.script("BEGIN; SELECT 1")
    other.script(f"CREATE TABLE {table} (a int)")
    assert client.value(f"SELECT count(*) FROM {table}") == 0
    assert client.extended(f"SELECT count(*) FROM {table} WHERE a = $1", 3).rows == [(0,)]


def test_a_statement_that_was_bound_again_is_cached(connect: ConnectClient, filled: str) -> None:
    client, other = connect(), connect()
    client.prepare("named", f"SELECT id FROM {filled} WHERE id = $1")
    other.script(f"CREATE TABLE {filled}x (a int)")
    client.execute_prepared("named", 1)
    plan = client.session.prepared_statement("named").cached
    client.execute_prepared("named", 2)
    assert client.session.prepared_statement("named").cached is plan


def test_sql_prepare_execute_and_deallocate(client: Client, filled: str) -> None:
    client.script(
        f"PREPARE put AS INSERT INTO {filled} VALUES ($1, $2); PREPARE get (int) AS SELECT v FROM {filled} WHERE id = $1"
    )
    assert client.tags("EXECUTE put(3, 'c')") == ["INSERT 0 1"]
    assert client.value("EXECUTE get(1 + 2)") == "c"
    assert client.sqlstate("PREPARE get AS SELECT 1") == "42P05"
    assert client.sqlstate("EXECUTE get(1, 2)") == "42601"
    client.script("DEALLOCATE get")
    assert client.sqlstate("EXECUTE get(1)") == "26000"


def test_discard_all_makes_the_session_as_new(client: Client, filled: str) -> None:
    client.script(f"CREATE SEQUENCE {filled}_s")
    client.script(f"PREPARE p AS SELECT 1; LISTEN ch; SET work_mem = '1MB'; SELECT nextval('{filled}_s')")
    client.script(f"DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {filled}")
    assert client.tags("DISCARD ALL") == ["DISCARD ALL"]
    assert client.sqlstate("EXECUTE p") == "26000"
    assert client.sqlstate("FETCH c") == "34000"
    assert client.sqlstate("SELECT lastval()") == "55000"
    assert client.value("SHOW work_mem") == "4MB"
    assert not client.session.listener.channels
    client.script("BEGIN")
    assert client.sqlstate("DISCARD ALL") == "25001"


def test_literals_are_of_the_types_that_the_columns_have_when_they_are_inserted(
    connect: ConnectClient, table: str
) -> None:
    client, other = connect(), connect()
    client.script(f"CREATE TABLE {table} (code int)")
    (parsed,) = client.session.split_script(f"INSERT INTO {table} VALUES ('007'), ('008')")
    portal = client.session.run_parsed(parsed, is_last=True)
    other.script(f"ALTER TABLE {table} ALTER COLUMN code TYPE text")
    portal.start()
    assert portal.command_tag() == "INSERT 0 2"
    client.session.sync()
    assert other.rows(f"SELECT code FROM {table} ORDER BY code") == [("007",), ("008",)]


def test_explain_has_the_parameters_of_its_query(client: Client, table: str) -> None:
    client.script(f"CREATE TABLE {table} (id int PRIMARY KEY, n text)")
    statement = client.session.prepare(f"EXPLAIN SELECT * FROM {table} WHERE id = $1 AND n = $2", ())
    assert [sql_type.oid for sql_type in statement.parameter_types] == [INT4.oid, TEXT.oid]
    client.session.sync()
    (result,) = client.pipeline((f"EXPLAIN SELECT * FROM {table} WHERE id = $1", (5,)))
    assert result.tag == "EXPLAIN" and result.rows
    client.pipeline((f"EXPLAIN ANALYZE INSERT INTO {table} VALUES ($1, $2)", (7, "seven")))
    client.pipeline((f"EXPLAIN INSERT INTO {table} VALUES ($1, $2)", (8, "eight")))
    assert client.rows(f"SELECT * FROM {table}") == [(7, "seven")]
    assert client.sqlstate(f"EXPLAIN SELECT * FROM {table} WHERE id = $1") == "42P02"
    assert client.sqlstate("EXPLAIN SELECT * FROM nowhere") == "42P01"
