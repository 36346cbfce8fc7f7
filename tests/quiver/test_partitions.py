"""Goal: partitioned tables are made, filled, read, changed and shown as PostgreSQL's, and outlive a crash.

Method: `sql/partitions.sql` on a real PostgreSQL 16 and here, statement by statement, with DETAIL, HINT and notices; seeded
random keys and conditions against a plain table with the same rows; hash partitions of every type against PostgreSQL's; vector
searches against exact ones; a killed server; a dump that is restored.
"""

from __future__ import annotations

import random
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from quiver.check import check
from tests.quiver.server_process import ServerProcess
from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import described_outcome, is_ordered, statements

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def ours(own_database: Database) -> Iterator[Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def theirs(postgres_uri: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS partitions")
        connection.execute("CREATE DATABASE partitions")
    with psycopg.connect(postgres_uri, autocommit=True, dbname="partitions") as connection:
        yield connection


@pytest.fixture
def schema(ours: Connection) -> Iterator[Connection]:
    """A connection to an empty schema."""
    ours.execute("DROP SCHEMA IF EXISTS public CASCADE")
    ours.execute("CREATE SCHEMA public")
    yield ours


PARTS_OF_KEYS = re.compile(r"f_fk|f_fa_fb_fkey\d?|(?<=_fkey)\d")
"""What PostgreSQL calls a foreign key where it references a partition; here it has the name that it was declared with."""


def outcome(connection: Connection, text: str) -> Any:
    found = described_outcome(connection, text)
    if isinstance(found[0], str) and len(found) == 4:
        return (found[0], PARTS_OF_KEYS.sub("", found[1]), *found[2:])
    return found


def test_statements_do_what_they_do_in_postgresql(theirs: Connection, ours: Connection) -> None:
    differing = []
    for statement in statements("partitions.sql"):
        expected, found = (outcome(connection, statement.text) for connection in (theirs, ours))
        if statement.refusal:
            if found[:2] != ("0A000", statement.refusal):
                differing.append(f"{statement.text}\n  is not refused: {found}")
            continue
        if not is_ordered(statement.text) and isinstance(expected[0], list) and isinstance(found[0], list):
            expected, found = ((sorted(rows, key=repr), notices) for rows, notices in (expected, found))
        if expected != found:
            differing.append(f"{statement.text}\n  postgres {expected}\n  quiver   {found}")
    assert not differing, "\n".join(differing)


HASHED = {
    "int2": "g::int2", "int4": "g * 7919 - 50", "int8": "g::int8 * 123456789012 - 600", "text": "'v' || g",
    "varchar": "repeat('x', g % 30) || g", "uuid": "md5(g::text)::uuid", "bytea": "decode(md5(g::text), 'hex')",
    "date": "'1990-01-01'::date + g * 37", "timestamp": "'1999-12-31'::timestamp + g * interval '7 hours'",
    "timestamptz": "'2000-01-01'::timestamptz + g * interval '1 minute'", "bool": "g % 2 = 0", "time": "'00:00'::time + g * interval '7 s'",
    "char(9)": "('c' || g)::char(9)",
}  # fmt: skip


def test_hash_partitions_have_the_rows_that_postgresql_gives_them(
    theirs: Connection, schema: Connection
) -> None:
    for number, (type_name, expression) in enumerate(HASHED.items()):
        spread = []
        for connection in (theirs, schema):
            name = f"hashed_{number}"
            connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
            connection.execute(
                f"CREATE TABLE {name} (k {type_name}, n int) PARTITION BY HASH (k, n)".encode()
            )
            for remainder in range(3):
                connection.execute(
                    f"CREATE TABLE {name}_{remainder} PARTITION OF {name}"
                    f" FOR VALUES WITH (MODULUS 3, REMAINDER {remainder})".encode()
                )
            connection.execute(
                f"INSERT INTO {name} SELECT CASE WHEN g % 9 > 0 THEN {expression} END, g % 5"
                " FROM generate_series(1, 120) g".encode()
            )
            query = f"SELECT tableoid::regclass::text, k::text, n FROM {name} ORDER BY 1, 2, 3"
            spread.append(connection.execute(query.encode()).fetchall())
        assert spread[0] == spread[1], type_name


KEYS = {
    "range_a": ("RANGE (a)", ["FROM (MINVALUE) TO (-20)", "FROM (-20) TO (5)", "FROM (5) TO (6)", "FROM (30) TO (MAXVALUE)"]),
    "range_ab": (
        "RANGE (a, b)",
        ["FROM (MINVALUE, MINVALUE) TO (0, 'f')", "FROM (0, 'f') TO (0, 'p')", "FROM (0, 'p') TO (7, MINVALUE)",
         "FROM (20, 'a') TO (20, 'zz')"],
    ),
    "range_b": ("RANGE (b)", ["FROM ('c') TO ('h')", "FROM ('h') TO ('h5')", "FROM ('m') TO (MAXVALUE)"]),
    "list_a": ("LIST (a)", ["IN (1, 2, 3)", "IN (NULL, 17)", "IN (-4, -5, 20)"]),
    "list_b": ("LIST (b)", ["IN ('a', 'b', 'c')", "IN ('d')", "IN (NULL, 'z')"]),
    "hash_ab": ("HASH (a, b)", [f"WITH (MODULUS 4, REMAINDER {i})" for i in range(4)]),
}  # fmt: skip


def random_condition(draw: random.Random, depth: int = 0) -> str:
    if depth < 2 and draw.random() < 0.5:
        arms = [random_condition(draw, depth + 1) for _ in range(draw.randint(2, 3))]
        return f"({draw.choice([' AND ', ' OR ']).join(arms)})"
    column = draw.choice(["a", "a", "b", "c"])
    values = [
        f"'{draw.choice('abcdefghmpz')}'" if column == "b" else str(draw.randint(-30, 40)) for _ in range(3)
    ]
    return draw.choice(
        [
            *(f"{column} {operator} {values[0]}" for operator in ("=", "=", "<", "<=", ">", ">=", "<>")),
            f"{column} IN ({', '.join(values)})", f"{column} IS NULL", f"{column} IS NOT NULL",
            f"{column} BETWEEN {min(values)} AND {max(values)}", f"NOT {column} = {values[0]}",
            f"{values[0]} < {column}", f"{column} = ANY (ARRAY[{', '.join(values)}])",
        ]
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_routing_and_pruning_lose_no_row(schema: Connection, seed: int) -> None:
    draw = random.Random(seed)
    name = list(KEYS)[seed]
    key, bounds = KEYS[name]
    schema.execute("CREATE TABLE plain (a int, b text, c int)")
    schema.execute(f"CREATE TABLE parts (a int, b text, c int) PARTITION BY {key}".encode())
    for number, bound in enumerate(bounds):
        schema.execute(f"CREATE TABLE parts_{number} PARTITION OF parts FOR VALUES {bound}".encode())
    if "HASH" not in key:
        schema.execute("CREATE TABLE parts_default PARTITION OF parts DEFAULT")
    rows = [
        (draw.choice([None, draw.randint(-30, 40), draw.randint(-6, 6)]),
         draw.choice([None, draw.choice("abcdefghmpz"), draw.choice("hmz") + str(draw.randint(0, 9))]), c)
        for c in range(400)
    ]  # fmt: skip
    with schema.cursor() as cursor:
        for table in ("plain", "parts"):
            cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)".encode(), rows)
    for _ in range(60):
        condition = random_condition(draw)
        found = [
            schema.execute(f"SELECT a, b, c FROM {table} WHERE {condition} ORDER BY c".encode()).fetchall()
            for table in ("plain", "parts")
        ]
        assert found[0] == found[1], condition
    for step in range(12):
        condition = random_condition(draw)
        change = draw.choice(
            [f"UPDATE {{}} SET a = c % 40 - {step}, b = chr(97 + c % 26) WHERE {condition}",
             f"UPDATE {{}} SET a = a + 1 WHERE {condition}", f"DELETE FROM {{}} WHERE c % 9 = {step % 9} AND {condition}"]
        )  # fmt: skip
        tags = [schema.execute(change.format(table).encode()).statusmessage for table in ("plain", "parts")]
        assert tags[0] == tags[1], change
        everything = [
            schema.execute(f"SELECT a, b, c FROM {table} ORDER BY c".encode()).fetchall()
            for table in ("plain", "parts")
        ]
        assert everything[0] == everything[1], change


def test_few_partitions_are_looked_at(schema: Connection) -> None:
    schema.execute("CREATE TABLE logs (day date, level int, note text) PARTITION BY RANGE (day)")
    for month in range(1, 7):
        schema.execute(
            f"CREATE TABLE logs_{month} PARTITION OF logs FOR VALUES FROM ('2024-0{month}-01') TO ('2024-0{month + 1}-01')".encode()
        )
    schema.execute("CREATE TABLE logs_other PARTITION OF logs DEFAULT")

    def scanned(condition: str, *values: object) -> set[str]:
        text = f"EXPLAIN (COSTS OFF) SELECT * FROM logs WHERE {condition}"
        lines = schema.execute(text.encode(), values or None).fetchall()
        return set(re.findall(r" on logs_(\w+)", "\n".join(line for (line,) in lines)))

    assert scanned("day = '2024-02-10'") == {"2"}
    assert scanned("day >= '2024-02-10' AND day < '2024-03-20'") == {"2", "3"}
    assert scanned("day IN ('2024-01-01', '2024-06-30')") == {"1", "6"}
    assert scanned("day = '2024-02-10' OR day = '2023-01-01'") == {"2", "other"}
    assert scanned("day < '2024-02-01'") == {"1", "other"}
    assert scanned("day IS NULL") == {"other"}
    assert scanned("day = '2024-02-10' AND day = '2024-03-10'") == set()
    assert scanned("day = %s", "2024-05-05") == {"5"}
    assert scanned("level = 1") == {"1", "2", "3", "4", "5", "6", "other"}


def test_vector_searches_are_complete_over_all_partitions(schema: Connection) -> None:
    schema.execute("CREATE EXTENSION IF NOT EXISTS vector")
    schema.execute("CREATE TABLE docs (id int, lang text, e vector(8)) PARTITION BY LIST (lang)")
    schema.execute("CREATE TABLE plain (id int, lang text, e vector(8))")
    for lang in ("en", "de", "fr"):
        schema.execute(f"CREATE TABLE docs_{lang} PARTITION OF docs FOR VALUES IN ('{lang}')".encode())
    schema.execute("CREATE TABLE docs_other PARTITION OF docs DEFAULT")
    schema.execute(
        "INSERT INTO plain SELECT g, (ARRAY['en', 'de', 'fr', 'xx', NULL])[1 + g % 5],"
        " (SELECT array_agg(sin(g * i)) FROM generate_series(1, 8) i)::vector FROM generate_series(1, 1500) g"
    )
    schema.execute("INSERT INTO docs SELECT * FROM plain")
    schema.execute("CREATE INDEX ON docs USING hnsw (e vector_l2_ops)")
    schema.execute("SET hnsw.ef_search = 400")
    for condition in (
        "true",
        "lang = 'en'",
        "lang IN ('de', 'fr')",
        "id % 3 = 0",
        "lang IS NULL OR lang = 'xx'",
    ):
        query = (
            f"SELECT id FROM {{}} WHERE {condition} ORDER BY e <-> '[1,1,0,1,1,0,1,1]', id LIMIT 12 OFFSET 3"
        )
        found = [schema.execute(query.format(table).encode()).fetchall() for table in ("plain", "docs")]
        assert found[0] == found[1], condition
    plan = schema.execute("EXPLAIN SELECT id FROM docs ORDER BY e <-> '[1,1,0,1,1,0,1,1]' LIMIT 3").fetchall()
    assert sum("Vector Island" in line for (line,) in plan) == 4


def test_copy_goes_to_the_partitions(schema: Connection) -> None:
    schema.execute(
        "CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY, k int, v text) PARTITION BY RANGE (k)"
    )
    schema.execute("CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (10)")
    schema.execute("CREATE TABLE c2 PARTITION OF c FOR VALUES FROM (10) TO (20)")
    with schema.cursor() as cursor:
        with cursor.copy("COPY c (k, v) FROM STDIN") as copy:
            for k in (1, 11, 5, 19):
                copy.write_row((k, f"v{k}"))
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="no partition of relation"),
            cursor.copy("COPY c (k) FROM STDIN") as copy,
        ):
            copy.write_row((20,))
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="violates partition constraint"),
            cursor.copy("COPY c1 (id, k) FROM STDIN") as copy,
        ):
            copy.write_row((9, 12))
        with (
            pytest.raises(psycopg.errors.WrongObjectType, match="cannot copy from partitioned table"),
            cursor.copy("COPY c TO STDOUT"),
        ):
            pass
        with cursor.copy("COPY (SELECT k, tableoid::regclass FROM c ORDER BY k) TO STDOUT") as copy:
            assert b"".join(bytes(piece) for piece in copy) == b"1\tc1\n5\tc1\n11\tc2\n19\tc2\n"


