"""Goal: whatever was acknowledged survives, nothing else appears, however and whenever the machine stops.

Method: one script of commits and maintenance runs on a file system that fails at its n-th operation, for
every n; then the bytes and names that were not synced are taken away (all, half of the bytes, or none) and
the directory is opened again. The rows must be those of the last acknowledged commit, or of the one under
way. Separately a child process is killed with SIGKILL in a loop of commits.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import QuiverError
from storage import Storage, StorageOptions
from storage.catalog import Index, IndexKey, Sequence
from storage.errors import IoFailure
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import (
    batch,
    delete_ids,
    ids_of,
    insert,
    make_table,
    open_storage,
    unique_index,
)

OPTIONS = StorageOptions(growing_bytes_max=1500, write_set_bytes_max=600, checkpoint_rows_bytes_max=300)


class Script:
    """A fixed sequence of changes; `allowed` are the contents a reader may find at any moment."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.done: set[int] = set()
        self.pending: set[int] = set()
        self.has_table = False
        self.sequence_values: list[int] = []

    def change(self, ids: set[int], run: Callable[[], object]) -> None:
        """Do `run`, after which the table holds `ids`."""
        self.pending = ids
        run()
        self.done = ids

    def run(self) -> None:
        storage = self.storage
        self.table, self.index = make_table(storage)
        self.has_table = True
        self.change(set(range(5)), lambda: insert(storage, self.table, range(5)))
        self.change(self.done | {5}, lambda: insert(storage, self.table, [5]))
        self._next_value()
        storage.flush_table(self.table.oid)
        self.change(self.done - {2}, lambda: self._delete([2]))
        # Spills, so it becomes a sealed segment of its own.
        self.change(self.done | set(range(10, 60)), lambda: insert(storage, self.table, range(10, 60)))
        storage.checkpoint()
        self.change(self.done | {70}, lambda: insert(storage, self.table, [70]))
        self._install_index()
        storage.merge_segments(self.table.oid)
        self._next_value()
        self.change(self.done - {5, 20, 70}, lambda: self._delete([5, 20, 70]))
        storage.checkpoint()
        self.change({80}, self._truncate)
        self.change(self.done | set(range(90, 130)), lambda: insert(storage, self.table, range(90, 130)))
        storage.close()

    def _next_value(self) -> None:
        sequence = Sequence(15000, "s", 5, 10)
        self.sequence_values += self.storage.next_sequence_values(sequence, 3).tolist()

    def _delete(self, ids: list[int]) -> None:
        with self.storage.begin() as transaction:
            delete_ids(transaction, self.table, ids)
            transaction.commit()

    def _truncate(self) -> None:
        with self.storage.begin() as transaction:
            transaction.truncate(self.table.oid)
            transaction.insert(self.table.oid, batch([80]))
            transaction.commit()

    def _install_index(self) -> None:
        index = Index(16000, "h", 5, 10, table_oid=self.table.oid, family="hnsw", keys=(IndexKey(3),))
        with self.storage.begin() as transaction:
            transaction.put(index)
            transaction.put(unique_index(self.storage, self.table, (2, 1), "u"))
            transaction.commit()
        with self.storage.begin() as transaction:
            for segment in transaction.table_view(self.table.oid).segments:
                if segment.segment_id > 0:
                    self.storage.install_index(16000, segment.segment_id, {"a": np.arange(9)})


def run_until_failure(path: Path, files: FaultyFiles) -> Script | None:
    """The script up to the injected failure; None when not even opening worked."""
    try:
        storage = open_storage(path, files=files, options=OPTIONS)
    except IoFailure:
        return None
    script = Script(storage)
    try:
        script.run()
    except QuiverError as error:
        assert error.sqlstate == "58030"
    storage.abandon()
    return script


def check_recovered(path: Path, script: Script | None) -> None:
    storage = open_storage(path, options=OPTIONS)
    if script is not None and script.has_table:
        table = script.table
        found = set(ids_of(storage, table))
        assert found in (script.done, script.pending)
        if script.sequence_values:
            fresh = storage.next_sequence_values(Sequence(15000, "s", 5, 10), 1)[0]
            assert fresh not in script.sequence_values
        # The keys are enforced and the directory takes writes.
        with storage.begin() as transaction:
            for segment in transaction.table_view(table.oid).segments:
                buffers = segment.index_buffers(16000)
                assert buffers is None or buffers["a"].tolist() == list(range(9))
        insert(storage, table, [100_000])
        with pytest.raises(QuiverError, match="duplicate key"):
            insert(storage, table, [100_000])
        if found:
            with pytest.raises(QuiverError, match="duplicate key"):
                insert(storage, table, [min(found)])
    storage.close()
    state = storage.published
    segments = [segment for table in state.tables.values() for segment in table.sealed]
    named = {segment.rows.segment_id for segment in segments}
    named |= {attachment.file_id for segment in segments for attachment in segment.attachments.values()}
    assert {int(p.stem, 16) for p in (path / "data").iterdir()} == named
    leftovers = [p.name for p in path.rglob("*") if p.suffix in (".tmp", ".spill")]
    assert not leftovers


