"""Goal: a search or look-up without a transaction has the rows that it has with one, whatever changed since the last one.

Method: a table whose graph is searched, and every statement asked directly and through a portal, before and after what
makes a kept decision wrong: commits, DDL, settings, parameters. What cannot be answered directly says so. On the wire the
answer to messages that arrive together is compared with that to the same messages byte by byte, which are handled singly.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CANCEL_USER
from foundation.errors import FeatureNotSupported, QueryCanceled, QuiverError, WouldBlock
from planner.repeated_topk import RepeatedTopK
from planner.vector.index_cache import INDEXES
from quiver.instance import Instance
from sqlfront.protocol.extended_query import Bind, Describe, Execute, Parse, Sync, Target
from sqlfront.protocol.simple_query import Query
from sqlfront.session.errors import ActiveTransaction
from storage.catalog import Table
from tests.sqlfront.session.dialogue import conversation, exchange
from tests.sqlfront.session.driver import Client, opened

ROWS = 3000
DIMENSIONS = 8
SEARCH = "SELECT id, e <-> $1 AS d FROM near ORDER BY e <-> $1 LIMIT 5"
FILTERED = "SELECT id FROM near WHERE bucket < $2 ORDER BY e <-> $1 LIMIT $3 OFFSET 1"

ConnectClient = Callable[..., Client]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    assert vecengine.warm_up()
    path: Path = tmp_path_factory.mktemp("direct")
    with opened(path) as open_instance:
        yield open_instance


@pytest.fixture
def client(connect: ConnectClient) -> Client:
    """A client of `near`, made anew, and of `lone`, which is empty; with both statements prepared."""
    client = connect()
    client.script("DROP TABLE IF EXISTS near; DROP TABLE IF EXISTS lone; CREATE TABLE lone (id int)")
    client.script(f"CREATE TABLE near (id int PRIMARY KEY, bucket int, note text, e vector({DIMENSIONS}))")
    vectors = np.random.default_rng(3).standard_normal((ROWS, DIMENSIONS)).round(3)
    values = ", ".join(f"({i}, {i % 100}, 'n{i}', '{v.tolist()}')" for i, v in enumerate(vectors))
    client.script(f"INSERT INTO near VALUES {values}")
    client.script("CREATE INDEX near_e ON near USING hnsw (e vector_l2_ops)")
    client.prepare("search", SEARCH)
    client.prepare("filtered", FILTERED)
    return client


def query(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)


def both(client: Client, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement, which are the same both ways; a search must not need the portal."""
    directly = client.read_directly(name, *parameters)
    assert directly is not None
    assert directly == client.execute_prepared(name, *parameters).rows
    assert client.read_directly(name, *parameters) == directly
    return directly


def test_rows_are_those_of_a_portal(client: Client) -> None:
    for seed in range(20):
        rows = both(client, "search", query(seed))
        assert len(rows) == 5 and [d for _, d in rows] == sorted(d for _, d in rows)
        assert len(both(client, "filtered", query(seed), 50, 7)) == 7