def test_rows_that_move_are_met_once(schema: Connection) -> None:
    """An UPDATE that sends rows on to a later partition must not find them there again."""
    schema.execute("CREATE TABLE m (k int) PARTITION BY RANGE (k)")
    for number in range(5):
        schema.execute(
            f"CREATE TABLE m{number} PARTITION OF m FOR VALUES FROM ({number * 10}) TO ({number * 10 + 10})".encode()
        )
    schema.execute("INSERT INTO m SELECT g FROM generate_series(0, 39) g")
    assert schema.execute("UPDATE m SET k = k + 10").statusmessage == "UPDATE 40"
    assert schema.execute("SELECT min(k), max(k), count(*) FROM m").fetchone() == (10, 49, 40)


def test_a_new_partition_waits_for_rows_of_the_default_one(
    schema: Connection, own_database: Database
) -> None:
    schema.execute("CREATE TABLE w (k int) PARTITION BY LIST (k)")
    schema.execute("CREATE TABLE w_default PARTITION OF w DEFAULT")
    with psycopg.connect(own_database.dsn) as other:
        other.execute("INSERT INTO w VALUES (1)")
        schema.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            schema.execute("CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)")
        other.commit()
    schema.execute("RESET lock_timeout")
    with pytest.raises(psycopg.errors.CheckViolation, match="default partition"):
        schema.execute("CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)")


