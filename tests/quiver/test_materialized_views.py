"""Goal: materialized views are what they are in PostgreSQL, are searched as tables are, and survive a crash.

Method: `sql/materialized_views.sql` on a real PostgreSQL 16 and here, with messages, DETAIL, HINT and notices; plans of
searches over them; readers beside a refresh; a killed server, whose view has all old rows or all new ones.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from foundation.sqltypes import INT4
from quiver.check import check
from storage.bootstrap import bootstrap_objects
from storage.catalog import Catalog, Column, MaterializedView
from storage.catalog_records import object_from_record
from storage.checking.catalog_objects import catalog_faults
from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import described_outcome, statements

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[Any]


@pytest.fixture
def ours(own_database: Database) -> Iterator[Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        yield connection


def test_same_outcomes(postgres_uri: str, own_database: Database) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS materialized_views")
        connection.execute("CREATE DATABASE materialized_views")
    dsn = psycopg.conninfo.make_conninfo(postgres_uri, dbname="materialized_views")
    differences = []
    with (
        psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True, prepare_threshold=None) as ours,
    ):
        theirs.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for statement in statements("materialized_views.sql"):
            expected, found = (described_outcome(each, statement.text) for each in (theirs, ours))
            if expected != found and "EXPLAIN (" not in statement.text:
                differences.append(f"{statement.text}\n  postgres {expected}\n  quiver   {found}")
        ours.execute("DROP SCHEMA public CASCADE")
        ours.execute("CREATE SCHEMA public")
        ours.execute("CREATE EXTENSION vector")
    assert not differences, "\n".join(differences)


def test_what_is_refused_by_name(ours: Connection) -> None:
    ours.execute("CREATE MATERIALIZED VIEW refusing AS SELECT 1 AS n")
    for text, message in (
        ("ALTER MATERIALIZED VIEW refusing DEPENDS ON EXTENSION vector", "ALTER MATERIALIZED VIEW ... DEPENDS ON"),
        ("ALTER MATERIALIZED VIEW refusing CLUSTER ON x", "ALTER MATERIALIZED VIEW ... CLUSTER ON"),
        ("ALTER MATERIALIZED VIEW ALL IN TABLESPACE pg_default SET TABLESPACE pg_default", "ALTER MATERIALIZED VIEW ALL IN"),
        ("CREATE MATERIALIZED VIEW m USING nope AS SELECT 1", "table access method nope is not supported"),
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.FeatureNotSupported, match=message):
            ours.execute(text.encode())
    with (
        pytest.raises(psycopg.errors.WrongObjectType, match="cannot copy to materialized view"),
        ours.cursor().copy("COPY refusing FROM STDIN") as copy,
    ):
        copy.write_row([2])
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="using bound parameters"):
        ours.execute("CREATE MATERIALIZED VIEW m AS SELECT %s::int AS n", [1])


def query_rows(connection: Connection, text: str) -> list[Any]:
    return connection.execute(text.encode()).fetchall()


def plan(connection: Connection, query: str) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}".encode()))


@pytest.mark.parametrize("family", ["hnsw", "ivfflat"])
def test_a_search_goes_through_the_index_of_the_view(ours: Connection, family: str) -> None:
    ours.execute("CREATE TABLE notes (id int PRIMARY KEY, kind int, e vector(3))")
    ours.execute("INSERT INTO notes SELECT i, i % 2, ARRAY[i, i, 1]::vector FROM generate_series(1, 2000) i")
    ours.execute("CREATE MATERIALIZED VIEW even AS SELECT id, e FROM notes WHERE kind = 0")
    ours.execute(f"CREATE INDEX ON even USING {family} (e vector_l2_ops)".encode())
    ours.execute("CREATE UNIQUE INDEX ON even (id)")
    nearest = "SELECT id FROM even ORDER BY e <-> '[500,500,1]' LIMIT 1"
    served = "SELECT rows_served, rows_scanned FROM quiver_index_status WHERE index_name = 'even_e_idx'"
    assert "Index Scan using even_e_idx on even" in plan(ours, nearest)
    assert ours.execute(nearest.encode()).fetchone() == (500,)
    assert ours.execute(served.encode()).fetchone() == (1000, 0)
    ours.execute("DELETE FROM notes WHERE id = 500")
    ours.execute("INSERT INTO notes SELECT i, 0, ARRAY[i, i, 1]::vector FROM generate_series(2001, 3500) i")
    ours.execute("REFRESH MATERIALIZED VIEW even")
    assert "Index Scan using even_e_idx on even" in plan(ours, nearest)
    assert ours.execute(nearest.encode()).fetchone() in ((498,), (502,))
    assert ours.execute(served.encode()).fetchone() == (2499, 0)
    assert "even_id_idx" in plan(ours, "SELECT * FROM even WHERE id = 3000")
    ours.execute("DROP TABLE notes CASCADE")


def test_a_search_through_a_view_of_the_view_and_after_a_block(ours: Connection) -> None:
    """The graph is built when the block has committed."""
    ours.execute("CREATE TABLE notes (id int PRIMARY KEY, e vector(3))")
    ours.execute("CREATE MATERIALIZED VIEW kept AS SELECT id, e FROM notes")
    ours.execute("CREATE INDEX ON kept USING hnsw (e vector_l2_ops)")
    ours.execute("CREATE VIEW shown AS SELECT id AS number, e AS place FROM kept WHERE id > 10")
    with ours.transaction():
        ours.execute("INSERT INTO notes SELECT i, ARRAY[i, i, 1]::vector FROM generate_series(1, 1000) i")
        ours.execute("REFRESH MATERIALIZED VIEW kept")
    nearest = "SELECT number FROM shown ORDER BY place <-> '[5,5,1]' LIMIT 2"
    assert "Index Scan using kept_e_idx on kept" in plan(ours, nearest)
    assert query_rows(ours, nearest) == [(11,), (12,)]
    served = "SELECT rows_served, rows_scanned FROM quiver_index_status WHERE index_name = 'kept_e_idx'"
    assert query_rows(ours, served) == [(1000, 0)]
    ours.execute("DROP TABLE notes CASCADE")


def test_a_cancelled_refresh_leaves_the_old_rows(ours: Connection) -> None:
    ours.execute("CREATE TABLE nights (n int)")
    ours.execute("CREATE MATERIALIZED VIEW long AS SELECT n, pg_sleep(n)::text AS s FROM nights")
    ours.execute("INSERT INTO nights VALUES (60)")
    ours.execute("SET statement_timeout = 200")
    with pytest.raises(psycopg.errors.QueryCanceled):
        ours.execute("REFRESH MATERIALIZED VIEW long")
    ours.execute("RESET statement_timeout")
    assert query_rows(ours, "SELECT count(*) FROM long") == [(0,)]
    ours.execute("TRUNCATE nights")
    ours.execute("REFRESH MATERIALIZED VIEW long")
    ours.execute("DROP TABLE nights CASCADE")


def test_readers_see_the_old_rows_until_a_refresh_commits(ours: Connection, own_database: Database) -> None:
    """Also those whose snapshot is older, afterwards: a refresh does not take rows away from anyone."""
    ours.execute("CREATE TABLE source (n int)")
    ours.execute("INSERT INTO source SELECT generate_series(1, 1000)")
    ours.execute("CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, sum(n) AS total FROM source")
    with psycopg.connect(own_database.dsn) as older, psycopg.connect(own_database.dsn) as refreshing:
        older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT count(*) FROM source")
        refreshing.execute("INSERT INTO source VALUES (1001)")
        refreshing.execute("REFRESH MATERIALIZED VIEW sums")
        assert refreshing.execute("SELECT n FROM sums").fetchone() == (1001,)
        assert ours.execute("SELECT n FROM sums").fetchone() == (1000,)
        refreshing.commit()
        assert ours.execute("SELECT n, total FROM sums").fetchone() == (1001, 501501)
        assert older.execute("SELECT n FROM sums").fetchone() == (1000,)
    ours.execute("DROP TABLE source CASCADE")


def test_refreshes_at_once_follow_each_other(ours: Connection, own_database: Database) -> None:
    """The later one waits and takes the rows that are committed then."""
    ours.execute("CREATE TABLE source (n int)")
    ours.execute("CREATE MATERIALIZED VIEW copied AS SELECT n FROM source")
    ours.execute("CREATE UNIQUE INDEX ON copied (n)")

    def refresh(first: int) -> None:
        with psycopg.connect(own_database.dsn, autocommit=True) as connection:
            for n in range(first, first + 10):
                connection.execute("INSERT INTO source VALUES (%s)", [n])
                connection.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY copied")

    threads = [threading.Thread(target=refresh, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ours.execute("SELECT count(*), count(DISTINCT n) FROM copied").fetchone() == (30, 30)
    ours.execute("DROP TABLE source CASCADE")


def test_a_refresh_in_a_script_of_a_prepared_search(ours: Connection) -> None:
    """What a driver keeps prepared, and its short ways, see the rows that are there now."""
    ours.execute("CREATE TABLE points (id int PRIMARY KEY, e vector(2))")
    ours.execute("INSERT INTO points VALUES (1, '[1,1]'), (2, '[2,2]')")
    ours.execute("CREATE MATERIALIZED VIEW places AS SELECT id, e FROM points")
    ours.execute("CREATE UNIQUE INDEX ON places (id)")
    search, look_up = "SELECT id FROM places ORDER BY e <-> %s LIMIT 1", "SELECT e FROM places WHERE id = %s"

    def found() -> tuple[Any, Any]:
        near = ours.execute(search, ["[9,9]"], prepare=True).fetchone()
        return near, ours.execute(look_up, [3], prepare=True).fetchone()

    assert [found() for _ in range(3)] == [((2,), None)] * 3
    ours.execute("INSERT INTO points VALUES (3, '[9,9]')")
    assert found() == ((2,), None)
    ours.execute("REFRESH MATERIALIZED VIEW places")
    assert [found() for _ in range(3)] == [((3,), ("[9,9]",))] * 3
    ours.execute("REFRESH MATERIALIZED VIEW places WITH NO DATA")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match='"places" has not been populated'):
        ours.execute(search, ["[9,9]"], prepare=True)
    ours.execute("DROP TABLE points CASCADE")


WIDE = """
CREATE TABLE wide (id int, part text, n numeric, price numeric(8,2), f float8, r real, t text, b bytea, d interval,
    at timestamptz, flag bool, tags text[], nested int[], e vector(3), h halfvec(2), s sparsevec(4), j jsonb, bits bit(3))
