"""Fixtures of the end-to-end tests: a server process or a database for each module, and the real data set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.shared_server import Database, database_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("data")) as process:
        yield process


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("data")) as process:
        yield process


@pytest.fixture(scope="module")
def own_database(shared_server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database; a module that needs a process to itself takes `server`."""
    with database_of(shared_server, request.module.__name__) as database:
        yield database


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with debian_packages.parquet: $QUIVER_TEST_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("QUIVER_TEST_DATA", beside))
    if not (folder / "debian_packages.parquet").exists():
        pytest.skip(f"no debian_packages.parquet in {folder}; set QUIVER_TEST_DATA")
    return folder
