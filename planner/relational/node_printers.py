"""How each class of bound expression prints: one function per class, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import BOOL, INT4, NUMERIC, element_type
from planner import bound
from planner.evaluate.constants import python_values
from planner.functions.signature import FunctionKind
from planner.relational.aggregates import print_aggregate
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter, unified
from planner.relational.literals import print_value
from planner.relational.printed import Printed
from planner.relational.rules import CALL_RULES, CAST_RULES
from planner.relational.rules.comparison import comparable, comparable_all, compare, padded_texts, rows_equal
from planner.relational.set_functions import print_in_select_list, print_selected_field
from planner.relational.statement import ARGUMENT_RELATION, as_plain
from planner.relational.subqueries import print_subquery
from planner.relational.templates import print_template
from planner.relational.windows import print_window


def _constant(printer: ExpressionPrinter, node: bound.Constant) -> Printed:
    return print_value(node.value, node.type)


def _parameter(printer: ExpressionPrinter, node: bound.Parameter) -> Printed:
    return print_value(printer.statement.context.parameters[node.index], node.type)


def _column(printer: ExpressionPrinter, node: bound.ColumnRef) -> Printed:
    printed = printer.columns[node.relation_id, node.position]
    if node.relation_id in printer.grouped_relations:
        return Printed(f"any_value({printed.sql})", printed.type, printed.decimal)
    return printed


def _output(printer: ExpressionPrinter, node: bound.OutputRef) -> Printed:
    return printer.outputs[node.position]


def _call(printer: ExpressionPrinter, node: bound.Call) -> Printed:

    if node.function.kind is FunctionKind.SET:
        return print_in_select_list(printer, node)
    for rule in CALL_RULES:
        printed = rule(printer, node)
        if printed is not None:
            return printed
    return print_template(printer, node) or printer.evaluated(node)


def _variadic_call(printer: ExpressionPrinter, node: bound.VariadicCall) -> Printed:
    return printer.evaluated(node)


def _cast(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed:
    if isinstance(node.argument, bound.Constant | bound.Parameter):
        return printer.folded(node)
    for rule in CAST_RULES:
        printed = rule(printer, node)
        if printed is not None:
            return printed
    return printer.evaluated(node)


def _domain_check(printer: ExpressionPrinter, node: bound.DomainCheck) -> Printed:
    return printer.print(node.argument) if node.domain.is_free else printer.evaluated(node)


def _bool(printer: ExpressionPrinter, node: bound.BoolExpression) -> Printed:
    joined = f" {node.operator.value} ".join(printer.sql(argument) for argument in node.arguments)
    return Printed(f"({joined})", BOOL)


def _not(printer: ExpressionPrinter, node: bound.Not) -> Printed:
    return Printed(f"(NOT {printer.sql(node.argument)})", BOOL)


def _is_null(printer: ExpressionPrinter, node: bound.IsNull) -> Printed:
    if isinstance(node.argument, bound.RowLiteral):
        joined = " AND ".join(printer.sql(replace(node, argument=item)) for item in node.argument.items)
        return Printed(f"({joined or 'TRUE'})", BOOL)
    return Printed(f"({printer.sql(node.argument)} IS {'NOT ' if node.is_negated else ''}NULL)", BOOL)


def _is_truth(printer: ExpressionPrinter, node: bound.IsTruth) -> Printed:
    argument = printer.sql(node.argument)
    negation = "NOT " if node.is_negated else ""
    if node.test is bound.TruthTest.UNKNOWN:
        return Printed(f"({argument} IS {negation}NULL)", BOOL)
    wanted = node.test is bound.TruthTest.TRUE
    operator = "IS DISTINCT FROM" if node.is_negated else "IS NOT DISTINCT FROM"
    return Printed(f"({argument} {operator} {'TRUE' if wanted else 'FALSE'})", BOOL)


def _is_distinct(printer: ExpressionPrinter, node: bound.IsDistinct) -> Printed:
    left, right = comparable(printer, printer.print(node.left), printer.print(node.right))
    negation = "NOT " if node.is_negated else ""
    return Printed(f"({left} IS {negation}DISTINCT FROM {right})", BOOL)


def _in_list(printer: ExpressionPrinter, node: bound.InList) -> Printed:
    if isinstance(node.left, bound.RowLiteral):
        tests = [rows_equal(printer, node.left, item) for item in node.items]
        return _negated(f"({' OR '.join(tests)})", node.is_negated)
    left = printer.print(node.left)
    padded = padded_texts(node.left, node.items)
    if padded is not None:
        return _negated(f"({left.sql} IN ({', '.join(padded)}))", node.is_negated)
    items = [printer.print(item) for item in node.items]
    plain = comparable_all(printer, [left, *items])
    if plain is None:
        tests = [compare(printer, "=", left, item) for item in items]
        return _negated(f"({' OR '.join(tests)})", node.is_negated)
    return _negated(f"({plain[0]} IN ({', '.join(plain[1:])}))", node.is_negated)


def _query_result(printer: ExpressionPrinter, node: bound.QueryResult) -> Printed:
    element = element_type(node.type)
    assert element is not None
    return printer.print(bound.Constant(python_values(node.values, element), node.type))


def _negated(sql: str, is_negated: bool) -> Printed:
    return Printed(f"(NOT {sql})" if is_negated else sql, BOOL)


def _quantified_array(printer: ExpressionPrinter, node: bound.QuantifiedArray) -> Printed:
    """Three-valued by counting: TRUE if an item compares true, else NULL if one compares NULL, else FALSE.

    ALL is the negation of ANY over the negated comparison.
    """
    if any(isinstance(part, bound.Subquery) for part in bound.walk(node)):
        return _with_queries_before(printer, node)
    array = printer.print(node.array)
    element = element_type(node.array.sql_type)
    assert element is not None
    item = printer.lambda_name()
    printer.columns[ARGUMENT_RELATION, printer.lambda_count] = Printed(item, element)
    reference = bound.ColumnRef(ARGUMENT_RELATION, printer.lambda_count, item, element)
    comparison = printer.sql(bound.Call(node.function, (node.left, reference), BOOL, node.operator))
    hit = f"NOT {comparison}" if node.is_all else comparison
    found = f"len(list_filter({array.sql}, lambda {item}: {hit})) > 0"
    unknown = f"len(list_filter({array.sql}, lambda {item}: ({comparison}) IS NULL)) > 0"
    answer, rest = ("FALSE", "TRUE") if node.is_all else ("TRUE", "FALSE")
    return Printed(
        f"(CASE WHEN {array.sql} IS NULL THEN NULL WHEN {found} THEN {answer} "
        f"WHEN {unknown} THEN NULL ELSE {rest} END)",
        BOOL,
    )


def _with_queries_before(printer: ExpressionPrinter, node: bound.QuantifiedArray) -> Printed:
    """DuckDB's lambdas hold no sub-queries: both sides are computed before, and handed in as a struct."""
    sides = printer.lambda_name()
    members, references = [], []
    for name, side in (("sought", node.left), ("items", node.array)):
        printed = printer.print(side)
        members.append(f"'{name}': {printed.sql}")
        printer.lambda_name()
        reference = Printed(f"{sides}.{name}", printed.type, printed.decimal)
        printer.columns[ARGUMENT_RELATION, printer.lambda_count] = reference
        references.append(bound.ColumnRef(ARGUMENT_RELATION, printer.lambda_count, name, printed.type))
    inner = _quantified_array(printer, replace(node, left=references[0], array=references[1]))
    return Printed(f"list_transform([{{{', '.join(members)}}}], lambda {sides}: {inner.sql})[1]", BOOL)


