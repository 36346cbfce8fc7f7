"""Goal: arrays of several dimensions come in and go out by every way a client has, and columns that were declared with one
pair of brackets keep them, whatever happens to the server.

Method: a script of parameters, COPY and pipelines on a real PostgreSQL 16 and on a Quiver server, whose outcomes are compared;
a server that is killed behind the first array of two dimensions; another session whose statements were prepared before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.quiver.server_process import serving
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

TABLE = "CREATE TABLE kept_arrays (id int, a int[], t text[], d date[])"
SELECT = "SELECT a FROM kept_arrays ORDER BY id"
ROWS = (
    (1, [1, 2], ["a"], None),
    (2, [[1, 2], [3, 4]], None, None),
    (3, [], [["x", None], ["y", ""]], ["infinity"]),
    (4, None, [], [["2024-01-01"], ["infinity"]]),
)


def _script(dsn: str) -> list[Any]:
    """What a server answers to arrays that come as parameters, text and binary, and by COPY, and go out again."""
    answers: list[Any] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS kept_arrays")
        connection.execute(TABLE)
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO kept_arrays (id, a) VALUES (%s, %b)", [row[:2] for row in ROWS])
        for number, _, texts, dates in ROWS:
            connection.execute(
                "UPDATE kept_arrays SET t = %s, d = %s::text[]::date[] WHERE id = %s", (texts, dates, number)
            )
        for shown in ("text", "binary"):
            with connection.cursor().copy(f"COPY kept_arrays TO STDOUT (FORMAT {shown})".encode()) as copy:
                answers.append(b"".join(bytes(part) for part in copy))
            connection.execute("TRUNCATE kept_arrays")
            with connection.cursor().copy(f"COPY kept_arrays FROM STDIN (FORMAT {shown})".encode()) as copy:
                copy.write(answers[-1])
        for binary in (False, True):
            found = connection.execute("SELECT id, a, t FROM kept_arrays ORDER BY id", binary=binary)
            answers.append(found.fetchall())
        answers.append(connection.execute("SELECT %s::int[] || %s::int[]", ([[1, 2]], [3, 4])).fetchall())
        answers.append(connection.execute("SELECT %b = ANY (%b)", (3, [[1, 2], [3, 4]])).fetchall())
        answers.append(
            connection.execute(
                "SELECT id FROM kept_arrays WHERE a = %b::int[]", ([[1, 2], [3, 4]],)
            ).fetchall()
        )
        connection.execute("DROP TABLE kept_arrays")
    return answers


def test_parameters_and_copy_as_in_postgresql(postgres_uri: str, own_database: Database) -> None:
    assert _script(own_database.dsn) == _script(postgres_uri)


def test_copy_of_arrays_of_both_kinds_into_one_column(own_database: Database) -> None:
    """The column changes in the second batch of the stream, behind rows that are in the table already."""
    lines = [f"{number}\t{{{number},1}}\t{'x' * 2_000}\n" for number in range(2_500)]
    lines += ["-1\t{{1,2},{3,4}}\tx\n", "-2\t[5:5]={1}\tx\n"]
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE streamed (id int, a int[], filler text)")
        with connection.cursor().copy("COPY streamed FROM STDIN") as copy:
            copy.write("".join(lines))
        query = "SELECT count(*), sum(a[1]), count(a[2][2]), min(array_dims(a)) FROM streamed"
        assert connection.execute(query).fetchone() == (2_502, sum(range(2_500)), 1, "[1:2]")
        connection.execute("DROP TABLE streamed")


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ("FORMAT text", b"1\t{{1,2}}\n2\t{3}\n\\.\n"),
        ("FORMAT text, HEADER", b"id\ta\n1\t{{1,2}}\n2\t{3}\n\\.\n"),
        ("FORMAT csv, HEADER", b'id,a\n1,"{{1,2}}"\n2,{3}\n'),
        ("FORMAT binary", b""),
    ],
)
def test_a_batch_that_changes_the_column_is_read_whole(
    own_database: Database, options: str, data: bytes
) -> None:
    """With headers, the end marker that psql sends, and the trailer of the binary form."""
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        if not data:
            query = "COPY (SELECT * FROM (VALUES (1, ARRAY[[1,2]]), (2, '{3}')) v) TO STDOUT (FORMAT binary)"
            with connection.cursor().copy(query) as copy:
                data = b"".join(bytes(part) for part in copy)
        connection.execute("CREATE TABLE read_whole (id int, a int[])")
        with connection.cursor().copy(f"COPY read_whole FROM STDIN ({options})".encode()) as copy:
            for start in range(0, len(data), 7):
                copy.write(data[start : start + 7])
        found = connection.execute("SELECT id, a FROM read_whole ORDER BY id").fetchall()
        assert found == [(1, [[1, 2]]), (2, [3])]
        connection.execute("DROP TABLE read_whole")


def test_rolled_back_with_its_transaction(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn) as connection:
        connection.execute("CREATE TABLE tried (a int[])")
        connection.execute("INSERT INTO tried VALUES ('{1}')")
        connection.commit()
        connection.execute("INSERT INTO tried VALUES ('{{2}}')")
        assert connection.execute("SELECT a[1][1] FROM tried ORDER BY tried.a").fetchall() == [(None,), (2,)]
        connection.rollback()
        assert connection.execute(
            "SELECT attndims FROM pg_attribute WHERE attrelid = 'tried'::regclass AND attnum = 1"
        ).fetchone() == (1,)
        connection.execute("DROP TABLE tried")
        connection.commit()


def test_views_follow_and_materialized_ones_do_not(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen (id int, a int[])")
        connection.execute(
            "CREATE VIEW seen_view AS SELECT id, a, a[1] AS first, 2 = ANY (a) AS has_two FROM seen"
        )
        connection.execute(
            "CREATE VIEW seen_again AS SELECT a, array_dims(a) AS dims FROM seen_view WHERE has_two"
        )
        connection.execute("INSERT INTO seen VALUES (1, '{2}'), (2, '{{2,3}}')")
        rows = connection.execute("SELECT a, first, has_two FROM seen_view ORDER BY id").fetchall()
        assert rows == [([2], 2, True), ([[2, 3]], None, True)]
        assert connection.execute("SELECT * FROM seen_again ORDER BY a").fetchall() == [
            ([2], "[1:1]"),
            ([[2, 3]], "[1:1][1:2]"),
        ]
        connection.execute("INSERT INTO seen_view (id, a) VALUES (3, '{{{1}}}')")
        connection.execute("CREATE TABLE stored (a int[])")
        connection.execute("CREATE VIEW stored_view AS SELECT a FROM stored")
        connection.execute("CREATE MATERIALIZED VIEW stored_again AS SELECT a FROM stored_view")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="an array of several dimensions"):
            connection.execute("INSERT INTO stored VALUES ('{{1}}')")
        connection.execute("DROP TABLE seen, stored CASCADE")


def test_survives_kill_and_others_go_on(tmp_path: Path) -> None:
    insert = "INSERT INTO kept_arrays (id, a) VALUES (%s, %s::int[])"
    with serving(tmp_path) as server:
        with (
            psycopg.connect(server.dsn, autocommit=True) as other,
            psycopg.connect(server.dsn, autocommit=True) as own,
        ):
            own.execute(TABLE)
            own.execute("CREATE INDEX ON kept_arrays (a)")
            other.execute(insert, (1, [1, 2]), prepare=True)
            assert other.execute(SELECT, prepare=True).fetchall() == [([1, 2],)]
            own.execute(insert, (2, [[1, 2], [3, 4]]))
            own.execute("UPDATE kept_arrays SET t = ARRAY[['a','b']] WHERE id = 1")
            assert other.execute(SELECT, prepare=True).fetchall() == [([1, 2],), ([[1, 2], [3, 4]],)]
            other.execute(insert, (3, [5]), prepare=True)
            other.execute(insert, (4, "[0:1]={6,7}"), prepare=True)
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT id, a::text, t::text FROM kept_arrays ORDER BY id").fetchall()
        assert rows == [
            (1, "{1,2}", "{{a,b}}"),
            (2, "{{1,2},{3,4}}", None),
            (3, "{5}", None),
            (4, "[0:1]={6,7}", None),
        ]
        connection.execute("CHECKPOINT")
        connection.execute("UPDATE kept_arrays SET a = a || a WHERE id < 4")
        found = connection.execute("SELECT a::text FROM kept_arrays k ORDER BY k.a").fetchall()
        assert found == [("{1,2,1,2}",), ("{{1,2},{3,4},{1,2},{3,4}}",), ("{5,5}",), ("[0:1]={6,7}",)]
