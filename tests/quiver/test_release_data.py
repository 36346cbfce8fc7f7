"""Goal: a directory that a released version wrote is read, checked, searched, written and read again by this one.

Method: a copy of each `tests/data/release_*`; its rows against what that version read, its constraints against statements
that break them. The script beside the directories wrote them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from quiver.check import check
from quiver.instance import Instance
from tests.quiver.sample_directory import DatabaseClient, all_rows

RELEASES = sorted((Path(__file__).parents[1] / "data").glob("release_*"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name),
]

BROKEN = (
    ("INSERT INTO items (code) VALUES ('c5')", "23505"),
    ("INSERT INTO items (id, code) VALUES (5, 'fresh')", "23505"),
    ("INSERT INTO items (code, maker) VALUES ('fresh', 999)", "23503"),
    ("INSERT INTO items (code, price) VALUES ('fresh', -1)", "23514"),
    ("INSERT INTO items (maker) VALUES (1)", "23502"),
    ("INSERT INTO items (code, taxed) VALUES ('fresh', 1)", "428C9"),
    ("DELETE FROM makers WHERE id = 2", "23503"),
)
NEAREST = "SELECT id FROM items WHERE id < 900 ORDER BY e <=> '[1,0,4]' LIMIT 6"


@pytest.fixture
def directory(release: Path, tmp_path: Path) -> Path:
    shutil.copytree(release / "data", tmp_path / "data")
    return tmp_path / "data"


def expected_rows(release: Path) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = json.loads((release / "expected.json").read_text(encoding="utf-8"))
    return rows


def test_its_check_is_clean(release: Path, directory: Path) -> None:
    assert check(directory).problems == []


def test_its_rows_are_read(release: Path, directory: Path) -> None:
    with Instance.open(directory) as instance:
        assert all_rows(instance) == expected_rows(release)
    with Instance.open(directory) as instance:
        assert all_rows(instance) == expected_rows(release), "after its checkpoint"
    assert check(directory).problems == []


def test_its_constraints_hold(release: Path, directory: Path) -> None:
    with Instance.open(directory) as instance:
        client = DatabaseClient(instance, "postgres")
        for statement, sqlstate in BROKEN:
            assert client.sqlstate(statement) == sqlstate, statement
        assert all_rows(instance) == expected_rows(release)


def test_its_graph_is_used(release: Path, directory: Path) -> None:
    with Instance.open(directory) as instance:
        client = DatabaseClient(instance, "postgres")
        assert client.rows("SELECT state FROM quiver_index_status") == [("ready",)]
        found = client.rows(NEAREST)
        client.script("SET enable_indexscan = off")
        assert client.rows(NEAREST) == found


def test_it_is_written_and_read_again(release: Path, directory: Path) -> None:
    instance = Instance.open(directory)
    client = DatabaseClient(instance, "postgres")
    ((last,),) = client.rows("SELECT max(id) FROM items")
    client.script("INSERT INTO items (maker, code, price, e) VALUES (3, 'fresh', 10, '[1,2,3]')")
    ((fresh, taxed, stock),) = client.rows("SELECT id, taxed::text, stock FROM items WHERE code = 'fresh'")
    assert fresh > last and (taxed, stock) == ("12.00", 5)
    client.script("UPDATE items SET price = 1 WHERE id = 50; DELETE FROM items WHERE id = 60")
    client.script("DROP INDEX items_e")
    client.script("VACUUM FULL items")
    written = all_rows(instance)
    client.close()
    instance.maintenance.stop()
    instance.storage.abandon()
    assert check(directory).is_clean
    with Instance.open(directory) as again:
        assert all_rows(again) == written
    assert check(directory).problems == []
