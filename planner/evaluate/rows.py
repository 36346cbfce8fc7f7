"""Evaluation of row values: made of their fields, taken apart, compared.

A row type's values are texts (`foundation.row_types`); the codecs join and split them. Comparison is record_eq's and
record_cmp's: https://www.postgresql.org/docs/15/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.row_types import row_shape
from foundation.sqltypes import SqlType
from planner import bound
from planner.evaluate.casts import conform
from planner.functions.datum import CallSite, Datum
from planner.functions.implementations_compare import compare
from planner.services import EvaluationContext

_HOLDS = {
    "=": lambda order: order == 0, "<>": lambda order: order != 0, "<": lambda order: order < 0,
    "<=": lambda order: order <= 0, ">": lambda order: order > 0, ">=": lambda order: order >= 0,
}  # fmt: skip


def joined_row(
    node: bound.RowLiteral, items: Sequence[Datum], row_count: int, context: EvaluationContext
) -> Datum:
    """The row of some fields; one value where all of them are."""
    is_constant = all(item.is_constant for item in items)
    count = 1 if is_constant else row_count
    fields = [conform(item.spread(count), part.sql_type) for item, part in zip(items, node.items)]
    return Datum(context.codecs.joined_record(fields, node.type, count), is_constant)


def compared_rows(
    node: bound.RowComparison, sides: tuple[Datum, Datum], row_count: int, context: EvaluationContext
) -> Datum:
    """Values of two row types compared: bool, NULL where either row is.

    Raises:
        QuiverError: what the comparison of two fields raises.
    """
    is_constant = all(side.is_constant for side in sides)
    left, right = (side.spread(1 if is_constant else row_count) for side in sides)
    types = node.left.sql_type, node.right.sql_type
    fields = [context.codecs.record_fields(side, kind) for side, kind in zip((left, right), types)]
    order = _order(fields[0], fields[1], types, context)
    is_null = np.asarray(left.is_null()) | np.asarray(right.is_null())
    return Datum(pa.array(_HOLDS[node.operator](order), pa.bool_(), mask=is_null), is_constant)


def _order(
    left: Sequence[pa.Array],
    right: Sequence[pa.Array],
    types: tuple[SqlType, SqlType],
    context: EvaluationContext,
) -> npt.NDArray[np.int8]:
    """(n,) of -1, 0 and 1: how each left row stands to the right one, by the first fields that differ."""
    shapes = row_shape(types[0]), row_shape(types[1])
    assert shapes[0] is not None and shapes[1] is not None, "row types whose fields are known"
    order = np.zeros(len(left[0]) if left else 0, np.int8)
    for a, b, left_type, right_type in zip(left, right, shapes[0].types, shapes[1].types, strict=True):
        fields = _field_order(a, b, (left_type, right_type), context)
        order = np.where(order == 0, fields, order)
    return order


def _field_order(
    left: pa.Array, right: pa.Array, types: tuple[SqlType, SqlType], context: EvaluationContext
) -> npt.NDArray[np.int8]:
    left_null, right_null = np.asarray(left.is_null()), np.asarray(right.is_null())
    by_null = left_null.astype(np.int8) - right_null.astype(np.int8)
    if row_shape(types[0]) is not None:
        inner = [context.codecs.record_fields(side, kind) for side, kind in zip((left, right), types)]
        by_value = _order(inner[0], inner[1], types, context)
    else:
        oids = types[0].oid, types[1].oid
        site = CallSite(context, len(left), types[0], oids)
        smaller, larger = (
            np.asarray(compare(name, Datum(left), Datum(right), oids, site).fill_null(False))
            for name in ("lt", "gt")
        )
        by_value = larger.astype(np.int8) - smaller.astype(np.int8)
    return np.where(left_null | right_null, by_null, by_value).astype(np.int8)