def _case(printer: ExpressionPrinter, node: bound.Case) -> Printed:
    conditions = [printer.sql(condition) for condition, _ in node.branches]
    results = [result for _, result in node.branches]
    if node.default is not None:
        results.append(node.default)
    values, form = unified(printer, results, node.type)
    branches = " ".join(f"WHEN {c} THEN {v}" for c, v in zip(conditions, values, strict=False))
    default = f" ELSE {values[-1]}" if node.default is not None else ""
    return Printed(f"(CASE {branches}{default} END)", node.type, form)


def _variadic(printer: ExpressionPrinter, node: bound.Variadic) -> Printed:
    if node.kind is bound.VariadicKind.NULLIF:
        left, right = (printer.print(argument) for argument in node.arguments)
        return Printed(
            f"(CASE WHEN {compare(printer, '=', left, right)} THEN NULL ELSE {left.sql} END)",
            left.type,
            left.decimal,
        )
    values, form = unified(printer, node.arguments, node.type)
    if node.kind is not bound.VariadicKind.COALESCE and node.type.oid == NUMERIC.oid and form is None:
        return printer.evaluated(node)
    return Printed(f"{node.kind.value.lower()}({', '.join(values)})", node.type, form)


def _array_literal(printer: ExpressionPrinter, node: bound.ArrayLiteral) -> Printed:
    items = ", ".join(as_plain(printer.print(item)) for item in node.items)
    return Printed(f"CAST([{items}] AS {carrier(node.type)})", node.type)


