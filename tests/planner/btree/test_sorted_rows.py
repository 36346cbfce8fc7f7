"""Goal: the order that an index keeps of a column is PostgreSQL's, survives being stored, and damage to it is told.

Method: every indexed type with its awkward values against the sort of ORDER BY, whose keys are ranks; buffers changed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foundation.sqltypes import INT4, TEXT
from planner.btree.indexed_columns import INDEXED_TYPES
from planner.btree.sorted_rows import SortedRows
from planner.evaluate import SortColumn, sort_offsets
from tests.planner.btree.column_values import POOLS, column
from vecengine.errors import DamagedIndex, IndexFormatNotSupported


def test_every_indexed_type_is_tested() -> None:
    assert {sql_type.oid for sql_type, _ in POOLS.values()} == INDEXED_TYPES


@pytest.mark.parametrize("null_share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("name", POOLS)
def test_the_order_is_that_of_order_by(name: str, null_share: float) -> None:
    sql_type, _ = POOLS[name]
    values = column(name, 500, null_share=null_share)
    kept = SortedRows.of(values, sql_type)
    assert kept.rows.tolist() == sort_offsets([SortColumn(values, sql_type)], 500).tolist()
    assert kept.value_count == 500 - values.null_count


@pytest.mark.parametrize("rows", [0, 1, 300])
def test_it_is_stored_and_read(rows: int) -> None:
    values = column("int4", rows)
    kept = SortedRows.of(values, INT4)
    again = SortedRows.from_buffers(kept.to_buffers(), rows, INT4)
    assert np.array_equal(again.rows, kept.rows) and again.value_count == kept.value_count
    assert again.faults(values, INT4) == []


def test_buffers_of_something_else_are_refused() -> None:
    buffers = SortedRows.of(column("int4", 100), INT4).to_buffers()
    with pytest.raises(DamagedIndex):
        SortedRows.from_buffers(buffers, 99, INT4)
    with pytest.raises(DamagedIndex):
        SortedRows.from_buffers({"rows": buffers["rows"]}, 100, INT4)
    with pytest.raises(DamagedIndex):
        SortedRows.from_buffers({**buffers, "header": np.array([1, 101, 23], dtype=np.uint32)}, 100, INT4)
    with pytest.raises(DamagedIndex, match="order of type 23, expected 25"):
        SortedRows.from_buffers(buffers, 100, TEXT)
    with pytest.raises(IndexFormatNotSupported, match="format 2"):
        SortedRows.from_buffers({**buffers, "header": np.array([2, 90, 23], dtype=np.uint32)}, 100, INT4)


def test_a_wrong_order_is_told() -> None:
    values = pa.array([3, 1, None, 2], pa.int32())
    kept = SortedRows.of(values, INT4)
    assert kept.rows.tolist() == [1, 3, 0, 2]
    swapped = SortedRows(np.array([3, 1, 0, 2], dtype=np.uint32), 3, INT4.oid)
    (fault,) = swapped.faults(values, INT4)
    assert fault == "2 rows are not in the order of their values: row 3 is at place 0, where row 1 belongs"
    (fault,) = SortedRows(kept.rows, 4, INT4.oid).faults(values, INT4)
    assert fault == "it counts 4 rows that are not NULL, there are 3"
