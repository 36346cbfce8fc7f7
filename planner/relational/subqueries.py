"""Sub-queries in expressions: scalar, EXISTS, ARRAY, ANY and ALL."""

from __future__ import annotations

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import BOOL, array_type, is_shaped
from planner import bound
from planner.relational.array_collection import print_collected
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed
from planner.relational.rules.comparison import COMPARISONS, comparable
from planner.relational.statement import as_plain


def print_subquery(printer: ExpressionPrinter, node: bound.Subquery) -> Printed:
    """Print a sub-query expression; correlated columns are those of relations already in sight."""
    query = printer.print_query(node.query)
    if node.kind is bound.SubqueryKind.EXISTS:
        return Printed(f"EXISTS ({query.sql})", BOOL)
    if node.kind is bound.SubqueryKind.SCALAR:
        return Printed(f"({query.sql})", node.type, query.columns[0].decimal)
    if node.kind is bound.SubqueryKind.ARRAY:
        value = as_plain(Printed("q.o0", query.columns[0].type, query.columns[0].decimal))
        if is_shaped(node.type):
            collected = print_collected(printer, f"list({value})", node.type, is_query=True)
            return Printed(f"(SELECT {collected.sql} FROM ({query.sql}) AS q)", node.type)
        return Printed(
            f"CAST(ARRAY(SELECT {value} FROM ({query.sql}) AS q) AS {carrier(node.type)})", node.type
        )
    return _quantified(printer, node, query.sql, query.columns)


def _quantified(
    printer: ExpressionPrinter, node: bound.Subquery, sql: str, columns: tuple[Printed, ...]
) -> Printed:
    assert node.left is not None
    is_all = node.kind is bound.SubqueryKind.ALL
    if isinstance(node.left, bound.RowLiteral):
        return _row_in(printer, node, sql, columns)
    left = printer.print(node.left)
    right = Printed("q.o0", columns[0].type, columns[0].decimal)
    operator = node.operator or "="
    if operator not in COMPARISONS or left.type.oid == 3802:
        return _by_list(printer, node, sql, columns)
    a, b = comparable(printer, left, right)
    selected = f"SELECT {b} FROM ({sql}) AS q"
    if operator == "=" and not is_all:
        return Printed(f"({a} IN ({selected}))", BOOL)
    if operator in ("<>", "!=") and is_all:
        return Printed(f"({a} NOT IN ({selected}))", BOOL)
    return Printed(f"({a} {operator} {'ALL' if is_all else 'ANY'} ({selected}))", BOOL)


def _row_in(
    printer: ExpressionPrinter, node: bound.Subquery, sql: str, columns: tuple[Printed, ...]
) -> Printed:
    """(a, b) IN (SELECT x, y ...) as an OR over the sub-query's rows: bool_or keeps TRUE over NULL."""
    if node.kind is bound.SubqueryKind.ALL or node.operator != "=":
        raise FeatureNotSupported("row comparison with this kind of sub-query is not supported")
    assert isinstance(node.left, bound.RowLiteral)
    tests = []
    for index, item in enumerate(node.left.items):
        right = Printed(f"q.o{index}", columns[index].type, columns[index].decimal)
        a, b = comparable(printer, printer.print(item), right)
        tests.append(f"({a} = {b})")
    test = " AND ".join(tests)
    return Printed(
        f"(SELECT CASE WHEN count(*) FILTER (WHERE {test}) > 0 THEN TRUE "
        f"WHEN count(*) FILTER (WHERE ({test}) IS NULL) > 0 THEN NULL ELSE FALSE END FROM ({sql}) AS q)",
        BOOL,
    )


def _by_list(
    printer: ExpressionPrinter, node: bound.Subquery, sql: str, columns: tuple[Printed, ...]
) -> Printed:
    """Operators without a quantified form in DuckDB: collect the sub-query and test the array."""
    assert node.left is not None and node.function is not None
    array_of = array_type(columns[0].type)
    value = as_plain(Printed("q.o0", columns[0].type, columns[0].decimal))
    position = len(printer.columns)
    printer.columns[-3, position] = Printed(f"ARRAY(SELECT {value} FROM ({sql}) AS q)", array_of)
    array = bound.ColumnRef(-3, position, "", array_of)
    is_all = node.kind is bound.SubqueryKind.ALL
    return printer.print(bound.QuantifiedArray(node.left, node.operator or "=", node.function, array, is_all))
