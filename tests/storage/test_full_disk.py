"""Goal: a full disk, a read-only directory or too many open files fail a statement and nothing else.

Method: a file system that is full, refuses names, or fails one append or fsync, in the middle of commits, sequences,
spills and checkpoints. What was refused is wholly absent, what was acknowledged is there, writing goes on as soon as
there is room, and a crash at any moment recovers the same rows.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path

import pytest

from foundation.errors import QuiverError
from storage import StorageOptions
from storage.catalog import Sequence
from storage.errors import DiskFull, IoFailure, TooManyOpenFiles
from storage.files import LocalFiles
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import batch, delete_ids, ids_of, insert, make_table, open_storage

OPTIONS = StorageOptions(growing_bytes_max=1500, write_set_bytes_max=600, checkpoint_rows_bytes_max=300)
SEQUENCE = Sequence(15000, "s", 5, 10)


def log_size(path: Path) -> int:
    return sum(os.path.getsize(file) for file in (path / "log").iterdir())


def test_a_commit_that_finds_no_room_never_was(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    files.is_full = True
    # The room that is reserved takes small commits for a while.
    insert(storage, table, [2])
    lsn = storage.last_lsn
    for _ in range(3):
        with pytest.raises(DiskFull, match=r"could not extend file .*: No space left on device") as caught:
            insert(storage, table, range(100, 60_000))
        assert (caught.value.sqlstate, caught.value.hint) == ("53100", "Check free disk space.")
        assert storage.last_lsn == lsn and storage.memory.held()["growing rows"] < 1000
    assert ids_of(storage, table) == [1, 2]
    files.is_full = False
    insert(storage, table, [3])
    insert(storage, table, range(100, 200))
    storage.abandon()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [1, 2, 3, *range(100, 200)]
    storage.close()


@pytest.mark.parametrize("crashes", [False, True])
def test_small_commits_on_a_full_disk_without_room(tmp_path: Path, crashes: bool) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    with pytest.raises(DiskFull):
        files.is_full = True
        insert(storage, table, range(100, 60_000))
    # Taking the group back has given the room back, too.
    size = log_size(tmp_path)
    for key in range(10):
        with pytest.raises(DiskFull):
            insert(storage, table, [key])
        with pytest.raises(DiskFull), storage.begin() as transaction:
            transaction.truncate(table.oid)
            transaction.commit()
    assert log_size(tmp_path) == size
    files.is_full = False
    insert(storage, table, [5])
    storage.abandon()
    if crashes:
        files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [5]
    storage.close()


def test_concurrent_commits_while_the_disk_fills_and_empties(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    acknowledged: set[int] = set()
    refused: set[int] = set()

    def write(first: int) -> None:
        for key in range(first, first + 60):
            try:
                insert(storage, table, range(key * 100, key * 100 + 40))
                acknowledged.add(key)
            except DiskFull:
                refused.add(key)

    threads = [threading.Thread(target=write, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        files.is_full = not files.is_full
        threads[0].join(0.01)
    files.is_full = False
    for thread in threads:
        thread.join()
    expected = sorted(key * 100 + i for key in acknowledged for i in range(40))
    assert len(acknowledged) + len(refused) == 240
    assert ids_of(storage, table) == expected
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == expected
    storage.close()


def test_sequences_and_oids_on_a_full_disk(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    given = storage.next_sequence_values(SEQUENCE, 3).tolist()
    files.is_full = True
    with pytest.raises(DiskFull):
        insert(storage, table, range(60_000))
    oids = set()
    with pytest.raises(DiskFull):
        for _ in range(1000):
            given += storage.next_sequence_values(SEQUENCE, 1).tolist()
    with pytest.raises(DiskFull):
        storage.set_sequence(SEQUENCE.oid, 1, False)
    with pytest.raises(DiskFull):
        for _ in range(1000):
            oids.add(storage.allocate_oid())
    files.is_full = False
    given += storage.next_sequence_values(SEQUENCE, 1).tolist()
    storage.checkpoint()
    given += storage.next_sequence_values(SEQUENCE, 1).tolist()
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    given += storage.next_sequence_values(SEQUENCE, 1).tolist()
    assert len(set(given)) == len(given)
    assert storage.allocate_oid() not in oids
    storage.close()


def test_a_checkpoint_does_not_wait_for_a_sequence_that_waits_for_it(tmp_path: Path) -> None:
    """nextval holds its lock while it logs under the commit lock, which the checkpoint holds meanwhile."""
    storage = open_storage(tmp_path)
    storage.next_sequence_values(SEQUENCE, 3)
    with storage.sequences._lock:
        thread = threading.Thread(target=storage.checkpoint)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    storage.close()


def test_spilling_transactions_fail_alone(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    insert(storage, table, range(3))
    files.is_full = True
    with storage.begin() as transaction, pytest.raises(DiskFull, match="spill"):
        transaction.insert(table.oid, batch(range(100, 200)))
    files.is_full = False
    with storage.begin() as transaction:
        transaction.insert(table.oid, batch(range(100, 200)))
        files.is_full = True
        with pytest.raises(DiskFull, match=r"\.rows"):
            transaction.commit()
    assert not list((tmp_path / "spill").glob("*.spill")) and not list((tmp_path / "data").glob("*.rows"))
    files.is_full = False
    insert(storage, table, range(300, 400))
    assert ids_of(storage, table) == [*range(3), *range(300, 400)]
    storage.close()


def test_checkpoint_seal_and_merge_are_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    insert(storage, table, range(10))
    storage.flush_table(table.oid)
    insert(storage, table, range(10, 14))
    before = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    files.is_full = True
    for attempt in (
        storage.checkpoint,
        lambda: storage.flush_table(table.oid),
        lambda: storage.install_index(1, 1, {}),
        lambda: storage.checkpoint(),
    ):
        with pytest.raises(DiskFull):
            attempt()
        left = {p for p in tmp_path.rglob("*") if p.is_file()} - set(before)
        assert not [p for p in left if not p.name.endswith(".removed")]
    files.is_full = False
    # Not even a failed rotation is in the way of commits, or of a crash after them.
    insert(storage, table, [20])
    expected = [*range(14), 20]
    assert ids_of(storage, table) == expected
    with storage.begin() as transaction:
        delete_ids(transaction, table, [0])
        transaction.commit()
    storage.checkpoint()
    assert ids_of(storage, table) == expected[1:]
    storage.close()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == expected[1:]
    storage.close()


def test_full_segments_stay_in_memory_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=StorageOptions(growing_bytes_max=2000))
    table, _ = make_table(storage)
    insert(storage, table, [1])
    files.refuses_names = errno.EMFILE
    with caplog.at_level(logging.WARNING, "quiver.storage"):
        for key in range(100, 1000, 30):
            insert(storage, table, range(key, key + 30))
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        f"rows of table {table.oid} stay in memory"
    ]
    assert "Too many open files" in caplog.text
    assert not storage.published.table_state(table.oid).sealed
    files.refuses_names = None
    storage.seal_full_segments()
    assert storage.published.table_state(table.oid).sealed
    assert ids_of(storage, table) == [1, *range(100, 1000)]
    storage.close()


@pytest.mark.parametrize(
    ("error_number", "error"), [(errno.EROFS, IoFailure), (errno.EMFILE, TooManyOpenFiles)]
)
def test_names_refused(tmp_path: Path, error_number: int, error: type[QuiverError]) -> None:
    """As in a read-only directory, or without a free descriptor: small commits need neither."""
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    insert(storage, table, range(3))
    files.refuses_names = error_number
    insert(storage, table, [5])
    with pytest.raises(error, match=os.strerror(error_number)):
        storage.checkpoint()
    with pytest.raises(error), storage.begin() as transaction:
        transaction.insert(table.oid, batch(range(100, 200)))
    with pytest.raises(error):
        storage.flush_table(table.oid)
    insert(storage, table, [6])
    files.refuses_names = None
    storage.checkpoint()
    insert(storage, table, range(100, 200))
    assert ids_of(storage, table) == [0, 1, 2, 5, 6, *range(100, 200)]
    storage.close()


def test_a_file_system_that_becomes_read_only_for_a_while(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    files.refuses_writes = files.refuses_names = errno.EROFS
    for _ in range(3):
        with pytest.raises(IoFailure, match="Read-only file system"):
            insert(storage, table, [2])
        with pytest.raises(IoFailure, match="Read-only file system"):
            storage.checkpoint()
    assert ids_of(storage, table) == [1]
    files.refuses_writes = files.refuses_names = None
    insert(storage, table, [3])
    storage.abandon()
    files.crash()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [1, 3]
    storage.close()


def test_a_failed_removal_is_made_up_for(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    insert(storage, table, range(50))
    assert len(list((tmp_path / "data").glob("*.rows"))) == 1
    with storage.begin() as transaction:
        transaction.truncate(table.oid)
        transaction.commit()
    remove = files.remove

    def refuse(path: str) -> None:
        files.fail("remove file", path, errno.EIO)

    files.remove = refuse  # type: ignore[method-assign]
    storage.checkpoint()
    assert list((tmp_path / "data").glob("*.rows"))
    files.remove = remove  # type: ignore[method-assign]
    insert(storage, table, [1])
    storage.checkpoint()
    assert not list((tmp_path / "data").glob("*.rows"))
    assert len(list((tmp_path / "manifest").glob("*.manifest"))) == 1
    assert len(list((tmp_path / "log").glob("*.log"))) == 1
    assert ids_of(storage, table) == [1]
    storage.close()


@pytest.mark.parametrize("commits_after", [0, 1, 3])
@pytest.mark.parametrize("size_bytes", [0, 10, 32])
def test_what_a_failed_rotation_leaves(tmp_path: Path, commits_after: int, size_bytes: int) -> None:
    """The next log file, empty or half a header, beside one that is still in use."""
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    name = tmp_path / "log" / f"{storage.last_lsn + 1:016x}.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "remove", lambda path: None)
        patch.setattr(files, "sync_folder", lambda path: files.fail("fsync file", path, errno.EIO))
        with pytest.raises(IoFailure):
            storage.checkpoint()
    os.truncate(name, size_bytes)
    keys = [1, *range(10, 10 + commits_after)]
    for key in keys[1:]:
        insert(storage, table, [key])
    storage.abandon()
    for key in (100, 101):
        storage = open_storage(tmp_path)
        assert ids_of(storage, table) == keys
        insert(storage, table, [key])
        keys.append(key)
        storage.abandon()
    storage = open_storage(tmp_path)
    storage.checkpoint()
    insert(storage, table, [200])
    storage.close()
    assert len(list((tmp_path / "log").iterdir())) == 1
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [*keys, 200]
    storage.close()


def test_every_torn_rest_of_a_commit_that_was_not_taken_back(tmp_path: Path) -> None:
    """A crash in the middle of a failed append, or before its removal was durable."""
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    storage.abandon()
    (log_file,) = (tmp_path / "log").iterdir()
    before = log_file.read_bytes()
    storage = open_storage(tmp_path)
    insert(storage, table, [2])
    storage.abandon()
    after = log_file.read_bytes()
    storage = open_storage(tmp_path, files=LocalFiles())
    storage.abandon()
    for size in range(len(before), len(after)):
        log_file.write_bytes(after[:size])
        storage = open_storage(tmp_path)
        assert ids_of(storage, table) == [1]
        storage.abandon()
