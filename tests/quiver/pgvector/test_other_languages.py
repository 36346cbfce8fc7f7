"""Goal: clients in other languages store and search pgvector's types here as with PostgreSQL.

Method: Node's `pg` with the package `pgvector`, and JDBC with vectors as text, insert the same rows and run the same searches,
unnamed and as prepared statements; what they print must be what a real PostgreSQL with pgvector says to psycopg. The packages
of Node are installed once a machine, under the folder for temporary files; the driver of JDBC is looked for where Debian and
Maven put it, or named by QUIVER_TEST_JDBC.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parent / "clients"
NODE_PACKAGES = ("pg@8", "pgvector@0.2")
INSTALL_SECONDS = 120
RUN_SECONDS = 60
JAR_FOLDERS = (Path("/usr/share/java"), Path.home() / ".m2/repository/org/postgresql/postgresql")
ROWS = (
    ("1", "[1,1,1]", "000", "{1:1,2:1,3:1}/3"),
    ("2", "[2,2.5,2]", "101", "{1:2,2:2.5,3:2}/3"),
    ("3", "[1,1,2]", "111", "{1:1,2:1,3:2}/3"),
    ("4", "null", "null", "null"),
)
SEARCHES = tuple(
    (column, operator, query)
    for column, operators, query in (
        ("v", ("<->", "<#>", "<=>", "<+>"), "[1,1,1.5]"),
        ("h", ("<->", "<#>", "<=>", "<+>"), "[1,1,1.5]"),
        ("b", ("<~>", "<%>"), "110"),
        ("s", ("<->", "<#>", "<=>", "<+>"), "{1:1,3:1.5}/3"),
    )
    for operator in operators
)
TYPES = {"v": "vector", "h": "halfvec", "b": "bit(3)", "s": "sparsevec"}
TOLD = "(id int PRIMARY KEY, v vector(3), h halfvec(3), b bit(3), s sparsevec(3))"
Cells = tuple[str | float, ...]


def cells(texts: Sequence[object]) -> Cells:
    """A row with numbers as numbers: one language writes 1, another 1.0."""
    found: list[str | float] = []
    for text in ("" if text is None else str(text) for text in texts):
        try:
            found.append(round(float(text), 9))
        except ValueError:
            found.append(text)
    return tuple(found)


@pytest.fixture
def expected(postgres: psycopg.Connection[tuple[object, ...]]) -> list[Cells]:
    """What the clients must print: every search twice, then the averages and the rows."""
    postgres.execute(f"CREATE TEMP TABLE told {TOLD}".encode())
    for row in ROWS:
        number, vector, bits, sparse = (None if text == "null" else text for text in row)
        postgres.execute(
            "INSERT INTO told VALUES (%s, %s, %s, %s, %s)", [number, vector, vector, bits, sparse]
        )
    lines: list[Cells] = []
    for column, operator, query in SEARCHES:
        distance = f"{column} {operator} '{query}'::{TYPES[column]}"
        found = postgres.execute(f"SELECT id, {distance} FROM told ORDER BY 2, 1 LIMIT 5".encode()).fetchall()
        lines += [cells(row) for row in found] * 2
    averages = "SELECT 0, avg(v), avg(h), NULL, NULL FROM told"
    rows = postgres.execute(f"SELECT * FROM told UNION ALL {averages} ORDER BY 1".encode()).fetchall()
    postgres.execute("DROP TABLE told")
    return [*lines, *(cells(row) for row in rows)]


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """The files of rows and of searches, a line each with tabs between the fields."""
    paths = []
    for name, lines in (("rows", ROWS), ("searches", SEARCHES)):
        path = tmp_path / name
        path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
        paths.append(str(path))
    return paths


def printed(command: Sequence[str], environment: dict[str, str], folder: Path) -> list[Cells]:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return [cells(line.split("\t")) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def node_folder() -> Path:
    """A folder with the packages in its node_modules."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs node and npm on the PATH")
    folder = Path(tempfile.gettempdir()) / "quiver-node-clients"
    if not all((folder / "node_modules" / name.partition("@")[0]).is_dir() for name in NODE_PACKAGES):
        folder.mkdir(exist_ok=True)
        command = [
            npm,
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            "--fetch-retries=1",
            *NODE_PACKAGES,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm has not installed {' and '.join(NODE_PACKAGES)} in {INSTALL_SECONDS} s")
        if done.returncode != 0:
            pytest.skip(
                f"npm cannot install {' and '.join(NODE_PACKAGES)} here: {done.stderr.strip()[-200:]}"
            )
    return folder


def test_node(node_folder: Path, arguments: list[str], expected: list[Cells], server: ServerProcess) -> None:
    # Modules are looked for beside the script.
    script = Path(shutil.copy(CLIENTS / "pgvector_client.mjs", node_folder))
    environment = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGDATABASE": "postgres",
    }
    assert printed(["node", script.name, *arguments], environment, node_folder) == expected


def jdbc_jar() -> Path:
    """The driver's newest jar."""
    given = os.environ.get("QUIVER_TEST_JDBC")
    found = (
        [Path(given)]
        if given
        else [path for folder in JAR_FOLDERS for path in folder.rglob("postgresql*.jar")]
    )
    if not found:
        pytest.skip("no jar of PostgreSQL's JDBC driver; set QUIVER_TEST_JDBC")
    return max(found, key=lambda path: path.name)


def test_jdbc(tmp_path: Path, arguments: list[str], expected: list[Cells], server: ServerProcess) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("needs a Java development kit on the PATH")
    url = f"jdbc:postgresql://{server.host}:{server.port}/postgres"
    command = [java, "-cp", str(jdbc_jar()), str(CLIENTS / "PgvectorClient.java"), url, *arguments]
    assert printed(command, {}, tmp_path) == expected
