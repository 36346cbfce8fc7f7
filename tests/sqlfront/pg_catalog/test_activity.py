"""Goal: statistics views and size functions tell what happened and what is there.

Method: one session over a fresh directory; every count is compared with what the statements did, sizes with
the files below the data folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import InvalidParameterValue, UndefinedDatabase
from quiver.instance import Instance
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path / "data") as instance:
        yield instance


@pytest.fixture
def client(instance: Instance) -> Client:
    client = Client(instance)
    client.script("CREATE TABLE t (id int PRIMARY KEY, n int, v vector(3))")
    client.script("INSERT INTO t SELECT i, i, '[1,2,3]' FROM generate_series(1, 2000) i")
    return client


def counters(client: Client, *names: str) -> tuple[Any, ...]:
    text = f"SELECT {', '.join(names)} FROM pg_stat_user_tables WHERE relname = 't'"
    return client.script(text)[0].rows[0]


def test_changes_are_counted_by_kind(client: Client) -> None:
    client.script("UPDATE t SET n = 0 WHERE id <= 30")
    client.script("DELETE FROM t WHERE id > 1995")
    client.script("COPY t (id, n) FROM STDIN", copy_data=[b"5001\t1\n5002\t2\n"])
    names = ("n_tup_ins", "n_tup_upd", "n_tup_del", "n_live_tup", "n_mod_since_analyze")
    assert counters(client, *names) == (2002, 30, 5, 1997, 2037)
    client.script("ANALYZE t")
    assert counters(client, "n_mod_since_analyze", "analyze_count") == (0, 1)


def test_a_failed_statement_counts_nothing(client: Client) -> None:
    with pytest.raises(Exception, match="duplicate key"):
        client.script("INSERT INTO t VALUES (9001), (1)")
    assert counters(client, "n_tup_ins") == (2000,)


def test_dead_rows_are_those_deleted_and_vacuum_removes_them(client: Client) -> None:
    client.script("DELETE FROM t WHERE id <= 500")
    assert counters(client, "n_live_tup", "n_dead_tup", "vacuum_count", "last_vacuum") == (1500, 500, 0, None)
    client.script("VACUUM t")
    live, dead, vacuums, last = counters(client, "n_live_tup", "n_dead_tup", "vacuum_count", "last_vacuum")
    assert (live, dead, vacuums) == (1500, 0, 1)
    assert last is not None


def test_scans_tell_indexes_from_tables(client: Client) -> None:
    client.script("SELECT n FROM t WHERE id = 7")
    client.script("SELECT count(*) FROM t WHERE n > 7")
    client.script("SELECT sum(n) FROM t")
    assert counters(client, "seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch") == (2, 4000, 1, 1)
    client.script("CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)")
    client.script("SET enable_seqscan = off")
    client.script("SELECT id FROM t ORDER BY v <-> '[1,2,2]' LIMIT 4")
    found = client.script("SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes ORDER BY 1")
    assert found[0].rows == [("t_pkey", 1, 1), ("t_v", 1, 4)]
    client.script("EXPLAIN ANALYZE SELECT id FROM t ORDER BY v <-> '[1,2,2]' LIMIT 4")
    found = client.script("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 't_v'")
    assert found[0].rows == [(2,)]


def test_sizes_are_those_of_the_files(client: Client, tmp_path: Path) -> None:
    client.script("CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)")
    client.script("VACUUM t")
    client.script("CHECKPOINT")
    by_kind: dict[str, int] = {}
    for file in (tmp_path / "data" / "data").iterdir():
        by_kind[file.suffix] = by_kind.get(file.suffix, 0) + file.stat().st_size
    assert (
        client.value("SELECT pg_relation_size('t')")
        == client.value("SELECT pg_table_size('t')")
        == by_kind[".rows"]
    )
    assert client.value("SELECT pg_relation_size('t_pkey')") == by_kind[".keys"]
    assert client.value("SELECT pg_relation_size('t_v')") == by_kind[".index"]
    assert client.value("SELECT pg_indexes_size('t')") == by_kind[".keys"] + by_kind[".index"]
    assert client.value("SELECT pg_total_relation_size('t')") == sum(by_kind.values())
    assert client.value("SELECT pg_database_size('postgres')") == sum(by_kind.values())
    pages = client.script("SELECT relpages, reltuples FROM pg_class WHERE relname = 't'")[0].rows[0]
    assert pages == (-(-by_kind[".rows"] // 8192), 2000.0)


def test_rows_in_memory_have_a_size(client: Client) -> None:
    assert client.value("SELECT pg_relation_size('t')") > 2000 * 12


def test_what_has_no_size(client: Client) -> None:
    assert client.value("SELECT pg_relation_size(424242)") is None
    assert client.value("SELECT pg_relation_size('t', 'fsm')") == 0
    with pytest.raises(InvalidParameterValue, match="invalid fork name"):
        client.script("SELECT pg_relation_size('t', 'spoon')")
    with pytest.raises(UndefinedDatabase, match='database "nowhere" does not exist'):
        client.script("SELECT pg_database_size('nowhere')")


def transactions(client: Client) -> tuple[int, int]:
    names = "xact_commit, xact_rollback"
    text = f"SELECT {names} FROM pg_stat_database WHERE datname = current_database()"
    commits, rollbacks = client.script(text)[0].rows[0]
    return commits, rollbacks


def test_transactions_are_counted_however_they_end(client: Client) -> None:
    before = transactions(client)
    client.script("BEGIN; SELECT 1; COMMIT")
    client.script("BEGIN; INSERT INTO t VALUES (9001); ROLLBACK")
    client.prepare("insert", "INSERT INTO t VALUES ($1)")
    client.execute_prepared("insert", 9002)
    client.prepare("find", "SELECT n FROM t WHERE id = $1")
    for _ in range(3):
        assert client.read_directly("find", 5) == [(5,)]
    with pytest.raises(Exception, match="division by zero"):
        client.script("SELECT 1 / 0")
    # The query that asks is a transaction, too, and counts for the next one.
    assert transactions(client) == (before[0] + 6, before[1] + 2)


def test_transactions_of_closed_sessions_stay_counted(client: Client, instance: Instance) -> None:
    before = transactions(client)
    other = Client(instance)
    other.script("SELECT 1")
    other.session.close()
    assert transactions(client) == (before[0] + 2, before[1])


def test_transactions_show_which_database_they_were_in(client: Client) -> None:
    client.script("CREATE DATABASE elsewhere")
    rows = client.script("SELECT datname, numbackends, tup_inserted FROM pg_stat_database ORDER BY 1")[0].rows
    assert rows == [("elsewhere", 0, 0), ("postgres", 1, 2000)]
