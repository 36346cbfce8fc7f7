"""Partitioned tables and their partitions in a catalog: downwards, upwards, in PostgreSQL's order."""

from __future__ import annotations

from collections.abc import Iterator

from storage.catalog import Catalog, Table


def partition_tree(catalog: Catalog, table: Table) -> Iterator[Table]:
    """The table and all below it, breadth first: each level in the order of its OIDs, as find_all_inheritors() has it."""
    waiting = [table]
    while waiting:
        yield from waiting
        waiting = [child for parent in waiting for child in children(catalog, parent)]


def children(catalog: Catalog, table: Table) -> list[Table]:
    """The partitions of a table, by OID."""
    return sorted(catalog.partitions_of(table.oid), key=lambda partition: partition.oid)


def leaves(catalog: Catalog, table: Table) -> Iterator[Table]:
    """The tables that have a table's rows: itself if it is not partitioned."""
    return (part for part in partition_tree(catalog, table) if part.partition_key is None)


def ancestors(catalog: Catalog, table: Table) -> Iterator[Table]:
    """The table that a table is a partition of, the one of that, ..., up to the root; none of one that is no partition."""
    while table.parent_oid:
        table = catalog.table(table.parent_oid)
        yield table


def root_of(catalog: Catalog, table: Table) -> Table:
    """The table at the top, itself if it is no partition."""
    for ancestor in ancestors(catalog, table):
        table = ancestor
    return table


def attnums_below(parent: Table, partition: Table) -> dict[int, int]:
    """What the live columns of a partitioned table are numbered in a table below it: they go by name."""
    by_name = {column.name: column.attnum for column in partition.live_columns()}
    return {column.attnum: by_name[column.name] for column in parent.live_columns()}
