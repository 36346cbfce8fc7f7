"""Goal: langchain-postgres stores, filters, searches and deletes on Quiver as on PostgreSQL.

Method: `langchain/store.py` runs on an empty database of each server, in an environment of its own, since the package
wants an older pgvector than ours; what it prints is the same.
"""

from __future__ import annotations

from pathlib import Path

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
