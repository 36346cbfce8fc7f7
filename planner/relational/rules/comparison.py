"""Comparison operators: bpchar without its padding, numeric by value, rows item by item.

Types whose order DuckDB's carrier does not have (jsonb, bit strings of different length, timestamptz beside date)
are left to our evaluator.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.enum_types import is_enum
from foundation.errors import FeatureNotSupported, UndefinedFunction
from foundation.ranges import SCALED
from foundation.sqltypes import (
    BIT,
    BOOL,
    BPCHAR,
    BYTE_ORDERED,
    BYTEA,
    DENSE_VECTOR_TYPES,
    JSON,
    JSONB,
    NUMERIC,
    SPARSEVEC,
    TEXT,
    TSQUERY,
    VARBIT,
    SqlType,
    element_type,
    plain_oid,
)
from planner import bound
from planner.functions.implementations_compare import (
    evaluate_bit_order,
    evaluate_range_value,
)
from planner.functions.implementations_json import evaluate_jsonb_order, evaluate_jsonb_value
from planner.functions.implementations_sparse import evaluate_sparse_order
from planner.relational.carriers import converted
from planner.relational.expressions import ExpressionPrinter
from planner.relational.numeric_kernels import evaluate_sort_key
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed, quote_text, widest_form
from planner.relational.statement import as_plain
from planner.text_search.tsqueries import evaluate_query_order

COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_SHORT_NUMBER = DecimalForm(DECIMAL_DIGITS_MAX, 20)
_NOT_SHORT = rf"^(?:.*\.\d{{{_SHORT_NUMBER.scale + 1},}}|.*[NI].*)$"
"""NaN, Infinity, and numbers with more digits behind the point than are kept; too many before it do not survive the cast."""
_EQUALITIES = ("=", "<>", "!=")

_NUMBERS = frozenset(
    (20, 21, 23, 700, 701, 24, 26, 28, 29, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096)
)
_TEXTS = frozenset((18, 19, 25, 705, 1042, 1043))
_SAME_TYPE = (
    frozenset(
        (16, 17, 22, 30, 1082, 1083, 1114, 1184, 1186, 2950, 790, *(kind.oid for kind in DENSE_VECTOR_TYPES))
    )
    | BYTE_ORDERED
)
_EQUALITY_ONLY = frozenset((27, 1560, 1562, 16389))
_UNORDERED_ELEMENTS = frozenset((1231, 3907, 6151, 199, 3807, 1561, 1563, 1014, 3645, 16390))


def comparison(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if node.operator not in COMPARISONS or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    if isinstance(left, bound.RowLiteral) and isinstance(right, bound.RowLiteral):
        return Printed(_compare_rows(printer, node.operator, left, right), BOOL)
    if not _is_native(node.operator, left.sql_type, right.sql_type):
        return None
    if node.operator in _EQUALITIES:
        padded = padded_texts(left, [right]) or padded_texts(right, [left])
        if padded is not None:
            column = left if isinstance(left, bound.ColumnRef) else right
            return Printed(f"({printer.print(column).sql} {node.operator} {padded[0]})", BOOL)
    return Printed(compare(printer, node.operator, printer.print(left), printer.print(right)), BOOL)


def _is_native(operator: str, left: SqlType, right: SqlType) -> bool:
    a, b = left.oid, right.oid
    if a == b:
        if a in _EQUALITY_ONLY:
            return operator in _EQUALITIES
        return (
            is_enum(a)
            or a in _SAME_TYPE
            or a in _NUMBERS
            or a in _TEXTS
            or a == NUMERIC.oid
            or a in SCALED
            or _is_plain_array(a)
        )
    pairs = ({a, b} <= _NUMBERS, {a, b} <= _TEXTS, {a, b} == {1082, 1114})
    return any(pairs)


def _is_plain_array(oid: int) -> bool:
    """Arrays whose elements DuckDB orders as PostgreSQL does."""
    oid = plain_oid(oid)
    return element_type(SqlType(oid)) is not None and oid not in _UNORDERED_ELEMENTS


def compare(printer: ExpressionPrinter, operator: str, left: Printed, right: Printed) -> str:
    """SQL of a comparison of two printed values of comparable types."""
    if operator in _EQUALITIES and left.type == right.type and _is_padded(left):
        return f"({left.sql} {operator} {right.sql})"
    a, b = comparable(printer, left, right)
    return f"({a} {operator} {b})"


def comparable(printer: ExpressionPrinter, left: Printed, right: Printed) -> tuple[str, str]:
    """Both sides as SQL whose DuckDB comparison is PostgreSQL's."""
    if NUMERIC.oid in (left.type.oid, right.type.oid):
        if left.decimal is not None and right.decimal is not None:
            return left.sql, right.sql
        return sort_key(printer, left), sort_key(printer, right)
    return _ordered(printer, left), _ordered(printer, right)


def comparable_all(printer: ExpressionPrinter, values: Sequence[Printed]) -> list[str] | None:
    """As `comparable` for several values at once; None when they have to be compared one by one."""
    if any(value.type.oid == NUMERIC.oid for value in values):
        if any(value.decimal is None for value in values):
            return [sort_key(printer, value) for value in values]
        form = values[0].decimal
        assert form is not None
        for value in values[1:]:
            assert value.decimal is not None
            form = widest_form(form, value.decimal)
        return [f"CAST({value.sql} AS {form.sql})" for value in values]
    first = values[0].type
    if not all(_is_native("=", first, value.type) for value in values):
        return None
    return [_ordered(printer, value) for value in values]


