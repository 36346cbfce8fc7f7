"""Goal: PostgreSQL's own psql works on a server: backslash commands, \\copy, variables, tab completion.

Method: scripts on psql's standard input, every word on standard error counted as a failure; what describes objects
is compared line by line with what the same psql prints of a real PostgreSQL that has the same objects. Tab completion
runs on a pseudo-terminal inside a transaction block: a completion query that fails would leave the block failed.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.quiver.catalog_schema import SCHEMA_SQL
from tests.quiver.server_process import ServerProcess

PSQL = shutil.which("psql")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PSQL is None, reason="needs PostgreSQL's psql on the PATH"),
]
WAIT_SECONDS = 60

SAME_AS_POSTGRES = (
    r"\d", r"\dt", r"\d packages", r"\d authors", r"\d+ packages", r"\d+ authors", r"\di", r"\ds", r"\dp", r"\z packages",
    r"\d packages_pkey", r"\d packages_hnsw", r"\d+ packages_hnsw", r"\d packages_u", r"\d authors_name_key",
    r"\d+ cheap", r"\d summed", r"\d+ summed", r"\d+ app.near", r"\d summed_author", r"\dm", r"\dm app.*", r"\sv summed",
    r"\d packages_ivfflat", r"\d priced", r"\d+ priced", r"\d+ app.order_lines", r"\dv app.*", r"\sv priced", r"\sv+ app.order_lines",
    r"\d+ packages_h",
    r"\d packages_id_seq", r"\d authors_id_seq", r"\d app.sq", r"\d numbered", r"\d app.orders", r'\d "Weird Name"."Mixed Case"',
    r"\dt app.*", r"\dtS pg_class", r"\dv", r"\dE", r"\dD", r"\dX", r"\dy", r"\dP", r"\dRp", r"\dRs", r"\dl",
    r"\ddp", r"\drds", r"\des", r"\deu", r"\dew", r"\det", r"\dO", r"\dc", r"\db", r"\d nosuch", r"\dconfig work_mem",
    r"\dfn now", r"\df+ now", r"\dT vector", r"\encoding", "SELECT 1.50 AS n, NULL AS u, 'a b' AS t \\gdesc",
    r"\d pg_tables",
)  # fmt: skip
WORKING = (
    r"\dm+",
    r"\d+", r"\dt+", r"\di+", r"\ds+", r"\l", r"\l+", r"\du", r"\du+", r"\dg", r"\dn", r"\dn+", r"\dx", r"\dx+", r"\df",
    r"\df array_a*", r"\df *vector*", r"\da", r"\dT", r"\dT+", r"\db+", r"\dC", r"\dC vector", r"\do", r"\do <->",
    r"\do+ <->", r"\dconfig", r"\dconfig+", r"\dS", r"\dS+", r"\dt *.*", r"\dA", r"\dA+", r"\dAc", r"\dAc hnsw",
    r"\dAc ivfflat", r"\dAo ivfflat",
    r"\dAf", r"\dAo", r"\dAo hnsw", r"\dAp", r"\dd", r"\dF", r"\dFd", r"\dFp", r"\dFt", r"\dL", r"\dL+", r"\dvS",
    r"\d pg_class", r"\d information_schema.columns", r"\dO+", r"\conninfo", r"\d quiver_index_status",
)  # fmt: skip
COMPLETED = (
    "SELECT * FROM ", "SELECT * FROM pa", "SELECT * FROM app.", "\\d ", "\\dt ", "\\di ", "\\ds ", "\\dn ", "\\du ", "\\dT ",
    "\\df ", "\\da ", "\\c ", "\\dx ", "INSERT INTO ", "INSERT INTO packages (", "UPDATE ", "UPDATE packages SET ",
    "DELETE FROM ", "TRUNCATE ", "ALTER TABLE ", "ALTER TABLE packages DROP COLUMN ", "ALTER INDEX ", "ALTER ROLE ",
    "ALTER SEQUENCE ", "DROP TABLE ", "DROP INDEX ", "DROP SCHEMA ", "DROP ROLE ", "DROP DATABASE ", "DROP EXTENSION ",
    "DROP MATERIALIZED VIEW ", "REFRESH MATERIALIZED VIEW ", "ALTER MATERIALIZED VIEW ", "\\dm ", "ALTER VIEW ",
    "CREATE INDEX ON packages (", "CREATE INDEX ON packages USING ", "CREATE EXTENSION ", "SET ", "SET hnsw.", "SHOW ",
    "RESET ", "SET timezone TO ", "SET datestyle TO ", "SET search_path TO ", "SET ROLE ", "COMMENT ON TABLE ", "COPY ",
    "GRANT SELECT ON ", "VACUUM ", "ANALYZE ", "REINDEX TABLE ", "LOCK ", "EXECUTE ", "DEALLOCATE ", "TABLE ",
    "SELECT * FROM packages WHERE ", "\\dAo hnsw ", "\\dconfig ",
)  # fmt: skip


def run_psql(conninfo: str, script: str, *options: str) -> str:
    """What psql prints for a script; fails on any word on standard error and on any exit code but 0."""
    assert PSQL is not None
    done = subprocess.run(
        [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, conninfo], input=script, text=True, capture_output=True,
        timeout=WAIT_SECONDS, check=False, env={**os.environ, "PAGER": "cat", "PGTZ": "UTC"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def quiver(server: ServerProcess) -> str:
    run_psql(server.dsn, SCHEMA_SQL)
    return server.dsn


@pytest.fixture(scope="module")
def postgres_twin(postgres_uri: str) -> Iterator[str]:
    """A database of a real PostgreSQL with the same schema."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE psql_twin")
    twin = make_conninfo(postgres_uri, dbname="psql_twin")
    run_psql(twin, "CREATE EXTENSION vector;\n" + SCHEMA_SQL)
    yield twin
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE psql_twin")


