"""Access paths of one execution: a scan whose WHERE pins a unique key becomes a look-up of that key.

Decided at execution, because a cached plan must not depend on which indexes there are.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import BYTE_ORDERED, INT2, INT4, INT8, TEXT, VARCHAR, SqlType, array_type
from planner import bound
from planner.evaluate import evaluate_constant, is_row_free
from planner.evaluate.casts import cast_column
from planner.evaluate.constants import constant_list
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.functions.datum import CallSite
from planner.nodes import KeyLookup, SeqScan
from planner.row_selection import RowSelection
from planner.services import ExecutionContext
from storage.catalog import Catalog, Index

_INTEGERS = (INT2.oid, INT4.oid, INT8.oid)
_TEXTS = (TEXT.oid, VARCHAR.oid)
_EXACT_TYPES = frozenset((16, 17, *_INTEGERS, *_TEXTS, 1082, 1083, 1114, 1184, 2950, 790)) | BYTE_ORDERED
"""Key types whose stored form is equal exactly when SQL says so."""


def access_path(source: SeqScan, context: ExecutionContext) -> SeqScan | KeyLookup:
    """The look-up that answers part of the filter; the scan itself when no unique key is pinned."""
    return key_path(source, context.transaction.catalog)


def key_path(source: SeqScan, catalog: Catalog) -> SeqScan | KeyLookup:
    """`access_path` with the indexes of a catalog."""
    if source.filter is None:
        return source
    parts = conjuncts(source.filter)
    pinned = {
        attnum: (position, part) for position, part in reversed(list(enumerate(parts)))
        for attnum in (_pinned_attnum(part, source.scan),) if attnum
    }  # fmt: skip
    if not pinned:
        return source
    for index in catalog.indexes_of(source.scan.table_oid):
        attnums = index.key_attnums()
        if is_unique_key(index) and all(attnum in pinned for attnum in attnums):
            used = {pinned[attnum][0] for attnum in attnums}
            return _lookup(source, index, parts, used)
    return source


def finds_one_row(source: SeqScan, catalog: Catalog) -> bool:
    """Whether the filter compares every column of a unique key with one value, so that at most one row passes."""
    pinned = {
        _pinned_attnum(part, source.scan) for part in conjuncts(source.filter) if isinstance(part, bound.Call)
    }
    return any(
        is_unique_key(index) and pinned.issuperset(index.key_attnums())
        for index in catalog.indexes_of(source.scan.table_oid)
    )


def is_unique_key(index: Index) -> bool:
    """Whether equal values of an index's columns mean one row."""
    plain = index.predicate_sql is None and all(key.attnum > 0 for key in index.keys)
    is_unique = (index.is_unique or index.is_primary) and not index.is_deferrable
    return is_unique and plain and bool(index.keys)


def _pinned_attnum(part: bound.Expression, scan: bound.TableScan) -> int:
    """The column that a conjunct compares for equality with something row-free; 0 for none."""
    if isinstance(part, bound.Call) and part.operator == "=" and len(part.arguments) == 2:
        for column, value in (part.arguments, part.arguments[::-1]):
            if _is_key_column(column, value.sql_type, scan) and is_row_free(value):
                return _attnum(column, scan)
    if isinstance(part, bound.InList) and not part.is_negated:
        same = all(
            _is_key_column(part.left, item.sql_type, scan) and is_row_free(item) for item in part.items
        )
        return _attnum(part.left, scan) if same else 0
    if isinstance(part, bound.QuantifiedArray) and part.operator == "=" and not part.is_all:
        column = part.left
        if (
            isinstance(column, bound.ColumnRef)
            and column.type.oid in _EXACT_TYPES
            and is_row_free(part.array)
        ):
            same_type = part.array.sql_type.oid == array_type(column.type).oid
            return _attnum(column, scan) if same_type and column.relation_id == scan.relation_id else 0
    return 0


