"""Goal: what dumps, fixtures and mappers say of triggers, rules, policies and extensions passes where it changes nothing, and is
refused by name, with what to do instead, where it would.

Method: the harmless statements on a real PostgreSQL 16 and on a Quiver server, outcomes and notices compared; the others on Quiver.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import described_outcome

pytestmark = pytest.mark.slow

HARMLESS = """
DROP TRIGGER IF EXISTS nope ON held
DROP TRIGGER IF EXISTS nope ON public.held CASCADE
DROP TRIGGER IF EXISTS nope ON nowhere
DROP TRIGGER nope ON held
DROP TRIGGER nope ON nowhere
DROP RULE IF EXISTS nope ON held
DROP RULE nope ON held
DROP POLICY IF EXISTS nope ON held
DROP POLICY nope ON held
DROP EVENT TRIGGER IF EXISTS nope
DROP EVENT TRIGGER nope
DROP PROCEDURE IF EXISTS nope()
DROP PROCEDURE IF EXISTS nope(text, text), other()
DROP AGGREGATE IF EXISTS nope(text)
DROP SERVER IF EXISTS nope, other CASCADE
DROP SERVER nope
DROP FOREIGN TABLE IF EXISTS nope
DROP FOREIGN TABLE nope
DROP FOREIGN DATA WRAPPER IF EXISTS nope CASCADE
DROP FOREIGN DATA WRAPPER nope
DROP USER MAPPING IF EXISTS FOR current_user SERVER nope
DROP COLLATION IF EXISTS nope
DROP COLLATION nope
DROP CONVERSION IF EXISTS nope
DROP LANGUAGE IF EXISTS nope
DROP PUBLICATION IF EXISTS nope
DROP SUBSCRIPTION IF EXISTS nope
DROP STATISTICS IF EXISTS nope
DROP STATISTICS nope
DROP ACCESS METHOD IF EXISTS nope
CREATE EXTENSION IF NOT EXISTS plpgsql
CREATE EXTENSION plpgsql
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language'
COMMENT ON EXTENSION vector IS 'vector data type'
ALTER TABLE held ENABLE TRIGGER ALL
ALTER TABLE held DISABLE TRIGGER ALL
ALTER TABLE held DISABLE TRIGGER USER
ALTER TABLE held ENABLE TRIGGER USER
ALTER TABLE held DISABLE TRIGGER nope
ALTER TABLE held ENABLE ALWAYS TRIGGER nope
ALTER TABLE held ENABLE REPLICA RULE nope
ALTER TABLE held DISABLE ROW LEVEL SECURITY
ALTER TABLE held NO FORCE ROW LEVEL SECURITY
ALTER TABLE held REPLICA IDENTITY DEFAULT
ALTER TABLE held SET WITHOUT CLUSTER
ALTER TABLE held SET WITHOUT OIDS
SHOW session_replication_role
INSERT INTO holding VALUES (7, 7)
SET session_replication_role = replica
SHOW session_replication_role
INSERT INTO holding VALUES (7, 7)
DELETE FROM held WHERE id = 1
SELECT * FROM holding ORDER BY id
SET session_replication_role = 'origin'
UPDATE holding SET held_id = 8 WHERE id = 7
SET session_replication_role = 'other'
RESET session_replication_role
"""
REFUSED = """
CREATE TRIGGER t BEFORE INSERT ON held FOR EACH ROW EXECUTE FUNCTION f()
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON held FOR EACH ROW EXECUTE FUNCTION f()
CREATE RULE r AS ON INSERT TO held DO INSTEAD NOTHING
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$
CREATE EXTENSION IF NOT EXISTS nowhere_made
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'
CALL p()
DO $$ BEGIN NULL; END $$
CREATE FOREIGN DATA WRAPPER w
CREATE SERVER s FOREIGN DATA WRAPPER w
CREATE POLICY p ON held USING (true)
CREATE PUBLICATION p FOR ALL TABLES
CREATE AGGREGATE a (int) (SFUNC = int4pl, STYPE = int)
CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)
ALTER TABLE holding DISABLE TRIGGER ALL
"""
TABLES = """
CREATE TABLE held (id int PRIMARY KEY)
CREATE TABLE holding (id int PRIMARY KEY, held_id int)
INSERT INTO held VALUES (1), (2)
INSERT INTO holding VALUES (1, 1), (2, 2)
"""


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture(scope="module")
def connections(
    postgres_uri: str, own_database: Database
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """PostgreSQL and Quiver with the tables; on PostgreSQL they are dropped again."""
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            for statement in _lines(TABLES):
                connection.execute(statement.encode())
        yield theirs, ours
        theirs.execute("DROP TABLE held, holding")


def test_harmless_statements_as_in_postgresql(
    connections: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    add = b"ALTER TABLE holding ADD CONSTRAINT kept FOREIGN KEY (held_id) REFERENCES held ON DELETE CASCADE"
    differences = []
    for statement in _lines(HARMLESS):
        if statement == "SHOW session_replication_role":
            for connection in connections:
                if not connection.execute("SELECT 1 FROM pg_constraint WHERE conname = 'kept'").fetchall():
                    connection.execute(add)
        expected, found = (described_outcome(connection, statement) for connection in connections)
        if expected != found:
            differences.append(f"{statement}\n  {expected}\n  {found}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("statement", _lines(REFUSED))
def test_others_are_refused_with_a_hint(
    connections: tuple[psycopg.Connection, psycopg.Connection], statement: str
) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
        connections[1].execute(statement.encode())
    assert caught.value.diag.message_hint


def test_only_superusers_leave_foreign_keys_unchecked(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain_role LOGIN")
        with psycopg.connect(own_database.dsn, user="plain_role", autocommit=True) as own:
            for change in (
                "SET session_replication_role = replica",
                "SELECT set_config('session_replication_role', 'replica', false)",
            ):
                with pytest.raises(
                    psycopg.errors.InsufficientPrivilege, match="permission denied to set parameter"
                ):
                    own.execute(change.encode())
        connection.execute("DROP ROLE plain_role")