def _subscript(printer: ExpressionPrinter, node: bound.Subscript) -> Printed:
    """DuckDB counts from 1 as PostgreSQL's arrays do; int2vector and oidvector count from 0."""
    array = printer.print(node.array)
    shift = " + 1" if array.type.oid in (22, 30) else ""
    if element_type(array.type) is None:
        return printer.evaluated(node)
    if not node.is_slice:
        assert node.index is not None
        index = printer.sql(node.index)
        element = f"{array.sql}[{index}{shift}]"
        return Printed(f"(CASE WHEN {index}{shift} < 1 THEN NULL ELSE {element} END)", node.type)
    lower = "1" if node.index is None else f"greatest(1, {printer.sql(node.index)}{shift})"
    upper = f"len({array.sql})" if node.upper is None else f"({printer.sql(node.upper)}{shift})"
    empty = f"CAST([] AS {carrier(node.type)})"
    return Printed(
        f"(CASE WHEN {upper} < {lower} THEN {empty} ELSE {array.sql}[{lower}:{upper}] END)", node.type
    )


def _evaluated(
    printer: ExpressionPrinter, node: bound.RowLiteral | bound.FieldSelect | bound.RowComparison
) -> Printed:
    selected = print_selected_field(printer, node) if isinstance(node, bound.FieldSelect) else None
    return selected or printer.evaluated(node)


def _subquery(printer: ExpressionPrinter, node: bound.Subquery) -> Printed:
    return print_subquery(printer, node)


def _aggregate(printer: ExpressionPrinter, node: bound.Aggregate) -> Printed:
    with printer.ungrouped():
        return print_aggregate(printer, node)


def _window(printer: ExpressionPrinter, node: bound.WindowCall) -> Printed:
    return print_window(printer, node)


def _grouping(printer: ExpressionPrinter, node: bound.Grouping) -> Printed:
    arguments = ", ".join(printer.group_keys[argument] for argument in node.arguments)
    return Printed(f"CAST(grouping({arguments}) AS INTEGER)", INT4)


def _default(printer: ExpressionPrinter, node: bound.Default) -> Printed:
    raise FeatureNotSupported("DEFAULT is not supported here")


PRINTERS: dict[type[Any], Callable[[ExpressionPrinter, Any], Printed]] = {
    bound.Constant: _constant,
    bound.QueryResult: _query_result,
    bound.Parameter: _parameter,
    bound.ColumnRef: _column,
    bound.OutputRef: _output,
    bound.Call: _call,
    bound.VariadicCall: _variadic_call,
    bound.CastExpression: _cast,
    bound.DomainCheck: _domain_check,
    bound.BoolExpression: _bool,
    bound.Not: _not,
    bound.IsNull: _is_null,
    bound.IsTruth: _is_truth,
    bound.IsDistinct: _is_distinct,
    bound.InList: _in_list,
    bound.QuantifiedArray: _quantified_array,
    bound.Case: _case,
    bound.Variadic: _variadic,
    bound.ArrayLiteral: _array_literal,
    bound.Subscript: _subscript,
    bound.RowLiteral: _evaluated,
    bound.FieldSelect: _evaluated,
    bound.RowComparison: _evaluated,
    bound.Subquery: _subquery,
    bound.Aggregate: _aggregate,
    bound.WindowCall: _window,
    bound.Grouping: _grouping,
    bound.Default: _default,
}