def _is_key_column(expression: bound.Expression, other: SqlType, scan: bound.TableScan) -> bool:
    if not isinstance(expression, bound.ColumnRef) or expression.relation_id != scan.relation_id:
        return False
    oid = expression.type.oid
    families = (_INTEGERS, _TEXTS)
    same = oid == other.oid or any(oid in family and other.oid in family for family in families)
    return oid in _EXACT_TYPES and same


def _attnum(column: bound.Expression, scan: bound.TableScan) -> int:
    assert isinstance(column, bound.ColumnRef)
    return max(scan.columns[column.position].attnum, 0)


def _lookup(
    source: SeqScan, index: Index, parts: tuple[bound.Expression, ...], used: set[int]
) -> SeqScan | KeyLookup:
    by_attnum = {_pinned_attnum(parts[i], source.scan): parts[i] for i in used}
    values: list[tuple[bound.Expression, ...]] = []
    array_key = None
    for attnum in index.key_attnums():
        part = by_attnum[attnum]
        if isinstance(part, bound.Call):
            column_first = _is_key_column(part.arguments[0], part.arguments[1].sql_type, source.scan)
            values.append((part.arguments[1 if column_first and is_row_free(part.arguments[1]) else 0],))
        elif len(index.keys) > 1:
            return source  # combinations of several lists are left to the scan
        elif isinstance(part, bound.InList):
            values.append(part.items)
        else:
            assert isinstance(part, bound.QuantifiedArray)
            array_key = part.array
            values.append(())
    rest = tuple(part for i, part in enumerate(parts) if i not in used)
    return KeyLookup(
        source.scan,
        index.oid,
        index.key_attnums(),
        tuple(values),
        conjunction(tuple(parts[i] for i in sorted(used))),
        array_key,
        conjunction(rest) if rest else None,
    )


def looked_up_rows(node: KeyLookup, context: ExecutionContext) -> RowSelection:
    """The rows of a key look-up before its filter, ascending by row id."""
    view = context.scanned_table(node.scan.table_oid)
    columns = []
    table = context.transaction.catalog.table(node.scan.table_oid)
    for attnum, expressions in zip(node.attnums, node.keys):
        column_type = table.column_at(attnum).type
        columns.append(_key_values(node, expressions, column_type, context))
    row_ids = np.zeros(0, dtype=np.uint64)
    # `= NULL` has left no value: no row has such a key.
    if all(len(column) for column in columns):
        batch = pa.RecordBatch.from_arrays(columns, names=[str(attnum) for attnum in node.attnums])
        row_ids = np.asarray(context.transaction.lookup_key(node.index_oid, batch, view), dtype=np.uint64)
    row_ids = np.unique(row_ids[row_ids > 0])
    parts: list[RowOffsets] = []
    for segment in view.segments:
        offsets = segment.find(row_ids) if len(row_ids) else np.zeros(0, dtype=np.int64)
        parts.append(np.sort(offsets[offsets >= 0]).astype(np.int64))
    rows = RowSelection.of_parts(view.segments, parts)
    return rows.take(np.argsort(rows.row_ids(), kind="stable"))


def _key_values(
    node: KeyLookup,
    expressions: tuple[bound.Expression, ...],
    column_type: SqlType,
    context: ExecutionContext,
) -> pa.Array:
    """(m,) candidate values of one key column, NULLs and values outside the column's type left out."""
    base = column_type.without_typmod()
    if node.array_key is not None:
        return evaluate_constant(node.array_key, context).flatten().drop_null()
    listed = constant_list(expressions)
    if listed is not None and expressions[0].sql_type.oid == base.oid:
        return listed.drop_null()
    pieces = []
    for expression in expressions:
        value = evaluate_constant(expression, context)
        try:
            site = CallSite(context, 1, base, ())
            value = cast_column(value, expression.sql_type, base, site, is_explicit=False)
        except NumericValueOutOfRange:
            continue  # a bigint that no integer column can hold equals none of its values
        pieces.append(value.drop_null())
    return reduce(lambda a, b: pa.concat_arrays([a, b]), pieces) if pieces else pa.nulls(0)
