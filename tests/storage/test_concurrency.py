"""Goal: many threads, no lost row, no torn read. Method: writers, readers and maintenance side by side.

Writers keep an invariant inside each transaction (rows come in pairs k, -k); readers check it on every
snapshot and that a snapshot does not change under them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.errors import SerializationFailure
from foundation.memory import MemoryBudget
from storage import Storage, StorageOptions
from storage.catalog import Table
from tests.storage.sample_tables import batch, ids_of, make_table, open_storage, row_ids_of, rows_by_id

OPTIONS = StorageOptions(growing_bytes_max=20_000, write_set_bytes_max=3000, checkpoint_rows_bytes_max=4000)


def run_threads(work: list[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(run,)) for run in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def write_pairs(storage: Storage, table: Table, worker: int, rounds: int, kept: dict[int, set[int]]) -> None:
    rng = random.Random(worker)
    mine: set[int] = set()
    for number in range(rounds):
        first = worker * 100_000 + number * 100 + 1
        fresh = list(range(first, first + rng.choice([1, 1, 3, 60])))
        with storage.begin() as transaction:
            transaction.insert(table.oid, batch([*fresh, *(-k for k in fresh)]))
            gone = set(rng.sample(sorted(mine), min(len(mine), 2)))
            transaction.delete(table.oid, row_ids_of(transaction, table, gone | {-k for k in gone}))
            transaction.commit()
        mine = (mine | set(fresh)) - gone
    kept[worker] = mine


def read_pairs(storage: Storage, table: Table, stop: threading.Event) -> None:
    while not stop.is_set():
        with storage.begin(isolation="repeatable read") as transaction:
            rows = rows_by_id(transaction, table)
            ids = {row[0] for row in rows.values()}
            assert len(ids) == len(rows) and ids == {-k for k in ids}
            transaction.refresh_snapshot()
            assert rows_by_id(transaction, table) == rows


@pytest.mark.slow
def test_writers_readers_and_maintenance(tmp_path: Path) -> None:
    memory = MemoryBudget(1 << 28)
    storage = open_storage(tmp_path, memory=memory, options=OPTIONS)
    table, _ = make_table(storage)
    kept: dict[int, set[int]] = {}
    stop = threading.Event()

    def maintain() -> None:
        while not stop.is_set():
            storage.checkpoint()
            storage.flush_table(table.oid)
            storage.merge_segments(table.oid)

    def write_all() -> None:
        try:
            run_threads([lambda w=w: write_pairs(storage, table, w, 40, kept) for w in range(1, 4)])
        finally:
            stop.set()

    run_threads([write_all, maintain, lambda: read_pairs(storage, table, stop)])
    expected = sorted(k * sign for mine in kept.values() for k in mine for sign in (1, -1))
    assert ids_of(storage, table) == expected
    storage.abandon()
    assert memory.held() == {}
    storage = open_storage(tmp_path, options=OPTIONS)
    assert ids_of(storage, table) == expected
    storage.close()


@pytest.mark.slow
def test_one_counter_many_threads(tmp_path: Path) -> None:
    """Every successful increment is counted: no lost update, whoever loses gets 40001 and tries again."""
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    with storage.begin() as transaction:
        transaction.insert(table.oid, batch([0], ["0"]))
        transaction.commit()

    def increment() -> None:
        for _ in range(15):
            while True:
                with storage.begin() as transaction:
                    ((row_id, row),) = rows_by_id(transaction, table).items()
                    assert isinstance(row[1], str)
                    try:
                        ids = row_ids_of(transaction, table, [0])
                        assert ids.tolist() == [row_id]
                        transaction.update(table.oid, ids, batch([0], [str(int(row[1]) + 1)]))
                        transaction.commit()
                        break
                    except SerializationFailure:
                        continue

    run_threads([increment] * 4)
    with storage.begin() as transaction:
        ((_, row),) = rows_by_id(transaction, table).items()
    assert row[1] == "60"
    storage.close()


@pytest.mark.slow
def test_concurrent_sequence_values_and_oids_are_distinct(tmp_path: Path) -> None:
    from storage.catalog import Sequence

    storage = open_storage(tmp_path)
    values: list[int] = []
    oids: list[int] = []

    def work() -> None:
        for _ in range(60):
            values.extend(storage.next_sequence_values(Sequence(15000, "s", 5, 10), 3).tolist())
            oids.append(storage.allocate_oid())

    run_threads([work] * 4)
    assert len(set(values)) == 720 and len(set(oids)) == 240
    storage.close()
