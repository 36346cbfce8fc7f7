"""Goal: a table several times the memory limit is written, opened, scanned and read row by row.

Method: rows are inserted under a budget a quarter of their size, by many transactions and by one; a process of its own
opens the directory, touches every byte of every column and reports how its anonymous memory grew (mapped pages are the
kernel's to drop).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, VECTOR, SqlType, arrow_type
from storage import StorageOptions, Transaction
from storage.catalog import Column, Table
from tests.storage.sample_tables import make_table, open_storage

pytestmark = pytest.mark.slow

DIM = 256
ROWS_PER_BATCH = 2000
BATCHES = 32
LIMIT_BYTES = 16 << 20
COLUMNS = (Column(1, "id", INT4, not_null=True), Column(2, "v", SqlType(VECTOR.oid, DIM)))
OPTIONS = replace(StorageOptions(), growing_bytes_max=4 << 20)

READER = """
import json, re, sys
import numpy as np
import pyarrow as pa
from tests.storage.test_larger_than_memory import LIMIT_BYTES, OPTIONS, MemoryBudget, open_storage

def anonymous_bytes():
    return 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read()).group(1))

pa.array([0]).to_numpy()  # The first such call imports pandas where it is installed.
before = anonymous_bytes()
storage = open_storage(sys.argv[1], memory=MemoryBudget(LIMIT_BYTES), options=OPTIONS)
total, rows, size, found = 0.0, 0, 0, 0
with storage.begin(read_only=True) as transaction:
    for segment in transaction.table_view(int(sys.argv[2])).segments:
        vectors, _ = segment.vectors(2)
        ids = segment.column(1).to_numpy()
        total += float(vectors.sum(dtype=np.float64))
        rows, size = rows + len(ids), size + vectors.nbytes
        found += len(segment.take([2], np.flatnonzero(ids % 1000 == 7)))
grown = anonymous_bytes() - before
storage.close()
print(json.dumps([rows, total, size, found, grown]))
"""


def insert_next(transaction: Transaction, table: Table, first: int) -> float:
    """Insert a batch; the sum of all its numbers."""
    ids = np.arange(first, first + ROWS_PER_BATCH, dtype=np.int32)
    vectors = np.repeat((ids % 100).astype(np.float32), DIM)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors), type=arrow_type(SqlType(VECTOR.oid, DIM)))
    transaction.insert(table.oid, pa.record_batch([pa.array(ids), column], names=["1", "2"]))
    return float(vectors.sum(dtype=np.float64))


@pytest.mark.parametrize("is_one_transaction", [False, True])
def test_columns_are_mapped(tmp_path: Path, is_one_transaction: bool) -> None:
    storage = open_storage(tmp_path, memory=MemoryBudget(LIMIT_BYTES), options=OPTIONS)
    table, _ = make_table(storage, columns=COLUMNS)
    total = 0.0
    transaction = storage.begin()
    for first in range(0, BATCHES * ROWS_PER_BATCH, ROWS_PER_BATCH):
        total += insert_next(transaction, table, first)
        if not is_one_transaction:
            transaction.commit()
            transaction = storage.begin()
    transaction.commit()
    storage.flush_table(table.oid)
    storage.compact_table(table.oid)
    storage.close()
    run = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path), str(table.oid)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows, seen, size, found, grown = json.loads(run.stdout)
    assert (rows, seen, found) == (BATCHES * ROWS_PER_BATCH, total, rows // 1000)
    assert size >= 3.5 * LIMIT_BYTES
    assert grown < LIMIT_BYTES, f"{grown} bytes of anonymous memory for {size} bytes of vectors"
