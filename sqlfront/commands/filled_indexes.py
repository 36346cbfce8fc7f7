"""Which indexes the session fills after the commit of the command that made them."""

from __future__ import annotations

from planner.btree import indexed_attnum
from sqlfront.commands.operator_classes import VECTOR_FAMILIES
from storage.catalog import Index, Table


def has_files(table: Table, index: Index) -> bool:
    """Whether the session is to fill the index.

    Keys of unique indexes are the storage's own affair, and an index of a partitioned table is those of its partitions.
    """
    if table.partition_key is not None:
        return False
    return index.family in VECTOR_FAMILIES or indexed_attnum(table, index) > 0
