"""numeric + - * in decimal form keep PostgreSQL's display scales; / and everything over text form is ours.

DuckDB's DECIMAL has the scale max(a, b) for + and - and a + b for *, exactly as PostgreSQL. Where the result
could need more than 38 digits, our evaluator computes it in text form. Products seldom need them, though their types
allow for them (`price * (1 - discount) * (1 + tax)`), and text costs microseconds a row: a statement that expects short
products has them as DECIMAL(38, scale), and DuckDB raises where one is longer.
"""

from __future__ import annotations

from foundation.sqltypes import NUMERIC
from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.numeric_kernels import evaluate_quotient
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed
from planner.relational.rules.comparison import as_plain_text

_SHORT_PRODUCT_SCALE_MAX = 24


def numeric_arithmetic(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if any(argument.sql_type.oid != NUMERIC.oid for argument in node.arguments):
        return None
    if len(node.arguments) == 1:
        return _unary(printer, node)
    if node.operator not in ("+", "-", "*", "/", "%") or len(node.arguments) != 2:
        return None
    left, right = printer.print(node.arguments[0]), printer.print(node.arguments[1])
    if node.operator == "/":
        texts = [Printed(as_plain_text(side), NUMERIC) for side in (left, right)]
        return printer.statement.slot_call("numeric quotient", evaluate_quotient, texts, NUMERIC)
    if left.decimal is None or right.decimal is None:
        return None
    form = _result_form(node.operator, left.decimal, right.decimal)
    if form is None and node.operator == "*" and printer.statement.expects_short_numbers:
        form = _short_product(left.decimal, right.decimal)
        printer.statement.has_expectations |= form is not None
    if form is None:
        return None
    return Printed(f"CAST(({left.sql} {node.operator} {right.sql}) AS {form.sql})", node.type, form)


def _result_form(operator: str, left: DecimalForm, right: DecimalForm) -> DecimalForm | None:
    if operator == "*":
        scale = left.scale + right.scale
        precision = left.precision + right.precision
    else:
        scale = max(left.scale, right.scale)
        precision = max(left.integer_digits, right.integer_digits) + scale + 1
    return DecimalForm(precision, scale) if precision <= DECIMAL_DIGITS_MAX else None


def _short_product(left: DecimalForm, right: DecimalForm) -> DecimalForm | None:
    """The form of a product of no more digits than DECIMAL has, with a third of them left for whole numbers."""
    scale = left.scale + right.scale
    return DecimalForm(DECIMAL_DIGITS_MAX, scale) if scale <= _SHORT_PRODUCT_SCALE_MAX else None


def _unary(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    names = {"-": "(- {0})", "+": "{0}", "@": "abs({0})"}
    template = names.get(node.operator or "") or {"abs": "abs({0})", "numeric_abs": "abs({0})"}.get(
        node.function.name
    )
    if template is None:
        return None
    argument = printer.print(node.arguments[0])
    if argument.decimal is None:
        return None
    sql = template.format(argument.sql)
    return Printed(f"CAST({sql} AS {argument.decimal.sql})", node.type, argument.decimal)
