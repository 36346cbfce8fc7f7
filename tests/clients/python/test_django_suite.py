"""Goal: Django's own tests of its database layer pass on Quiver as far as they pass on PostgreSQL.

Method: the modules below, of Django's source distribution, run in a process for each module and server, so that a table that
cannot be made fails one module alone. A test that passes on PostgreSQL passes on Quiver, or is in `django_failures.txt`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import pytest

from tests.clients.python.known_failures import check_failures
from tests.clients.twins import Address, Twins

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
DISTRIBUTION = ROOT / "build" / "clients" / f"django-{django.__version__}"
MODULES = (
    "aggregation", "aggregation_regress", "annotations", "backends", "basic", "bulk_create", "constraints", "db_functions",
    "expressions", "expressions_case", "expressions_window", "indexes", "inspectdb", "introspection", "lookup", "migrations",
    "model_fields", "postgres_tests", "queries", "schema", "select_for_update", "transactions",
)  # fmt: skip
SHARE_MIN = 0.95
SECONDS_MAX = 600


def passed(address: Address, folder: Path) -> frozenset[str]:
    """The tests of all modules that pass on a server, as Python names them."""
    found: set[str] = set()
    for module in MODULES:
        record = folder / f"{module}.txt"
        own = {"PYTHONPATH": str(ROOT), "DJANGO_PASSED": str(record), "DJANGO_TEST_NAME": f"test_{module}"}
        command = [
            sys.executable, "-W", "ignore", "runtests.py", "--settings", "tests.clients.python.django_settings",
            "--parallel=1", "--noinput", module,
        ]  # fmt: skip
        with (folder / f"{module}.log").open("w") as log:
            subprocess.run(
                command, cwd=DISTRIBUTION / "tests", env={**os.environ, **address.environment(), **own},
                stdout=log, stderr=subprocess.STDOUT, check=False, timeout=SECONDS_MAX,
            )  # fmt: skip
        if record.exists():
            found.update(record.read_text(encoding="utf-8").split())
    return frozenset(found)


def test_django_suite(twins: Twins, tmp_path: Path) -> None:
    if not DISTRIBUTION.exists():
        pytest.skip(f"no {DISTRIBUTION}: run tests/clients/install.sh")
    folders = [tmp_path / "postgres", tmp_path / "quiver"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(passed, (twins.postgres, twins.quiver), folders)
    assert len(theirs) > 2000
    check_failures(FOLDER / "django_failures.txt", theirs, ours, SHARE_MIN)
