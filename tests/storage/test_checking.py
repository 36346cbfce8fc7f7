"""Goal: a check says nothing about a sound directory and names file and fault for every kind of damage; it writes nothing.

Method: one directory with a sealed segment, key files, tombstones, rows in the manifest and in the log, damaged in one
way per case: bytes flipped, or blocks and catalog objects rewritten with right checksums, so that only their meaning is
wrong. Index files and conversions are the business of the packages above; hooks stand in for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, TEXT
from storage import SegmentView, Storage, layout
from storage.catalog import Column, ForeignKey, Index, Table
from storage.checking import CheckHooks, CheckTotals, Problem, Severity, check_directory
from storage.checking import keys as checked_keys
from storage.errors import DirectoryInUse, DirectoryUnusable
from tests.storage.block_surgery import array_of, flip, rewrite
from tests.storage.sample_tables import (
    columns_batch,
    delete_ids,
    insert,
    make_table,
    open_storage,
    row_ids_of,
    unique_index,
)

CHILD_COLUMNS = (Column(1, "id", INT4, not_null=True), Column(2, "parent", INT4), Column(3, "label", TEXT))
INDEX_OID = 900
"""Of an index whose file is three numbers."""


def no_faults(index: Index, segment: SegmentView, buffers: dict[str, Any]) -> Iterator[str]:
    """The meaning of the sample's index file: it repeats how many rows there are."""
    if int(buffers["rows"][0]) != segment.row_count:
        yield f"it is for {buffers['rows'][0]} rows"


def unchanged(column: pa.Array, source: object, target: object) -> pa.Array:
    return column


def check(path: Path) -> tuple[list[Problem], CheckTotals]:
    totals = CheckTotals()
    hooks = CheckHooks(no_faults, unchanged, MemoryBudget(1 << 28))
    before = contents(path)
    problems = list(check_directory(str(path), hooks, totals))
    assert contents(path) == before
    return problems, totals