"""
ROW = """
SELECT i, chr(97 + i % 3), (i * 0.5)::numeric, i, CASE WHEN i % 7 = 0 THEN 'NaN' ELSE i / 3.0 END, i, repeat('x', i % 5),
    decode(lpad(to_hex(i), 4, '0'), 'hex'), make_interval(days => i), '2024-01-01'::timestamptz + make_interval(hours => i), i % 2 = 0,
    CASE WHEN i % 5 = 0 THEN NULL ELSE ARRAY['a', i::text, NULL] END, ARRAY[i, NULL, i + 1], ARRAY[i, 1, 2]::vector, ARRAY[i, 1]::halfvec,
    '{{1:1,3:2}}/4'::sparsevec, jsonb_build_object('i', i), B'101' FROM generate_series({}, {}) i
"""
CHANGED = (
    "UPDATE wide SET t = t || 'y', n = n + 0.10 WHERE id % 11 = 3",
    "UPDATE wide SET n = n::numeric(20, 3) WHERE id % 13 = 2",
    "UPDATE wide SET e = '[9,9,9]' WHERE id % 17 = 5",
    "UPDATE wide SET e = NULL, tags = ARRAY['a'] WHERE id % 19 = 1",
    "UPDATE wide SET f = '-0', flag = NULL WHERE id % 23 = 4",
    "UPDATE wide SET tags = array_append(tags, 'more'), j = '{}' WHERE id % 29 = 6",
    "UPDATE wide SET part = NULL WHERE id % 31 = 8",
    "UPDATE wide SET id = -id WHERE id % 37 = 9",
    "DELETE FROM wide WHERE id % 41 = 10",
    "UPDATE wide SET part = 'z' WHERE part IS NULL",
    "DELETE FROM wide WHERE id < 0",
)


def test_a_concurrent_refresh_changes_what_differs(ours: Connection) -> None:
    """After every change the view has the rows of its query, by their texts, and its graph goes on serving most of them."""
    ours.execute(WIDE.encode())
    ours.execute(f"INSERT INTO wide {ROW}".format(1, 1500).encode())
    ours.execute("CREATE MATERIALIZED VIEW copied AS SELECT * FROM wide")
    ours.execute("CREATE UNIQUE INDEX ON copied (id, part)")
    ours.execute("CREATE INDEX ON copied USING hnsw (e vector_l2_ops)")
    texts = ", ".join(
        f"{name}::text"
        for name in (c.name for c in ours.execute("SELECT * FROM wide LIMIT 0").description or ())
    )
    for number, change in enumerate((*CHANGED, f"INSERT INTO wide {ROW}".format(2000, 2100))):
        ours.execute(change.encode())
        ours.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY copied")
        for one, other in (("wide", "copied"), ("copied", "wide")):
            difference = f"SELECT {texts} FROM {one} EXCEPT ALL SELECT {texts} FROM {other}"
            assert query_rows(ours, difference) == [], change
        served = query_rows(
            ours, "SELECT rows_served > rows_scanned FROM quiver_index_status WHERE family = 'hnsw'"
        )
        assert served == [(True,)], change
        if number == 0:
            status = query_rows(ours, "SELECT rows_served FROM quiver_index_status WHERE family = 'hnsw'")
            assert status == [(1500,)]
    ours.execute("UPDATE wide SET e = '[1,1,1]'")
    ours.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY copied")
    assert query_rows(ours, "SELECT DISTINCT e::text FROM copied") == [("[1,1,1]",)]
    ours.execute("DROP TABLE wide CASCADE")


def test_a_view_and_a_change_of_its_table_at_once(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn) as one, psycopg.connect(own_database.dsn) as other:
        one.execute("CREATE TABLE contested (a int, b int)")
        one.commit()
        one.execute("CREATE MATERIALIZED VIEW over_contested AS SELECT a FROM contested WITH NO DATA")
        other.execute("ALTER TABLE contested RENAME COLUMN b TO c")
        other.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            one.commit()
        one.execute("DROP TABLE contested")
        one.commit()


# -- crashes ------------------------------------------------------------------------------------------------

MADE = (
    "CREATE TABLE t (id int, e vector(8))",
    "INSERT INTO t SELECT i, array_fill(i::real, ARRAY[8])::vector FROM generate_series(1, 3000) i",
    "CREATE MATERIALIZED VIEW mv (number, place) AS SELECT id, e FROM t",
    "CREATE INDEX ON mv USING hnsw (place vector_l2_ops)",
    "CREATE UNIQUE INDEX ON mv (number)",
    "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM mv WITH NO DATA",
)
NEAREST = "SELECT number FROM mv ORDER BY place <-> array_fill(2500::real, ARRAY[8])::vector LIMIT 1"


def test_a_killed_refresh_leaves_all_old_rows_or_all_new_ones(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in MADE:
            connection.execute(statement.encode())
        acknowledged = _kill_while_refreshing(server, connection)
    with serving(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert _rows_after_crash(connection) - acknowledged in (0, 500)
        connection.execute("REFRESH MATERIALIZED VIEW counted")
        connection.execute("REFRESH MATERIALIZED VIEW mv WITH NO DATA")
        server.kill()
    found = check(folder)
    assert found.is_clean, found
    with serving(folder) as server, psycopg.connect(server.dsn) as connection:
        (count,) = connection.execute("SELECT n FROM counted").fetchone() or (0,)
        assert count - acknowledged in (0, 500)
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT * FROM mv")


def _kill_while_refreshing(server: ServerProcess, connection: Connection) -> int:
    """Rows of the last refresh that was acknowledged; each has 500 more than the one before."""
    acknowledged = [3000]

    def refresh() -> None:
        for n in range(3000, 1_000_000, 500):
            connection.execute(
                "INSERT INTO t SELECT i, array_fill(i::real, ARRAY[8])::vector FROM generate_series(%s::int, %s::int) i",
                [n + 1, n + 500],
            )
            connection.execute("REFRESH MATERIALIZED VIEW mv")
            acknowledged.append(n + 500)

    thread = threading.Thread(target=lambda: _until_the_server_is_gone(refresh))
    thread.start()
    thread.join(timeout=0.7)
    server.kill()
    thread.join()
    return acknowledged[-1]


def _until_the_server_is_gone(action: Callable[[], None]) -> None:
    with pytest.raises(psycopg.OperationalError):
        action()


def _rows_after_crash(connection: Connection) -> int:
    assert connection.execute(NEAREST.encode()).fetchone() == (2500,)
    shown = connection.execute("SELECT pg_get_viewdef('mv'::regclass)").fetchone()
    assert shown == (" SELECT id AS number,\n    e AS place\n   FROM t;",)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute("SELECT * FROM counted")
    counts = connection.execute("SELECT count(*), count(DISTINCT number), max(number) FROM mv").fetchone()
    assert counts is not None and len(set(counts)) == 1
    return int(counts[0])


def test_the_check_finds_what_a_view_misses() -> None:
    columns = (Column(1, "a", INT4),)
    view = MaterializedView(
        30000, "v", 5, 10, columns=columns, definition_sql="SELECT 1", references=((29999, (1,)),), is_populated=False
    )  # fmt: skip
    catalog = Catalog({obj.oid: obj for obj in (*bootstrap_objects("0.8"), view)})
    assert object_from_record(json.loads(json.dumps(view.to_record()))) == view
    assert [text for _, text in catalog_faults(catalog, 40000)] == [
        'materialized view "v" (OID 30000): it reads relation 29999, which does not exist'
    ]
