"""Goal: an asynchronous commit is seen at once, and a crash loses at most the newest ones, whole and in order.

Method: random mixes of synchronous and asynchronous commits, flushes and maintenance on a file system that stops at a
random operation and loses what was not synced: the rows found must be those after some prefix of the commits that
reaches the last one that had to be durable. Pages that reached the disk out of order are made by zeroing a group in
the middle. A child process that kills itself loses nothing.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from foundation.errors import QuiverError
from storage import Storage
from storage.catalog import Index, IndexKey, Persistence, Schema, Table, replaced
from storage.files import AppendFile, LocalFiles
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import batch, delete_ids, ids_of, insert, make_table, open_storage
from tests.storage.test_crash import OPTIONS


def insert_soon(storage: Storage, table: Table, ids: list[int]) -> int:
    """An asynchronous commit of rows."""
    with storage.begin() as transaction:
        transaction.insert(table.oid, batch(ids))
        return transaction.commit(synchronous=False)


def test_it_is_seen_at_once_and_synced_by_the_next_flush(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    before = storage.log.sync_count
    lsns = [insert_soon(storage, table, [i]) for i in range(50)]
    assert storage.log.sync_count == before and storage.log.durable_lsn < lsns[0]
    assert ids_of(storage, table) == list(range(50)) and storage.last_lsn == lsns[-1]
    storage.flush_log()
    assert storage.log.sync_count == before + 1 and storage.log.durable_lsn == lsns[-1]
    storage.flush_log()
    assert storage.log.sync_count == before + 1
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == list(range(50))
    storage.close()


def test_a_synchronous_commit_makes_what_is_before_it_durable(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    insert_soon(storage, table, [1])
    lsn = insert(storage, table, [2])
    assert storage.log.durable_lsn == lsn
    insert_soon(storage, table, [3])
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [1, 2]
    storage.close()


def test_ddl_and_truncate_are_synchronous(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, index = make_table(storage)
    insert_soon(storage, table, [1])
    with storage.begin() as transaction:
        transaction.truncate(table.oid)
        lsn = transaction.commit(synchronous=False)
    assert storage.log.durable_lsn == lsn
    with storage.begin() as transaction:
        transaction.drop(index.oid)
        transaction.drop(table.oid)
        lsn = transaction.commit(synchronous=False)
    assert storage.log.durable_lsn == lsn
    storage.close()


def test_what_is_temporary_waits_for_no_disk(tmp_path: Path) -> None:
    """Its creation, rows and indexes; a removal does, so that no state comes back that names files which are gone."""
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    kept, _ = make_table(storage)
    before = storage.log.sync_count
    schema = Schema(storage.allocate_oid(), "pg_temp_1", kept.database_oid, kept.owner_oid)
    table = replaced(
        kept, oid=storage.allocate_oid(), schema_oid=schema.oid, persistence=Persistence.TEMPORARY
    )
    index = Index(
        storage.allocate_oid(), "i", kept.database_oid, kept.owner_oid, schema_oid=schema.oid,
        table_oid=table.oid, keys=(IndexKey(1),), is_unique=True,
    )  # fmt: skip
    with storage.begin() as transaction:
        for obj in (schema, table, index):
            transaction.put(obj)
        transaction.commit()
    insert(storage, table, [1, 2, 3])
    assert ids_of(storage, table) == [1, 2, 3] and storage.log.sync_count == before
    insert(storage, kept, [1])
    assert storage.log.sync_count == before + 1
    with storage.begin() as transaction:
        transaction.insert(kept.oid, batch([2]))
        transaction.insert(table.oid, batch([4]))
        transaction.commit()
    assert storage.log.sync_count == before + 2, "one change of a table that stays is enough"
    with storage.begin() as transaction:
        for oid in (index.oid, table.oid):
            transaction.drop(oid)
        lsn = transaction.commit()
    assert storage.log.durable_lsn == lsn
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, kept) == [1, 2] and storage.catalog.get(table.oid) is None
    storage.close()


class _HeldFile(AppendFile):
    """Its fsync waits until it is let go."""

    def __init__(self, inner: AppendFile) -> None:
        super().__init__(inner.path, inner._descriptor, inner.size_bytes)
        self.is_syncing, self.may_sync = threading.Event(), threading.Event()

    def sync_appended(self) -> None:
        self.is_syncing.set()
        assert self.may_sync.wait(30)
        super().sync_appended()


def test_a_synchronous_commit_is_not_seen_before_it_is_durable(tmp_path: Path) -> None:
    """An asynchronous commit behind one whose fsync is under way waits for it, because its state includes it."""
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    held = storage.log._file = _HeldFile(storage.log._file)
    threads = [threading.Thread(target=insert, args=(storage, table, [1]))]
    threads[0].start()
    assert held.is_syncing.wait(30)
    threads.append(threading.Thread(target=insert_soon, args=(storage, table, [2])))
    threads[1].start()
    threads[1].join(0.05)
    assert threads[1].is_alive() and ids_of(storage, table) == []
    held.may_sync.set()
    for thread in threads:
        thread.join()
    assert ids_of(storage, table) == [1, 2]
    storage.close()


@dataclass
class History:
    """The rows after each commit, and how many commits a crash must not lose."""

    contents: list[set[int]] = field(default_factory=lambda: [set()])
    durable_count: int = 0
    has_table: bool = False


def run_random(storage: Storage, seed: int, history: History) -> None:
    """Sixty changes, most of them asynchronous, until the injected failure."""
    draw = random.Random(seed)
    table, _ = make_table(storage)
    history.has_table = True
    next_id = 0
    for _ in range(60):
        now = set(history.contents[-1])
        action = draw.choices(["insert", "delete", "flush", "checkpoint"], [10, 4, 2, 1])[0]
        if action in ("flush", "checkpoint"):
            storage.flush_log() if action == "flush" else storage.checkpoint()
            if not storage.log.has_failed:
                history.durable_count = len(history.contents) - 1
            continue
        synchronous = draw.random() < 0.15
        with storage.begin() as transaction:
            if action == "insert" or not now:
                fresh = list(range(next_id, next_id + draw.randrange(1, 12)))
                next_id += len(fresh)
                transaction.insert(table.oid, batch(fresh))
                now |= set(fresh)
            else:
                gone = set(draw.sample(sorted(now), draw.randrange(1, len(now) + 1)))
                delete_ids(transaction, table, gone)
                now -= gone
            history.contents.append(now)
            transaction.commit(synchronous=synchronous)
        assert set(ids_of(storage, table)) == now
        if synchronous:
            history.durable_count = len(history.contents) - 1
    storage.abandon()


def crash_once(path: Path, seed: int) -> None:
    draw = random.Random(seed)
    files = FaultyFiles(keeps_torn_half=draw.random() < 0.5)
    storage = open_storage(path, files=files, options=OPTIONS)
    history = History()
    files.fail_at = files.operation_count + draw.randrange(1, 400)
    try:
        run_random(storage, seed, history)
    except QuiverError as error:
        assert error.sqlstate == "58030"
    storage.abandon()
    files.crash(folders_too=draw.random() < 0.5)
    storage = open_storage(path, options=OPTIONS)
    if history.has_table:
        (table,) = [t for t in storage.catalog.objects(Table) if t.name == "t"]
        found = set(ids_of(storage, table))
        assert found in history.contents[history.durable_count :]
        insert(storage, table, [100_000])
    storage.close()


def test_a_crash_leaves_a_prefix_of_the_commits(tmp_path: Path) -> None:
    for seed in range(1):
        crash_once(tmp_path / str(seed), seed)


@pytest.mark.slow
def test_many_crashes_leave_prefixes_of_the_commits(tmp_path: Path) -> None:
    for seed in range(100, 160):
        crash_once(tmp_path / str(seed), seed)


@pytest.mark.parametrize("lost", [0, 3, 8])
def test_pages_that_reached_the_disk_out_of_order(tmp_path: Path, lost: int) -> None:
    """The group `lost` of nine unsynced ones is zeros, those after it are whole: it and they are cut."""
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    path = Path(storage.log._file.path)
    ends = [storage.log._file.size_bytes]
    for i in range(9):
        insert_soon(storage, table, [i])
        ends.append(storage.log._file.size_bytes)
    storage.abandon()
    data = bytearray(path.read_bytes())
    data[ends[lost] : ends[lost + 1]] = bytes(ends[lost + 1] - ends[lost])
    path.write_bytes(data)
    storage = open_storage(tmp_path, files=LocalFiles())
    assert ids_of(storage, table) == list(range(lost))
    storage.close()


CHILD = """
import os, signal, sys
from tests.storage.sample_tables import make_table, open_storage
from tests.storage.test_asynchronous_commit import insert_soon
storage = open_storage(sys.argv[1])
table, _ = make_table(storage)
for number in range(200):
    insert_soon(storage, table, [number])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], cwd=Path(__file__).parents[2])
    assert child.returncode == -signal.SIGKILL
    storage = open_storage(tmp_path)
    (table,) = [t for t in storage.catalog.objects(Table) if t.name == "t"]
    assert ids_of(storage, table) == list(range(200))
    storage.close()
