"""Goal: background rounds merge what is due, keep off a table whose index a session is building, and flush the log;
a damaged index file is built again, and the catalogs tell what is so.

Method: an instance whose rounds are called by the test, or running; segments and files of a table after deletes are counted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.vector import BuildClaims
from planner.vector.growing_graphs import GROWING
from quiver.check import check
from quiver.instance import Instance
from quiver.maintenance import Maintenance
from storage.catalog import Index, Table
from tests.sqlfront.session.driver import Client, opened
from tests.storage.block_surgery import flip

pytestmark = pytest.mark.slow


def test_a_round_merges_unless_an_index_is_being_built(tmp_path: Path) -> None:
    with opened(tmp_path) as instance:
        instance.maintenance.stop()
        client = Client(instance)
        client.script("CREATE TABLE t (id int PRIMARY KEY, v vector(3))")
        client.script("INSERT INTO t SELECT i, '[1,2,3]' FROM generate_series(1, 500) i")
        client.script("CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)")
        storage = instance.storage
        (table,) = [t for t in storage.catalog.objects(Table) if t.name == "t"]
        (index,) = [i for i in storage.catalog.objects(Index) if i.name == "t_v"]
        client.script("DELETE FROM t WHERE id <= 200")

        def stored_rows() -> list[int]:
            with storage.begin(read_only=True) as transaction:
                return [segment.row_count for segment in transaction.table_view(table.oid).segments]

        claims = BuildClaims()
        maintenance = Maintenance(storage, claims, flush_seconds=0.2)
        assert claims.claim(index.oid)
        maintenance.run_once()
        assert stored_rows() == [500]
        claims.release(index.oid)
        maintenance.run_once()
        assert stored_rows() == [300]
        assert len(list((tmp_path / "data").glob("*.rows"))) == 1, "the merged file is gone"
        assert claims.claim(index.oid), "the round gave its claim back"


def test_fresh_rows_get_no_graph_while_create_index_is_about_to_seal_them(tmp_path: Path) -> None:
    with opened(tmp_path) as instance:
        instance.maintenance.stop()
        client = Client(instance)
        client.script(
            "CREATE TABLE t (id int, v vector(3)); CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)"
        )
        client.script("INSERT INTO t SELECT i, '[1,2,3]' FROM generate_series(1, 2000) i")
        storage = instance.storage
        (index,) = [i for i in storage.catalog.objects(Index) if i.name == "t_v"]

        def has_graph() -> bool:
            with storage.begin(read_only=True) as transaction:
                segments = transaction.table_view(index.table_oid).segments
                return any(GROWING.graph(segment, index.oid) is not None for segment in segments)

        claims = BuildClaims()
        maintenance = Maintenance(storage, claims, flush_seconds=0.2)
        claims.claim(index.oid, is_first=True)
        maintenance.grow_once()
        assert not has_graph()
        claims.release(index.oid)
        assert claims.claim(index.oid)
        maintenance.grow_once()
        assert has_graph(), "REINDEX goes on serving fresh rows"


def test_asynchronous_commits_are_flushed_in_the_background(tmp_path: Path) -> None:
    with Instance.open(tmp_path, {"wal_writer_delay": "10"}) as instance:
        client, log = Client(instance, synchronous_commit="off"), instance.storage.log
        client.script("CREATE TABLE t (id int)")
        for number in range(3):
            client.script(f"INSERT INTO t VALUES ({number})")
            lsn = log.appended_lsn
            with log._condition:
                assert log._condition.wait_for(lambda lsn=lsn: log.durable_lsn >= lsn, 30)
        client.close()


def test_a_damaged_index_file_is_built_again(tmp_path: Path) -> None:
    with opened(tmp_path) as instance:
        client = Client(instance)
        client.script("CREATE TABLE t (id int PRIMARY KEY, v vector(3))")
        client.script(
            "INSERT INTO t SELECT i, ('[' || sin(i) || ',' || cos(i) || ',' || i % 7 || ']')::vector"
            " FROM generate_series(1, 1200) i"
        )
        client.script("CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)")
    (file,) = (tmp_path / "data").glob("*.index")
    flip(file, 64)
    state = "SELECT state, rows_served, indisvalid FROM quiver_index_status JOIN pg_index ON indexrelid = index_oid"
    search = "SELECT id FROM t ORDER BY v <-> '[0,1,3]' LIMIT 5"
    with opened(tmp_path) as instance:
        instance.maintenance.stop()
        client = Client(instance)
        maintenance = Maintenance(instance.storage, BuildClaims(), flush_seconds=1.0)
        maintenance.run_once()
        assert client.rows(state) == [("ready", 1200, True)], "nobody has looked into the file"
        found = client.rows(search)
        assert client.rows(state) == [("damaged", 0, False)]
        maintenance.run_once()
        assert client.rows(state) == [("ready", 1200, True)]
        assert client.rows(search) == found
    (rebuilt,) = (tmp_path / "data").glob("*.index")
    assert rebuilt != file
    assert check(tmp_path).is_clean
