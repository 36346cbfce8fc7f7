"""Goal: `quiver check` tells a sound directory from a damaged one, in words, in JSON and by its exit code.

Method: a directory with one of everything, left as a killed server leaves it, checked by the real command with the real
checks of graphs and foreign keys; then with one thing changed each time.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer.testing

from quiver.check import check
from quiver.cli import app
from quiver.instance import Instance
from tests.quiver.sample_directory import ITEMS, write_sample
from tests.storage.block_surgery import array_of, flip, rewrite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "data"
    write_sample(path)
    return path


@pytest.fixture
def directory(sample: Path, tmp_path: Path) -> Path:
    shutil.copytree(sample, tmp_path / "data")
    return tmp_path / "data"


def run(*arguments: object) -> tuple[int, str, str]:
    result = typer.testing.CliRunner().invoke(app, ["check", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def index_file(directory: Path) -> Path:
    (file,) = directory.rglob("*.index")
    return file


def test_a_sound_directory(directory: Path) -> None:
    code, out, err = run(directory)
    assert (code, err) == (0, "")
    assert out.endswith("no damage found\n")
    assert "index files" in out and "bytes verified" in out


def test_a_sound_directory_in_json(directory: Path) -> None:
    code, out, _ = run(directory, "--json")
    report = json.loads(out)
    assert code == 0 and report["clean"] and report["problems"] == []
    assert report["totals"]["rows"] == ITEMS - 11 + 20 + 3 + 2
    assert report["totals"]["index_files"] == 1


def test_damage_is_listed_with_file_and_offset(directory: Path) -> None:
    flip(index_file(directory), 64)
    code, out, _ = run(directory)
    assert code == 1
    assert f"damage: data/{index_file(directory).name}, offset 64: checksum mismatch in block" in out
    assert "problems found" in out
    report = json.loads(run(directory, "--json")[1])
    assert not report["clean"]
    assert report["problems"][0]["severity"] == "damage" and report["problems"][0]["offset"] == 64


def test_what_a_crash_leaves_is_a_note(directory: Path) -> None:
    (directory / "data" / "00000000000000ff.rows").write_bytes(b"x")
    code, out, _ = run(directory)
    assert code == 0
    assert "note: data/00000000000000ff.rows: it belongs to nothing" in out


def test_what_cannot_be_checked(directory: Path, tmp_path: Path) -> None:
    code, out, err = run(tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert "is not a Quiver data directory" in err
    with Instance.open(directory):
        code, out, err = run(directory)
    assert (code, out) == (2, "")
    assert "is in use by another process" in err and "Stop the server before the check." in err


def test_a_graph_that_is_not_of_these_rows(directory: Path) -> None:
    file = index_file(directory)
    norms = array_of(file, "norms")
    rewrite(file, arrays={"norms": norms * 2})
    (problem,) = check(directory).problems
    assert str(problem) == f'data/{file.name}: index "items_e": its norms are not those of the vectors'
    links = array_of(file, "links")
    links[3, 0] = len(links)
    rewrite(file, arrays={"norms": norms, "links": links})
    (problem,) = check(directory).problems
    assert 'index buffer "links" holds' in problem.message


def test_an_index_of_other_options(directory: Path) -> None:
    (manifest,) = directory.rglob("*.manifest")

    def change(meta: dict[str, list[dict[str, object]]]) -> None:
        (record,) = [record for record in meta["catalog"] if record["name"] == "items_e"]
        record["options"] = [["m", "5"], ["ef_construction", "16"]]

    rewrite(manifest, meta=change)
    (problem,) = check(directory).problems
    assert problem.message == 'index "items_e": it was built with m = 4, expected 5'


def test_a_checked_directory_serves_on(directory: Path) -> None:
    before = {file: file.read_bytes() for file in directory.rglob("*") if file.is_file()}
    assert check(directory).is_clean
    assert before == {file: file.read_bytes() for file in directory.rglob("*") if file.is_file()}
    with Instance.open(directory) as instance:
        assert np.sum([len(table.sealed) for table in instance.storage.published.tables.values()]) >= 1
    assert check(directory).is_clean
