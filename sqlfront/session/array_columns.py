"""Columns of arrays get the form that holds any shape with the first value that asks for it.

A column that was declared with one pair of brackets stores plain lists (`foundation.shaped_arrays`), though PostgreSQL lets it
hold arrays of any shape. A statement that would store another one in it fails inside its savepoint; then the column's
table is written anew, as by ALTER COLUMN TYPE, in the same transaction, and the statement is bound and run again. That
happens once for a column, and takes the lock that ALTER TABLE takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from foundation.errors import ArrayShapeNotSupported, FeatureNotSupported
from foundation.sqltypes import element_type, is_shaped
from planner.bound import (
    BoundStatement,
    CastExpression,
    Expression,
    Insert,
    Merge,
    Query,
    Select,
    Update,
    Values,
    walk,
)
from sqlfront.commands.alter_type import widen_array
from sqlfront.session.query_locks import take_locks
from storage import Transaction
from storage.catalog import Table
from storage.lock_modes import TableMode

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

ArrayColumns: TypeAlias = tuple[tuple[int, int], ...]
"""(table OID, attnum) of columns."""


def narrowed_columns(statement: BoundStatement) -> ArrayColumns:
    """The columns in the plain form that a statement assigns arrays to that may have any shape."""
    found = {
        (table_oid, attnum)
        for table_oid, attnum, values in _assignments(statement)
        if any(map(_is_narrowed, values))
    }
    return tuple(sorted(found))


def _assignments(statement: BoundStatement) -> Iterator[tuple[int, int, Iterable[Expression]]]:
    for node in walk(statement):
        if isinstance(node, Insert):
            for attnum, value in node.defaults:
                yield node.table_oid, attnum, (value,)
            for position, attnum in enumerate(node.attnums):
                yield node.table_oid, attnum, _output(node.source, position)
            for attnum, value in (node.on_conflict.assignments or ()) if node.on_conflict else ():
                yield node.table_oid, attnum, (value,)
        elif isinstance(node, Update):
            for attnum, value in node.assignments:
                yield node.target.table_oid, attnum, (value,)
        elif isinstance(node, Merge):
            for attnum, value in (pair for clause in node.clauses for pair in clause.values):
                yield node.target.table_oid, attnum, (value,)


def _output(query: Query, position: int) -> Sequence[Expression]:
    """What a query gives for one of its columns."""
    if isinstance(query, Select):
        return (query.targets[position].expression,)
    return [row[position] for row in query.rows] if isinstance(query, Values) else ()


def _is_narrowed(value: Expression) -> bool:
    """Whether an assigned value was shaped before it was converted."""
    while isinstance(value, CastExpression):
        if is_shaped(value.argument.sql_type) and element_type(value.type) is not None:
            return True
        value = value.argument
    return False


def widen_columns(
    session: LocalSession, transaction: Transaction, columns: ArrayColumns, cause: ArrayShapeNotSupported
) -> None:
    """Give columns the form that holds arrays of any shape.

    Raises:
        ArrayShapeNotSupported: 0A000, the cause, where a column's type cannot be changed: a materialized view or a generated column reads
            it, or the table has partitions or is one.
    """
    tables = tuple((oid, TableMode.ACCESS_EXCLUSIVE) for oid in sorted({oid for oid, _ in columns}))
    if take_locks(transaction, tables):
        session.block.retake_snapshot()
    context = session.command_context(transaction)
    for table_oid, attnum in columns:
        table = context.catalog.get(table_oid)
        if not isinstance(table, Table) or is_shaped(table.column_at(attnum).type):
            continue
        if table.partition_key is not None or table.partition_bound is not None:
            raise cause
        try:
            widen_array(context, table, table.column_at(attnum))
        except FeatureNotSupported:
            raise cause from None
