"""One table with a column of every indexed type and an index on each, in one sealed segment, for tests.

`Indexed.compare` is the oracle: the scan (`enable_indexscan = off`), whose answers other tests compare with PostgreSQL's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from foundation.bitset import offsets_from_bits
from foundation.memory import MemoryBudget
from foundation.sqltypes import TEXT, VARCHAR, SqlType
from planner import bound
from planner.btree import build_btree_index
from planner.btree.candidates import candidate_rows
from planner.evaluate import FilterSources, count_visible, filter_bits
from planner.evaluate.bitset_cache import BITSETS
from planner.evaluate.filters import few_rows
from planner.services import ExecutionContext
from storage import SegmentView, Storage, StorageOptions
from storage.catalog import DEFAULT_DATABASE_OID, Column, Index, IndexKey, Table
from tests.planner.btree.column_values import POOLS, column
from tests.planner.trees import cast, col, const, make_context

TABLE, FIRST_INDEX = 40_001, 50_000
ROWS = 5000
NAMES = list(POOLS)
COLUMNS = tuple(Column(i, name, POOLS[name][0]) for i, name in enumerate(NAMES, 1))
SCAN = bound.TableScan(1, TABLE, "t", tuple(bound.RelationColumn(c.name, c.type, c.attnum) for c in COLUMNS))
SETTINGS = {"enable_seqscan": "off"}
"""Indexes are used however many rows they find."""


class Indexed:
    """The table, its one sealed segment and indexes."""

    def __init__(self, path: Path) -> None:
        self.storage = Storage.open(str(path), memory=MemoryBudget(1 << 30), options=StorageOptions())
        batch = pa.RecordBatch.from_arrays(
            [column(name, ROWS, seed=i) for i, name in enumerate(NAMES)],
            names=[str(c.attnum) for c in COLUMNS],
        )
        with self.storage.begin() as transaction:
            transaction.put(Table(TABLE, "t", DEFAULT_DATABASE_OID, 10, columns=COLUMNS))
            for c in COLUMNS:
                oid = FIRST_INDEX + c.attnum
                keys = (IndexKey(c.attnum),)
                transaction.put(Index(oid, f"i{oid}", DEFAULT_DATABASE_OID, 10, table_oid=TABLE, keys=keys))
            transaction.insert(TABLE, batch)
            transaction.commit()
        self.storage.flush_table(TABLE)
        for c in COLUMNS:
            assert build_btree_index(self.storage, FIRST_INDEX + c.attnum) == 1
        self.segment = self.view()

    def view(self) -> SegmentView:
        (segment,) = self.storage.begin().table_view(TABLE).segments
        return segment

    def context(self, *parameters: Any, settings: dict[str, str] | None = None) -> ExecutionContext:
        given = SETTINGS if settings is None else settings
        return make_context(
            *parameters, settings=given, storage=self.storage, transaction=self.storage.begin()
        )

    def offsets(self, predicate: bound.Expression, context: ExecutionContext) -> list[int]:
        bits = filter_bits(predicate, self.segment, SCAN, context)
        return offsets_from_bits(bits, ROWS).tolist()

    def compare(self, predicate: bound.Expression, *parameters: Any, uses: bool | None = True) -> list[int]:
        """The rows by index, which are those of the scan; `uses`: whether an index is to be used, None = as may be."""
        BITSETS.clear()
        by_index = self.context(*parameters)
        found = candidate_rows(predicate, self.segment, SCAN, by_index)
        if uses is not None:
            assert (found is not None) == uses, predicate
        rows = self.offsets(predicate, by_index)
        BITSETS.clear()
        assert rows == self.offsets(
            predicate, self.context(*parameters, settings={"enable_indexscan": "off"})
        )
        few = few_rows(predicate, self.segment, SCAN, by_index, FilterSources())
        assert few is None or few.tolist() == rows
        assert count_visible(predicate, self.segment, SCAN, by_index, FilterSources()) == len(rows)
        return rows


def column_of(name: str) -> bound.ColumnRef:
    position = NAMES.index(name)
    return col(position, COLUMNS[position].type, name)


def operand(name: str) -> bound.Expression:
    """A column as operators take it: varchar has none of its own."""
    return cast(column_of(name), TEXT) if name == "varchar" else column_of(name)


def constant(value: Any, sql_type: SqlType) -> bound.Constant:
    return const(value, TEXT if sql_type.oid == VARCHAR.oid else sql_type.without_typmod())