def outputs(conninfo: str, commands: tuple[str, ...]) -> dict[str, str]:
    """What each command prints, standard error included, from one psql."""
    assert PSQL is not None
    script = "".join(f"{command}\n\\echo === end of {n} ===\n" for n, command in enumerate(commands))
    done = subprocess.run(
        [PSQL, "-X", conninfo], input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=WAIT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    found, rest = {}, done.stdout
    for number, command in enumerate(commands):
        found[command], _, rest = rest.partition(f"=== end of {number} ===\n")
    return found


def test_descriptions_are_postgresqls(quiver: str, postgres_twin: str) -> None:
    ours, theirs = outputs(quiver, SAME_AS_POSTGRES), outputs(postgres_twin, SAME_AS_POSTGRES)
    different = [command for command in SAME_AS_POSTGRES if ours[command] != theirs[command]]
    assert not different, "\n".join(ours[command] + theirs[command] for command in different)
    assert "nextval('authors_id_seq'::regclass)" in ours[r"\d authors"]
    assert '"packages_hnsw" hnsw (embedding vector_l2_ops)' in ours[r"\d packages"]


def test_backslash_commands_do_not_fail(quiver: str) -> None:
    found = outputs(quiver, WORKING)
    failed = {command: text for command, text in found.items() if "ERROR" in text or not text.strip()}
    assert not failed
    assert "access method hnsw" in found[r"\dx+"]
    assert "double precision" in found[r"\do <->"]


def test_echo_hidden_and_expanded_output(quiver: str) -> None:
    shown = run_psql(quiver, "\\x\nSELECT id, title FROM packages ORDER BY id LIMIT 1;\n", "-E")
    assert "-[ RECORD 1 ]" in shown and "title | Hello" in shown


def test_timing(quiver: str) -> None:
    assert "Time: " in run_psql(quiver, "\\timing\nSELECT 1;\n")


def test_variables_gset_gexec_and_conditions(quiver: str) -> None:
    script = r"""
\set who 1
\set name 'it''s'
SELECT id AS found, :'name' AS quoted FROM packages WHERE id = :who \gset
\echo :found :quoted
SELECT 'SELECT ' || n FROM (VALUES (41), (42)) AS v (n) ORDER BY n \gexec
\if :{?found}
\echo yes
\endif
SELECT 7 AS a \g (format=unaligned tuples_only=on)
\set FETCH_COUNT 1
SELECT id FROM packages ORDER BY id;
\unset FETCH_COUNT
SELECT 1; SELECT 2\; SELECT 3;
SELECT author_id, title, id FROM packages ORDER BY 1 \crosstabview
"""
    shown = run_psql(quiver, script, "-At")
    assert shown.splitlines()[:7] == ["1 it's", "41", "42", "yes", "7", "1", "2"]


def test_watch_repeats(quiver: str) -> None:
    assert PSQL is not None
    command = [PSQL, "-X", "-At", quiver]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("SELECT 'tick' \\watch 0.01\n")
        process.stdin.flush()
        ticks = 0
        while ticks < 3:
            line = process.stdout.readline()
            assert line, "psql ended"
            ticks += line == "tick\n"
        process.terminate()


@pytest.mark.parametrize("options", ["", " WITH (FORMAT csv, HEADER)", " WITH (FORMAT binary)"])
def test_copy_out_and_in(quiver: str, tmp_path: Path, options: str) -> None:
    path = tmp_path / "rows"
    create = "CREATE TABLE copied (id int PRIMARY KEY, t text, v vector(2));\n"
    rows = (
        "INSERT INTO copied VALUES (1, 'a,\"b', '[1,2]'), (2, NULL, NULL), (3, E'tab\\tx\\\\', '[0,0.5]');\n"
    )
    read = "SELECT * FROM copied ORDER BY id;\n"
    before = run_psql(quiver, create + rows + f"\\copy copied TO '{path}'{options}\n" + read, "-q")
    after = run_psql(quiver, f"TRUNCATE copied;\n\\copy copied FROM '{path}'{options}\n" + read, "-q")
    assert before == after and "(3 rows)" in after
    inline = "\\copy copied (id, t) FROM STDIN\n7\tseven\n\\.\n\\copy (SELECT t FROM copied WHERE id = 7) TO STDOUT\n"
    assert run_psql(quiver, inline + "DROP TABLE copied;\n", "-q") == "seven\n"


def test_an_error_is_shown_as_postgresql_shows_it(quiver: str, postgres_twin: str) -> None:
    script = (
        "SELECT nosuch FROM packages;",
        "SELEC 1;",
        "SELECT 1/0;",
        "\\copy nosuch from '/nonexistent'",
        "\\sf abs",
    )
    assert outputs(quiver, script) == outputs(postgres_twin, script)


class Terminal:
    """An interactive psql on a pseudo-terminal."""

    def __init__(self, conninfo: str, inputrc: Path) -> None:
        inputrc.write_text("set page-completions off\nset completion-query-items 0\nset bell-style none\n")
        self.process_id, self._file = pty.fork()
        if self.process_id == 0:
            environment = {**os.environ, "TERM": "dumb", "PSQL_HISTORY": "/dev/null", "INPUTRC": str(inputrc)}
            os.execvpe("psql", ["psql", "-X", conninfo], environment)

    def send(self, text: str, until: str) -> str:
        """Type a text and read until the answer matches the pattern `until`."""
        os.write(self._file, text.encode())
        return self.read(until)

    def read(self, until: str) -> str:
        got = ""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(until, got):
            assert time.monotonic() < deadline, got
            if select.select([self._file], [], [], 1.0)[0]:
                got += os.read(self._file, 65536).decode(errors="replace")
        return got

    def close(self) -> None:
        os.write(self._file, b"\n\\q\n")
        with contextlib.suppress(OSError):
            while os.read(self._file, 65536):
                pass
        os.close(self._file)
        os.waitpid(self.process_id, 0)


@pytest.fixture
def terminal(quiver: str, tmp_path: Path) -> Iterator[Terminal]:
    started = Terminal(quiver, tmp_path / "inputrc")
    started.read("=# $")
    yield started
    started.close()


def test_tab_completion_offers_names(terminal: Terminal) -> None:
    assert "packages" in terminal.send("SELECT * FROM pack\t", "packages")
    terminal.send("\x15\\echo cleared\n", r"cleared\r\n.*# $")
    assert "hnsw.ef_search" in terminal.send("SET hnsw.\t\t", r"hnsw\.iterative_scan")


def test_no_completion_query_fails(terminal: Terminal) -> None:
    terminal.send("BEGIN;\n", r"=\*# $")
    for number, typed in enumerate(COMPLETED):
        # ^U clears the line again; the prompt shows whether the transaction block still stands.
        shown = terminal.send(f"{typed}\t\t\x15\\echo done-{number}\n", rf"\ndone-{number}\r\npostgres=.?# $")
        assert shown.endswith("=*# "), typed
