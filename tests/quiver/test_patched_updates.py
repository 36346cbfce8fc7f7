"""Goal: UPDATE of rows on disk that leaves their vectors alone says and does what PostgreSQL's does.

Method: `sql/patched_updates.sql` on a real PostgreSQL and on a Quiver server, statement by statement, as
`test_table_rules.py` compares them; rows without ORDER BY as a bag.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import is_ordered, statements
from tests.quiver.test_table_rules import Client

pytestmark = pytest.mark.slow


def test_same_outcomes(postgres_uri: str, own_database: Database) -> None:
    clients = []
    for uri in (postgres_uri, own_database.dsn):
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS patched_updates")
            connection.execute("CREATE DATABASE patched_updates")
        clients.append(Client(psycopg.conninfo.make_conninfo(uri, dbname="patched_updates")))
        clients[-1].connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    differences = []
    for statement in statements("patched_updates.sql"):
        wanted, found = (client.outcome(statement.text) for client in clients)
        if not is_ordered(statement.text) and isinstance(wanted[1], list) and isinstance(found[1], list):
            wanted[1].sort()
            found[1].sort()
        if wanted != found:
            differences.append(f"{statement.text}\n  postgres {wanted}\n  quiver   {found}")
    for client in clients:
        client.connection.close()
    assert not differences, "\n".join(differences)
