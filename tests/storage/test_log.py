"""Goal: the log tells a torn tail from damage and says where. Method: cut and flip bytes of real log files."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from foundation.memory import MemoryBudget
from storage import Storage
from storage.checksum import crc32c
from storage.errors import DataCorrupted, DiskFull
from storage.files import LocalFiles
from storage.log import LogEnd, LogWriter, create_log_file, scan_log
from storage.records import (
    DeleteRecord,
    OidsRecord,
    Record,
    SequenceRecord,
    TruncateRecord,
    encode_group,
)
from tests.storage.sample_tables import ids_of, insert, make_table, open_storage

FILES = LocalFiles()


def write_groups(folder: Path, groups: list[list[Record]]) -> Path:
    """A log file with one group per fsync; its path."""
    file, salt = create_log_file(FILES, str(folder), 1)
    log = LogWriter(FILES, str(folder), file=file, salt=salt, lsn=0, on_durable=lambda lsn: None)
    for lsn, records in enumerate(groups, 1):
        log.append(records, lsn)
        log.admit(lsn)
        log.wait_durable(lsn)
    log.close()
    return Path(file.path)


def read_groups(folder: Path, after: int = 0) -> tuple[list[tuple[Record, ...]], LogEnd]:
    end = LogEnd(after)
    return [group.records for group in scan_log(FILES, str(folder), end)], end


GROUPS: list[list[Record]] = [[OidsRecord(n), SequenceRecord(n, n * 2, n % 2 == 0)] for n in range(1, 9)]


def test_checksum_is_crc32c() -> None:
    # The check value of RFC 3720's polynomial.
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283
    assert crc32c(b"", 7) == 7


def test_groups_come_back(tmp_path: Path) -> None:
    path = write_groups(tmp_path, GROUPS)
    groups, end = read_groups(tmp_path)
    assert groups == [tuple(group) for group in GROUPS]
    assert (end.lsn, end.path, end.size_bytes, end.torn_bytes) == (8, str(path), path.stat().st_size, 0)
    groups, end = read_groups(tmp_path, after=5)
    assert groups == [tuple(group) for group in GROUPS[5:]] and end.lsn == 8


def test_every_torn_tail_is_cut(tmp_path: Path) -> None:
    whole = write_groups(tmp_path, GROUPS[:2]).read_bytes()
    _, end = read_groups(tmp_path)
    for size in range(len(whole)):
        (tmp_path / "0000000000000001.log").write_bytes(whole[:size])
        groups, end = read_groups(tmp_path)
        assert groups == [tuple(g) for g in GROUPS[: len(groups)]] and len(groups) < 2
        assert size < 32 or end.size_bytes + end.torn_bytes == size


def test_room_is_reserved_ahead_and_no_later_file_follows_it(tmp_path: Path) -> None:
    """What kill -9 leaves: records, then zeros. A rotation cuts the zeros before the next file exists."""
    file, salt = create_log_file(FILES, str(tmp_path), 1)
    log = LogWriter(FILES, str(tmp_path), file=file, salt=salt, lsn=0, on_durable=lambda lsn: None)
    sizes = set()
    for lsn, records in enumerate(GROUPS, 1):
        log.append(records, lsn)
        log.admit(lsn)
        log.wait_durable(lsn)
        sizes.add(Path(file.path).stat().st_size)
        groups, end = read_groups(tmp_path)
        assert len(groups) == lsn and end.size_bytes == file.size_bytes < Path(file.path).stat().st_size
    assert len(sizes) == 1
    log.rotate()
    assert Path(file.path).stat().st_size == file.size_bytes
    assert read_groups(tmp_path)[0] == [tuple(group) for group in GROUPS]
    log.close()


def test_room_that_cannot_be_had_is_done_without(tmp_path: Path) -> None:
    file, salt = create_log_file(FILES, str(tmp_path), 1)

    def refuse(room_bytes: int) -> None:
        raise DiskFull("no space")

    file.reserve = refuse  # type: ignore[method-assign]
    log = LogWriter(FILES, str(tmp_path), file=file, salt=salt, lsn=0, on_durable=lambda lsn: None)
    log.append(GROUPS[0], 1)
    log.admit(1)
    log.wait_durable(1)
    assert read_groups(tmp_path)[0] == [tuple(GROUPS[0])]
    log.close()


def test_zeros_after_the_end_are_a_torn_tail(tmp_path: Path) -> None:
    path = write_groups(tmp_path, GROUPS)
    path.write_bytes(path.read_bytes() + bytes(100))
    groups, end = read_groups(tmp_path)
    assert len(groups) == 8 and end.torn_bytes == 100


def test_every_flipped_byte_before_the_last_group_is_refused(tmp_path: Path) -> None:
    path = write_groups(tmp_path, GROUPS[:3])
    whole = path.read_bytes()
    last_group = len(whole) - (len(whole) - 32) // 3
    for position in range(last_group):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        if 28 <= position < 32:
            continue  # the unused end of the file's header
        with pytest.raises(DataCorrupted, match=r"the log is damaged|has format") as caught:
            read_groups(tmp_path)
        assert str(path) in caught.value.message and caught.value.sqlstate == "XX001"


def test_flipped_bytes_in_the_last_group_never_give_wrong_records(tmp_path: Path) -> None:
    path = write_groups(tmp_path, GROUPS[:3])
    whole = path.read_bytes()
    for position in range(len(whole) - (len(whole) - 32) // 3, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        groups, end = read_groups(tmp_path)
        assert groups == [tuple(g) for g in GROUPS[:2]] and end.torn_bytes


def test_damage_names_the_place(tmp_path: Path) -> None:
    path = write_groups(tmp_path, GROUPS)
    damaged = bytearray(path.read_bytes())
    damaged[70] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataCorrupted, match=r"offset 32: checksum mismatch in the record of LSN 1"):
        read_groups(tmp_path)


def test_a_missing_log_file_is_noticed(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    storage.checkpoint()
    insert(storage, table, [1])
    storage.abandon()
    (log_file,) = (tmp_path / "log").iterdir()
    log_file.rename(tmp_path / "log" / "00000000000000ff.log")
    with pytest.raises(DataCorrupted, match="no file has the record of LSN"):
        open_storage(tmp_path)
    (tmp_path / "log" / "00000000000000ff.log").unlink()
    with pytest.raises(DataCorrupted, match="there is no log file"):
        open_storage(tmp_path)


def test_log_bytes_stored_as_data_are_not_taken_for_records(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "one")
    make_table(storage)
    storage.abandon()
    (log_file,) = (tmp_path / "one" / "log").iterdir()
    content = log_file.read_bytes()
    other, _ = create_log_file(FILES, str(tmp_path), 1)
    # A torn first group that carries another log's bytes: no proof that anything was durable here.
    other.append(b"QVRC" + bytes(28) + content[32:])
    other.close()
    groups, end = read_groups(tmp_path)
    assert groups == [] and end.torn_bytes


@pytest.mark.slow
def test_random_damage_of_a_data_directory_is_never_silent(tmp_path: Path) -> None:
    """Flip one bit anywhere in manifest, log or segment of a crashed directory: refused, or all rows right."""
    rng = random.Random(4)
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(30))
    storage.flush_table(table.oid)
    insert(storage, table, range(30, 40))
    storage.checkpoint()
    insert(storage, table, range(40, 45))
    insert(storage, table, range(45, 50))
    storage.abandon()
    files = [
        p for p in tmp_path.rglob("*") if p.is_file() and p.suffix in (".log", ".manifest", ".rows", ".keys")
    ]
    assert {p.suffix for p in files} == {".log", ".manifest", ".rows", ".keys"}
    outcomes = {"refused": 0, "whole": 0, "last commit cut": 0}
    contents = {path: path.read_bytes() for path in files}
    for _ in range(300):
        path = rng.choice(files)
        damaged = bytearray(contents[path])
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        outcomes[outcome_of(tmp_path, path)] += 1
        for other in tmp_path.rglob("*.*"):
            if other not in contents:
                other.unlink()
        for restored, content in contents.items():
            restored.write_bytes(content)
    assert outcomes["refused"] > 100 and outcomes["whole"] > 10


def outcome_of(path: Path, damaged: Path) -> str:
    storage: Storage | None = None
    try:
        storage = Storage.open(str(path), memory=MemoryBudget(1 << 30))
        table = next(obj for obj in storage.catalog.objects(type(storage.catalog.table(20003))))
        with storage.begin() as transaction:
            for segment in transaction.table_view(table.oid).segments:
                for column in table.columns:
                    segment.column(column.attnum)
        found = ids_of(storage, table)
    except DataCorrupted as error:
        assert damaged.name in error.message or "log" in error.message
        return "refused"
    finally:
        if storage is not None:
            storage.abandon()
    if found == list(range(50)):
        return "whole"
    assert damaged.suffix == ".log" and found == list(range(45))
    return "last commit cut"


def test_records_round_trip_through_a_restart(tmp_path: Path) -> None:
    group: list[Record] = [TruncateRecord(5), DeleteRecord(5, np.array([2**63 - 1, 9], dtype=np.uint64))]
    write_groups(tmp_path, [group])
    ((truncate, delete),), _ = read_groups(tmp_path)
    assert truncate == TruncateRecord(5)
    assert isinstance(delete, DeleteRecord) and delete.row_ids.tolist() == [2**63 - 1, 9]


def test_worked_example_of_the_format_document() -> None:
    group: list[Record] = [DeleteRecord(20003, np.array([7, 9], dtype=np.uint64))]
    written = b"".join(bytes(piece) for piece in encode_group(group, 12, durable_lsn=11, salt=5))
    delete = "51565243 55fc54a7 2000000000000000 0c00000000000000 0200 0000 10000000"
    commit = "51565243 be6e6c97 2000000000000000 0c00000000000000 0f00 0000 20000000"
    rows = "0700000000000000 0900000000000000"
    assert written == (
        bytes.fromhex(delete)
        + b'{"table":20003} '
        + bytes.fromhex(rows)
        + bytes.fromhex(commit)
        + b'{"records":1,"durable":11}      '
    )
