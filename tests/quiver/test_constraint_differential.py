"""Goal: FOREIGN KEY, DEFERRABLE keys, SET CONSTRAINTS and ON CONFLICT do what PostgreSQL's do, error for error.

Method: random changes over random schemas, and `sql/foreign_keys.sql`, `sql/deferrable.sql`, `sql/upsert.sql` and `sql/unique_indexes.sql` on a real PostgreSQL 16 and on a Quiver server, statement by
statement: rows, command tags, notices, and of errors SQLSTATE, message, detail, hint, table and constraint.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import is_ordered, statements

pytestmark = pytest.mark.slow


class Client:
    """One connection in autocommit; what the server says to a statement, as a value."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self._notices: list[tuple[str | None, ...]] = []
        self.connection.add_notice_handler(self._take_notice)

    def _take_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        self._notices.append(
            (notice.severity, notice.sqlstate, notice.message_primary, notice.message_detail)
        )

    def outcome(self, text: str) -> tuple[Any, ...]:
        self._notices.clear()
        try:
            cursor = self.connection.execute(text.encode())
        except psycopg.Error as error:
            d = error.diag
            shown = (d.sqlstate, d.message_primary, d.message_detail, d.message_hint)
            return (*shown, d.table_name, d.constraint_name)
        rows = cursor.fetchall() if cursor.description else []
        shown_rows = rows if is_ordered(text) else sorted(rows, key=repr)
        return (cursor.statusmessage, shown_rows, list(self._notices))