def padded_texts(column: bound.Expression, values: Sequence[bound.Expression]) -> list[str] | None:
    """Constants blank-padded as the values of a char(n) column are, so that equality needs no rtrim() of each.

    None where it is not about such a column and constants.
    """
    if not (isinstance(column, bound.ColumnRef) and _char_length(column.type)):
        return None
    # Beside a text, which keeps its blanks, the column loses its own.
    texts = [v.value for v in values if isinstance(v, bound.Constant) and v.type.oid == BPCHAR.oid]
    if len(texts) < len(values) or not all(isinstance(text, str) for text in texts):
        return None
    return [quote_text(text.rstrip(" ").ljust(_char_length(column.type))) for text in texts]


def _char_length(sql_type: SqlType) -> int:
    """n of a char(n), whose typmod is n + 4; 0 for other types."""
    return max(0, sql_type.typmod - 4) if sql_type.oid == BPCHAR.oid else 0


def _is_padded(value: Printed) -> bool:
    """Whether a value is of a char(n), all of which have n characters: equal as they are, though not ordered so."""
    return _char_length(value.type) > 0


def has_many_forms(value: Printed) -> bool:
    """Whether values that DuckDB tells apart may be equal: numerics as text, char values of several lengths, jsonb,
    numrange, tsquery."""
    is_loose_char = value.type.oid == BPCHAR.oid and not _is_padded(value)
    return value.is_text_numeric or is_loose_char or value.type.oid in (JSONB.oid, TSQUERY.oid, *SCALED)


def _unpadded(value: Printed) -> str:
    return f"rtrim({value.sql}, ' ')" if value.type.oid == BPCHAR.oid else value.sql


def _ordered(printer: ExpressionPrinter, value: Printed) -> str:
    """A value that is no numeric in a form that DuckDB compares as PostgreSQL compares the value."""
    if value.type.oid in SCALED:
        return printer.statement.slot_call("range value", evaluate_range_value, [value], BYTEA).sql
    return _unpadded(value)


def sort_key(printer: ExpressionPrinter, value: Printed) -> str:
    """Key of a numeric in any form, in its order and equal for equal values of different scale.

    A number of up to 18 digits before the point and 20 behind it, which is expected, is its own key; otherwise it is bytes.
    """
    if printer.statement.expects_short_numbers:
        printer.statement.has_expectations = True
        return f"CAST({_short_number(value)} AS {_SHORT_NUMBER.sql})"
    text = Printed(as_plain_text(value), NUMERIC)
    return printer.statement.slot_call("numeric sort key", evaluate_sort_key, [text], BYTEA).sql


def _short_number(value: Printed) -> str:
    """A numeric that can be cast to `_SHORT_NUMBER` if it is one, and cannot if it is not, where rounding would make it one."""
    if value.decimal is not None and value.decimal.scale <= _SHORT_NUMBER.scale:
        return value.sql
    return f"regexp_replace({as_plain_text(value)}, '{_NOT_SHORT}', '1e{_SHORT_NUMBER.precision}')"


def as_plain_text(value: Printed) -> str:
    """A numeric in text form."""
    return converted(value, None)


def group_sql(printer: ExpressionPrinter, value: Printed) -> str:
    """What GROUP BY and DISTINCT work on in place of a value; raises as `order_sql` does."""
    if value.type.oid == JSONB.oid:
        return printer.statement.slot_call("jsonb value", evaluate_jsonb_value, [value], TEXT).sql
    return value.sql if _is_padded(value) else order_sql(printer, value)


def order_sql(printer: ExpressionPrinter, value: Printed) -> str:
    """What ORDER BY works on in place of a value.

    Raises:
        UndefinedFunction: 42883, for json, which has no order.
    """
    if value.is_text_numeric:
        return sort_key(printer, value)
    if value.type.oid == VARBIT.oid or value.type == BIT:
        return printer.statement.slot_call("bit order", evaluate_bit_order, [value], BYTEA).sql
    if value.type.oid == SPARSEVEC.oid:
        return printer.statement.slot_call("sparse order", evaluate_sparse_order, [value], BYTEA).sql
    if value.type.oid == TSQUERY.oid:
        return printer.statement.slot_call("tsquery order", evaluate_query_order, [value], BYTEA).sql
    if value.type.oid == JSONB.oid:
        return printer.statement.slot_call("jsonb order", evaluate_jsonb_order, [value], BYTEA).sql
    if value.type.oid == JSON.oid:
        raise UndefinedFunction("could not identify an ordering operator for type json")
    return _ordered(printer, value)


def rows_equal(printer: ExpressionPrinter, left: bound.RowLiteral, right: bound.Expression) -> str:
    if not isinstance(right, bound.RowLiteral):
        raise FeatureNotSupported("comparison of a row with a composite value is not supported")
    return _compare_rows(printer, "=", left, right)


def _compare_rows(
    printer: ExpressionPrinter, operator: str, left: bound.RowLiteral, right: bound.RowLiteral
) -> str:
    """Rows as the SQL standard has them: = all equal, < decided by the first unequal pair."""
    pairs = [(printer.print(a), printer.print(b)) for a, b in zip(left.items, right.items, strict=True)]
    if operator == "=":
        return f"({' AND '.join(compare(printer, '=', a, b) for a, b in pairs)})"
    if operator in ("<>", "!="):
        return f"({' OR '.join(compare(printer, '<>', a, b) for a, b in pairs)})"
    strict = operator[0]
    *leading, last = pairs
    sql = compare(printer, operator, *last)
    for a, b in reversed(leading):
        sql = f"({compare(printer, strict, a, b)} OR ({compare(printer, '=', a, b)} AND {sql}))"
    return sql


__all__ = [
    "as_plain",
    "comparable",
    "comparable_all",
    "compare",
    "comparison",
    "group_sql",
    "order_sql",
    "rows_equal",
]
