"""Goal: whatever was acknowledged survives, nothing else appears, however and whenever the machine or a call fails.

Method: a scenario with every kind of change runs on a file system that fails at its n-th operation, for every n.
* As a crash: what was not synced is taken away (bytes, half of them, names), or the last write is torn at every length.
* As an error of one call (EIO, ENOSPC): the change fails, nothing of it is there, it is made again and all goes on; only a
  failed fsync of the log ends the run.
* A second crash during the recovery from the first.
Then the directory is opened again: its contents are those of the last acknowledged change, or of the one under way; it
passes the check of directories, takes writes, and has no files but its own. The suite takes a seeded sample, the soak
takes all; both print how many points they tried. Separately a child process is killed with SIGKILL in a loop.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from foundation.errors import QuiverError
from foundation.memory import MemoryBudget
from storage import SegmentView
from storage.catalog import Index
from storage.checking import CheckHooks, CheckTotals, Severity, check_directory
from storage.errors import IoFailure
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import batch, ids_of, insert, make_table, open_storage
from tests.storage.scenario import OPTIONS, Scenario, check_writable, stored

SMALL_WRITE_BYTES = 4096
"""A write up to this size is torn at every length, a larger one at both ends and at random places."""
TORN_EDGE_BYTES = 64
TORN_RANDOM = 64


@dataclass(frozen=True)
class Loss:
    """What a crash takes away of what was not synced."""

    bytes_too: bool
    keeps_torn_half: bool
    folders_too: bool


LOSSES = tuple(
    Loss(bytes_too, half, folders)
    for bytes_too, half in ((True, False), (True, True), (False, False))
    for folders in (True, False)
)


def run_scenario(path: Path, files: FaultyFiles) -> Scenario | None:
    """The scenario up to the crash; None when not even opening worked."""
    try:
        storage = open_storage(path, files=files, options=OPTIONS)
    except IoFailure:
        return None
    scenario = Scenario(storage)
    try:
        scenario.run()
    except QuiverError as error:
        assert error.sqlstate == "58030"
    storage.abandon()
    return scenario


def operations(path: Path) -> list[str]:
    """What the scenario does to files, without a failure."""
    files = FaultyFiles()
    scenario = run_scenario(path, files)
    assert scenario is not None and scenario.done.keys() == {"t", "v"}
    check_recovered(path, scenario)
    return files.operations


def no_faults(index: Index, segment: SegmentView, buffers: dict[str, Any]) -> Iterator[str]:
    yield from ()


def same_keys(column: pa.Array, source: object, target: object) -> pa.Array:
    return column


def damage(path: Path) -> list[str]:
    """What the check of directories finds that no crash may leave."""
    if not (path / "FORMAT").exists():
        return []
    hooks = CheckHooks(no_faults, same_keys, MemoryBudget(1 << 28), OPTIONS)
    problems = check_directory(str(path), hooks, CheckTotals())
    return [str(problem) for problem in problems if problem.severity is Severity.DAMAGE]


def check_recovered(path: Path, scenario: Scenario | None) -> None:
    assert damage(path) == []
    storage = open_storage(path, files=FaultyFiles(), options=OPTIONS)
    if scenario is not None:
        assert stored(storage) in (scenario.done, scenario.pending)
        check_writable(storage, scenario)
    storage.close()
    assert damage(path) == []
    segments = [segment for table in storage.published.tables.values() for segment in table.sealed]
    named = {segment.rows.segment_id for segment in segments}
    named |= {attachment.file_id for segment in segments for attachment in segment.attachments.values()}
    overlays = [segment.overlay for segment in segments if segment.overlay is not None]
    named |= {overlay.saved[0] for overlay in overlays if overlay.saved is not None}
    found = [p for p in path.rglob("*") if p.is_file() and p.suffix != ".removed"]
    assert {int(p.stem, 16) for p in found if p.parent.name == "data"} == named
    assert not [p.name for p in found if p.suffix in (".tmp", ".spill")]


def crash_at(path: Path, number: int, loss: Loss) -> None:
    files = FaultyFiles(number, keeps_torn_half=loss.keeps_torn_half)
    scenario = run_scenario(path, files)
    files.crash(bytes_too=loss.bytes_too, folders_too=loss.folders_too)
    check_recovered(path, scenario)


def fail_once_at(path: Path, number: int, error_number: int, *, crashes: bool) -> None:
    files = FaultyFiles(number, error_number=error_number, torn_share=(number % 5) / 4)
    try:
        storage = open_storage(path, files=files, options=OPTIONS)
    except QuiverError:
        storage = open_storage(path, files=files, options=OPTIONS)
    scenario = Scenario(storage, survives=True)
    try:
        scenario.run()
        assert scenario.done.keys() == {"t", "v"}
    except QuiverError:
        assert files.operations[number - 1].startswith(("fsync file", "truncate file"))
        assert ".log" in files.operations[number - 1]
    storage.abandon()
    if crashes:
        files.crash()
    check_recovered(path, scenario)


def torn_lengths(size_bytes: int, generator: random.Random) -> list[int]:
    if size_bytes <= SMALL_WRITE_BYTES:
        return list(range(size_bytes + 1))
    edges = [*range(TORN_EDGE_BYTES), *range(size_bytes - TORN_EDGE_BYTES, size_bytes + 1)]
    return edges + generator.sample(range(TORN_EDGE_BYTES, size_bytes - TORN_EDGE_BYTES), TORN_RANDOM)


def tear_at(path: Path, number: int, lengths: int | None, generator: random.Random) -> int:
    """Crash in the middle of an append, after each of its bytes (or `lengths` of them); how many points that were."""
    files = FaultyFiles(number, torn_share=0.0)
    scenario = run_scenario(path / "base", files)
    torn = files.torn
    if torn is None:
        return 0
    chosen = torn_lengths(len(torn.data), generator)
    if lengths is not None:
        chosen = generator.sample(chosen, min(lengths, len(chosen)))
    for length in chosen:
        copy = path / str(length)
        shutil.copytree(path / "base", copy)
        with open(copy / os.path.relpath(torn.path, path / "base"), "r+b") as file:
            file.seek(torn.position)
            file.write(torn.data[:length])
        check_recovered(copy, scenario)
        shutil.rmtree(copy)
    return len(chosen)


def crash_while_recovering(path: Path, number: int, loss: Loss, *, step: int = 1) -> int:
    """Recover from a crash on a file system that crashes again, at every operation; how many points that were."""
    files = FaultyFiles(number, keeps_torn_half=loss.keeps_torn_half)
    scenario = run_scenario(path / "base", files)
    files.crash(bytes_too=loss.bytes_too, folders_too=loss.folders_too)
    points = 0
    while True:
        copy = path / f"{points}"
        shutil.copytree(path / "base", copy)
        again = FaultyFiles(1 + points * step, keeps_torn_half=loss.keeps_torn_half)
        memory = MemoryBudget(1 << 32)
        try:
            open_storage(copy, files=again, memory=memory, options=OPTIONS).abandon()
        except IoFailure:
            assert not memory.held()
            again.crash(bytes_too=loss.bytes_too, folders_too=loss.folders_too)
        else:
            return points
        check_recovered(copy, scenario)
        shutil.rmtree(copy)
        points += 1


def report(capsys: pytest.CaptureFixture[str], points: int, what: str) -> None:
    with capsys.disabled():
        print(f"\n{points} points of failure tried: {what}")


def test_scenario_without_failure(tmp_path: Path) -> None:
    """It has every kind of operation on every kind of file."""
    done = operations(tmp_path)
    kinds = {(line.split()[0], os.path.splitext(line)[1]) for line in done}
    suffixes = (".log", ".rows", ".keys", ".index", ".overlay", ".tmp")
    assert {(action, suffix) for action in ("create", "extend", "fsync") for suffix in suffixes} <= kinds
    assert {("rename", ".tmp"), ("truncate", ".log"), ("extend", ".spill"), ("remove", ".manifest")} <= kinds


@pytest.mark.slow
def test_sample_of_all_failures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = random.Random(7)
    total = len(operations(tmp_path / "whole"))
    points = 0
    for number in generator.sample(range(1, total + 1), 12):
        crash_at(tmp_path / f"crash{number}", number, generator.choice(LOSSES))
        error_number = generator.choice((errno.EIO, errno.ENOSPC))
        fail_once_at(tmp_path / f"once{number}", number, error_number, crashes=generator.random() < 0.5)
        points += 2
    for number in generator.sample(range(1, total + 1), 6):
        points += tear_at(tmp_path / f"torn{number}", number, 4, generator)
    for number in generator.sample(range(2, total + 1), 2):
        points += crash_while_recovering(
            tmp_path / f"again{number}", number, generator.choice(LOSSES), step=5
        )
    report(capsys, points, "a sample of all kinds")


@pytest.mark.soak
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_crash_at_every_operation(tmp_path: Path, loss: Loss, capsys: pytest.CaptureFixture[str]) -> None:
    total = len(operations(tmp_path / "whole"))
    for number in range(1, total + 1):
        crash_at(tmp_path / str(number), number, loss)
        shutil.rmtree(tmp_path / str(number))
    report(capsys, total, str(loss))


@pytest.mark.soak
@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("error_number", [errno.EIO, errno.ENOSPC])
def test_every_operation_fails_once(
    tmp_path: Path, error_number: int, crashes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    total = len(operations(tmp_path / "whole"))
    for number in range(1, total + 1):
        fail_once_at(tmp_path / str(number), number, error_number, crashes=crashes)
        shutil.rmtree(tmp_path / str(number))
    report(
        capsys, total, f"one {errno.errorcode[error_number]}, then {'a crash' if crashes else 'a restart'}"
    )


@pytest.mark.soak
def test_every_write_is_torn_at_every_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every length in the log and in what is renamed; a sample in files that nothing names until they are synced."""
    generator = random.Random(8)
    points = 0
    for number, operation in enumerate(operations(tmp_path / "whole"), 1):
        if operation.startswith("extend"):
            is_sampled = operation.endswith((".rows", ".keys", ".index", ".spill"))
            points += tear_at(tmp_path / str(number), number, 16 if is_sampled else None, generator)
            shutil.rmtree(tmp_path / str(number))
    report(capsys, points, "a torn write")


@pytest.mark.soak
@pytest.mark.parametrize("loss", LOSSES[:3], ids=str)
def test_crash_during_every_recovery(tmp_path: Path, loss: Loss, capsys: pytest.CaptureFixture[str]) -> None:
    total = len(operations(tmp_path / "whole"))
    points = 0
    # The first operation makes the directory: without it there is nothing to recover.
    for number in range(2, total + 1, 3):
        points += crash_while_recovering(tmp_path / str(number), number, loss)
        shutil.rmtree(tmp_path / str(number))
    report(capsys, points, f"a second crash during recovery, {loss}")


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
    transaction.insert(table.oid, batch(range(300)))
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


@pytest.mark.soak
def test_fifty_kills(tmp_path: Path) -> None:
    kill_loop(tmp_path, 50)
