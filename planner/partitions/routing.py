"""Rows to leaves: from a partitioned table down to the tables that have rows, level by level.

Routing is also what a partition's constraint means: a row fits into a partition if each table above would send it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import CheckViolation
from planner.partitions.keys import Decoder
from planner.partitions.partition_map import PartitionMap, partition_map
from planner.services import Codecs
from storage.catalog import Catalog, Table
from storage.constraints import failing_row
from storage.options import StorageOptions
from storage.partition_tree import attnums_below

Positions = npt.NDArray[np.int64]
Values = Mapping[int, pa.Array]
"""(n,) columns by attnum."""


@dataclass(frozen=True, slots=True)
class LeafRows:
    """The rows that belong to a leaf: (m,) positions, ascending, and what its columns are by those of the table above."""

    leaf: Table
    positions: Positions
    attnums: dict[int, int]

    def values(self, values: Values) -> dict[int, pa.Array]:
        """(m,) columns of these rows, by the leaf's attnums."""
        rows = pa.array(self.positions)
        return {
            self.attnums[attnum]: column.take(rows)
            for attnum, column in values.items()
            if attnum in self.attnums
        }


def leaf_rows(
    catalog: Catalog, table: Table, values: Values, row_count: int, *, decode: Decoder, codecs: Codecs
) -> list[LeafRows]:
    """Divide rows of a partitioned table among its leaves, those that get none left out.

    Args:
        values: (row_count,) columns by the table's attnums, at least those of all keys.

    Raises:
        CheckViolation: 23514 `no partition of relation "t" found for row`, for the first such row.
    """
    found: list[LeafRows] = []
    own = {column.attnum: column.attnum for column in table.live_columns()}
    waiting = [LeafRows(table, np.arange(row_count), own)]
    while waiting:
        part = waiting.pop()
        if part.leaf.partition_key is None:
            found.append(part)
            continue
        divided = partition_map(catalog, part.leaf, decode)
        by_attnum = {below: attnum for attnum, below in part.attnums.items()}
        rows = pa.array(part.positions)
        columns = [values[by_attnum[attnum]].take(rows) for attnum in divided.key.attnums]
        places = divided.places(columns)
        _check_found(divided, columns, places, codecs)
        for place in np.unique(places):
            leaf = divided.partitions[place]
            below = attnums_below(part.leaf, leaf)
            attnums = {attnum: below[middle] for attnum, middle in part.attnums.items() if middle in below}
            waiting.append(LeafRows(leaf, part.positions[places == place], attnums))
    return sorted(found, key=lambda part: int(part.positions[0]) if len(part.positions) else 0)


def _check_found(divided: PartitionMap, columns: list[pa.Array], places: Positions, codecs: Codecs) -> None:
    if not (places < 0).any():
        return
    row = int(np.argmax(places < 0))
    names = [divided.table.column_at(attnum).name for attnum in divided.key.attnums]
    shown = [
        "null"
        if column[row].as_py() is None and not column[row].is_valid
        else codecs.to_text(column.slice(row, 1), t)[0].as_py()
        for column, t in zip(columns, divided.types, strict=True)
    ]
    raise CheckViolation(
        f'no partition of relation "{divided.table.name}" found for row',
        detail=f"Partition key of the failing row contains ({', '.join(names)}) = ({', '.join(shown)}).",
        table=divided.table.name,
        schema_oid=divided.table.schema_oid,
    )


def first_misplaced(
    catalog: Catalog, partition: Table, values: Values, row_count: int, decode: Decoder
) -> int | None:
    """The first row that does not fit into a partition, which may be partitioned itself; None when all do.

    Args:
        values: (row_count,) columns by the partition's attnums, at least those of the keys above it.
    """
    if not row_count:
        return None
    worst: int | None = None
    below = partition
    own = {column.attnum: column.attnum for column in partition.live_columns()}
    while below.parent_oid:
        parent = catalog.table(below.parent_oid)
        attnums = attnums_below(parent, below)
        own = {attnum: own[middle] for attnum, middle in attnums.items() if middle in own}
        divided = partition_map(catalog, parent, decode)
        places = divided.places([values[own[attnum]] for attnum in divided.key.attnums])
        is_here = places == next(i for i, p in enumerate(divided.partitions) if p.oid == below.oid)
        if not is_here.all():
            row = int(np.argmin(is_here))
            worst = row if worst is None else min(worst, row)
        below = parent
    return worst


def key_attnums_above(catalog: Catalog, partition: Table) -> frozenset[int]:
    """The columns of a table that the tables above it, or it itself, divide rows by."""
    read = set() if partition.partition_key is None else set(partition.partition_key.attnums)
    below = partition
    own = {column.attnum: column.attnum for column in partition.live_columns()}
    while below.parent_oid:
        parent = catalog.table(below.parent_oid)
        attnums = attnums_below(parent, below)
        own = {attnum: own[middle] for attnum, middle in attnums.items() if middle in own}
        assert parent.partition_key is not None
        read.update(own[attnum] for attnum in parent.partition_key.attnums)
        below = parent
    return frozenset(read)


class MisplacedRow(CheckViolation):
    """A row that a partition may not have."""


def misplaced_row(table: Table, row: pa.RecordBatch, options: StorageOptions) -> MisplacedRow:
    """The error of such a row. `row` is one complete row, columns named by str(attnum)."""
    return MisplacedRow(
        f'new row for relation "{table.name}" violates partition constraint',
        detail=failing_row(table, row, 0, options.value_encoder),
        table=table.name,
        schema_oid=table.schema_oid,
    )
