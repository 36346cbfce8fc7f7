"""Goal: Node's drivers work on Quiver as on PostgreSQL.

Method: each script of `node/` runs on an empty database of each server; what it prints is the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.twins import Twins, assert_same, run

FOLDER = Path(__file__).parent / "node"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules").exists(),
    reason="needs Node and npm's drivers: tests/clients/install.sh",
)


@pytest.mark.parametrize("script", ["pg.mjs", "postgres.mjs", "drizzle.mjs"])
def test_a_script_prints_the_same(twins: Twins, script: str) -> None:
    command = [str(NODE), script]
    assert_same(run(command, twins.quiver, FOLDER), run(command, twins.postgres, FOLDER))