@pytest.fixture
def clients(postgres_uri: str, own_database: Database) -> Iterator[tuple[Client, Client]]:
    """PostgreSQL and Quiver, each in an empty database of its own."""
    dsns = []
    for dsn in (postgres_uri, own_database.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS constraint_differential")
            connection.execute("CREATE DATABASE constraint_differential")
        dsns.append(psycopg.conninfo.make_conninfo(dsn, dbname="constraint_differential"))
    theirs, ours = (Client(dsn) for dsn in dsns)
    yield theirs, ours
    theirs.connection.close()
    ours.connection.close()


@pytest.mark.parametrize("file", ["foreign_keys.sql", "deferrable.sql", "upsert.sql", "unique_indexes.sql"])
def test_same_outcomes(clients: tuple[Client, Client], file: str) -> None:
    theirs, ours = clients
    differences = []
    for statement in statements(file):
        expected, found = theirs.outcome(statement.text), ours.outcome(statement.text)
        if expected != found:
            differences.append(f"{statement.text}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, f"{len(differences)}\n" + "\n".join(differences)


ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
ROUNDS = 40


def random_schema(chance: random.Random) -> list[str]:
    """Three levels and a self reference, each key with random actions."""

    def clauses() -> str:
        deferred = chance.choice(("", "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"))
        match = chance.choice(("", "MATCH FULL"))
        return f"{match} ON DELETE {chance.choice(ACTIONS)} ON UPDATE {chance.choice(ACTIONS)} {deferred}"

    return [
        "DROP TABLE IF EXISTS leaf, mid, top",
        f"CREATE TABLE top (a int, b int, up int, PRIMARY KEY (a, b), UNIQUE (a), FOREIGN KEY (up) REFERENCES top (a) {clauses()})",
        f"CREATE TABLE mid (id int PRIMARY KEY, a int DEFAULT 1, b int DEFAULT 1, FOREIGN KEY (a, b) REFERENCES top (a, b) {clauses()})",
        f"CREATE TABLE leaf (id int PRIMARY KEY, m int DEFAULT 0 REFERENCES mid {clauses()}, t bigint REFERENCES top (a) {clauses()})",
        "INSERT INTO top VALUES (0, 0, NULL), (1, 1, 0)",
    ]


def random_change(chance: random.Random) -> str:
    """Each touches one row by its key: of several failing rows PostgreSQL may report another than the first."""
    n, m, k = (chance.randrange(5) for _ in range(3))
    or_null = chance.choice((str(m), str(m), "NULL"))
    return chance.choice((
        f"INSERT INTO top VALUES ({n}, {n}, {or_null})", f"DELETE FROM top WHERE a = {n}",
        f"UPDATE top SET a = {m}, b = {m} WHERE a = {n}", f"UPDATE top SET up = {or_null} WHERE a = {n}",
        f"INSERT INTO mid VALUES ({n}, {m}, {m})", f"INSERT INTO mid VALUES ({n}, {or_null}, {k})",
        f"DELETE FROM mid WHERE id = {n}", f"UPDATE mid SET id = {m} WHERE id = {n}",
        f"UPDATE mid SET a = {m}, b = {m} WHERE id = {n}", f"INSERT INTO leaf VALUES ({n}, {or_null}, {k})",
        f"DELETE FROM leaf WHERE id = {n}", f"UPDATE leaf SET m = {or_null}, t = {k} WHERE id = {n}",
        "BEGIN", "COMMIT", "SAVEPOINT s", "ROLLBACK TO s", "SET CONSTRAINTS ALL DEFERRED",
        "SET CONSTRAINTS ALL IMMEDIATE",
    ))  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_random_changes_have_the_same_outcomes(clients: tuple[Client, Client], seed: int) -> None:
    chance = random.Random(seed)
    script = random_schema(chance) + [random_change(chance) for _ in range(ROUNDS)] + ["ROLLBACK"]
    for position, text in enumerate(script):
        theirs, ours = (client.outcome(text) for client in clients)
        assert ours == theirs, "\n".join(script[: position + 1])
        if clients[0].connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            for table in ("top", "mid", "leaf"):
                theirs, ours = (client.outcome(f"SELECT * FROM {table}") for client in clients)
                assert ours == theirs, "\n".join(script[: position + 1])


ROW_ERRORS = ("21000", "23505")


def random_upsert(chance: random.Random) -> str:
    """A few rows over few keys. SET of `b` under arbiter `a` is left out: keys that are no arbiter's are judged
    over all rows at once here, one by one in PostgreSQL."""
    keys = ["NULL", *map(str, range(6))]
    rows = ", ".join(
        f"({chance.choice(keys[1:])}, {chance.choice(keys)}, {chance.randrange(9)})"
        for _ in range(chance.choice((1, 1, 2, 3, 6)))
    )
    where = chance.choice(("", "", " WHERE excluded.n > u.n", " WHERE u.n % 2 = 0"))
    returning = chance.choice(("", " RETURNING *"))
    key, action = chance.choice((
        ("", "NOTHING"), ("(a)", "NOTHING"), ("(b)", "NOTHING"),
        ("(a)", f"UPDATE SET n = excluded.n{where}"), ("(a)", f"UPDATE SET a = excluded.a, n = u.n + 1{where}"),
        ("(b)", f"UPDATE SET n = excluded.a, b = excluded.b{where}"), ("ON CONSTRAINT u_pkey", "UPDATE SET n = 0"),
        ("(a)", f"UPDATE SET a = u.a + {chance.randrange(3)}{where}"), ("(a)", "UPDATE SET a = 7, n = excluded.n"),
    ))  # fmt: skip
    return f"INSERT INTO u VALUES {rows} ON CONFLICT {key} DO {action}{returning}"


def random_partial_upsert(chance: random.Random) -> str:
    """As `random_upsert`, with a partial arbiter, whose rows an update may take out of it, and equal NULLs."""
    keys = ["NULL", *map(str, range(5))]
    rows = ", ".join(
        f"({chance.choice(keys)}, {chance.choice(keys)}, {chance.randrange(6)})"
        for _ in range(chance.choice((1, 2, 3, 6)))
    )
    where = chance.choice(("", " WHERE excluded.n > u.n", " WHERE u.n % 4 = 0"))
    partial = "(a) WHERE n % 2 = 0"
    key, action = chance.choice((
        ("", "NOTHING"), ("(b)", "NOTHING"), (partial, "NOTHING"), ("(b)", f"UPDATE SET b = excluded.b{where}"),
        (partial, f"UPDATE SET n = u.n + {chance.randrange(3)}{where}"), (partial, "UPDATE SET n = excluded.n"),
        (partial, f"UPDATE SET a = u.a + {chance.randrange(2)}{where}"),
    ))  # fmt: skip
    return f"INSERT INTO u VALUES {rows} ON CONFLICT {key} DO {action}{chance.choice(('', ' RETURNING *'))}"


PLAIN = ["CREATE TABLE u (a int PRIMARY KEY, b int UNIQUE, n int)"]
PARTIAL = [
    "CREATE TABLE u (a int, b int UNIQUE NULLS NOT DISTINCT, n int)",
    "CREATE UNIQUE INDEX ON u (a) WHERE n % 2 = 0",
]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("schema", "upsert"), [(PLAIN, random_upsert), (PARTIAL, random_partial_upsert)])
def test_random_upserts_have_the_same_outcomes(
    clients: tuple[Client, Client], seed: int, schema: list[str], upsert: Callable[[random.Random], str]
) -> None:
    chance = random.Random(seed)
    changes = ("DELETE FROM u WHERE a = 3", "BEGIN", "COMMIT", "SAVEPOINT s", "ROLLBACK TO s")
    script = [*schema]
    for _ in range(ROUNDS * 3):
        script.append(upsert(chance) if chance.random() < 0.85 else chance.choice(changes))
    for position, text in enumerate([*script, "ROLLBACK"]):
        theirs, ours = (client.outcome(text) for client in clients)
        # Of several rows that fail PostgreSQL reports the first, whatever its error.
        both_fail = text.startswith("INSERT") and ours[0] in ROW_ERRORS and theirs[0] in ROW_ERRORS
        assert ours == theirs or both_fail, "\n".join(script[: position + 1])
        if clients[0].connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            theirs, ours = (client.outcome("SELECT * FROM u") for client in clients)
            assert ours == theirs, "\n".join(script[: position + 1])
