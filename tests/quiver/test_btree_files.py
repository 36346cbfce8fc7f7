"""Goal: each sealed segment of an indexed table has the order of the column beside it, in every form its rows take, and
loses nothing but time where the file is missing or damaged.

Method: an instance whose background stands still, taken through its steps by hand; files changed byte by byte and with
valid checksums.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.btree.indexed_columns import sorted_rows
from planner.vector import BuildClaims
from quiver.check import check
from quiver.instance import Instance
from quiver.maintenance import Maintenance
from storage import SegmentView
from storage.catalog import Index, Table
from tests.sqlfront.session.driver import Client, opened
from tests.storage.block_surgery import array_of, flip, rewrite
from vecengine import Buffers

pytestmark = pytest.mark.slow

ROWS = 5000
LOAD = (
    "INSERT INTO t SELECT i, CASE WHEN i % 10 > 0 THEN i * 7919 % 1000 END, 'n' || i % 77, '[1,2]' "
    "FROM generate_series({}, {}) i"
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path / "data") as found:
        yield found


@pytest.fixture
def client(instance: Instance) -> Client:
    client = Client(instance)
    client.script("CREATE TABLE t (id int PRIMARY KEY, v int, name text, e vector(2))")
    client.script(LOAD.format(1, ROWS))
    return client


def table_oid(instance: Instance) -> int:
    return next(t.oid for t in instance.storage.catalog.objects(Table) if t.name == "t")


def index_of(instance: Instance, name: str) -> Index:
    return next(i for i in instance.storage.catalog.objects(Index) if i.name == name)


def seal(instance: Instance) -> None:
    instance.storage.flush_table(table_oid(instance))


def run_round(instance: Instance) -> None:
    """One round of background work."""
    Maintenance(instance.storage, BuildClaims(), flush_seconds=1).run_once()


def segments(instance: Instance) -> tuple[SegmentView, ...]:
    with instance.storage.begin(read_only=True) as transaction:
        return transaction.table_view(table_oid(instance)).segments


def served(instance: Instance, name: str = "t_v_idx") -> list[bool]:
    """Which segments have an order of the index that can be used and is right."""
    index = index_of(instance, name)
    attnum = index.keys[0].attnum
    found = []
    for segment in segments(instance):
        kept = sorted_rows(segment, attnum, index.oid)
        found.append(kept is not None)
        if kept is not None:
            assert kept.faults(segment.column(attnum), segment.table.column_at(attnum).type) == []
    return found


def files(instance: Instance) -> list[Path]:
    return sorted(Path(instance.storage.path).rglob("*.index"))


def test_create_index_builds_for_sealed_segments(instance: Instance, client: Client) -> None:
    client.script("CREATE INDEX ON t (v)")
    assert served(instance) == [False], "rows in memory are scanned"
    seal(instance)
    client.script(LOAD.format(ROWS + 1, ROWS + 50))
    client.script("CREATE INDEX ON t (name, v DESC); CREATE INDEX later ON t (name)")
    assert served(instance, "t_name_v_idx") == served(instance, "later") == [True, False]
    assert client.value("SELECT pg_relation_size('later')") > 4 * ROWS


def test_background_builds_what_is_missing(instance: Instance, client: Client) -> None:
    client.script("CREATE INDEX ON t (v)")
    seal(instance)
    assert served(instance) == [False]
    run_round(instance)
    assert served(instance) == [True]


def test_indexes_that_keep_no_order_have_no_files(instance: Instance, client: Client) -> None:
    seal(instance)
    client.script(
        "CREATE INDEX part ON t (v) WHERE id > 5; CREATE UNIQUE INDEX u ON t (id, v); CREATE INDEX ON t (e)"
    )
    assert files(instance) == []


def test_segments_that_replace_others_come_with_the_order(instance: Instance, client: Client) -> None:
    client.script("CREATE INDEX ON t (v)")
    instance.storage.start_background(instance.maintenance._inherited, 2)
    seal(instance)
    assert served(instance) == [True]
    client.script(LOAD.format(ROWS + 1, 2 * ROWS))
    client.script("DELETE FROM t WHERE id % 3 = 0")
    seal(instance)
    assert served(instance) == [True], "a small segment is taken along, though it has the file of an index"
    instance.storage.merge_segments(table_oid(instance))
    assert served(instance) == [True]
    assert segments(instance)[0].row_count == 2 * ROWS - 2 * ROWS // 3
    instance.storage.stop_background()


def test_an_order_without_memory_comes_later(instance: Instance, client: Client) -> None:
    client.script("CREATE INDEX ON t (v)")
    memory = instance.storage.memory
    heir = instance.maintenance._inherited

    def short_of_memory(*arguments: Any) -> dict[int, Buffers]:
        left = memory.limit_bytes - sum(memory.held().values()) - 1000
        memory.reserve("a test", left)
        try:
            return heir(*arguments)
        finally:
            memory.release("a test", left)

    instance.storage.start_background(short_of_memory, 2)
    seal(instance)
    instance.storage.stop_background()
    assert served(instance) == [False]
    run_round(instance)
    assert served(instance) == [True]


def test_a_patched_column_has_no_order_until_it_is_merged(instance: Instance, client: Client) -> None:
    seal(instance)
    client.script("CREATE INDEX ON t (v); CREATE INDEX ON t (name)")
    client.script("UPDATE t SET v = -v WHERE id % 2 = 0")
    assert segments(instance)[0].is_patched(2), "the test needs a patch"
    assert served(instance) == [False] and served(instance, "t_name_idx") == [True]
    client.script("REINDEX TABLE t")
    assert served(instance) == [False]
    instance.storage.checkpoint()
    instance.storage.start_background(instance.maintenance._inherited, 2)
    instance.storage.merge_segments(table_oid(instance))
    instance.storage.stop_background()
    assert served(instance) == [True]


def test_equal_values_of_another_type_are_sorted_anew(instance: Instance, client: Client) -> None:
    client.script("CREATE TABLE k (id int PRIMARY KEY, n numeric UNIQUE, e vector(1))")
    client.script("INSERT INTO k VALUES (1, '1.0', '[1]'); ALTER TABLE k ALTER COLUMN n TYPE text")
    assert client.sqlstate("INSERT INTO k VALUES (2, '1.0', '[1]')") == "23505", "keys, too"
    client.script("ALTER TABLE t ADD COLUMN n numeric, ADD COLUMN c text")
    client.script("UPDATE t SET n = id, c = 'c' || id")
    seal(instance)
    client.script("CREATE INDEX ON t (n); CREATE INDEX ON t (c)")
    assert served(instance, "t_n_idx") == served(instance, "t_c_idx") == [True]
    client.script("ALTER TABLE t ALTER COLUMN c TYPE varchar(9)")
    seal(instance)
    assert served(instance, "t_n_idx") == [True], "text and varchar have one order"
    client.script("ALTER TABLE t ALTER COLUMN n TYPE text")
    seal(instance)
    assert served(instance, "t_n_idx") == [False]
    assert client.value("SELECT count(*) FROM t WHERE n = '5'") == 1
    run_round(instance)
    assert served(instance, "t_n_idx") == [True]
    assert client.value("SELECT count(*) FROM t WHERE n = '5'") == 1


def test_a_dropped_index_takes_its_files_along(instance: Instance, client: Client) -> None:
    seal(instance)
    client.script("CREATE INDEX ON t (v); CREATE INDEX ON t (name)")
    assert len(files(instance)) == 2
    client.script("DROP INDEX t_v_idx")
    client.script("CHECKPOINT")
    assert len(files(instance)) == 1
    client.script("ALTER TABLE t DROP COLUMN name")
    client.script("CHECKPOINT")
    assert files(instance) == []


def test_a_cancelled_build_leaves_no_index(instance: Instance, client: Client) -> None:
    seal(instance)
    client.script("CREATE INDEX other ON t (name)")
    session = client.session
    failed = instance.storage.install_index

    def cancelled(*arguments: object) -> bool:
        session.cancel_token.cancel(1)
        session.cancel_token.check()
        raise AssertionError

    instance.storage.install_index = cancelled  # type: ignore[method-assign]
    try:
        assert client.sqlstate("CREATE INDEX ON t (v)") == "57014"
    finally:
        instance.storage.install_index = failed  # type: ignore[method-assign]
    names = {index.name for index in instance.storage.catalog.objects(Index)}
    assert names == {"t_pkey", "other"} and len(files(instance)) == 1


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "stored"
    with opened(path) as instance:
        client = Client(instance)
        client.script("CREATE TABLE t (id int PRIMARY KEY, v int, name text, e vector(2))")
        client.script(LOAD.format(1, ROWS))
        seal(instance)
        client.script("CREATE INDEX ON t (v)")
        client.script("CHECKPOINT")
    return path


def test_the_order_is_there_after_a_restart(stored: Path) -> None:
    report = check(stored)
    assert report.is_clean and report.totals.index_files == 1
    with opened(stored) as instance:
        assert served(instance) == [True]


def test_a_flipped_byte_is_told_and_mended(stored: Path) -> None:
    (file,) = stored.rglob("*.index")
    flip(file, 4096)
    (problem,) = check(stored).problems
    assert "checksum mismatch in block" in problem.message
    with opened(stored) as instance:
        client = Client(instance)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_v_idx'::regclass"
        assert client.value(valid), "nobody has looked into the file"
        assert client.value("SELECT count(*) FROM t WHERE v = 7") == 5
        assert served(instance) == [False] and not client.value(valid)
        run_round(instance)
        assert served(instance) == [True] and client.value(valid)
    assert check(stored).is_clean


def test_an_order_of_other_rows_is_told(stored: Path) -> None:
    (file,) = stored.rglob("*.index")
    rows = array_of(file, "rows")
    rewrite(file, arrays={"rows": np.roll(rows, 1)})
    (problem,) = check(stored).problems
    assert 'index "t_v_idx": 5000 rows are not in the order of their values' in problem.message
    rewrite(file, arrays={"rows": rows[1:]})
    (problem,) = check(stored).problems
    assert "btree index is not one of 5000 rows" in problem.message


def test_reindex_writes_another_file(stored: Path) -> None:
    with opened(stored) as instance:
        (before,) = files(instance)
        client = Client(instance)
        client.script("REINDEX INDEX t_v_idx")
        client.script("CHECKPOINT")
        (after,) = files(instance)
        assert before != after and served(instance) == [True]
