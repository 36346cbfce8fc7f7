"""Goal: one flipped bit anywhere in a data directory never gives a wrong answer, and `quiver check` always finds it.

Method: a small directory with every kind of file, left as a crash leaves it. One bit at a time is flipped in a copy. The
check must report it. The storage must refuse to open, or fail with XX001 where the damage is touched, or answer right,
rows, key look-ups and nearest neighbours alike. The one exception is documented in storage/FORMATS.md: damage to the
last commits before a crash looks like a torn end; the rows are then exactly those of an earlier commit. A sample of the
bytes in the ordinary suite, each of them in the soak.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import vecengine
from foundation.memory import MemoryBudget
from planner.vector.index_cache import INDEXES
from quiver.check import check
from storage import Storage, layout
from storage.catalog import Index, IndexKey, Table
from storage.checking import Severity
from storage.errors import DataCorrupted, DirectoryUnusable
from tests.storage.block_surgery import flip
from tests.storage.sample_tables import (
    batch,
    delete_ids,
    insert,
    make_table,
    open_storage,
    row_ids_of,
    rows_by_id,
    vector_of,
)

ROWS = 12
SAMPLE = 120
PROBED_KEYS = 40
OPTIONS = (("ef_construction", "8"), ("m", "2"))
QUERY = np.array([vector_of(4)], dtype=np.float32) + np.float32(0.1)

Answers = tuple[object, ...]


class Outcome(Enum):
    """What the storage made of a flipped bit."""

    REFUSED = "refused at open"
    FAILED = "error at first touch"
    RIGHT = "right answers"
    TORN = "torn end cut"


@dataclass(frozen=True)
class Original:
    """The sound directory and what is right: the answers after each commit, the last ones last."""

    path: Path
    answers: list[Answers]

    def bytes_of_files(self) -> list[tuple[Path, int]]:
        """(file, offset) of every byte."""
        files = sorted(file for file in self.path.rglob("*") if file.is_file())
        return [(f.relative_to(self.path), offset) for f in files for offset in range(f.stat().st_size)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    path = tmp_path_factory.mktemp("original") / "data"
    storage = open_storage(path)
    table, _ = make_table(storage)
    index = Index(
        storage.allocate_oid(), "t_v", 5, 10, table_oid=table.oid, keys=(IndexKey(3, "vector_l2_ops"),), family="hnsw",
        metric="l2", options=OPTIONS,
    )  # fmt: skip
    with storage.begin() as transaction:
        transaction.put(index)
        transaction.commit()
    insert(storage, table, range(ROWS))
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        (segment,) = transaction.table_view(table.oid).segments
        parameters = {name: int(value) for name, value in OPTIONS}
        vectors, _ = segment.vectors(3)
        graph = vecengine.build_index("hnsw", vectors, metric="l2", offsets=None, **parameters)
    assert storage.install_index(index.oid, segment.segment_id, dict(graph.to_buffers()))
    with storage.begin() as transaction:
        delete_ids(transaction, table, [3])
        transaction.commit()
    with storage.begin() as transaction:
        row_ids = row_ids_of(transaction, table, [5, 6])
        transaction.update(table.oid, row_ids, batch([5, 6], ["patched", None]).select(["2"]))
        transaction.commit()
    insert(storage, table, [20, 21])
    storage.checkpoint()
    answers = [answers_of(storage)]
    for change in range(3):
        insert(storage, table, [30 + change])
        answers.append(answers_of(storage))
        with storage.begin() as transaction:
            delete_ids(transaction, table, [change])
            transaction.commit()
        answers.append(answers_of(storage))
    storage.abandon()
    return Original(path, answers)


def answers_of(storage: Storage) -> Answers:
    """All rows, which keys are there, and the nearest rows: by the graph where there is one, else by a scan."""
    (table,) = storage.catalog.objects(Table)
    (index,) = [index for index in storage.catalog.objects(Index) if index.metric is not None]
    (key,) = [index for index in storage.catalog.objects(Index) if index.is_unique]
    with storage.begin() as transaction:
        rows = rows_by_id(transaction, table)
        probes = pa.RecordBatch.from_arrays([pa.array(range(PROBED_KEYS), pa.int32())], names=["1"])
        present = np.flatnonzero(transaction.lookup_key(key.oid, probes)).tolist()
        nearest: list[tuple[float, int]] = []
        for segment in transaction.table_view(table.oid).segments:
            vectors, _ = segment.vectors(3)
            graph = INDEXES.get(segment, index, storage.memory)
            if graph is None:
                found = vecengine.exact_search(
                    vectors, QUERY, 4, metric="l2", allowed_bits=segment.visible_bits
                )
            else:
                found = graph.search(QUERY, 4, segment.visible_bits, 40)
            pairs = zip(found[0][0].tolist(), found[1][0].tolist())
            nearest += [(distance, int(segment.row_ids[offset])) for distance, offset in pairs if offset >= 0]
    return (sorted(rows.items()), present, sorted(nearest)[:4])


def outcome_of(original: Original, directory: Path) -> Outcome:
    try:
        storage = open_storage(directory, memory=MemoryBudget(1 << 28))
    except (DataCorrupted, DirectoryUnusable):
        return Outcome.REFUSED
    try:
        answers = answers_of(storage)
    except DataCorrupted as error:
        assert error.sqlstate == "XX001"
        return Outcome.FAILED
    finally:
        storage.abandon()
        INDEXES.clear()
    if answers == original.answers[-1]:
        return Outcome.RIGHT
    assert answers in original.answers, "these rows never were"
    return Outcome.TORN


def drop_cached_pages(file: Path) -> None:
    """Let the next read come from the disk, as far as the file system has one."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def try_bytes(
    original: Original, places: Iterable[tuple[Path, int]], folder: Path
) -> Counter[tuple[str, Outcome]]:
    """Flip one bit at each place; how often each kind of file came to each outcome."""
    rng = random.Random(8)
    outcomes: Counter[tuple[str, Outcome]] = Counter()
    directory = folder / "data"
    for file, offset in places:
        shutil.copytree(original.path, directory)
        flip(directory / file, offset, 1 << rng.randrange(8))
        drop_cached_pages(directory / file)
        place = f"{file}, offset {offset}"
        try:
            problems = check(directory).problems
            is_reported = bool(problems)
        except DirectoryUnusable:
            problems, is_reported = [], True
        assert is_reported, f"not found by the check: {place}"
        outcome = outcome_of(original, directory)
        if outcome is Outcome.TORN:
            assert file.suffix == layout.LOG_SUFFIX, place
            assert any(problem.severity is Severity.NOTE for problem in problems), place
        outcomes[file.suffix or file.name, outcome] += 1
        shutil.rmtree(directory)
    return outcomes


@pytest.mark.slow
def test_a_sample_of_the_bytes(original: Original, tmp_path: Path) -> None:
    places = random.Random(4).sample(original.bytes_of_files(), SAMPLE)
    outcomes = try_bytes(original, places, tmp_path)
    assert sum(outcomes.values()) == SAMPLE
    assert {suffix for suffix, _ in outcomes} >= {".rows", ".overlay", ".keys", ".index", ".manifest", ".log"}


@pytest.mark.soak
def test_every_byte(original: Original, tmp_path: Path) -> None:
    places = original.bytes_of_files()
    outcomes = try_bytes(original, places, tmp_path)
    assert sum(outcomes.values()) == len(places)
    for (suffix, outcome), count in sorted(outcomes.items(), key=str):
        print(f"{suffix:12}{outcome.value:24}{count:8}")


def test_the_original_is_sound(original: Original) -> None:
    assert check(original.path).problems == []
