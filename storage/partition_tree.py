"""Partitioned tables and their partitions in a catalog: downwards, upwards, in PostgreSQL's order."""

from __future__ import annotations

from collections.abc import Iterator

from storage.catalog import Catalog, ForeignKey, Table, replaced


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


def foreign_keys_at(catalog: Catalog, table_oid: int) -> list[ForeignKey]:
    """Foreign keys that reference a table, or one above it: those as they look from the table (`foreign_key_at`)."""
    found = list(catalog.foreign_keys_to(table_oid))
    table = catalog.get(table_oid)
    if not isinstance(table, Table) or not table.parent_oid:
        return found
    for above in ancestors(catalog, table):
        found += (foreign_key_at(catalog, key, table) for key in catalog.foreign_keys_to(above.oid))
    return found


def foreign_key_at(catalog: Catalog, key: ForeignKey, table: Table) -> ForeignKey:
    """A foreign key with a table below the referenced one in its place: with that one's columns and part of the index."""
    if key.referenced_oid == table.oid:
        return key
    below, own = table, {column.attnum: column.attnum for column in table.live_columns()}
    parts = {index.oid: index for index in catalog.indexes_of(table.oid)}
    reached = {index.parent_oid: index.oid for index in parts.values()}
    for above in ancestors(catalog, table):
        own = {attnum: own[middle] for attnum, middle in attnums_below(above, below).items()}
        if above.oid == key.referenced_oid:
            break
        reached = {
            index.parent_oid: reached[index.oid]
            for index in catalog.indexes_of(above.oid)
            if index.oid in reached
        }
        below = above
    return replaced(
        key,
        referenced_oid=table.oid,
        referenced_attnums=tuple(own[attnum] for attnum in key.referenced_attnums),
        referenced_index_oid=reached[key.referenced_index_oid],
    )


def referenced_leaves(catalog: Catalog, key: ForeignKey) -> list[ForeignKey]:
    """A foreign key as it looks from each table that has referenced rows; itself for a table that is not partitioned."""
    referenced = catalog.table(key.referenced_oid)
    return [foreign_key_at(catalog, key, leaf) for leaf in leaves(catalog, referenced)]
