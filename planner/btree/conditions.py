"""Conditions on one column that its order answers: which spans of the order they hold for.

    column =, <, <=, >, >= value     column IN (values)     column = ANY (array)     column IS [NOT] NULL
    column LIKE 'prefix%'            starts_with(column, 'prefix')                   a boolean column, or NOT one

A value is anything without columns and without volatile functions, of the column's type or another of its family.
Only TRUE matters: a comparison with NULL holds nowhere. What a scan would answer with an error is left to the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError
from foundation.sqltypes import BOOL, FLOAT4, FLOAT8, INT2, INT4, INT8, TEXT, VARCHAR, SqlType, element_type
from planner import bound
from planner.btree.column_order import ColumnOrder, Span, key_of
from planner.evaluate.constants import constant_list
from planner.evaluate.coverage import is_row_free
from planner.evaluate.expressions import evaluate_constant
from planner.functions.patterns import split_like
from planner.services import EvaluationContext

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FAMILIES = (
    frozenset(t.oid for t in (INT2, INT4, INT8)),
    frozenset(t.oid for t in (FLOAT4, FLOAT8)),
    frozenset(t.oid for t in (TEXT, VARCHAR)),
)
_TEXTS = _FAMILIES[2]
LIST_MAX = 1024
"""Longer lists are looked up by the scan, which makes a hash table of them; they are not even gone through here."""

_LIKE, _STARTS_WITH = "~~", "starts_with"
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)

Values: TypeAlias = list[pa.Scalar]


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """A condition on a column: `operator` is =, <, <=, >, >=, LIKE, PREFIX, NULL or NOT NULL, and `operand` what follows.

    `operand` is one expression, or those of an IN list, or the array of = ANY; none for tests of NULL.
    """

    column: bound.ColumnRef
    operator: str
    operand: tuple[bound.Expression, ...] = ()
    is_array: bool = False


def column_test(node: bound.Expression) -> ColumnTest | None:
    """The test that a condition is; None where it is another one."""
    match node:
        case bound.Call():
            return _comparison(node)
        case bound.InList(is_negated=False):
            column = _column(node.left)
            is_short = column is not None and len(node.items) <= LIST_MAX
            if column is not None and is_short and all(_is_value(item, column.type) for item in node.items):
                return ColumnTest(column, "=", node.items)
        case bound.QuantifiedArray(operator="=", is_all=False):
            column, element = _column(node.left), element_type(node.array.sql_type)
            if column is not None and element is not None and is_row_free(node.array):
                is_comparable = _are_comparable(column.type, element)
                return ColumnTest(column, "=", (node.array,), is_array=True) if is_comparable else None
        case bound.IsNull():
            column = _column(node.argument)
            if column is not None:
                return ColumnTest(column, "NOT NULL" if node.is_negated else "NULL")
        case bound.ColumnRef() | bound.Not(argument=bound.ColumnRef()):
            column = node if isinstance(node, bound.ColumnRef) else _column(node.argument)
            if column is not None and column.type.oid == BOOL.oid:
                return ColumnTest(column, "=", (bound.Constant(column is node, BOOL),))
    return None


def _comparison(call: bound.Call) -> ColumnTest | None:
    if len(call.arguments) != 2:
        return None
    left, right = call.arguments
    operator = call.operator
    if operator == _LIKE or call.function.name == _STARTS_WITH:
        column = _column(left)
        is_text = column is not None and {column.type.oid, right.sql_type.oid} <= _TEXTS
        if column is None or not is_text or not is_row_free(right):
            return None
        return ColumnTest(column, "LIKE" if operator == _LIKE else "PREFIX", (right,))
    if operator not in _MIRRORED:
        return None
    for side, value, shown in ((left, right, operator), (right, left, _MIRRORED[operator])):
        column = _column(side)
        if column is not None and _is_value(value, column.type):
            return ColumnTest(column, shown, (value,))
    return None


def _column(node: bound.Expression) -> bound.ColumnRef | None:
    """A column, also under a cast between text types that only renames."""
    if isinstance(node, bound.CastExpression) and {node.type.oid, node.argument.sql_type.oid} <= _TEXTS:
        return _column(node.argument) if node.type.typmod < 0 else None
    return node if isinstance(node, bound.ColumnRef) else None


def _is_value(node: bound.Expression, column_type: SqlType) -> bool:
    return _are_comparable(column_type, node.sql_type) and is_row_free(node)


def _are_comparable(left: SqlType, right: SqlType) -> bool:
    """Whether values of two types have keys of one order: not dates and instants, which TimeZone stands between."""
    return left.oid == right.oid or any({left.oid, right.oid} <= family for family in _FAMILIES)


@dataclass(frozen=True, slots=True)
class Spans:
    """Ascending disjoint spans; where they are not exact the condition has to be evaluated for their rows too."""

    spans: tuple[Span, ...]
    is_exact: bool = True


def search_count(test: ColumnTest, values: Values) -> int:
    """How many binary searches a test takes; the second one of an equal value is short."""
    return 2 if test.operator in ("LIKE", "PREFIX") else len(values)


def column_values(test: ColumnTest, context: EvaluationContext) -> Values | None:
    """The values that a column is compared with, NULLs left out; None where they are many or cannot be computed."""
    try:
        if test.is_array:
            if _length(test.operand[0], context) > LIST_MAX:
                return None
            lists = evaluate_constant(test.operand[0], context)
            return [value for value in lists.flatten() if value.is_valid]
        listed = constant_list(test.operand)
        if listed is None:
            values = [evaluate_constant(node, context)[0] for node in test.operand]
        else:
            values = list(listed)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        return None
    return [value for value in values if value.is_valid]


def _length(array: bound.Expression, context: EvaluationContext) -> int:
    """How many elements an array has, as far as that is seen without evaluating it; else 0."""
    match array:
        case bound.Constant():
            elements = array.value
        case bound.Parameter():
            elements = context.parameters[array.index]
        case bound.QueryResult():
            elements = array.values
        case bound.ArrayLiteral():
            elements = array.items
        case _:
            elements = None
    return 0 if elements is None else len(elements)


def spans_of(test: ColumnTest, values: Values, order: ColumnOrder) -> Spans | None:
    """Where a test is TRUE; None for a pattern without a prefix, or one that is an error."""
    if test.operator == "NULL":
        return _filled([order.nulls()])
    if test.operator == "NOT NULL":
        return _filled([order.values()])
    if test.operator == "LIKE":
        return _like_spans(values[0].as_py(), order) if values else _filled([])
    if test.operator == "PREFIX":
        return _filled([_prefix_span(value.as_py(), order) for value in values])
    keys = {key_of(value, test.column.type) for value in values}
    return _filled(sorted(order.compared(test.operator, key) for key in keys))


def _filled(spans: list[Span], *, is_exact: bool = True) -> Spans:
    return Spans(tuple(span for span in spans if span[0] < span[1]), is_exact)


def _like_spans(pattern: str, order: ColumnOrder) -> Spans | None:
    try:
        pieces = split_like(pattern)
    except QuiverError:
        return None
    if not pieces or (len(pieces) == 1 and not pieces[0][0]):
        return _filled([order.equal(pieces[0][1] if pieces else "")])
    is_wildcard, prefix = pieces[0]
    if is_wildcard:
        return None
    return _filled([_prefix_span(prefix, order)], is_exact=pieces[1:] == [(True, "%")])


def _prefix_span(prefix: str, order: ColumnOrder) -> Span:
    """The values that begin with a prefix: from it to the least text above all of these."""
    following = _following(prefix)
    first = order.first_not_below(prefix)
    return first, order.value_count if following is None else order.first_not_below(following)


def _following(prefix: str) -> str | None:
    """The least text that is above every text with a prefix; None where there is none."""
    kept = prefix.rstrip(chr(_LAST_CHARACTER))
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)