def contents(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def damage(path: Path) -> list[str]:
    return [str(problem) for problem in check(path)[0] if problem.severity is Severity.DAMAGE]


def notes(path: Path) -> list[str]:
    return [str(problem) for problem in check(path)[0] if problem.severity is Severity.NOTE]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Parents 0..49 in two segments with 7 deleted, children in the manifest, the last commits in the log."""
    path = tmp_path / "data"
    storage = open_storage(path)
    parent, parent_key = make_table(storage, "parent")
    insert(storage, parent, range(40))
    storage.flush_table(parent.oid)
    child, _ = make_table(storage, "child", CHILD_COLUMNS)
    with storage.begin() as transaction:
        transaction.put(
            ForeignKey(
                storage.allocate_oid(), "child_parent_fkey", 5, 10, table_oid=child.oid, attnums=(2,),
                referenced_oid=parent.oid, referenced_attnums=(1,), referenced_index_oid=parent_key.oid,
            )
        )  # fmt: skip
        transaction.put(
            Index(
                INDEX_OID,
                "parent_v",
                5,
                10,
                table_oid=parent.oid,
                keys=parent_key.keys,
                family="hnsw",
                metric="l2",
            )
        )
        transaction.insert(
            child.oid, columns_batch(CHILD_COLUMNS, [[1, 2, 3], [1, 39, None], ["a", None, "c"]])
        )
        delete_ids(transaction, parent, [7])
        transaction.commit()
    (segment,) = storage.published.table_state(parent.oid).sealed
    assert storage.install_index(INDEX_OID, segment.rows.segment_id, {"rows": np.array([40])})
    storage.checkpoint()
    insert(storage, parent, range(40, 50))
    insert(storage, parent, range(50, 55))
    storage.abandon()
    return path


def file_of(path: Path, suffix: str) -> Path:
    (file,) = path.rglob("*" + suffix)
    return file


def edit_catalog(path: Path, of: str, /, **changes: Any) -> None:
    """Change fields of a catalog object in the manifest."""

    def change(meta: dict[str, Any]) -> None:
        (record,) = [record for record in meta["catalog"] if record["name"] == of]
        record.update(changes)

    rewrite(file_of(path, ".manifest"), meta=change)


def edit_column(path: Path, table: str, column: str, **changes: Any) -> None:
    def change(meta: dict[str, Any]) -> None:
        (record,) = [record for record in meta["catalog"] if record["name"] == table]
        (found,) = [c for c in record["columns"] if c["name"] == column]
        found.update(changes)

    rewrite(file_of(path, ".manifest"), meta=change)


def test_a_sound_directory(directory: Path) -> None:
    problems, totals = check(directory)
    assert problems == []
    assert (totals.tables, totals.rows, totals.key_files, totals.index_files) == (2, 39 + 3 + 15, 1, 1)
    assert totals.commits == 2
    assert totals.bytes_verified == sum(f.stat().st_size for f in directory.rglob("*.*"))


def test_progress_ends_at_the_total(directory: Path) -> None:
    seen: list[tuple[int, int]] = []
    hooks = CheckHooks(
        no_faults, unchanged, MemoryBudget(1 << 28), progress=lambda done, total: seen.append((done, total))
    )
    assert not list(check_directory(str(directory), hooks, CheckTotals()))
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] > 0


def test_small_pieces_give_the_same(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_keys, "CHUNK_ROWS", 4)
    assert check(directory)[0] == []


def test_a_served_directory_is_left_alone(directory: Path) -> None:
    storage = open_storage(directory)
    with pytest.raises(DirectoryInUse, match="in use by another process") as caught:
        check(directory)
    assert caught.value.hint == "Stop the server before the check."
    storage.close()


def test_a_copy_without_a_lock_file(directory: Path) -> None:
    (directory / layout.LOCK_FILE).unlink()
    assert check(directory)[0] == []


def test_no_data_directory(tmp_path: Path) -> None:
    with pytest.raises(DirectoryUnusable, match="it has no FORMAT file"):
        check(tmp_path)


def test_a_newer_format(directory: Path) -> None:
    (directory / layout.FORMAT_FILE).write_text("2\n")
    with pytest.raises(DirectoryUnusable, match="has format 2"):
        check(directory)


@pytest.mark.parametrize("text", ["", "0\n", "1", "x\n", "1\n\n"])
def test_a_damaged_format_file(directory: Path, text: str) -> None:
    (directory / layout.FORMAT_FILE).write_text(text)
    assert damage(directory) == ["FORMAT, offset 0: it holds no format number"]


@pytest.mark.parametrize("suffix", [".rows", ".keys", ".index", ".manifest"])
def test_a_flipped_byte_of_a_block(directory: Path, suffix: str) -> None:
    file = file_of(directory, suffix)
    flip(file, layout.BLOCK_ALIGNMENT)
    found = damage(directory)
    assert found[0].startswith(f"{file.relative_to(directory)}, offset ")
    assert "checksum mismatch in block" in found[0]


@pytest.mark.parametrize("suffix", [".rows", ".keys", ".index", ".manifest"])
@pytest.mark.parametrize(
    ("offset", "what"),
    [
        (0, "wrong magic number"), (8, "format"), (13, "not zero"), (20, "not zero"),
        (-1, "not zero"), (-8, "wrong trailer"), (-40, "checksum mismatch in the footer"),
    ],
)  # fmt: skip
def test_a_flipped_byte_around_the_blocks(directory: Path, suffix: str, offset: int, what: str) -> None:
    file = file_of(directory, suffix)
    flip(file, offset % file.stat().st_size)
    assert any(what in found and str(file.relative_to(directory)) in found for found in damage(directory))


@pytest.mark.parametrize("suffix", [".rows", ".keys", ".index"])
def test_a_missing_file(directory: Path, suffix: str) -> None:
    file = file_of(directory, suffix)
    file.unlink()
    assert damage(directory)[0] == f"{file.relative_to(directory)}: the file is missing"


def test_a_short_file(directory: Path) -> None:
    os.truncate(file_of(directory, ".keys"), 10)
    assert "it has only 10 bytes" in damage(directory)[0]


def test_no_manifest(directory: Path) -> None:
    file_of(directory, ".manifest").unlink()
    assert "manifest: there is no manifest" in damage(directory)


def test_the_log_damaged_before_its_last_commit(directory: Path) -> None:
    log = file_of(directory, ".log")
    flip(log, layout.LOG_FILE_HEADER.size + 60)
    (first, second) = damage(directory)
    assert first.startswith(f"log/{log.name}, offset 32: checksum mismatch in the record of LSN")
    assert second == "the state cannot be loaded: rows, keys and constraints were not checked"


def test_the_log_torn_at_its_end(directory: Path) -> None:
    log = file_of(directory, ".log")
    os.truncate(log, log.stat().st_size - 1)
    assert damage(directory) == []
    (note,) = notes(directory)
    assert "are no whole commit: torn by a crash" in note


def test_the_log_ends_before_the_manifest(directory: Path) -> None:
    rewrite(file_of(directory, ".manifest"), meta=lambda meta: meta.update(lsn=meta["lsn"] + 90))
    manifest = file_of(directory, ".manifest")
    lsn = int(manifest.stem, 16) + 90
    manifest.rename(manifest.with_name(layout.numbered_name(lsn, ".manifest")))
    assert any("the log ends at LSN" in found for found in damage(directory))


def test_files_that_belong_to_nothing(directory: Path) -> None:
    (directory / "data" / "00000000000000ff.rows").write_bytes(b"x")
    (directory / "spill" / "0000000000000001.spill").write_bytes(b"x")
    (directory / "mine.txt").write_bytes(b"x")
    assert notes(directory) == [
        "data/00000000000000ff.rows: it belongs to nothing: the next start removes it",
        "spill/0000000000000001.spill: it belongs to nothing: the next start removes it",
        "mine.txt: it is no part of a data directory",
    ]


def edit_keys(change: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        file = file_of(path, ".keys")
        hashes, offsets = change(array_of(file, "hashes"), array_of(file, "offsets"))
        rewrite(file, arrays={"hashes": hashes, "offsets": offsets})

    return apply


def replaced(array: Any, position: int, value: int) -> Any:
    array[position] = value
    return array


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (edit_keys(lambda h, o: (h[::-1], o[::-1])), "hashes do not ascend"),
        (edit_keys(lambda h, o: (h[:-1], o[:-1])), "is missing"),
        (edit_keys(lambda h, o: (h[:-1], o)), "39 hashes and 40 row offsets"),
        (edit_keys(lambda h, o: (h, replaced(o, 3, 40))), "row offset 40 is not one of 40 rows"),
        (edit_keys(lambda h, o: (h, replaced(o, 3, o[4]))), "a row is listed twice"),
        (edit_keys(lambda h, o: (replaced(h, 0, 1), o)), "is not that of its key"),
    ],
)
def test_key_files_that_are_wrong(directory: Path, change: Callable[[Path], None], what: str) -> None:
    change(directory)
    found = damage(directory)
    assert all(problem.startswith(f"data/{file_of(directory, '.keys').name}: ") for problem in found)
    assert any(what in problem for problem in found)


def test_an_index_file_of_other_rows(directory: Path) -> None:
    rewrite(file_of(directory, ".index"), arrays={"rows": np.array([39])})
    assert damage(directory) == [
        f'data/{file_of(directory, ".index").name}: index "parent_v": it is for 39 rows'
    ]


def test_an_index_file_of_another_segment(directory: Path) -> None:
    rewrite(file_of(directory, ".index"), meta=lambda meta: meta.update(segment=77))
    assert damage(directory) == [
        f"data/{file_of(directory, '.index').name}: it says it is of index {INDEX_OID} and segment 77"
    ]


def test_tombstones_of_rows_that_are_not_there(directory: Path) -> None:
    manifest = file_of(directory, ".manifest")
    segment = int(file_of(directory, ".rows").stem, 16)
    rewrite(manifest, arrays={f"deleted-{segment}": np.array([10**6], dtype=np.uint64)})
    assert any("row 1000000 is deleted and not in this segment" in found for found in damage(directory))


def test_two_tombstones_of_one_row(directory: Path) -> None:
    segment = int(file_of(directory, ".rows").stem, 16)
    ids = array_of(file_of(directory, ".rows"), "row_ids")[[3, 3]]
    rewrite(file_of(directory, ".manifest"), arrays={f"deleted-{segment}": ids})
    assert any("a row has two tombstones" in found for found in damage(directory))


def test_row_ids_that_do_not_ascend(directory: Path) -> None:
    rows = file_of(directory, ".rows")
    rewrite(file_of(directory, ".manifest"), without=f"deleted-{int(rows.stem, 16)}")
    rewrite(rows, arrays={"row_ids": array_of(rows, "row_ids")[::-1]})
    assert any("row ids do not ascend" in found for found in damage(directory))


def test_a_row_in_two_segments(directory: Path) -> None:
    rows = file_of(directory, ".rows")
    rewrite(file_of(directory, ".manifest"), without=f"deleted-{int(rows.stem, 16)}")
    ids = array_of(rows, "row_ids")
    rewrite(rows, arrays={"row_ids": ids + np.uint64(45 - int(ids[0]))})
    assert any("is in two segments" in found for found in damage(directory))


def test_a_zone_map_that_is_wrong(directory: Path) -> None:
    rewrite(file_of(directory, ".rows"), meta=lambda meta: meta["zones"].update({"1": [0, 5, 0]}))
    assert any(
        'column "id": its zone map says [0, 5, 0], its values [0, 39, 0]' in found
        for found in damage(directory)
    )


def test_a_column_of_another_type(directory: Path) -> None:
    edit_column(directory, "parent", "name", type={"oid": INT4.oid})
    what = 'table "parent", column "name": stored as string, expected int32'
    assert any(found.endswith(what) for found in damage(directory))


def test_null_against_not_null(directory: Path) -> None:
    edit_column(directory, "child", "parent", not_null=True)
    assert damage(directory) == [
        'table "child", column "parent": NULL in a row, against its NOT NULL constraint'
    ]


def table_named(storage: Storage, name: str) -> Table:
    (table,) = [table for table in storage.catalog.objects(Table) if table.name == name]
    return table


def test_a_key_twice(directory: Path) -> None:
    edit_catalog(directory, "child_pkey", keys=[{"attnum": 3}])
    storage = open_storage(directory)
    child = table_named(storage, "child")
    with storage.begin() as transaction:
        transaction.insert(child.oid, columns_batch(CHILD_COLUMNS, [[1, 9], [2, 2], ["x", "y"]]))
        transaction.commit()
    storage.close()
    assert damage(directory) == []
    edit_catalog(directory, "child_pkey", keys=[{"attnum": 1}])
    (found,) = damage(directory)
    assert found.startswith('table "child", index "child_pkey": rows ')
    assert found.endswith(" have one key (id)")


def test_a_reference_without_its_row(directory: Path) -> None:
    storage = open_storage(directory)
    with storage.begin() as transaction:
        delete_ids(transaction, table_named(storage, "parent"), [39])
        transaction.commit()
    storage.abandon()
    (found,) = damage(directory)
    assert found.startswith('table "child", foreign key "child_parent_fkey": row ')
    assert found.endswith('has no match in "parent"')


def test_half_a_reference_of_match_full(directory: Path) -> None:
    storage = open_storage(directory)
    child = table_named(storage, "child")
    pair = unique_index(storage, child, (1, 3), "pair")
    with storage.begin() as transaction:
        transaction.put(pair)
        transaction.put(
            ForeignKey(
                storage.allocate_oid(), "full", 5, 10, table_oid=child.oid, attnums=(1, 3), referenced_oid=child.oid,
                referenced_attnums=(1, 3), referenced_index_oid=pair.oid, is_match_full=True,
            )
        )  # fmt: skip
        transaction.commit()
    storage.close()
    (found,) = damage(directory)
    assert (
        found
        == 'table "child", foreign key "full": a row has NULL in some of the columns of a MATCH FULL key'
    )


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("parent", {"schema_oid": 77}, "its schema 77 does not exist"),
        ("parent", {"owner_oid": 77}, "its owner, role 77, does not exist"),
        ("parent", {"database_oid": 77}, "its database 77 does not exist"),
        ("parent", {"name": "child"}, "another object has its name"),
        ("parent", {"columns": []}, "it names column 1 of table"),
        ("child_pkey", {"table_oid": 77}, "its table 77 does not exist"),
        ("child_pkey", {"keys": []}, "it has no keys"),
        (
            "child_pkey",
            {"keys": [{"attnum": 0, "expression_sql": "x", "expression_attnums": [8]}]},
            "it names column 8 of",
        ),
        ("child_pkey", {"predicate_attnums": [7]}, "it names column 7 of table"),
        ("child_pkey", {"is_unique": False}, "a primary key is not unique"),
        ("child_parent_fkey", {"attnums": [9]}, "it names column 9 of table"),
        ("child_parent_fkey", {"attnums": []}, "it pairs 0 columns with 1"),
        ("child_parent_fkey", {"referenced_index_oid": 77}, "its unique index 77 does not exist"),
        ("child_parent_fkey", {"referenced_attnums": [2]}, "is over other columns"),
        ("child_parent_fkey", {"referenced_oid": 77}, "its table 77 does not exist"),
    ],
)
def test_catalog_objects_that_contradict_each_other(
    directory: Path, name: str, changes: dict[str, Any], what: str
) -> None:
    edit_catalog(directory, name, **changes)
    assert any(what in found for found in damage(directory))


def test_rows_of_no_table(directory: Path) -> None:
    def drop(meta: dict[str, Any]) -> None:
        meta["catalog"] = [r for r in meta["catalog"] if r["kind"] not in ("table", "index", "foreign_key")]

    os.truncate(file_of(directory, ".log"), layout.LOG_FILE_HEADER.size)
    rewrite(file_of(directory, ".manifest"), meta=drop)
    assert len([f for f in damage(directory) if f.startswith("there are rows of table")]) == 2


@pytest.fixture
def patched_directory(directory: Path) -> Path:
    """Names of some parents were patched before the checkpoint, of others after it."""
    storage = open_storage(directory)
    parent = next(table for table in storage.catalog.objects(Table) if table.name == "parent")
    for ids in ([1, 2, 5], [2, 9]):
        with storage.begin() as transaction:
            names = columns_batch(parent.columns[1:2], [[f"zzz {key}" for key in ids]])
            transaction.update(parent.oid, row_ids_of(transaction, parent, ids), names)
            transaction.commit()
        if 1 in ids:
            storage.checkpoint()
    storage.abandon()
    return directory


def test_a_sound_directory_with_patches(patched_directory: Path) -> None:
    assert damage(patched_directory) == [] and notes(patched_directory) == []


def test_an_overlay_that_is_damaged_or_of_another_segment(patched_directory: Path) -> None:
    overlay = file_of(patched_directory, ".overlay")
    name = overlay.relative_to(patched_directory)
    sound = overlay.read_bytes()
    flip(overlay, 70)
    assert any(str(name) in found and "checksum" in found for found in damage(patched_directory))
    overlay.write_bytes(sound)
    rewrite(overlay, meta=lambda meta: meta.update(rows=7))
    assert any(f"{name}: it is of segment" in found for found in damage(patched_directory))
    overlay.unlink()
    assert any("is missing" in found for found in damage(patched_directory))


def test_row_ids_of_an_overlay(patched_directory: Path) -> None:
    overlay = file_of(patched_directory, ".overlay")
    row_ids = array_of(overlay, "row_ids")
    row_ids[1] = row_ids[5]
    rewrite(overlay, arrays={"row_ids": row_ids})
    assert any("row ids in its overlay" in found for found in damage(patched_directory))
