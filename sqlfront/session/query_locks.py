"""Table locks of queries and data changes.

A query locks its tables in ACCESS SHARE mode, FOR UPDATE and its kind in ROW SHARE, a data change its target in ROW
EXCLUSIVE, until the transaction ends. https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-TABLES

A query that is a transaction of its own locks nothing while nobody holds or wants a table for himself: it has its
snapshot, and nothing that happens to the tables then can be seen in it.
"""

from __future__ import annotations

from typing import TypeAlias

from planner import bound
from planner.bound import BoundStatement
from storage import Transaction
from storage.catalog import Catalog, MaterializedView, Table
from storage.lock_modes import TableMode
from storage.partition_tree import partition_tree

TableLocks: TypeAlias = tuple[tuple[int, TableMode], ...]
"""(table OID, mode), in the order in which they are taken."""


def table_locks(statement: BoundStatement) -> TableLocks:
    """What a statement locks; a table that it reads and changes only in the stronger mode."""
    modes: dict[int, TableMode] = {}

    def add(oid: int, mode: TableMode) -> None:
        modes[oid] = max(mode, modes.get(oid, mode))

    for node in bound.walk(statement):
        match node:
            case bound.Insert():
                add(node.table_oid, TableMode.ROW_EXCLUSIVE)
            case bound.Update() | bound.Delete() | bound.Merge():
                add(node.target.table_oid, TableMode.ROW_EXCLUSIVE)
            case bound.Select():
                for lock in node.locks:
                    add(lock.table_oid, TableMode.ROW_SHARE)
            case bound.TableScan():
                add(node.table_oid, TableMode.ACCESS_SHARE)
    return tuple(modes.items())


def with_partitions(locks: TableLocks, catalog: Catalog) -> TableLocks:
    """The locks with those of the partitions of tables among them, in the same modes."""
    modes: dict[int, TableMode] = {}
    for oid, mode in locks:
        found = catalog.get(oid)
        parts = partition_tree(catalog, found) if isinstance(found, Table) else ()
        for part_oid in dict.fromkeys((oid, *(part.oid for part in parts))):
            modes[part_oid] = max(mode, modes.get(part_oid, mode))
    return tuple(modes.items())


def unpopulated_view(locks: TableLocks, catalog: Catalog) -> str:
    """The name of a materialized view among these tables that has not been filled; '' when there is none."""
    for oid, _ in locks:
        found = catalog.get(oid)
        if isinstance(found, MaterializedView) and not found.is_populated:
            return found.name
    return ""


def only_reads(locks: TableLocks) -> bool:
    """Whether nothing but ACCESS EXCLUSIVE is in the statement's way."""
    return all(mode is TableMode.ACCESS_SHARE for _, mode in locks)


def take_locks(transaction: Transaction, locks: TableLocks) -> bool:
    """Lock tables of the transaction's catalog.

    Returns:
        Whether one was not locked before: what is committed has to be looked at again.

    Raises:
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    is_changed = False
    for oid, mode in locks:
        table = transaction.catalog.get(oid)
        if isinstance(table, Table):
            is_changed |= transaction.locks.lock_table(table, mode)
    return is_changed
