"""Goal: what the documents say is so: commands run, links lead somewhere, generated pages are current.

Method: read every Markdown file; run README's blocks in their order against one server, with its address put in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from quiver.reference import settings_page
from tests.quiver.server_process import ServerProcess, serving

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"build", "dist", "node_modules", "__pycache__", "data"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".cfg", ".sql", ".sh", ""}
# The brackets keep this file from being an offender itself.
MACHINE_PATHS = re.compile(r"/[w]ork/|/tmp/[w]/|[p]ypi\.org|[p]ythonhosted")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATEMENT_SECONDS_MAX = 60


def files_of_the_project() -> Iterator[Path]:
    """Every text file that belongs to the project, as far as a checkout without git can tell."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in sorted(folders)
            if name not in NOT_OURS and not name.endswith(".egg-info") and (name == ".ci" or not name.startswith("."))
        ]  # fmt: skip
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in TEXT_SUFFIXES and name != ".git" and not name.startswith(".coverage"):
                yield path


def markdown_files() -> list[Path]:
    return [path for path in files_of_the_project() if path.suffix == ".md"]


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [body for found, body in BLOCK.findall(text) if found == language]


def readme_commands() -> list[str]:
    lines = [line.partition("#")[0].strip() for block in readme_blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


def test_the_page_of_settings_is_current() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page(), "run `make docs`"


def test_links_lead_somewhere() -> None:
    broken = []
    for path in markdown_files():
        for target in LINK.findall(path.read_text(encoding="utf-8")):
            is_elsewhere = re.match(r"[a-z]+:", target)
            if not is_elsewhere and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def test_no_file_names_a_place_of_one_machine() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in files_of_the_project()
        if (found := MACHINE_PATHS.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert not offenders


def test_commands_of_make_in_the_documents_are_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for path in markdown_files()
        for name in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named and named <= targets


@pytest.fixture(scope="module")
def readme_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server README starts, on a free port."""
    (command,) = [line for line in readme_commands() if "quiver serve" in line]
    program, serve, option, directory = command.split()
    assert (program, serve, option) == (".venv/bin/quiver", "serve", "--data") and directory.startswith("./")
    with serving(tmp_path_factory.mktemp("readme") / directory) as server:
        yield server


@pytest.mark.slow
def test_readme_python_and_sql_run(readme_server: ServerProcess) -> None:
    (program,) = readme_blocks("python")
    address = f"host=localhost port={readme_server.port}"
    assert program.count("host=localhost") == 1
    finished = subprocess.run(
        [sys.executable, "-c", program.replace("host=localhost", address)],
        capture_output=True, text=True, timeout=STATEMENT_SECONDS_MAX, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert [line.split(",")[0] for line in finished.stdout.splitlines()] == ["(3", "(1"]

    with psycopg.connect(readme_server.dsn, autocommit=True) as connection:
        for block in readme_blocks("sql"):
            for statement in filter(None, map(str.strip, block.split(";\n"))):
                assert connection.execute(statement.encode()).statusmessage


@pytest.mark.slow
def test_readme_psql_connects(readme_server: ServerProcess) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    (command,) = [line for line in readme_commands() if line.startswith("psql")]
    finished = subprocess.run(
        [*command.split(), "-p", str(readme_server.port), "-X", "-c", "SELECT 1 AS one"],
        capture_output=True, text=True, timeout=STATEMENT_SECONDS_MAX, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "one" in finished.stdout


def test_every_command_of_readme_is_tried() -> None:
    tried = ("make ", ".venv/bin/quiver serve", "psql")
    assert not [line for line in readme_commands() if not line.startswith(tried)]
