"""A message that comes again is not parsed again, and means what it would mean if it were.

Method: the same message before and after whatever may change its meaning; and a look at whether it was parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from foundation.errors import QuiverError
from sqlfront.parser import ParsedStatement
from sqlfront.session.known_texts import KnownText
from tests.sqlfront.session.driver import Client

ConnectClient: TypeAlias = Callable[[], Client]


@pytest.fixture
def filled(client: Client, table: str) -> str:
    client.script(
        f"CREATE TABLE {table} (id int PRIMARY KEY, v text); INSERT INTO {table} VALUES (1, 'a'), (2, 'b')"
    )
    return table


def _asked_twice(client: Client, text: str) -> list[tuple[object, ...]]:
    first, second = client.rows(text), client.rows(text)
    assert first == second and isinstance(client.session.split_script(text)[0], KnownText)
    return second


def test_a_query_is_parsed_once_for_all_sessions(connect: ConnectClient, filled: str) -> None:
    text = f"SELECT id, v FROM {filled} ORDER BY id;"
    assert _asked_twice(connect(), text) == [(1, "a"), (2, "b")]
    assert connect().rows(text) == [(1, "a"), (2, "b")]
    assert isinstance(connect().session.split_script(text)[0], KnownText)


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", " SELECT 1", "SHOW work_mem", "", "/* c */ SELECT 1"])
def test_other_messages_are_parsed(client: Client, text: str) -> None:
    for _ in range(3):
        client.script(text)
        script = client.session.split_script(text)
        client.session.sync()
        assert all(isinstance(parsed, ParsedStatement) for parsed in script)


def test_changes_of_the_catalog_are_seen(connect: ConnectClient, filled: str) -> None:
    client, other = connect(), connect()
    text = f"SELECT * FROM {filled} WHERE id < 2"
    assert _asked_twice(client, text) == [(1, "a")]
    other.script(f"ALTER TABLE {filled} ADD COLUMN w int DEFAULT 5")
    assert client.rows(text) == [(1, "a", 5)]
    other.script(f"INSERT INTO {filled} VALUES (0, 'z')")
    assert client.rows(f"{text} ") == client.rows(text) == [(1, "a", 5), (0, "z", 5)]
    client.script(f"BEGIN; ALTER TABLE {filled} DROP COLUMN v")
    assert client.rows(text) == [(1, 5), (0, 5)]
    assert other.sqlstate(f"SET lock_timeout = 1; {text}") == "55P03"
    client.script("ROLLBACK")
    assert client.rows(text) == [(1, "a", 5), (0, "z", 5)]
    other.script(f"DROP TABLE {filled}")
    with pytest.raises(QuiverError) as caught:
        client.rows(text)
    assert (caught.value.sqlstate, caught.value.position) == ("42P01", 15)


def test_search_path_and_temporary_tables_decide_what_a_name_is(connect: ConnectClient, filled: str) -> None:
    client, other = connect(), connect()
    text = f"SELECT v FROM {filled} ORDER BY id"
    assert _asked_twice(client, text) == [("a",), ("b",)]
    client.script(f"CREATE TEMP TABLE {filled} AS SELECT 1 AS id, 'mine' AS v")
    assert client.rows(text) == [("mine",)]
    assert other.rows(text) == [("a",), ("b",)]
    client.script(f"DROP TABLE pg_temp.{filled}")
    assert client.rows(text) == [("a",), ("b",)]
    client.script(
        f"CREATE SCHEMA s_{filled}; CREATE TABLE s_{filled}.{filled} AS SELECT 1 AS id, 'theirs' AS v"
    )
    client.script(f"SET search_path = s_{filled}, public")
    assert client.rows(text) == [("theirs",)]
    client.script("RESET search_path")
    assert client.rows(text) == other.rows(text) == [("a",), ("b",)]


def test_settings_that_constants_are_read_by(client: Client) -> None:
    text = "SELECT extract(hour FROM timestamptz '2020-01-01 12:00' AT TIME ZONE 'UTC')::int"
    client.script("SET TimeZone = 'UTC'")
    assert _asked_twice(client, text) == [(12,)]
    client.script("SET TimeZone = 'Etc/GMT+3'")
    assert client.rows(text) == [(15,)]


def test_a_failed_block_refuses_it(client: Client, filled: str) -> None:
    text = f"SELECT count(*) FROM {filled}"
    assert _asked_twice(client, text) == [(2,)]
    client.script("BEGIN")
    assert client.sqlstate("SELECT 1/0") == "22012"
    assert client.sqlstate(text) == "25P02"
    client.script("ROLLBACK")
    assert client.rows(text) == [(2,)]


def test_parameters_of_a_message_that_was_prepared_are_not_there(client: Client, filled: str) -> None:
    text = f"SELECT v FROM {filled} WHERE id = $1"
    assert client.extended(text, 1).rows == [("a",)]
    assert [client.sqlstate(text) for _ in range(3)] == ["42P02"] * 3
