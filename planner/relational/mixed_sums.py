"""sum() of numerics that differ in scale by branch: `sum(CASE WHEN ... THEN price ELSE 0 END)`, `sum(coalesce(price, 0))`.

A sum has the greatest scale of its values (numeric.c, `do_numeric_accum`), so a value has to keep its own: as text it takes
microseconds a row. But each branch has one scale. So the values are added as decimals of the widest, the scales of the
branches taken are compared beside that, and the sum is cut to the greatest, which leaves no digit away. A statement that expects short
numbers expects such a sum to have 38 digits at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.sqltypes import NUMERIC
from planner import bound
from planner.relational.carriers import converted
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed
from planner.relational.statement import is_volatile

if TYPE_CHECKING:
    from planner.relational.aggregates import CallShape


@dataclass(frozen=True, slots=True)
class _Branch:
    """A value with the condition under which it is taken; None = where no other is."""

    condition: str | None
    value: Printed


def sum_of_branches(printer: ExpressionPrinter, node: bound.Expression, shape: CallShape) -> Printed | None:
    """The sum of a CASE or COALESCE whose branches are all in decimal form, as text; None for another."""
    if not printer.statement.expects_short_numbers or is_volatile(node):
        return None
    if any(isinstance(part, bound.Subquery) for part in bound.walk(node)):
        return None  # It is printed several times here, and a sub-query may run each time.
    if shape.distinct or shape.order_by or shape.is_window:
        return None
    branches = _branches(printer, node)
    form = None if branches is None else _widest([branch.value for branch in branches])
    if branches is None or form is None:
        return None
    printer.statement.has_expectations = True
    value = _chosen(branches, [f"CAST({branch.value.sql} AS {form.sql})" for branch in branches])
    taken = _chosen(branches, [str(_scale(branch.value)) for branch in branches])
    scale = shape.call("max", f"CASE WHEN {value} IS NOT NULL THEN {taken} END")
    total = f"CAST({shape.call('sum', value)} AS {DecimalForm(DECIMAL_DIGITS_MAX, form.scale).sql})"
    cut = []
    for known in sorted({_scale(branch.value) for branch in branches}):
        short = DecimalForm(DECIMAL_DIGITS_MAX, known)
        text = converted(Printed(f"CAST({total} AS {short.sql})", NUMERIC, short), None)
        cut.append(f"WHEN {known} THEN {text}")
    return Printed(f"(CASE {scale} {' '.join(cut)} END)", NUMERIC)


def _branches(printer: ExpressionPrinter, node: bound.Expression) -> list[_Branch] | None:
    match node:
        case bound.Case():
            found = [_Branch(printer.sql(test), printer.print(value)) for test, value in node.branches]
            return found if node.default is None else [*found, _Branch(None, printer.print(node.default))]
        case bound.Variadic(kind=bound.VariadicKind.COALESCE):
            values = [printer.print(argument) for argument in node.arguments]
            tests = [*(f"({value.sql} IS NOT NULL)" for value in values[:-1]), None]
            return [_Branch(test, value) for test, value in zip(tests, values, strict=True)]
    return None


def _widest(values: Sequence[Printed]) -> DecimalForm | None:
    forms = [value.decimal for value in values if value.decimal is not None]
    if len(forms) < len(values):
        return None
    scale = max(form.scale for form in forms)
    precision = max(form.integer_digits for form in forms) + scale
    return DecimalForm(precision, scale) if precision <= DECIMAL_DIGITS_MAX else None


def _scale(value: Printed) -> int:
    assert value.decimal is not None
    return value.decimal.scale


def _chosen(branches: Sequence[_Branch], results: Sequence[str]) -> str:
    pieces = [
        f"ELSE {result}" if branch.condition is None else f"WHEN {branch.condition} THEN {result}"
        for branch, result in zip(branches, results, strict=True)
    ]
    return f"(CASE {' '.join(pieces)} END)"
