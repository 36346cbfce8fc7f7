"""Goal: pgJDBC works on Quiver as on PostgreSQL.

Method: each program of `java/` runs on an empty database of each server; what it prints is the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.twins import Twins, assert_same, run

FOLDER = Path(__file__).parent / "java"
JAR = Path("/usr/share/java/postgresql.jar")
DOWNLOADED = Path(__file__).resolve().parents[2] / "build" / "clients" / JAR.relative_to("/")
jar = next((path for path in (JAR, DOWNLOADED) if path.exists()), None)
pytestmark = pytest.mark.skipif(
    shutil.which("javac") is None or jar is None, reason="needs Java and pgJDBC: tests/clients/install.sh"
)


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled programs."""
    folder = tmp_path_factory.mktemp("classes")
    sources = [str(path) for path in sorted(FOLDER.glob("*.java"))]
    run(["javac", "-cp", str(jar), "-d", str(folder), *sources])
    return folder


@pytest.mark.parametrize("program", ["Metadata", "Statements"])
def test_a_program_prints_the_same(twins: Twins, classes: Path, program: str) -> None:
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{jar}", program]
    assert_same(run(command, twins.quiver), run(command, twins.postgres))