@pytest.fixture
def queue(schema: Connection, own_database: Database) -> Iterator[tuple[Connection, Connection]]:
    """Two connections to a partitioned table of jobs, the second in a transaction."""
    schema.execute("CREATE TABLE jobs (id int, state int) PARTITION BY LIST (state)")
    for state in range(3):
        schema.execute(f"CREATE TABLE jobs_{state} PARTITION OF jobs FOR VALUES IN ({state})".encode())
    schema.execute("INSERT INTO jobs SELECT g, g % 2 FROM generate_series(1, 6) g")
    with psycopg.connect(own_database.dsn) as other:
        yield schema, other
        other.rollback()


def test_jobs_of_all_partitions_are_taken_once(queue: tuple[Connection, Connection]) -> None:
    first, second = queue
    take = "SELECT id FROM jobs ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED"
    assert second.execute(take).fetchall() == [(1,), (2,)]
    assert first.execute(take).fetchall() == [(3,), (4,)]
    with pytest.raises(psycopg.errors.LockNotAvailable):
        first.execute("SELECT id FROM jobs WHERE id = 1 FOR UPDATE NOWAIT")


def test_who_waits_for_a_row_that_moves_is_told(queue: tuple[Connection, Connection]) -> None:
    first, second = queue
    second.execute("UPDATE jobs SET state = 2 WHERE id = 1")
    waiting = threading.Timer(0.3, second.commit)
    waiting.start()
    with pytest.raises(psycopg.errors.SerializationFailure, match="already moved to another partition"):
        first.execute("SELECT * FROM jobs WHERE id = 1 FOR UPDATE")
    waiting.join()
    second.execute("UPDATE jobs SET state = 0 WHERE id = 1")
    waiting = threading.Timer(0.3, second.commit)
    waiting.start()
    # A statement of its own is begun again, and finds the row where it is.
    assert first.execute("UPDATE jobs SET id = 100 WHERE id = 1").statusmessage == "UPDATE 1"
    waiting.join()
    assert first.execute("SELECT tableoid::regclass::text, id FROM jobs WHERE id = 100").fetchall() == [
        ("jobs_0", 100)
    ]


