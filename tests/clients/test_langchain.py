"""Goal: langchain-postgres stores, filters, searches and deletes on Quiver as on PostgreSQL.

Method: `langchain/store.py` runs on an empty database of each server, in an environment of its own, since the package
wants an older pgvector than ours; what it prints is the same. Its hybrid search needs full-text search, which is
refused by name.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.clients.twins import Twins, assert_same, run

PROGRAM = Path(__file__).parent / "langchain" / "store.py"
PYTHON = Path(__file__).resolve().parents[2] / "build" / "clients" / "langchain" / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="needs langchain-postgres: tests/clients/install.sh"
)


def test_a_program_prints_the_same(twins: Twins) -> None:
    command = [str(PYTHON), str(PROGRAM)]
    assert_same(run(command, twins.quiver), run(command, twins.postgres))


def test_hybrid_search_is_refused_by_name(twins: Twins) -> None:
    with psycopg.connect(twins.quiver.dsn, autocommit=True) as connection:
        for statement in ("CREATE TABLE t (words tsvector)", "SELECT to_tsvector('english', 'a text')"):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="tsvector is not supported"):
                connection.execute(statement.encode())
