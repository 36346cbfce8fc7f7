"""Start of a storage directory: replay of logged rows with checkpoints off, and opening of sealed rows.

The storage package alone is measured, without a server; a crash is `Storage.abandon`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from foundation.memory import MemoryBudget
from foundation.sqltypes import INT8, VECTOR, SqlType
from storage import Storage, StorageOptions
from storage.catalog import Column, Index, IndexKey, Table

_DIM = 128
_NAMESPACE_OID = 5
_OWNER_OID = 10
_MEMORY_BYTES = 8 << 30


def open_storage(path: Path, options: StorageOptions | None = None) -> tuple[Storage, float]:
    """The storage and how long opening took, in seconds."""
    started = time.perf_counter()
    storage = Storage.open(str(path), memory=MemoryBudget(_MEMORY_BYTES), options=options)
    return storage, time.perf_counter() - started


def make_table(storage: Storage) -> int:
    """A table of a key and a vector; its OID."""
    columns = (Column(1, "id", INT8, not_null=True), Column(2, "v", SqlType(VECTOR.oid, _DIM)))
    table = Table(storage.allocate_oid(), "rows", _NAMESPACE_OID, _OWNER_OID, columns=columns)
    index = Index(
        storage.allocate_oid(),
        "rows_pkey",
        _NAMESPACE_OID,
        _OWNER_OID,
        table_oid=table.oid,
        keys=(IndexKey(1),),
        is_unique=True,
        is_primary=True,
    )
    with storage.begin() as transaction:
        transaction.put(table)
        transaction.put(index)
        transaction.commit()
    return table.oid


def fill(storage: Storage, table_oid: int, rows: int, batch_rows: int) -> None:
    """Commit `rows` rows in transactions of `batch_rows`."""
    random = np.random.default_rng(1)
    for first in range(0, rows, batch_rows):
        count = min(batch_rows, rows - first)
        vectors = random.standard_normal(count * _DIM, dtype=np.float32)
        columns = [
            pa.array(np.arange(first, first + count, dtype=np.int64)),
            pa.FixedSizeListArray.from_arrays(pa.array(vectors), type=pa.list_(pa.float32(), _DIM)),
        ]
        with storage.begin() as transaction:
            transaction.insert(table_oid, pa.RecordBatch.from_arrays(columns, names=["1", "2"]))
            transaction.commit()


def seconds_to_replay(rows: int, batch_rows: int) -> float:
    """Seconds until a directory whose rows are all in the log is open."""
    options = StorageOptions(growing_bytes_max=1 << 40)
    with tempfile.TemporaryDirectory() as directory:
        storage, _ = open_storage(Path(directory), options)
        fill(storage, make_table(storage), rows, batch_rows)
        storage.abandon()
        storage, seconds = open_storage(Path(directory), options)
        storage.abandon()
        return seconds


def seconds_to_open(rows: int) -> float:
    """Seconds until a directory with sealed rows, closed properly, is open and a row was found by its key."""
    with tempfile.TemporaryDirectory() as directory:
        storage, _ = open_storage(Path(directory))
        table_oid = make_table(storage)
        fill(storage, table_oid, rows, 10_000)
        storage.close()
        started = time.perf_counter()
        storage, _ = open_storage(Path(directory))
        (index,) = storage.catalog.indexes_of(table_oid)
        key = pa.RecordBatch.from_arrays([pa.array([rows - 1], pa.int64())], names=["1"])
        with storage.begin() as transaction:
            assert transaction.lookup_key(index.oid, key)[0]
        seconds = time.perf_counter() - started
        storage.close()
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--single-rows", type=int, default=100_000)
    options = parser.parse_args()
    print(f"open, {options.rows} sealed rows of {_DIM} d: {seconds_to_open(options.rows):.2f} s", flush=True)
    for rows, batch_rows in ((options.rows, 1000), (options.single_rows, 1)):
        seconds = seconds_to_replay(rows, batch_rows)
        print(f"recovery, {rows} rows of {_DIM} d in commits of {batch_rows}: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