def test_partitions_outlive_a_kill(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data")
    try:
        with psycopg.connect(process.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k)")
            connection.execute("CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)")
            connection.execute("CREATE TABLE t2 (v text, k int NOT NULL)")
            connection.execute("ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (20)")
            connection.execute("CREATE TABLE gone PARTITION OF t DEFAULT")
            connection.execute("INSERT INTO t SELECT g, 'v' || g FROM generate_series(0, 19) g")
            connection.execute("CHECKPOINT")
            connection.execute("ALTER TABLE t DETACH PARTITION gone")
            connection.execute("UPDATE t SET k = 9 WHERE k = 12 AND false")
            connection.execute("DELETE FROM t WHERE k = 9")
            connection.execute("UPDATE t SET k = 9 WHERE k = 19")
        process.kill()
        assert not list(check(tmp_path / "data").problems)
        process = ServerProcess(tmp_path / "data")
        with psycopg.connect(process.dsn, autocommit=True) as connection:
            spread = connection.execute(
                "SELECT tableoid::regclass::text, count(*) FROM t GROUP BY 1 ORDER BY 1"
            )
            assert spread.fetchall() == [("t1", 10), ("t2", 9)]
            bounds = connection.execute(
                "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"
            )
            assert bounds.fetchall() == [
                ("t1", "FOR VALUES FROM (0) TO (10)"),
                ("t2", "FOR VALUES FROM (10) TO (20)"),
            ]
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO t VALUES (9, 'again')")
            with pytest.raises(psycopg.errors.CheckViolation, match="no partition"):
                connection.execute("INSERT INTO t VALUES (20, 'nowhere')")
    finally:
        process.kill()


DUMPED = """
CREATE TABLE r (id int PRIMARY KEY);
INSERT INTO r VALUES (1), (2);
CREATE TABLE t (id serial, k int NOT NULL, v text DEFAULT 'd', r_id int REFERENCES r,
    CONSTRAINT ck CHECK (k > 0), PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE t1 PARTITION OF t (v DEFAULT 'one') FOR VALUES IN (1);
CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2, 3) PARTITION BY RANGE (id);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES FROM (0) TO (10);
CREATE TABLE t2d PARTITION OF t2 DEFAULT;
CREATE INDEX ON t (v);
INSERT INTO t (k, v, r_id) VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', NULL);
"""


def test_a_dump_is_restored(ours: Connection, shared_server: ServerProcess) -> None:
    address = ["-h", shared_server.host, "-p", str(shared_server.port), "-U", "postgres"]
    names = ("dumped_partitions", "restored_partitions")

    def dump(database: str) -> str:
        command = ["pg_dump", *address, "--no-owner", database]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return "\n".join(line for line in done.stdout.splitlines() if "restrict" not in line)

    def load(database: str, script: str) -> None:
        command = ["psql", "-qX", *address, "-v", "ON_ERROR_STOP=1", "-d", database]
        subprocess.run(command, input=script, text=True, check=True, capture_output=True)

    for name in names:
        ours.execute(f"CREATE DATABASE {name}".encode())
    load(names[0], DUMPED)
    dumped = dump(names[0])
    load(names[1], dumped)
    assert dump(names[1]) == dumped
    assert "ATTACH PARTITION public.t2a FOR VALUES FROM (0) TO (10)" in dumped
    for name in names:
        ours.execute(f"DROP DATABASE {name}".encode())