def test_commits_are_seen(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(1)
    nearest = both(client, "search", asked)[0][0]
    other.script(f"DELETE FROM near WHERE id = {nearest}")
    assert nearest not in [row[0] for row in both(client, "search", asked)]
    other.script(f"INSERT INTO near VALUES (10000, 1, 'new', '{asked.tolist()}')")
    assert both(client, "search", asked)[0] == (10000, 0.0)
    other.script("UPDATE near SET bucket = 99 WHERE id = 10000")
    assert 10000 in [row[0] for row in both(client, "filtered", asked, 100, 2)] or both(
        client, "search", asked
    )
    assert both(client, "search", asked)[0] == (10000, 0.0)
    other.script("BEGIN; DELETE FROM near WHERE id = 10000")
    assert both(client, "search", asked)[0] == (10000, 0.0)
    other.script("COMMIT")
    assert both(client, "search", asked)[0][0] != 10000
    other.script("TRUNCATE near")
    assert client.read_directly("search", asked) is None
    assert client.execute_prepared("search", asked).rows == []


def test_inserted_rows_are_followed_without_preparing_anew(
    client: Client, connect: ConnectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside sealed segments that are as they were; where more has changed the search is prepared again."""
    monkeypatch.setattr(RepeatedTopK, "preparation_ms", lambda self, read: math.inf)
    other, chance = connect(), np.random.default_rng(5)
    client.script("VACUUM near")
    client.prepare(
        "columns", "SELECT note, id, e <-> $1 AS d, bucket FROM near ORDER BY e <-> $1 LIMIT 4 OFFSET 2"
    )
    statements = ("search", "columns")

    def is_prepared(asked: Any) -> bool:
        """Whether a session that may not wait has its rows, which are those of a portal; both ways again after that."""
        prepared = set()
        for name in statements:
            client.session.may_block = False
            try:
                rows = client.read_directly(name, asked)
            except WouldBlock:
                rows = None
            finally:
                client.session.may_block = True
            prepared.add(rows is not None)
            assert rows in (None, client.execute_prepared(name, asked).rows)
            both(client, name, asked)
        assert len(prepared) == 1
        return prepared.pop()

    assert not is_prepared(query(1))
    for number in range(40):
        asked = query(chance.integers(5))
        vector = (asked + chance.standard_normal(DIMENSIONS) * 0.1).round(3).tolist()
        value = "NULL" if number % 7 == 6 else f"'{vector}'"
        other.script(f"INSERT INTO near VALUES ({20_000 + number}, {number}, 'fresh', {value})")
        if number % 5 == 4:
            other.script(f"DELETE FROM near WHERE id = {20_000 + number - 2}")
        assert is_prepared(asked)
    assert {row[0] for row in both(client, "search", query(1))} & set(range(20_000, 20_040))
    for change in (
        "DELETE FROM near WHERE id = 7",
        "UPDATE near SET note = 'changed' WHERE id = 8",
        "VACUUM near",
        "CREATE INDEX other_e ON near USING hnsw (e vector_l2_ops)",
    ):
        other.script(change)
        assert not is_prepared(query(2)) and is_prepared(query(3)), change


def test_an_index_that_a_cache_has_dropped_is_loaded_again(client: Client) -> None:
    client.script("VACUUM near")
    for _ in range(2):
        both(client, "search", query(1))
        INDEXES.clear()


def test_an_index_that_many_ask_for_at_once_is_one(client: Client) -> None:
    client.script("VACUUM near")
    storage = client.session.shared.storage
    found: list[Any] = []
    with storage.begin(read_only=True) as transaction:
        table = next(t for t in transaction.catalog.objects(Table) if t.name == "near")
        (segment,) = transaction.table_view(table.oid).segments
        index = next(i for i in transaction.catalog.indexes_of(table.oid) if i.name == "near_e")
        INDEXES.clear()
        barrier = threading.Barrier(8)

        def ask() -> None:
            barrier.wait()
            found.append(INDEXES.get(segment, index, storage.memory))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8 and all(one is found[0] for one in found)


def test_own_transaction_is_seen(client: Client) -> None:
    asked = query(2)
    nearest = both(client, "search", asked)[0][0]
    client.script(f"BEGIN; DELETE FROM near WHERE id = {nearest}")
    assert client.read_directly("search", asked) is None
    assert nearest not in [row[0] for row in client.execute_prepared("search", asked).rows]
    client.script("ROLLBACK")
    assert both(client, "search", asked)[0][0] == nearest


def test_a_block_that_has_changed_nothing_reads_directly(client: Client, connect: ConnectClient) -> None:
    """From its first statement on; it sees what others commit, and keeps its table from who wants it for himself."""
    other, asked = connect(), query(2)
    nearest = both(client, "search", asked)[0][0]
    client.script("BEGIN")
    directly = client.read_directly("search", asked)
    assert directly is not None and directly[0][0] == nearest and client.status == "T"
    assert other.sqlstate("BEGIN; LOCK TABLE near IN ACCESS EXCLUSIVE MODE NOWAIT") == "55P03"
    other.script("ROLLBACK")
    other.script(f"DELETE FROM near WHERE id = {nearest}")
    assert nearest not in [row[0] for row in both(client, "search", asked)]
    assert (
        client.read_directly("filtered", asked, 50, 3)
        == client.execute_prepared("filtered", asked, 50, 3).rows
    )
    with pytest.raises(ActiveTransaction):
        client.script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert client.read_directly("search", asked) is None, "the block has failed"
    client.script("ROLLBACK; BEGIN; SAVEPOINT s")
    assert client.read_directly("search", asked) is not None
    client.script("ROLLBACK TO s")
    other.script("BEGIN; LOCK TABLE near IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT")
    assert both(client, "search", asked)
    client.script(f"INSERT INTO near VALUES (20001, 1, 'own', '{asked.tolist()}')")
    assert client.read_directly("search", asked) is None
    assert client.execute_prepared("search", asked).rows[0] == (20001, 0.0)
    client.script("ROLLBACK")


def test_a_block_with_an_old_snapshot_keeps_it(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(2)
    nearest = both(client, "search", asked)[0][0]
    client.script("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert client.read_directly("search", asked) is None
    assert client.execute_prepared("search", asked).rows[0][0] == nearest
    other.script(f"DELETE FROM near WHERE id = {nearest}")
    assert client.read_directly("search", asked) is None
    assert client.execute_prepared("search", asked).rows[0][0] == nearest
    client.script("COMMIT")
    assert both(client, "search", asked)[0][0] != nearest


def test_a_block_follows_ddl_of_others(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(5)
    client.prepare("all", "SELECT * FROM near ORDER BY e <-> $1 LIMIT 2")
    both(client, "all", asked)
    client.script("BEGIN")
    other.script("ALTER TABLE near ADD COLUMN more int DEFAULT 7")
    assert client.read_directly("all", asked) is None
    with pytest.raises(FeatureNotSupported, match="cached plan must not change result type"):
        client.execute_prepared("all", asked)
    client.script("ROLLBACK")


def test_a_block_waits_elsewhere_for_who_has_its_table(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(7)
    both(client, "search", asked)
    other.script("BEGIN; LOCK TABLE near IN ACCESS EXCLUSIVE MODE")
    client.script("BEGIN")
    assert client.read_directly("search", asked) is None
    other.script("COMMIT")
    both(client, "search", asked)
    client.script("COMMIT")


def test_casts_that_change_nothing_are_read_directly(client: Client) -> None:
    """As clients write them that name the type; all others, and vectors of other dimensions, are left to the plan."""
    asked = query(8)
    form = "SELECT id FROM near ORDER BY e <-> {} LIMIT {}"
    client.prepare("plain", form.format("$1", 4))
    rows = both(client, "plain", asked)
    for number, (vector, limit) in enumerate(
        (("$1::vector(8)", "$2::int"), ("$1::vector", "$2::smallint::bigint"))
    ):
        client.prepare(f"cast{number}", form.format(vector, limit))
        assert both(client, f"cast{number}", asked, 4) == rows
        assert len(both(client, f"cast{number}", asked, 7)) == 7
        assert client.read_directly(f"cast{number}", asked[:3], 4) is None
    for number, vector in enumerate(("$1::vector::halfvec(8)::vector", "$1::vector(8)::halfvec::vector(8)")):
        client.prepare(f"rounded{number}", form.format(vector, 4))
        assert client.read_directly(f"rounded{number}", asked) is None
        assert len(client.execute_prepared(f"rounded{number}", asked).rows) == 4
    client.prepare("other", form.format("$1::vector(3)", 4))
    assert client.read_directly("other", asked) is None
    with pytest.raises(QuiverError, match="expected 3 dimensions, not 8"):
        client.execute_prepared("other", asked)


def test_parameters_of_filter_and_limit_decide(client: Client) -> None:
    asked = query(3)
    buckets = {row[0]: row[1] for row in client.rows("SELECT id, bucket FROM near")}
    for below, limit in ((50, 3), (1, 3), (50, 4), (100, 40), (1, 3)):
        rows = both(client, "filtered", asked, below, limit)
        assert len(rows) == min(limit, sum(b < below for b in buckets.values()) - 1)
        assert all(buckets[row[0]] < below for row in rows)
    assert client.read_directly("filtered", asked, 0, 3) is None
    assert client.execute_prepared("filtered", asked, 0, 3).rows == []


def test_settings_decide(client: Client) -> None:
    asked = query(4)
    exact = client.rows(
        f"SELECT id FROM near ORDER BY e + '{[0] * DIMENSIONS}' <-> '{asked.tolist()}' LIMIT 5"
    )
    both(client, "search", asked)
    client.script("SET hnsw.ef_search = 1000")
    assert [row[:1] for row in both(client, "search", asked)] == exact
    client.script("SET enable_indexscan = off")
    assert client.read_directly("search", asked) is None
    client.script("RESET ALL")
    both(client, "search", asked)


def test_ddl_decides(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(5)
    client.prepare("all", "SELECT * FROM near ORDER BY e <-> $1 LIMIT 2")
    both(client, "search", asked)
    directly = client.read_directly("all", asked)
    assert directly is not None and len(directly[0]) == 4
    other.script("DROP INDEX near_e")
    assert client.read_directly("search", asked) is None
    assert len(client.execute_prepared("search", asked).rows) == 5
    assert client.read_directly("search", asked) is None
    other.script("CREATE INDEX near_e ON near USING hnsw (e vector_l2_ops)")
    assert client.read_directly("search", asked) is None
    # Once bound again it goes on.
    assert client.execute_prepared("search", asked).rows == both(client, "search", asked)
    other.script("ALTER TABLE near ADD COLUMN more int DEFAULT 7")
    assert client.read_directly("all", asked) is None
    with pytest.raises(FeatureNotSupported, match="cached plan must not change result type"):
        client.execute_prepared("all", asked)
    assert client.execute_prepared("search", asked).rows == client.read_directly("search", asked)
    other.script("DROP TABLE near; CREATE TABLE near (id int, e vector(8))")
    assert client.read_directly("search", asked) is None
    assert client.execute_prepared("search", asked).rows == []


def test_what_is_out_of_the_ordinary_needs_a_portal(client: Client) -> None:
    client.prepare("cosine", "SELECT id FROM near ORDER BY e <=> $1 LIMIT 3")
    client.prepare("farthest", "SELECT id FROM near ORDER BY e <-> $1 DESC LIMIT 3")
    client.prepare("computed", "SELECT id + 1 FROM near ORDER BY e <-> $1 LIMIT 3")
    client.prepare(
        "now", "SELECT id FROM near WHERE bucket < extract(year FROM now()) ORDER BY e <-> $1 LIMIT 3"
    )
    client.prepare("within", "SELECT id FROM near WHERE e <-> $1 BETWEEN 0 AND 9 ORDER BY e <-> $1 LIMIT 3")
    client.prepare("lone", "SELECT id FROM lone WHERE id = $1")
    asked = query(6)
    assert client.read_directly("search", None) is None
    assert client.read_directly("search", asked[:3]) is None
    assert client.read_directly("lone", 1) is None
    for name in ("cosine", "farthest", "computed", "now", "within"):
        assert client.read_directly(name, asked) is None, name
        assert len(client.execute_prepared(name, asked).rows) == 3


def test_locked_tables_are_waited_for_elsewhere(client: Client, connect: ConnectClient) -> None:
    other, asked = connect(), query(7)
    both(client, "search", asked)
    other.script("BEGIN; LOCK TABLE near IN ACCESS EXCLUSIVE MODE")
    assert client.read_directly("search", asked) is None
    other.script("COMMIT")
    both(client, "search", asked)


@contextmanager
def nobody_may_wait(client: Client) -> Iterator[None]:
    client.session.may_block = False
    try:
        yield
    finally:
        client.session.may_block = True


def test_other_values_of_a_filter_are_prepared_where_nobody_may_wait(
    client: Client, connect: ConnectClient
) -> None:
    """Where the table is small and its index loaded; the rows are those of a portal after every kind of change."""
    other, asked = connect(), query(12)
    client.script("VACUUM near")
    both(client, "filtered", asked, 50, 3)
    for number, change in enumerate(
        (
            "",
            "DELETE FROM near WHERE bucket = 3 OR id = 70",
            "UPDATE near SET bucket = bucket + 7 WHERE id % 3 = 0",
            f"INSERT INTO near VALUES (20000, 5, 'fresh', '{asked.tolist()}')",
        )
    ):
        if change:
            other.script(change)
        for below in (4 + number, 40 + number, 70 + number, 4 + number):
            with nobody_may_wait(client):
                rows = client.read_directly("filtered", asked, below, 3)
            assert rows is not None and len(rows) == 3
            assert rows == client.execute_prepared("filtered", asked, below, 3).rows
    INDEXES.clear()
    with nobody_may_wait(client), pytest.raises(WouldBlock):
        client.read_directly("filtered", asked, 33, 3)
    both(client, "filtered", asked, 33, 3)
    other.script("VACUUM near")
    with nobody_may_wait(client), pytest.raises(WouldBlock):
        client.read_directly("filtered", asked, 34, 3)


def test_filters_that_may_take_long_are_prepared_where_one_may_wait(client: Client) -> None:
    client.script("VACUUM near")
    texts = (
        "SELECT id FROM near WHERE note LIKE $2 ORDER BY e <-> $1 LIMIT 3",
        "SELECT id FROM near WHERE note <> repeat($2, 3) ORDER BY e <-> $1 LIMIT 3",
        "SELECT id FROM near WHERE bucket + 1 > length($2) ORDER BY e <-> $1 LIMIT 3",
        "SELECT id FROM near WHERE note > $2 ORDER BY e <-> $1 LIMIT 3",
    )
    for text in texts:
        client.prepare("long", text)
        both(client, "long", query(1), "n%")
        with nobody_may_wait(client):
            if text is texts[-1]:
                assert len(client.read_directly("long", query(1), "n1") or ()) == 3
                continue
            with pytest.raises(WouldBlock):
                client.read_directly("long", query(1), "n1%")


def test_where_nobody_may_wait_only_short_searches_run(client: Client) -> None:
    asked, session = query(8), client.session
    session.may_block = False
    try:
        with pytest.raises(WouldBlock):
            client.read_directly("search", asked)
        session.may_block = True
        rows = client.read_directly("search", asked)
        session.may_block = False
        assert client.read_directly("search", asked) == rows
        session.may_block = True
        client.script("SET hnsw.ef_search = 1000; SET enable_seqscan = off")
        client.prepare("wide", "SELECT id FROM near ORDER BY e <-> $1 LIMIT 900")
        wide = client.read_directly("wide", asked)
        assert wide is not None and len(wide) == 900
    finally:
        session.may_block = True


def test_a_cancelled_search_ends(client: Client) -> None:
    asked, session = query(9), client.session
    both(client, "search", asked)
    statement = session.statements["search"]
    begin = session._begin_statement

    def begin_cancelled(text: str) -> None:
        begin(text)
        session.cancel_token.cancel(CANCEL_USER)

    session._begin_statement = begin_cancelled  # type: ignore[method-assign]
    with pytest.raises(QueryCanceled):
        session.read_directly(statement, [asked])


def vector_bytes(vector: Any) -> bytes:
    return len(vector).to_bytes(2, "big") + b"\0\0" + vector.astype(">f4").tobytes()


BINARY, TEXT = (1,), ()


def test_answers_on_the_wire_are_those_to_single_messages(instance: Instance, client: Client) -> None:
    """Formats, NULLs, described portals, errors, row limits, transactions: byte for byte the same."""
    both(client, "search", query(10))
    text, binary = str(query(10).tolist()).encode(), vector_bytes(query(10))
    run = Execute("").encode() + Sync().encode()
    described = Describe(Target.PORTAL, "").encode() + run
    dialogue = [
        Parse("s", SEARCH).encode() + Parse("f", FILTERED).encode() + Parse("k", "SELECT 1").encode() + Sync().encode(),
        Bind("", "s", BINARY, (binary,), BINARY).encode() + run,
        Bind("", "s", BINARY, (vector_bytes(query(11)),), BINARY).encode() + run,
        Bind("", "s", BINARY, (binary,), BINARY).encode() + described,
        Bind("", "s", TEXT, (text,), TEXT).encode() + described,
        Bind("", "s", TEXT, (text,), (1, 0)).encode() + run,
        Bind("", "s", TEXT, (None,), TEXT).encode() + run,
        Bind("", "s", TEXT, (b"[1,2]",), TEXT).encode() + run,
        Bind("", "s", TEXT, (b"[1,nonsense]",), TEXT).encode() + run,
        Bind("", "s", TEXT, (), TEXT).encode() + run,
        Bind("", "s", BINARY, (binary[:-1],), BINARY).encode() + run,
        Bind("", "s", (1, 1), (binary,), BINARY).encode() + run,
        Bind("", "s", BINARY, (binary,), (1, 1, 1)).encode() + run,
        Bind("", "s", (7,), (binary,), BINARY).encode() + run,
        Bind("", "nobody", BINARY, (binary,), BINARY).encode() + run,
        Bind("p", "s", BINARY, (binary,), BINARY).encode() + Execute("p").encode() + Sync().encode(),
        Bind("", "s", BINARY, (binary,), BINARY).encode() + Execute("", 2).encode() + Sync().encode(),
        Bind("", "f", TEXT, (text, b"50", b"4"), BINARY).encode() + run,
        Bind("", "f", TEXT, (text, b"50", b"-4"), BINARY).encode() + run,
        Bind("", "k", TEXT, (), BINARY).encode() + run,
        Query("BEGIN").encode() + Bind("", "s", BINARY, (binary,), BINARY).encode() + run + Query("COMMIT").encode(),
        Query("BEGIN").encode(),
        Bind("", "k", TEXT, (), BINARY).encode() + run,
        Bind("", "s", BINARY, (binary,), BINARY).encode() + described,
        Bind("", "f", TEXT, (text, b"50", b"4"), BINARY).encode() + run,
        Query(LIFTED[0].format(literal(query(10)))).encode(),
        Bind("", "s", TEXT, (b"[1,2]",), TEXT).encode() + run,
        Bind("", "s", BINARY, (binary,), BINARY).encode() + run,
        Query("ROLLBACK").encode(),
        Query("DEALLOCATE s").encode() + Bind("", "s", BINARY, (binary,), BINARY).encode() + run,
        Parse("s", "SELECT note FROM near ORDER BY e <-> $1 LIMIT 1").encode() + Sync().encode(),
        Bind("", "s", BINARY, (binary,), TEXT).encode() + described,
    ]  # fmt: skip
    whole, cut = conversation(instance), conversation(instance)
    for number, messages in enumerate(dialogue):
        for _ in range(2):
            expected = exchange(cut, messages, piece_bytes=1)
            assert exchange(whole, messages) == expected, number
    whole.close()
    cut.close()


def test_rows_by_their_key(client: Client, connect: ConnectClient) -> None:
    other = connect()
    client.prepare("key", "SELECT note, bucket FROM near WHERE id = $1")
    client.prepare("bucket", "SELECT note FROM near WHERE bucket = $1")
    assert both(client, "key", 7) == [("n7", 7)] and both(client, "key", ROWS + 1) == []
    assert client.read_directly("key", None) is None and client.read_directly("bucket", 7) is None
    other.script("UPDATE near SET note = 'other' WHERE id = 7; DELETE FROM near WHERE id = 8")
    assert both(client, "key", 7) == [("other", 7)] and both(client, "key", 8) == []
    other.script(f"INSERT INTO near VALUES (8, 1, NULL, '{[0] * DIMENSIONS}')")
    assert both(client, "key", 8) == [(None, 1)]
    other.script("BEGIN; DELETE FROM near WHERE id = 8")
    assert both(client, "key", 8) == [(None, 1)]
    other.script("ROLLBACK; BEGIN; LOCK TABLE near IN ACCESS EXCLUSIVE MODE")
    assert client.read_directly("key", 8) is None
    other.script(
        "ROLLBACK; ALTER TABLE near DROP CONSTRAINT near_pkey; INSERT INTO near VALUES (8, 2, 'again')"
    )
    assert client.read_directly("key", 8) is None
    assert sorted(client.execute_prepared("key", 8).rows, key=str) == [("again", 2), (None, 1)]
    assert client.read_directly("key", 8) is None
    other.script("CREATE UNIQUE INDEX near_part ON near (id) WHERE bucket = 2")
    assert len(client.execute_prepared("key", 8).rows) == 2
    assert client.read_directly("key", 8) is None


def test_keys_of_other_types_and_of_several_columns(client: Client) -> None:
    client.script(
        "DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (a int8, b text, c uuid UNIQUE, PRIMARY KEY (b, a))"
    )
    client.script(
        "INSERT INTO keyed SELECT i, 'b' || i % 3, ('00000000-0000-0000-0000-00000000000' || i)::uuid"
        " FROM generate_series(1, 9) i"
    )
    client.prepare("two", "SELECT a, b FROM keyed WHERE a = $1 AND $2 = b")
    client.prepare("uuid", "SELECT a FROM keyed WHERE c = $1")
    client.prepare("half", "SELECT a FROM keyed WHERE a = $1")
    client.prepare("more", "SELECT a FROM keyed WHERE a = $1 AND b = $2 AND c IS NOT NULL")
    client.prepare("other", "SELECT a FROM keyed WHERE a = $1::int4 AND b = $2")
    client.prepare("first", "SELECT a FROM keyed WHERE a = 4 AND b = $1 LIMIT $2")
    client.prepare("second", "SELECT a FROM keyed WHERE a = 4 AND b = $1 LIMIT 5 OFFSET 1")
    for a in range(12):
        assert both(client, "two", a, "b1") == ([(a, "b1")] if a % 3 == 1 and a < 10 else [])
        assert both(client, "uuid", a.to_bytes(16, "big")) == ([(a,)] if 1 <= a < 10 else [])
    assert client.read_directly("half", 4) is None and client.read_directly("more", 4, "b1") is None
    assert both(client, "other", 4, "b1") == [(4,)] and both(client, "first", "b1", 1) == [(4,)]
    assert (
        client.read_directly("first", "b1", 0) is None and client.read_directly("first", "b1", None) is None
    )
    assert client.execute_prepared("first", "b1", 0).rows == []
    assert client.read_directly("second", "b1") is None
    client.script("DROP TABLE keyed")


def test_keys_beyond_their_column(client: Client) -> None:
    """A number of a wider type than the key's column."""
    client.prepare("wide", "SELECT note FROM near WHERE id = $1::int8")
    assert both(client, "wide", 7) == [("n7",)]
    for value in (2**31, -(2**31) - 1, 2**32 + 7):
        assert client.read_directly("wide", value) is None
        assert client.execute_prepared("wide", value).rows == []


def literal(vector: Any) -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


def read_text(client: Client, text: str) -> list[tuple[Any, ...]] | None:
    found = client.session.read_text_directly(text)
    return None if found is None else [tuple(row.values()) for row in found[0].to_pylist()]


LIFTED = (
    "SELECT id FROM near ORDER BY e <-> '{0}' LIMIT 5",
    "SELECT id, e <-> '{0}' AS d FROM near ORDER BY d LIMIT 5",
    "SELECT id, e <-> '{0}' FROM near ORDER BY e <-> '{0}' LIMIT 5;",
    "SELECT note FROM near n WHERE bucket < 50 AND note <> '[1' ORDER BY '{0}'::vector <-> e LIMIT 5 OFFSET 2",
    "SELECT id FROM near -- '[1,2]'\n ORDER BY e <-> '{0}' LIMIT 5",
    "/* '[' */ SELECT id FROM public.near -- '[1,2\n ORDER BY l2_distance(e, '{0}') LIMIT 5",
)


@pytest.mark.parametrize("form", LIFTED)
def test_texts_with_vectors_have_the_rows_of_the_text(client: Client, form: str) -> None:
    read_text(client, form.format(literal(query(0))))
    for seed in range(1, 4):
        text = form.format(literal(query(seed)))
        assert read_text(client, text) == client.rows(text)


@pytest.mark.parametrize(
    "form",
    [
        "SELECT id, '{0}' FROM near ORDER BY e <-> '{0}' LIMIT 5",
        "SELECT id FROM near WHERE note <> '{0}' ORDER BY e <-> '{0}' LIMIT 5",
        "SELECT id, '{0}'::text FROM near ORDER BY e <-> '{0}' LIMIT 5",
        "SELECT id FROM near ORDER BY e <-> '{0}' LIMIT 5; SELECT 1",
        "SELECT id FROM near ORDER BY e <-> '{0}'::halfvec LIMIT 5",
        "SELECT id FROM near WHERE note <> $a$ '{0}' $a$ ORDER BY e <-> '{0}' LIMIT 5",
        "SELECT id FROM near WHERE note <> 'x '' '{0}' ' ORDER BY e <-> '{0}' LIMIT 5",
        "SELECT id FROM near WHERE note <> E'{0}' ORDER BY id LIMIT 5",
        "DELETE FROM near WHERE e = '{0}'",
        "EXPLAIN SELECT id FROM near ORDER BY e <-> '{0}' LIMIT 5",
    ],
)
def test_other_texts_are_run_as_they_are_written(client: Client, form: str) -> None:
    for seed in range(4):
        assert read_text(client, form.format(literal(query(seed)))) is None


def test_shapes_follow_tables_and_settings(client: Client, connect: ConnectClient) -> None:
    other, form = connect(), "SELECT * FROM near ORDER BY e <-> '{0}' LIMIT 2"
    texts = [form.format(literal(query(seed))) for seed in range(20)]
    read_text(client, texts[0])
    first = read_text(client, texts[1])
    assert first is not None and len(first[0]) == 4
    other.script("ALTER TABLE near ADD COLUMN more int DEFAULT 7")
    second = read_text(client, texts[2])
    assert second is not None and len(second[0]) == 5 and second == client.rows(texts[2])
    other.script("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.near (id int, e text)")
    client.script("SET search_path = elsewhere, public")
    assert [read_text(client, text) for text in texts[3:6]] == [None] * 3
    client.script("RESET search_path")
    third = read_text(client, texts[6])
    assert third == client.rows(texts[6])
    client.script("BEGIN; DELETE FROM near")
    assert read_text(client, texts[7]) is None
    client.script("ROLLBACK")
    other.script("DROP SCHEMA elsewhere CASCADE")


def test_answers_to_texts_are_those_to_texts_of_which_nothing_is_known(
    instance: Instance, client: Client
) -> None:
    """Rows, row descriptions and errors with their positions, byte for byte; by the way of an idle client, too."""
    knowing = conversation(instance)
    texts = [form.format(literal(query(seed))) for form in LIFTED for seed in range(4)]
    texts += [
        LIFTED[0].format("[1,2]"),
        LIFTED[1].format("[1,]"),
        LIFTED[0].format("[]"),
        LIFTED[0].format("[1e99]"),
    ]
    texts += [LIFTED[0].format(literal(query(9))).replace("near", "far")]
    answered = 0
    for text in texts:
        data = Query(text).encode()
        asked_anew = conversation(instance)
        expected = exchange(asked_anew, data)
        asked_anew.close()
        at_once = knowing.read_directly(data)
        answered += at_once is not None
        assert expected == (at_once or exchange(knowing, data)), text
    assert answered >= 2 * len(LIFTED)
    binary = (
        Bind("", "", BINARY, (vector_bytes(query(10)),), BINARY).encode()
        + Execute("").encode()
        + Sync().encode()
    )
    exchange(knowing, Parse("", SEARCH).encode() + Sync().encode())
    assert exchange(knowing, binary) == exchange(knowing, binary) == knowing.read_directly(binary)
    assert knowing.read_directly(binary[:-1]) is None and knowing.read_directly(binary + binary) is None
    # A simple query ends the unnamed statement.
    assert knowing.read_directly(Query(texts[1]).encode()) is not None
    assert knowing.read_directly(binary) is None
    knowing.close()


def test_an_internal_error_of_the_short_way_is_logged(
    instance: Instance, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The long way answers; what went wrong is for who reads the log."""
    asking = conversation(instance)
    exchange(asking, Parse("s", SEARCH).encode() + Sync().encode())
    binary = (
        Bind("", "s", BINARY, (vector_bytes(query(10)),), BINARY).encode()
        + Execute("").encode()
        + Sync().encode()
    )
    expected = exchange(asking, binary)
    assert asking.read_directly(binary) == expected

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(RepeatedTopK, "run", fail)
        assert asking.read_directly(binary) is None
    (record,) = caplog.records
    assert record.exc_info is not None and "on purpose" in str(record.exc_info[1])
    assert exchange(asking, binary) == expected
    asking.close()
