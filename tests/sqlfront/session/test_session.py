"""Goal: what one session does beside queries follows its transaction. Method: two clients on one instance: cursors,
notifications, COPY, sequences, DDL, index builds and searches over uncommitted rows."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from foundation.errors import QueryCanceled
from quiver.instance import Instance
from storage.catalog import Index
from storage.errors import IoFailure
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]


@pytest.fixture
def numbers(client: Client, table: str) -> str:
    client.script(
        f"CREATE TABLE {table} (n int PRIMARY KEY); INSERT INTO {table} SELECT * FROM generate_series(1, 5)"
    )
    return table


# -- cursors --------------------------------------------------------------------------------------------------


def test_a_cursor_ends_with_its_transaction(client: Client, numbers: str) -> None:
    assert client.sqlstate(f"DECLARE c CURSOR FOR SELECT n FROM {numbers}") == "25P01"
    client.script(f"BEGIN; DECLARE c CURSOR FOR SELECT n FROM {numbers} ORDER BY n")
    assert client.rows("FETCH 2 FROM c") == [(1,), (2,)]
    assert client.tags("MOVE 1 IN c") == ["MOVE 1"]
    assert client.rows("FETCH ALL c") == [(4,), (5,)]
    assert client.sqlstate("FETCH BACKWARD 1 FROM c") == "55000"
    client.script("ROLLBACK")
    assert client.sqlstate("FETCH c") == "34000"


def test_a_held_cursor_outlives_commit_and_later_rollbacks(client: Client, numbers: str) -> None:
    client.script(
        f"BEGIN; DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT n FROM {numbers} ORDER BY n; FETCH h; COMMIT"
    )
    client.script(f"DELETE FROM {numbers}")
    client.script("BEGIN; SELECT 1; ROLLBACK")
    assert client.sqlstate("SELECT 1 / 0") == "22012"
    assert client.rows("FETCH 2 FROM h") == [(2,), (3,)]
    assert client.rows("FETCH FIRST FROM h") == [(1,)]
    client.script("CLOSE h")
    assert client.sqlstate("CLOSE h") == "34000"
    client.script(f"BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT n FROM {numbers}; ROLLBACK")
    assert client.sqlstate("FETCH h") == "34000"


def test_an_error_in_a_held_cursor_undoes_its_transaction(client: Client, numbers: str) -> None:
    client.script(f"BEGIN; DELETE FROM {numbers} WHERE n = 5")
    client.script(f"DECLARE h CURSOR WITH HOLD FOR SELECT 1 / (n - 4) FROM {numbers}")
    assert client.sqlstate("COMMIT") == "22012"
    assert client.status == "I"
    assert client.value(f"SELECT count(*) FROM {numbers}") == 5


def test_rollback_to_closes_cursors_that_are_younger(client: Client, numbers: str) -> None:
    question = f"CURSOR FOR SELECT n FROM {numbers} ORDER BY n"
    client.script(
        f"BEGIN; DECLARE older {question}; SAVEPOINT s; DECLARE younger {question}; FETCH younger; ROLLBACK TO s"
    )
    assert client.rows("FETCH older") == [(1,)]
    assert client.sqlstate("FETCH younger") == "34000"


def test_a_cursor_keeps_the_rows_of_its_declaration(client: Client, numbers: str) -> None:
    client.script(f"BEGIN; DECLARE c CURSOR FOR SELECT n FROM {numbers} ORDER BY n; DELETE FROM {numbers}")
    assert len(client.rows("FETCH ALL c")) == 5


# -- notifications --------------------------------------------------------------------------------------------


def payloads(client: Client) -> list[str]:
    return [n.payload for n in client.notifications()]


def test_notifications_follow_commit_savepoint_and_duplicates(connect: ConnectClient) -> None:
    sender, receiver = connect(), connect()
    receiver.script("LISTEN ch; LISTEN ch")
    sender.script(
        "BEGIN; NOTIFY ch, 'a'; NOTIFY ch, 'a'; SAVEPOINT s; NOTIFY ch, 'b'; ROLLBACK TO s; NOTIFY ch, 'c'"
    )
    assert payloads(receiver) == []
    sender.script("COMMIT")
    assert payloads(receiver) == ["a", "c"]
    sender.script("BEGIN; NOTIFY ch, 'never'; ROLLBACK")
    sender.sqlstate("NOTIFY ch, 'never'; SELECT 1 / 0")
    sender.script("SELECT pg_notify('ch', 'd')")
    assert payloads(receiver) == ["d"]
    receiver.script("BEGIN")
    sender.script("NOTIFY ch, 'waits'")
    assert payloads(receiver) == []
    receiver.script("COMMIT")
    assert payloads(receiver) == ["waits"]


def test_listen_and_unlisten_follow_the_transaction(connect: ConnectClient) -> None:
    client = connect()
    for script in ("BEGIN; LISTEN gone; ROLLBACK", "LISTEN kept", "BEGIN; UNLISTEN *; ROLLBACK"):
        client.script(script)
    assert client.session.listener.channels == {"kept"}
    client.script("BEGIN; LISTEN own; NOTIFY own, 'me'; COMMIT")
    assert payloads(client) == ["me"]
    client.script("UNLISTEN own; NOTIFY own")
    assert payloads(client) == []


# -- COPY -----------------------------------------------------------------------------------------------------


def test_nothing_stays_of_a_copy_that_fails(client: Client, numbers: str) -> None:
    assert client.sqlstate(f"COPY {numbers} FROM STDIN", [b"6\n7", b"7\nbad\n"]) == "22P02"
    assert client.sqlstate(f"COPY {numbers} FROM STDIN", [b"8\n1\n"]) == "23505"
    assert client.value(f"SELECT count(*) FROM {numbers}") == 5
    client.script("BEGIN")
    assert client.sqlstate(f"COPY {numbers} FROM STDIN", [b"bad\n"]) == "22P02"
    assert client.status == "E"
    client.script("ROLLBACK")
    assert client.script(f"COPY {numbers} FROM STDIN", [b"6\n7", b"7\n"])[0].tag == "COPY 2"
    assert client.rows(f"SELECT n FROM {numbers} WHERE n > 5 ORDER BY n") == [(6,), (77,)]


def test_copy_fail_undoes_the_copy(client: Client, numbers: str) -> None:
    session = client.session
    (parsed,) = session.split_script(f"COPY {numbers} FROM STDIN")
    stream = session.run_parsed(parsed, is_last=True).start()
    assert stream is not None and hasattr(stream, "fail")
    stream.feed(b"6\n")
    with pytest.raises(QueryCanceled, match="COPY from stdin failed: enough"):
        stream.fail("enough")
    session.statement_failed(QueryCanceled("enough"))
    assert client.value(f"SELECT count(*) FROM {numbers}") == 5


def test_copy_out_of_a_query_that_fails_midway(client: Client, numbers: str) -> None:
    assert client.sqlstate(f"COPY (SELECT 1 / (n - 3) FROM {numbers}) TO STDOUT") == "22012"
    copied = client.script(f"COPY (DELETE FROM {numbers} WHERE n > 4 RETURNING n) TO STDOUT")[0].copied
    assert copied.endswith(b"5\n")
    assert client.value(f"SELECT count(*) FROM {numbers}") == 4


# -- sequences, EXPLAIN ---------------------------------------------------------------------------------------


def test_sequences_do_not_roll_back_and_currval_is_the_sessions(connect: ConnectClient, table: str) -> None:
    client, other = connect(), connect()
    client.script(f"CREATE SEQUENCE {table}")
    assert client.sqlstate(f"SELECT currval('{table}')") == client.sqlstate("SELECT lastval()") == "55000"
    assert client.value(f"BEGIN; SELECT nextval('{table}')") == 1
    client.script("ROLLBACK")
    assert other.value(f"SELECT nextval('{table}')") == 2
    assert client.rows(f"SELECT currval('{table}'), lastval()") == [(1, 1)]
    assert client.value(f"SELECT setval('{table}', 50, false)") == 50
    assert client.value(f"SELECT nextval('{table}')") == 50
    assert client.sqlstate(f"SELECT setval('{table}', 0)") == "22003"


def test_explain_analyze_writes_and_explain_does_not(client: Client, numbers: str) -> None:
    client.script(f"EXPLAIN DELETE FROM {numbers}")
    client.script(f"BEGIN; EXPLAIN ANALYZE DELETE FROM {numbers}; ROLLBACK")
    assert client.value(f"SELECT count(*) FROM {numbers}") == 5
    client.script(f"EXPLAIN ANALYZE INSERT INTO {numbers} VALUES (6)")
    assert client.value(f"SELECT count(*) FROM {numbers}") == 6


# -- DDL, indexes, vectors ------------------------------------------------------------------------------------


@pytest.fixture
def vectors(client: Client, table: str) -> str:
    client.script(f"CREATE TABLE {table} (id int PRIMARY KEY, e vector(2))")
    client.script(
        f"INSERT INTO {table} SELECT i, ('[' || i || ',0]')::vector(2) FROM generate_series(1, 1200) i"
    )
    return table


def nearest(client: Client, table: str, x: float, where: str = "true") -> list[int]:
    rows = client.rows(f"SELECT id FROM {table} WHERE {where} ORDER BY e <-> '[{x},0]' LIMIT 3")
    return [key for (key,) in rows]


def test_ddl_belongs_to_its_transaction(connect: ConnectClient, numbers: str) -> None:
    client, other = connect(), connect()
    client.script(
        f"BEGIN; DROP TABLE {numbers}; CREATE TABLE {numbers} (other text); INSERT INTO {numbers} VALUES ('x')"
    )
    assert client.rows(f"SELECT * FROM {numbers}") == [("x",)]
    other.script("SET lock_timeout = 1")
    assert other.sqlstate(f"SELECT count(*) FROM {numbers}") == "55P03"
    client.script("ROLLBACK")
    assert other.value(f"SELECT count(*) FROM {numbers}") == 5
    assert client.value(f"SELECT max(n) FROM {numbers}") == 5


@pytest.mark.parametrize("is_sealed", [False, True])
def test_own_changes_are_searched_and_nobody_else_sees_them(
    instance: Instance, connect: ConnectClient, vectors: str, is_sealed: bool
) -> None:
    client, other = connect(), connect()
    if is_sealed:
        client.script(f"CREATE INDEX ON {vectors} USING hnsw (e vector_l2_ops)")
    client.script(
        f"BEGIN; INSERT INTO {vectors} VALUES (5000, '[10.4,0]'); DELETE FROM {vectors} WHERE id = 10"
    )
    assert nearest(client, vectors, 10.3) == [5000, 11, 9]
    assert nearest(other, vectors, 10.3) == [10, 11, 9]
    assert client.rows(f"UPDATE {vectors} SET e = '[10.3,0]' WHERE id IN (700, 5000) RETURNING id") == [
        (700,),
        (5000,),
    ]
    assert nearest(client, vectors, 10.3, "id <> 5000") == [700, 11, 9]
    assert client.tags(f"DELETE FROM {vectors} WHERE id > 600") == ["DELETE 601"]
    client.script("COMMIT")
    assert nearest(other, vectors, 10.3) == [11, 9, 12]
    assert other.value(f"SELECT count(*) FROM {vectors}") == 599


def test_an_index_made_in_a_block_is_built_at_commit(
    instance: Instance, client: Client, vectors: str
) -> None:
    client.script(f"BEGIN; CREATE INDEX {vectors}_e ON {vectors} USING hnsw (e vector_l2_ops)")
    client.script("COMMIT")
    index = next(i for i in instance.storage.catalog.objects(Index) if i.name == f"{vectors}_e")
    table_view = instance.storage.begin().table_view(index.table_oid)
    assert [s.index_buffers(index.oid) is not None for s in table_view.segments if s.row_count] == [True]
    client.script(f"BEGIN; CREATE INDEX {vectors}_f ON {vectors} USING hnsw (e vector_l2_ops); ROLLBACK")
    assert not [i for i in instance.storage.catalog.objects(Index) if i.name == f"{vectors}_f"]


def test_a_cancelled_create_index_leaves_no_index(instance: Instance, client: Client, vectors: str) -> None:
    timer = threading.Timer(0, client.session.cancel_token.cancel)
    build = client.session.run_pending_index_builds

    def cancelled() -> None:
        if client.session.pending_index_builds:
            timer.run()
        build()

    client.session.run_pending_index_builds = cancelled  # type: ignore[method-assign]
    assert client.sqlstate(f"CREATE INDEX {vectors}_e ON {vectors} USING hnsw (e vector_l2_ops)") == "57014"
    assert not [i for i in instance.storage.catalog.objects(Index) if i.name == f"{vectors}_e"]
    assert nearest(client, vectors, 10.3) == [10, 11, 9]


def test_truncate_in_a_block(connect: ConnectClient, vectors: str) -> None:
    client, other = connect(), connect()
    client.script(f"BEGIN; TRUNCATE {vectors}; INSERT INTO {vectors} VALUES (1, '[1,0]')")
    assert nearest(client, vectors, 3) == [1]
    other.script("SET lock_timeout = 1")
    assert other.sqlstate(f"SELECT 1 FROM {vectors}") == "55P03"
    client.script("COMMIT")
    assert nearest(other, vectors, 3) == [1]


def test_a_rollback_sets_a_restarted_sequence_back_and_never_fails(
    client: Client, instance: Instance, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.script(f"CREATE SEQUENCE {table}_s; SELECT setval('{table}_s', 40)")
    client.script(f"BEGIN; ALTER SEQUENCE {table}_s RESTART WITH 5")
    assert client.value(f"SELECT nextval('{table}_s')") == 5
    client.script("ROLLBACK")
    assert client.value(f"SELECT nextval('{table}_s')") == 41
    client.script(f"BEGIN; ALTER SEQUENCE {table}_s RESTART WITH 5")

    def refuse(*_: object) -> None:
        raise IoFailure("the disk is gone")

    with monkeypatch.context() as failing:
        failing.setattr(instance.storage, "set_sequence", refuse)
        assert client.tags("ROLLBACK") == ["ROLLBACK"]
    assert client.status == "I"
    assert client.value(f"SELECT nextval('{table}_s')") == 5
