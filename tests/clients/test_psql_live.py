"""Goal: psql's tab completion, cursors and backslash commands offer and print on Quiver what they do on PostgreSQL.

Method: the same keys on two interactive psql, on pseudo-terminals, over databases with the same objects; then scripts
whose whole output is compared. (tests/quiver/test_psql.py has the descriptions of objects.)
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.clients.twins import Twins, assert_same, run
from tests.quiver.catalog_schema import SCHEMA_SQL
from tests.quiver.test_psql import Terminal

PSQL = shutil.which("psql")
pytestmark = pytest.mark.skipif(PSQL is None, reason="needs Debian's postgresql-client")

COMPLETED = (
    "SELECT * FROM pa", "SELECT * FROM app.", "SELECT * FROM packages WHERE ti", 'SELECT * FROM "Weird Name".', "TABLE pri",
    "INSERT INTO a", "INSERT INTO packages (", "UPDATE packages SET ", "DELETE FROM packages WHERE au", "TRUNCATE pa",
    "ALTER TABLE packages ", "ALTER TABLE packages DROP COLUMN ", "ALTER TABLE packages ALTER COLUMN ti",
    "ALTER TABLE packages ADD CONSTRAINT ", "ALTER TABLE packages DROP CONSTRAINT ", "ALTER TABLE packages RENAME COLUMN b",
    "ALTER INDEX packages_", "ALTER VIEW ", "ALTER SEQUENCE ", "DROP TABLE a", "DROP INDEX packages_", "DROP VIEW ",
    "DROP SCHEMA ap", "DROP SEQUENCE ", "DROP TYPE m", "CREATE INDEX ON pa", "CREATE INDEX ON packages (", "CREATE INDEX ON packages USING ha",
    "CREATE TABLE app.", "COMMENT ON COLUMN packages.", "COPY pack", "VACUUM pa", "ANALYZE pa", "REINDEX TABLE pa",
    "CLUSTER pa", "LOCK pa", "SET search_path TO ap", "SET timezone TO 'Europe/Ber", "REFERENCES au",
    "SELECT nextval('", "\\d pa", "\\d app.", "\\di pack", "\\ds ", "\\dv ", "\\dt a", "\\dn a", "\\dT mo",
    "\\sv pri", "\\dx v", "EXECUTE o", "DEALLOCATE o", "BEGIN ", "SET TRANSACTION ", "EXPLAIN (", "CREATE VIEW v AS ", "GRANT SELECT ON pa", "ALTER TABLE packages ALTER COLUMN title ",
    "FETCH ", "DECLARE c ", "MERGE INTO pa", "SELECT * FROM packages ORDER BY id \\g", "\\h ALTER TAB", "\\set ON_ERROR_", "\\pset format ",
)  # fmt: skip

SCRIPT = r"""
\set FETCH_COUNT 3
SELECT g, 'row ' || g AS name FROM generate_series(1, 8) g;
\unset FETCH_COUNT
SELECT 1 AS a, 'x'::text AS b, NULL::vector(3) AS v, 1.5::numeric(5,2) AS n \gdesc
SELECT title FROM packages WHERE id = 1 \gset
\echo :title
BEGIN;
SAVEPOINT s;
SELECT nosuch;
ROLLBACK TO s;
COMMIT;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT nosuch;
SELECT 'still there' AS state;
COMMIT;
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT off
INSERT INTO authors (name) VALUES ('unsaved');
ROLLBACK;
\set AUTOCOMMIT on
SELECT count(*) FROM authors;
PREPARE one AS SELECT $1::int + 1 AS n;
EXECUTE one(41);
\copy (SELECT id, title, embedding FROM packages ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)
\copy authors (name, email) FROM STDIN WITH (FORMAT csv)
Dora,"d@x, y"
Emil,
\.
SELECT id, name, email FROM authors ORDER BY id;
\x auto
SELECT * FROM packages_missing;
\x on
SELECT id, title, tags FROM packages ORDER BY id;
\x off
\pset format unaligned
\pset null '(none)'
SELECT id, tags FROM packages ORDER BY id;
\pset format html
SELECT id, title FROM packages ORDER BY id;
\pset format csv
SELECT id, title FROM packages ORDER BY id;
\pset format aligned
SELECT id, title, price FROM packages ORDER BY 1 \crosstabview title id price
SELECT format('SELECT %s AS made', g) FROM generate_series(1, 2) g \gexec
INSERT INTO app.orders VALUES (1);
\set VERBOSITY sqlstate
SELECT 1 / 0;
\set SHOW_ALL_RESULTS off
SELECT 1 \; SELECT 2;
\if :{?title}
\echo there
\endif
\d+ packages
\dt app.*
\dRp
\lo_list
"""


@pytest.fixture(scope="module")
def filled(module_twins: Twins) -> Iterator[Twins]:
    for address in (module_twins.quiver, module_twins.postgres):
        with psycopg.connect(address.dsn, autocommit=True) as connection:
            connection.execute(SCHEMA_SQL.encode())
            connection.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    yield module_twins


def offered(dsn: str, inputrc: Path) -> list[str]:
    """What psql shows after each of the texts and two tabs."""
    terminal = Terminal(dsn, inputrc)
    shown = []
    terminal.read("=# $")
    terminal.send("PREPARE of_mine AS SELECT 1;\n", r"PREPARE\r\n.*=# $")
    for number, typed in enumerate(COMPLETED):
        answer = terminal.send(f"{typed}\t\t\x15\\echo done-{number}\n", rf"\ndone-{number}\r\n\S+# $")
        shown.append(f"{typed}: " + re.sub(r"\\echo done-\d+|\S+=# $|\x1b\[K|\x07", "", answer))
    terminal.close()
    return shown


def test_the_same_is_completed(filled: Twins, tmp_path: Path) -> None:
    ours, theirs = (
        offered(address.dsn, tmp_path / "inputrc") for address in (filled.quiver, filled.postgres)
    )
    assert_same("\n".join(ours), "\n".join(theirs))


def test_a_script_prints_the_same(filled: Twins, tmp_path: Path) -> None:
    path = tmp_path / "script.sql"
    path.write_text(SCRIPT)
    command = [str(PSQL), "-X", "-e", "-f", str(path)]
    assert_same(run(command, filled.quiver), run(command, filled.postgres))
