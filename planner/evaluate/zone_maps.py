"""Zone maps: skip a sealed segment when a column's bounds rule the predicate out.

Only conjuncts `column op constant` of types whose stored order is the SQL order are looked at: integers,
dates and text. A conjunct that cannot be TRUE for any row decides; everything else says "maybe".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.sqltypes import DATE, INT2, INT4, INT8, TEXT, VARCHAR
from planner import bound
from planner.evaluate.constants import constant_array
from planner.services import EvaluationContext

if TYPE_CHECKING:
    from storage import SegmentView

_INTEGERS = (INT2.oid, INT4.oid, INT8.oid)
_TEXTS = (TEXT.oid, VARCHAR.oid)
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def can_match(
    predicate: bound.Expression, segment: SegmentView, scan: bound.TableScan, context: EvaluationContext
) -> bool:
    """False when no row of the segment can satisfy the predicate."""
    if segment.segment_id <= 0:
        return True
    for conjunct in conjuncts(predicate):
        comparison = column_comparison(conjunct, scan, context)
        if comparison is not None and not _within(comparison, segment):
            return False
    return True


def conjuncts(predicate: bound.Expression | None) -> tuple[bound.Expression, ...]:
    """The arguments of a top-level AND, nested ones flattened."""
    if predicate is None:
        return ()
    if isinstance(predicate, bound.BoolExpression) and predicate.operator is bound.BoolOperator.AND:
        return tuple(part for argument in predicate.arguments for part in conjuncts(argument))
    return (predicate,)


def conjunction(parts: tuple[bound.Expression, ...]) -> bound.Expression:
    """At least one condition, joined by AND."""
    return parts[0] if len(parts) == 1 else bound.BoolExpression(bound.BoolOperator.AND, parts)


def column_comparison(
    node: bound.Expression, scan: bound.TableScan, context: EvaluationContext
) -> tuple[int, str, Any] | None:
    """(attnum, operator, Python value) of `column op constant` in a comparable type, either way round."""
    if not isinstance(node, bound.Call) or node.operator not in _MIRRORED or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    operator = node.operator
    if not isinstance(left, bound.ColumnRef):
        left, right, operator = right, left, _MIRRORED[operator]
    if not isinstance(left, bound.ColumnRef) or not isinstance(right, bound.Constant | bound.Parameter):
        return None
    types = (left.type.oid, right.type.oid)
    comparable = any(all(t in family for t in types) for family in (_INTEGERS, _TEXTS, (DATE.oid,)))
    attnum = scan.columns[left.position].attnum
    if not comparable or attnum <= 0 or left.relation_id != scan.relation_id:
        return None
    value = right.value if isinstance(right, bound.Constant) else context.parameters[right.index]
    if value is None:
        return (attnum, operator, None)
    array = constant_array(value, right.type)
    return (attnum, operator, array.cast(pa.int32())[0].as_py() if types[0] == DATE.oid else array[0].as_py())


def _within(comparison: tuple[int, str, Any], segment: SegmentView) -> bool:
    attnum, operator, value = comparison
    if value is None:
        return False  # a comparison with NULL is never TRUE
    bounds = segment.zone_map(attnum)
    if bounds is None:
        return True
    low: Any = bounds.minimum
    high: Any = bounds.maximum
    if low is None or high is None:
        return False
    if isinstance(value, str):
        # Text is compared by bytes; code points order the same way.
        low, high = str(low), str(high)
    match operator:
        case "=":
            return bool(low <= value <= high)
        case "<":
            return bool(low < value)
        case "<=":
            return bool(low <= value)
        case ">":
            return bool(high > value)
        case _:
            return bool(high >= value)