def operation_count(path: Path) -> int:
    files = FaultyFiles()
    script = run_until_failure(path, files)
    assert script is not None and script.done == {80, *range(90, 130)}
    return files.operation_count


def crash_at(path: Path, number: int, *, torn: bool, folders_too: bool) -> None:
    files = FaultyFiles(number, keeps_torn_half=torn)
    script = run_until_failure(path, files)
    files.crash(folders_too=folders_too)
    check_recovered(path, script)


def test_script_without_failure(tmp_path: Path) -> None:
    assert operation_count(tmp_path) > 100


def test_some_operations_fail(tmp_path: Path) -> None:
    total = operation_count(tmp_path / "whole")
    for number in range(1, total + 1, 23):
        crash_at(tmp_path / str(number), number, torn=False, folders_too=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("torn", "folders_too"), [(False, True), (True, True), (True, False), (False, False)]
)
def test_every_operation_fails(tmp_path: Path, torn: bool, folders_too: bool) -> None:
    total = operation_count(tmp_path / "whole")
    for number in range(1, total + 1):
        crash_at(tmp_path / str(number), number, torn=torn, folders_too=folders_too)


@pytest.mark.slow
def test_failed_fsync_of_the_log_stops_everything(tmp_path: Path) -> None:
    files = FaultyFiles(error_number=errno.EIO)
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    files.fail_at = files.operation_count + 2
    with pytest.raises(IoFailure, match="could not fsync file"):
        insert(storage, table, [2])
    files.fail_at = 0
    with pytest.raises(IoFailure, match="the write-ahead log has failed"):
        insert(storage, table, [3])
    with pytest.raises(IoFailure):
        storage.checkpoint()
    assert ids_of(storage, table) == [1]
    storage.close()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) in ([1], [1, 2])
    storage.close()


def test_failed_segment_file_fails_only_its_commit(tmp_path: Path) -> None:
    files = FaultyFiles(error_number=errno.EIO)
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    transaction = storage.begin()
    transaction.insert(table.oid, batch(range(50)))
    files.fail_at = files.operation_count + 2
    with pytest.raises(IoFailure):
        transaction.commit()
    insert(storage, table, [7])
    assert ids_of(storage, table) == [7]
    storage.close()


CHILD = """
import sys
from tests.storage.sample_tables import insert, make_table, open_storage
from tests.storage.test_crash import OPTIONS
storage = open_storage(sys.argv[1], options=OPTIONS)
tables = list(storage.catalog.objects(type(make_table(storage, "probe" + sys.argv[2])[0])))
table = next(t for t in tables if t.name == "t")
first = int(sys.argv[2])
print("ready", flush=True)
for number in range(first, first + 100000, 40):
    insert(storage, table, range(number, number + 40))
    print(number, flush=True)
    if number % 200 == 0:
        storage.checkpoint()
"""


def kill_loop(path: Path, kills: int) -> None:
    """Start a child that commits batches of 40 rows, kill it after some acknowledged ones, check, repeat."""
    storage = open_storage(path, options=OPTIONS)
    table, _ = make_table(storage)
    storage.close()
    acknowledged: set[int] = set()
    for kill in range(kills):
        first = kill * 1_000_000
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        lines = [child.stdout.readline() for _ in range(kill * 3 % 11)]
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
        child.stdout.close()
        child.wait()
        acknowledged |= {int(line) for line in lines if line.endswith("\n")}
        storage = open_storage(path, options=OPTIONS)
        found = ids_of(storage, table)
        batches = {number - number % 40 for number in found}
        assert found == [number + i for number in sorted(batches) for i in range(40)]
        assert acknowledged <= batches
        assert len(batches - acknowledged) <= kill + 1
        storage.abandon()


@pytest.mark.slow
def test_five_kills(tmp_path: Path) -> None:
    kill_loop(tmp_path, 5)


@pytest.mark.slow
def test_fifty_kills(tmp_path: Path) -> None:
    kill_loop(tmp_path, 50)
