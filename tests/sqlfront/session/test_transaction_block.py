"""Goal: transaction blocks behave as PostgreSQL's. Method: the table of sqlfront/session/DESIGN.md, row by row."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from quiver.instance import Instance
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]
MISSING = "SELECT * FROM no_such_table"


@pytest.fixture
def filled(client: Client, table: str) -> str:
    """A table with the keys 1 and 2."""
    client.script(
        f"CREATE TABLE {table} (id int PRIMARY KEY, v text); INSERT INTO {table} VALUES (1, 'a'), (2, 'b')"
    )
    return table


def ids(client: Client, table: str) -> list[int]:
    return [key for (key,) in client.rows(f"SELECT id FROM {table} ORDER BY id")]


# -- scripts and their implicit transaction -------------------------------------------------------------------


def test_an_error_in_a_script_undoes_its_earlier_statements(client: Client, filled: str) -> None:
    script = f"INSERT INTO {filled} VALUES (3); UPDATE {filled} SET v = 'x'; {MISSING}; INSERT INTO {filled} VALUES (4)"
    assert client.sqlstate(script) == "42P01"
    assert client.status == "I"
    assert client.rows(f"SELECT id, v FROM {filled} ORDER BY id") == [(1, "a"), (2, "b")]


def test_a_syntax_error_runs_nothing(client: Client, filled: str) -> None:
    assert client.sqlstate(f"INSERT INTO {filled} VALUES (3); SELEKT 1") == "42601"
    assert ids(client, filled) == [1, 2]


def test_begin_makes_the_statements_before_it_part_of_the_block(client: Client, filled: str) -> None:
    client.script(f"INSERT INTO {filled} VALUES (3); BEGIN; INSERT INTO {filled} VALUES (4)")
    assert client.status == "T"
    client.script("ROLLBACK")
    assert ids(client, filled) == [1, 2]


def test_commit_ends_the_transaction_and_what_follows_is_another(client: Client, filled: str) -> None:
    script = f"BEGIN; INSERT INTO {filled} VALUES (3); COMMIT; INSERT INTO {filled} VALUES (4); {MISSING}"
    assert client.sqlstate(script) == "42P01"
    assert client.status == "I"
    assert ids(client, filled) == [1, 2, 3]


def test_an_error_after_begin_in_a_script_leaves_a_failed_block(client: Client, filled: str) -> None:
    assert client.sqlstate(f"BEGIN; INSERT INTO {filled} VALUES (3); SELECT 1 / 0; SELECT 1") == "22012"
    assert client.status == "E"
    assert client.tags("COMMIT") == ["ROLLBACK"]
    assert ids(client, filled) == [1, 2]


def test_an_empty_script_changes_nothing(client: Client) -> None:
    assert client.script("") == [] and client.script(" ; -- nothing\n;") == []
    client.script("BEGIN")
    assert client.script("") == [] and client.status == "T"


# -- the table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "statement", "outcome", "status", "warning"),
    [
        ("", "SELECT 1", "SELECT 1", "I", ""),
        ("", "BEGIN", "BEGIN", "T", ""),
        ("", "START TRANSACTION", "START TRANSACTION", "T", ""),
        ("", "COMMIT", "COMMIT", "I", "there is no transaction in progress"),
        ("", "ROLLBACK", "ROLLBACK", "I", "there is no transaction in progress"),
        ("", MISSING, "42P01", "I", ""),
        ("", "SAVEPOINT s", "25P01", "I", ""),
        ("", "RELEASE s", "25P01", "I", ""),
        ("", "ROLLBACK TO s", "25P01", "I", ""),
        ("BEGIN", "SELECT 1", "SELECT 1", "T", ""),
        ("BEGIN", "BEGIN", "BEGIN", "T", "there is already a transaction in progress"),
        ("BEGIN", "COMMIT", "COMMIT", "I", ""),
        ("BEGIN", "COMMIT AND CHAIN", "COMMIT", "T", ""),
        ("BEGIN", "ROLLBACK", "ROLLBACK", "I", ""),
        ("BEGIN", "ROLLBACK AND CHAIN", "ROLLBACK", "T", ""),
        ("BEGIN", MISSING, "42P01", "E", ""),
        ("BEGIN", "SELEKT", "42601", "E", ""),
        ("BEGIN", "RELEASE s", "3B001", "E", ""),
        ("BEGIN", "VACUUM", "25001", "E", ""),
        ("FAILED", "SELECT 1", "25P02", "E", ""),
        ("FAILED", "SHOW TimeZone", "25P02", "E", ""),
        ("FAILED", "BEGIN", "25P02", "E", ""),
        ("FAILED", "SAVEPOINT s", "25P02", "E", ""),
        ("FAILED", "COMMIT", "ROLLBACK", "I", ""),
        ("FAILED", "ROLLBACK", "ROLLBACK", "I", ""),
        ("FAILED", "ROLLBACK TO s", "3B001", "E", ""),
    ],
)
def test_the_table_of_states(
    client: Client, before: str, statement: str, outcome: str, status: str, warning: str
) -> None:
    if before:
        client.script("BEGIN")
    if before == "FAILED":
        client.sqlstate(MISSING)
    state = client.sqlstate(statement) if outcome[0].isdigit() else None
    assert (state or client.tags(statement)[-1]) == outcome
    assert client.status == status
    assert client.notices() == ([f"WARNING: {warning}"] if warning else [])


@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
def test_commit_and_rollback_in_an_implicit_transaction_end_it_with_a_warning(
    client: Client, filled: str, ending: str
) -> None:
    client.script(f"INSERT INTO {filled} VALUES (3); {ending}; INSERT INTO {filled} VALUES (4)")
    assert client.notices() == ["WARNING: there is no transaction in progress"]
    assert ids(client, filled) == ([1, 2, 3, 4] if ending == "COMMIT" else [1, 2, 4])


# -- savepoints -----------------------------------------------------------------------------------------------


def test_savepoints_nest_and_equal_names_hide_older_ones(client: Client, filled: str) -> None:
    client.script(f"BEGIN; INSERT INTO {filled} VALUES (3); SAVEPOINT s; INSERT INTO {filled} VALUES (4)")
    client.script(f"SAVEPOINT s; INSERT INTO {filled} VALUES (5); ROLLBACK TO s")
    assert ids(client, filled) == [1, 2, 3, 4]
    client.script(f"DELETE FROM {filled} WHERE id = 1; ROLLBACK TO s; RELEASE s; ROLLBACK TO SAVEPOINT s")
    assert ids(client, filled) == [1, 2, 3]
    client.script("RELEASE SAVEPOINT s; COMMIT")
    assert ids(client, filled) == [1, 2, 3]


def test_release_keeps_changes_and_drops_savepoints_made_later(client: Client, filled: str) -> None:
    client.script(f"BEGIN; SAVEPOINT a; INSERT INTO {filled} VALUES (3); SAVEPOINT b; RELEASE a")
    assert client.sqlstate("ROLLBACK TO b") == "3B001"
    assert client.status == "E"
    client.script("ROLLBACK")


def test_rollback_to_heals_a_failed_block(client: Client, filled: str) -> None:
    client.script(f"BEGIN; UPDATE {filled} SET v = 'x' WHERE id = 1; SAVEPOINT s")
    assert client.sqlstate(f"INSERT INTO {filled} VALUES (2)") == "23505"
    assert client.sqlstate("RELEASE s") == "25P02"
    client.script("ROLLBACK TO s")
    assert client.status == "T"
    client.script(f"INSERT INTO {filled} VALUES (3); COMMIT")
    assert client.rows(f"SELECT id, v FROM {filled} ORDER BY id") == [(1, "x"), (2, "b"), (3, None)]


def test_rollback_to_undoes_ddl_truncate_and_settings(client: Client, filled: str, table: str) -> None:
    client.script("BEGIN; SET LOCAL work_mem = '1MB'; SAVEPOINT s; SET work_mem = '2MB'")
    client.script(
        f"ALTER TABLE {filled} ADD COLUMN extra int DEFAULT 7; TRUNCATE {filled}; CREATE TABLE {table}x (a int)"
    )
    client.script("ROLLBACK TO s")
    assert client.value("SHOW work_mem") == "1MB"
    client.script(f"INSERT INTO {filled} VALUES (3, 'c'); COMMIT")
    assert client.rows(f"SELECT * FROM {filled} ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]
    assert client.sqlstate(f"SELECT * FROM {table}x") == "42P01"
    assert client.value("SHOW work_mem") == "4MB"


# -- settings -------------------------------------------------------------------------------------------------


def test_set_follows_the_transaction(client: Client) -> None:
    client.script("BEGIN; SET work_mem = '1MB'; ROLLBACK")
    assert client.value("SHOW work_mem") == "4MB"
    client.script("BEGIN; SET work_mem = '1MB'; COMMIT")
    assert client.value("SHOW work_mem") == "1MB"
    client.script("BEGIN; SET LOCAL work_mem = '2MB'; COMMIT")
    assert client.value("SHOW work_mem") == "1MB"
    client.script("BEGIN; RESET work_mem; ROLLBACK")
    assert client.value("SHOW work_mem") == "1MB"
    client.script("RESET ALL")
    assert client.value("SHOW work_mem") == "4MB"
    assert client.sqlstate(f"SET work_mem = '1MB'; {MISSING}") == "42P01"
    assert client.value("SHOW work_mem") == "4MB"


# -- modes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO {0} VALUES (3)",
        "UPDATE {0} SET v = 'x'",
        "DELETE FROM {0}",
        "TRUNCATE {0}",
        "COPY {0} FROM STDIN",
        "CREATE TABLE {0}x (a int)",
        "DROP TABLE {0}",
        "CREATE INDEX ON {0} (v)",
        "EXPLAIN ANALYZE DELETE FROM {0}",
        "SELECT nextval('{0}_seq')",
        "SELECT setval('{0}_seq', 5)",
    ],
)
@pytest.mark.parametrize(
    "how",
    [
        "BEGIN READ ONLY",
        "BEGIN; SELECT 1; SET TRANSACTION READ ONLY",
        "BEGIN; SET transaction_read_only = on",
    ],
)
def test_a_read_only_transaction_refuses_writes(client: Client, filled: str, write: str, how: str) -> None:
    client.script(f"CREATE SEQUENCE {filled}_seq")
    client.script(how)
    assert client.sqlstate(write.format(filled), [b"3\tc\n"]) == "25006"
    client.script("ROLLBACK")
    assert ids(client, filled) == [1, 2]


def test_the_default_of_read_only_holds_for_statements_alone(client: Client, filled: str) -> None:
    client.script("SET default_transaction_read_only = on")
    assert client.value("SHOW transaction_read_only") == "on"
    assert client.sqlstate(f"DELETE FROM {filled}") == "25006"
    client.script(f"BEGIN READ WRITE; DELETE FROM {filled} WHERE id = 1; COMMIT")
    assert ids(client, filled) == [2]


def test_modes_change_until_the_first_query(client: Client) -> None:
    client.script("BEGIN; SHOW transaction_isolation; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert client.value("SHOW TRANSACTION ISOLATION LEVEL") == "repeatable read"
    client.script("SET transaction_isolation = 'read committed'; SELECT 1")
    for late in (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET transaction_isolation = 'repeatable read'",
        "SELECT set_config('transaction_isolation', 'repeatable read', false)",
    ):
        client.script("SAVEPOINT s")
        assert client.sqlstate(late) == "25001"
        client.script("ROLLBACK TO s")
    client.script("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; COMMIT")
    client.script("BEGIN READ ONLY; SELECT 1")
    assert client.sqlstate("SET TRANSACTION READ WRITE") == "25001"


def test_a_mode_ends_with_its_transaction(client: Client) -> None:
    client.script("BEGIN; SET transaction_isolation = 'repeatable read'; COMMIT")
    assert client.value("SHOW transaction_isolation") == "read committed"
    client.script("SET transaction_isolation = 'repeatable read'")
    assert client.value("SHOW transaction_isolation") == "read committed"
    client.script("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert client.value("SHOW transaction_isolation") == "repeatable read"
    assert client.value("BEGIN; SHOW transaction_isolation") == "repeatable read"
    assert client.sqlstate("RESET transaction_isolation") == "55P02"


def test_set_transaction_outside_a_block_warns(client: Client) -> None:
    client.script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert client.notices() == ["WARNING: SET TRANSACTION can only be used in transaction blocks"]


def test_write_skew_under_serializable(connect: ConnectClient, filled: str) -> None:
    first, second = connect(), connect()
    for client in (first, second):
        client.script(f"BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM {filled}")
    first.script(f"INSERT INTO {filled} VALUES (3); COMMIT")
    second.script(f"INSERT INTO {filled} VALUES (4)")
    assert second.sqlstate("COMMIT") == "40001"
    assert ids(first, filled) == [1, 2, 3]


def test_catalogs_are_not_read_under_serializable(connect: ConnectClient, filled: str) -> None:
    first, second = connect(), connect()
    first.script("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(reltuples) FROM pg_class")
    second.script(f"INSERT INTO {filled} VALUES (3)")
    first.script(f"INSERT INTO {filled} VALUES (4); COMMIT")
    assert ids(first, filled) == [1, 2, 3, 4]


# -- snapshots ------------------------------------------------------------------------------------------------


def test_read_committed_sees_commits_of_others_and_repeatable_read_does_not(
    connect: ConnectClient, filled: str
) -> None:
    committed, repeatable, writer = connect(), connect(), connect()
    committed.script("BEGIN")
    repeatable.script("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert ids(committed, filled) == ids(repeatable, filled) == [1, 2]
    writer.script(f"INSERT INTO {filled} VALUES (3); CREATE TABLE {filled}y (a int)")
    assert ids(committed, filled) == [1, 2, 3]
    assert committed.value(f"SELECT count(*) FROM {filled}y") == 0
    assert ids(repeatable, filled) == [1, 2]
    assert repeatable.sqlstate(f"SELECT * FROM {filled}y") == "42P01"
    repeatable.script("ROLLBACK")
    assert ids(repeatable, filled) == [1, 2, 3]


def test_repeatable_read_fails_to_change_what_changed_meanwhile(connect: ConnectClient, filled: str) -> None:
    first, second = connect(), connect()
    first.script(f"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM {filled}")
    second.script(f"UPDATE {filled} SET v = 'second' WHERE id = 1")
    assert first.sqlstate(f"UPDATE {filled} SET v = 'first' WHERE id = 1") == "40001"
    assert first.status == "E"
    first.script("ROLLBACK")
    assert first.value(f"SELECT v FROM {filled} WHERE id = 1") == "second"


def test_the_second_of_two_blocks_waits_and_looks_again(connect: ConnectClient, filled: str) -> None:
    first, second = connect(), connect()
    first.script(f"BEGIN; UPDATE {filled} SET v = 'first' WHERE id = 1")
    second.script("BEGIN; SET LOCAL lock_timeout = 1")
    assert second.sqlstate(f"UPDATE {filled} SET v = 'second' WHERE id = 1") == "55P03"
    second.script("ROLLBACK; BEGIN")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second.script, f"UPDATE {filled} SET v = v || '+second' WHERE v = 'first'")
        first.script("COMMIT")
        waiting.result()
    second.script(f"UPDATE {filled} SET v = v || '+second' WHERE id = 1 AND v = 'first'; COMMIT")
    assert second.value(f"SELECT v FROM {filled} WHERE id = 1") == "first+second"


def test_a_failed_block_is_in_nobodys_way(connect: ConnectClient, filled: str) -> None:
    first, second = connect(), connect()
    first.script(
        f"BEGIN; UPDATE {filled} SET v = 'a' WHERE id = 1; SAVEPOINT s; UPDATE {filled} SET v = 'b' WHERE id = 2"
    )
    assert first.sqlstate("SELECT 1 / 0") == "22012"
    second.script("SET lock_timeout = 1")
    second.script(f"UPDATE {filled} SET v = 'second' WHERE id = 2")
    assert second.sqlstate(f"UPDATE {filled} SET v = 'second' WHERE id = 1") == "55P03"
    assert first.sqlstate("SELECT 1") == "25P02"
    first.script("ROLLBACK TO s; COMMIT; BEGIN")
    first.script(f"UPDATE {filled} SET v = 'third' WHERE id = 1")
    assert first.sqlstate("SELECT 1 / 0") == "22012"
    second.script(f"UPDATE {filled} SET v = 'second' WHERE id = 1")
    assert second.value(f"SELECT v FROM {filled} WHERE id = 1") == "second"


# -- synchronous_commit ---------------------------------------------------------------------------------------


def test_a_commit_waits_for_the_disk_as_the_setting_says_at_its_end(
    connect: ConnectClient, instance: Instance, filled: str
) -> None:
    client, other, log = connect(), connect(), instance.storage.log

    def is_durable(script: str) -> bool:
        log.wait_durable(log.appended_lsn)
        client.script(script)
        return log.durable_lsn == log.appended_lsn

    insert = f"INSERT INTO {filled} VALUES"
    assert is_durable(f"{insert} (10)")
    for value in ("local", "remote_write", "remote_apply", "on", "true"):
        client.script(f"SET synchronous_commit = {value}")
        assert is_durable(f"UPDATE {filled} SET v = '{value}'")
    client.script("SET synchronous_commit = off")
    assert not is_durable(f"{insert} (11)")
    assert ids(other, filled) == [1, 2, 10, 11]
    assert is_durable(f"BEGIN; {insert} (12); SET LOCAL synchronous_commit = on; COMMIT")
    assert not is_durable(f"BEGIN; {insert} (13); SAVEPOINT s; {insert} (14); ROLLBACK TO s; COMMIT")
    for ddl in (f"ALTER TABLE {filled} ADD COLUMN w int", f"TRUNCATE {filled}", f"DROP TABLE {filled}"):
        assert is_durable(ddl)
    assert client.sqlstate("SET synchronous_commit = maybe") == "22023"
    assert client.sqlstate("SET wal_writer_delay = 100") == "55P02"
