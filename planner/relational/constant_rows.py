"""Rows of column-free expressions as Arrow columns, without a visit to DuckDB.

Literals go straight to Arrow, column by column; casts over literals are applied to the whole column at once; a
column of anything else is evaluated row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import INT2, INT4, INT8, SqlType, arrow_type, is_vector
from foundation.vector_elements import VECTOR_ELEMENTS, stored_numbers
from planner import bound
from planner.evaluate import Frame, evaluate
from planner.evaluate.constants import constant_array
from planner.services import ExecutionContext

_SOURCE_RELATION = -1
_WIDER = {INT2.oid: (INT4.oid, INT8.oid), INT4.oid: (INT8.oid,)}


def constant_table(
    rows: Sequence[Sequence[bound.Expression]], types: Sequence[SqlType], context: ExecutionContext
) -> pa.Table:
    """(n rows of m expressions) -> table of m columns c0, c1, ... of `arrow_type(types[i])`."""
    columns = [
        constant_column([row[index] for row in rows], sql_type, context)
        for index, sql_type in enumerate(types)
    ]
    names = [f"c{index}" for index in range(len(types))]
    if not columns:
        return pa.table({"row": pa.nulls(len(rows))}).select([])
    return pa.Table.from_arrays(columns, names=names)


def constant_column(
    nodes: Sequence[bound.Expression], sql_type: SqlType, context: ExecutionContext
) -> pa.Array:
    """Column-free expressions of one type -> (n,) array of `arrow_type(sql_type)`."""
    first = nodes[0]
    if all(map(_is_literal, nodes)):
        return literal_column([_value(node, context) for node in nodes], sql_type)
    if isinstance(first, bound.CastExpression) and all(_is_same_cast(node, first) for node in nodes):
        source = first.argument.sql_type
        arguments = [node.argument for node in nodes if isinstance(node, bound.CastExpression)]
        if is_widening(source, first.type) and all(map(_is_literal, arguments)):
            return literal_column([_value(node, context) for node in arguments], sql_type)
        column = constant_column(arguments, source, context)
        reference = bound.ColumnRef(_SOURCE_RELATION, 0, "", source)
        cast = bound.CastExpression(reference, first.type, first.is_explicit)
        return evaluate(cast, Frame(len(nodes), {(_SOURCE_RELATION, 0): column}), context)
    return _evaluated(nodes, sql_type, context)


def _is_literal(node: bound.Expression) -> bool:
    return isinstance(node, bound.Constant | bound.Parameter)


def is_widening(source: SqlType, target: SqlType) -> bool:
    """Whether every value of an integer type is one of the other: the cast is the value itself."""
    return source.oid in _WIDER and target.oid in _WIDER[source.oid]


def _is_same_cast(node: bound.Expression, first: bound.CastExpression) -> bool:
    return (
        isinstance(node, bound.CastExpression)
        and node.type == first.type
        and node.is_explicit == first.is_explicit
        and node.argument.sql_type == first.argument.sql_type
    )


def _evaluated(nodes: Sequence[bound.Expression], sql_type: SqlType, context: ExecutionContext) -> pa.Array:
    """Mixed columns: runs of literals stay columnar, the rest is evaluated one by one."""
    chunks: list[pa.Array] = []
    literals: list[Any] = []
    for node in nodes:
        if isinstance(node, bound.Constant | bound.Parameter):
            literals.append(_value(node, context))
            continue
        if literals:
            chunks.append(literal_column(literals, sql_type))
            literals = []
        chunks.append(evaluate(node, Frame(1, {}), context))
    if literals:
        chunks.append(literal_column(literals, sql_type))
    return pa.chunked_array(chunks, arrow_type(sql_type)).combine_chunks()


def _value(node: bound.Expression, context: ExecutionContext) -> Any:
    if isinstance(node, bound.Parameter):
        return context.parameters[node.index]
    assert isinstance(node, bound.Constant)
    return node.value


def literal_column(values: Sequence[Any], sql_type: SqlType) -> pa.Array:
    """Python values of a type -> (n,) array of `arrow_type(sql_type)`; vectors by one concatenation."""
    if is_vector(sql_type):
        return _vector_column(values, sql_type)
    wanted = arrow_type(sql_type)
    items = wanted.field("items").type if pa.types.is_struct(wanted) else wanted
    if pa.types.is_list(items) and (
        pa.types.is_decimal(items.value_type) or pa.types.is_nested(items.value_type)
    ):
        return pa.concat_arrays([pa.nulls(0, wanted), *(constant_array(value, sql_type) for value in values)])
    if pa.types.is_decimal(wanted):
        values = [Decimal(value) if isinstance(value, str) else value for value in values]
    return pa.array(values, wanted)


def _vector_column(values: Sequence[Any], sql_type: SqlType) -> pa.Array:
    wanted = arrow_type(sql_type)
    dtype = VECTOR_ELEMENTS[sql_type.oid].dtype
    known = [np.asarray(value, dtype=dtype) for value in values if value is not None]
    flat = stored_numbers(np.concatenate(known) if known else np.empty(0, dtype))
    if pa.types.is_fixed_size_list(wanted) and len(known) == len(values):
        return pa.FixedSizeListArray.from_arrays(flat, type=wanted)
    lengths = np.array([0 if value is None else len(value) for value in values], dtype=np.int32)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    nulls = pa.array(np.array([value is None for value in values], dtype=np.bool_))
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat, mask=nulls)
    if pa.types.is_fixed_size_list(wanted):
        return pa.array(lists.to_pylist(), pa.list_(pa.float32(), wanted.list_size)).cast(wanted)
    return lists
