"""Goal: concurrent transactions see, wait for and are refused what PostgreSQL's documentation promises.

Method: the scripts of `isolation/` (the anomalies G0, G1a-c, OTV, PMP, P4, G-single, G2-item of Adya and of Kleppmann's
test suite Hermitage, and what waits for what) run step by step here and on PostgreSQL, at both levels; every step must
end alike. https://www.postgresql.org/docs/15/transaction-iso.html
"""

from __future__ import annotations

import pytest

from tests.quiver.isolation_scripts import FOLDER, trace
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.txt"))
LEVELS = ("read committed", "repeatable read")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_step_ends_as_in_postgresql(
    server: ServerProcess, postgres_uri: str, name: str, level: str
) -> None:
    script = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert trace(server.dsn, script, level) == trace(postgres_uri, script, level)
