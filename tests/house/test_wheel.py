"""Goal: the built wheel is complete and works in a folder that is not the checkout.

Method: build it, look into it, unpack it elsewhere, and run the command from there on the installed dependencies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import serving

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("foundation", "vecengine", "storage", "planner", "sqlfront", "quiver")
BUILD_SECONDS_MAX = 300

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # In a copy: setuptools leaves a folder `build`, whose stale files would go into the next wheel.
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(folder)]
    subprocess.run(build, check=True, capture_output=True, timeout=BUILD_SECONDS_MAX)
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_packages_and_their_data_alone(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in names} == set(PACKAGES)
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".arrow", ".json") or path.name == "py.typed"
    }
    assert names == expected


def test_it_serves_outside_the_checkout(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    # Before the environment's own entries, where an editable installation of the checkout may stand.
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.chdir(tmp_path)
    where = subprocess.run(
        [sys.executable, "-c", "import quiver; print(quiver.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed) + os.sep)
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, e vector(2))")
        connection.execute("INSERT INTO items VALUES (1, '[1,2]'), (2, '[5,5]')")
        nearest = connection.execute("SELECT id FROM items ORDER BY e <-> '[4,4]' LIMIT 1").fetchone()
        assert nearest == (2,)
        # The rows of pg_proc come from the data files beside the code.
        assert connection.execute("SELECT count(*) > 1000 FROM pg_proc").fetchone() == (True,)
