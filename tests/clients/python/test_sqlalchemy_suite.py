"""Goal: SQLAlchemy's compliance suite for dialects passes on Quiver as far as it passes on PostgreSQL.

Method: the suite runs in a process for each server, both at once; a test that passes on PostgreSQL passes on Quiver, or is in
`sqlalchemy_failures.txt`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from tests.clients.python.known_failures import check_failures
from tests.clients.twins import Address, Twins

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
SHARE_MIN = 0.95
SECONDS_MAX = 900
CONFIGURATION = """
[sqla_testing]
requirement_cls = tests.clients.python.sqlalchemy_requirements:PostgresRequirements
profile_file = profiles.txt

[db]
"""
_DIALECT = re.compile(r"_postgresql\+psycopg_\d+_\d+")


def passed(address: Address, folder: Path) -> frozenset[str]:
    """The tests that pass, `Class::test[parameters]`, on an empty database; `folder` is for this run's files."""
    with psycopg.connect(address.dsn, autocommit=True) as connection:
        for schema in ("test_schema", "test_schema_2"):
            connection.execute(f"CREATE SCHEMA {schema}".encode())
    (folder / "setup.cfg").write_text(CONFIGURATION, encoding="utf-8")
    uri = f"postgresql+psycopg://{address.user}@{address.host}:{address.port}/{address.database}"
    command = [
        sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini", "-p", "no:cacheprovider", "-p", "no:xdist",
        "-p", "tests.clients.python.sqlalchemy_plugin", "-W", "ignore:Computed column", "--dburi", uri,
        "--junitxml", "report.xml",
        FOLDER / "sqlalchemy_compliance.py",
    ]  # fmt: skip
    (folder / "pytest.ini").write_text(
        f"[pytest]\npython_files = sqlalchemy_compliance.py\npythonpath = {ROOT}\n", encoding="utf-8"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=SECONDS_MAX,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout[-4000:]
    cases = ElementTree.parse(folder / "report.xml").iter("testcase")
    return frozenset(
        f"{_DIALECT.sub('', case.get('classname', '').rpartition('.')[2])}::{case.get('name')}"
        for case in cases
        if len(case) == 0
    )


def test_compliance_suite(twins: Twins, tmp_path: Path) -> None:
    folders = [tmp_path / "postgres", tmp_path / "quiver"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(passed, (twins.postgres, twins.quiver), folders)
    assert len(theirs) > 1800
    check_failures(FOLDER / "sqlalchemy_failures.txt", theirs, ours, SHARE_MIN)
