"""Which tables a data change changes."""

from __future__ import annotations

from collections.abc import Iterator

from planner import bound
from storage.catalog import Catalog, Table
from storage.partition_tree import leaves

Change = bound.Insert | bound.Update | bound.Delete | bound.Merge


def target_table(catalog: Catalog, change: Change) -> Table:
    """The table that the change names, itself or by a view."""
    return catalog.table(change.table_oid if isinstance(change, bound.Insert) else change.target.table_oid)


def changed_tables(catalog: Catalog, change: Change) -> Iterator[Table]:
    """The tables that have its rows: of a partitioned one all its partitions."""
    return leaves(catalog, target_table(catalog, change))
