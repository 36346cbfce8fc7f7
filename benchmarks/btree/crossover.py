"""From which share of rows on is a scan faster than a btree index? Times of one filter by both, for each type, in a process.

The bitset of `column = value` and of `column < value` is made for the sealed segment of a million rows, with nothing cached;
the values are so that the second holds for 1/64 to 1/2 of the rows. What it prints is where the shares in
`planner/btree/candidates.py` are from.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.memory import MemoryBudget
from foundation.sqltypes import FLOAT8, INT4, INT8, NUMERIC, TEXT, TIMESTAMPTZ, UUID, SqlType, arrow_type
from planner import bound
from planner.btree import build_btree_index
from planner.evaluate import FilterSources, count_visible, filter_bits
from planner.evaluate.bitset_cache import BITSETS
from planner.evaluate.filters import few_rows
from storage import Storage, StorageOptions
from storage.catalog import DEFAULT_DATABASE_OID, Column, Index, IndexKey, Table
from tests.planner.trees import col, const, make_context, op

_TABLE, _FIRST_INDEX = 40_001, 50_000
_DENOMINATORS = (64, 32, 16, 8, 4, 2)
_TYPES: dict[str, tuple[SqlType, Callable[[int], Any]]] = {
    "int4": (INT4, int),
    "int8": (INT8, int),
    "float8": (FLOAT8, lambda n: n / 7),
    "timestamptz": (TIMESTAMPTZ, lambda n: n * 1_000_000),
    "text": (TEXT, lambda n: f"user-{n:010d}"),
    "numeric": (NUMERIC, lambda n: f"{n / 100:.2f}"),
    "uuid": (UUID, lambda n: n.to_bytes(16, "big")),
}


def stored(path: str, rows: int) -> Storage:
    """A table of a permutation of `rows` values of each type, in one segment; says how long each order takes to build."""
    storage = Storage.open(path, memory=MemoryBudget(4 << 30), options=StorageOptions())
    numbers = np.random.default_rng(1).permutation(rows).tolist()
    columns = tuple(Column(i, name, sql_type) for i, (name, (sql_type, _)) in enumerate(_TYPES.items(), 1))
    arrays = []
    for sql_type, value in _TYPES.values():
        target = arrow_type(sql_type)
        values = pa.array([value(n) for n in numbers], pa.int64() if pa.types.is_temporal(target) else target)
        arrays.append(values.cast(target))
    with storage.begin() as transaction:
        transaction.put(Table(_TABLE, "t", DEFAULT_DATABASE_OID, 10, columns=columns))
        for c in columns:
            oid = _FIRST_INDEX + c.attnum
            keys = (IndexKey(c.attnum),)
            transaction.put(Index(oid, f"i{oid}", DEFAULT_DATABASE_OID, 10, table_oid=_TABLE, keys=keys))
        names = [str(c.attnum) for c in columns]
        transaction.insert(_TABLE, pa.RecordBatch.from_arrays(arrays, names=names))
        transaction.commit()
    storage.flush_table(_TABLE)
    for c in columns:
        started = time.perf_counter()
        build_btree_index(storage, _FIRST_INDEX + c.attnum)
        print(f"{c.name:12} built in {time.perf_counter() - started:.2f} s", flush=True)
    return storage


def milliseconds(call: Callable[[], object], turns: int) -> float:
    taken = []
    for _ in range(turns):
        BITSETS.clear()
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


class Measurement:
    """Filters over the table's segment, each by a scan and by an index."""

    def __init__(self, storage: Storage, turns: int) -> None:
        transaction = storage.begin()
        (self._segment,) = transaction.table_view(_TABLE).segments
        columns = transaction.catalog.table(_TABLE).columns
        self._scan = bound.TableScan(
            1, _TABLE, "t", tuple(bound.RelationColumn(c.name, c.type, c.attnum) for c in columns)
        )
        self._by_scan, self._by_index = (
            make_context(settings={name: "off"}, storage=storage, transaction=transaction)
            for name in ("enable_indexscan", "enable_seqscan")
        )
        self._turns = turns

    def both(self, predicate: bound.Expression) -> str:
        """Milliseconds for the bitset of a filter: by the scan / by the index."""
        times = [
            milliseconds(partial(filter_bits, predicate, self._segment, self._scan, context), self._turns)
            for context in (self._by_scan, self._by_index)
        ]
        return f"{times[0]:.2f} / {times[1]:.2f}"

    def by_index(self, find: Callable[..., object], predicate: bound.Expression) -> str:
        """Milliseconds for what takes little time."""
        call = partial(find, predicate, self._segment, self._scan, self._by_index, FilterSources())
        return f"{milliseconds(call, 5 * self._turns):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as path:
        storage = stored(path, options.rows)
        measure = Measurement(storage, options.turns)
        shares = " | ".join(f"1/{d}" for d in _DENOMINATORS)
        print(f"| scan / index, ms | one row | as offsets | counted | {shares} |")
        for position, (name, (sql_type, value)) in enumerate(_TYPES.items()):
            column = col(position, sql_type, name)
            equal = op("=", column, const(value(options.rows // 13), sql_type))
            below = [op("<", column, const(value(options.rows // d), sql_type)) for d in _DENOMINATORS]
            few, counted = measure.by_index(few_rows, equal), measure.by_index(count_visible, equal)
            cells = [measure.both(equal), few, counted, *map(measure.both, below)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        storage.close()


if __name__ == "__main__":
    main()
