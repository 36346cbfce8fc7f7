"""Functions that mean the same in DuckDB and PostgreSQL, as templates. Data only; anything doubtful is absent.

upper() hides `ß` behind a private character, because DuckDB makes a capital of it and PostgreSQL does not.
Keys are PostgreSQL's function name and declared argument types. `{0}`, `{1}` are the printed arguments; the
result is cast to the carrier of the function's type when the template's own type is wider.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.row_types import described_type
from foundation.sqltypes import NUMERIC
from foundation.time_zones import is_zone
from planner import bound
from planner.functions.implementations import kernel_of
from planner.functions.signatures import functions_named
from planner.relational.expressions import ExpressionPrinter
from planner.relational.literals import print_value
from planner.relational.printed import DecimalForm, Printed

_TEXT, _INT4, _INT8, _FLOAT8, _TIMESTAMP, _BYTEA = 25, 23, 20, 701, 1114, 17

TEMPLATES: dict[tuple[str, tuple[int, ...]], str] = {
    ("lower", (_TEXT,)): "lower({0})",
    ("upper", (_TEXT,)): "replace(upper(replace({0}, 'ß', chr(57344))), chr(57344), 'ß')",
    ("length", (_TEXT,)): "CAST(length({0}) AS INTEGER)",
    ("char_length", (_TEXT,)): "CAST(length({0}) AS INTEGER)",
    ("character_length", (_TEXT,)): "CAST(length({0}) AS INTEGER)",
    ("octet_length", (_TEXT,)): "CAST(strlen({0}) AS INTEGER)",
    ("octet_length", (_BYTEA,)): "CAST(octet_length({0}) AS INTEGER)",
    ("length", (_BYTEA,)): "CAST(octet_length({0}) AS INTEGER)",
    ("textcat", (_TEXT, _TEXT)): "({0} || {1})",
    ("strpos", (_TEXT, _TEXT)): "CAST(strpos({0}, {1}) AS INTEGER)",
    ("position", (_TEXT, _TEXT)): "CAST(strpos({0}, {1}) AS INTEGER)",
    ("starts_with", (_TEXT, _TEXT)): "starts_with({0}, {1})",
    ("btrim", (_TEXT,)): "trim({0}, ' ')",
    ("btrim", (_TEXT, _TEXT)): "trim({0}, {1})",
    ("ltrim", (_TEXT,)): "ltrim({0}, ' ')",
    ("ltrim", (_TEXT, _TEXT)): "ltrim({0}, {1})",
    ("rtrim", (_TEXT,)): "rtrim({0}, ' ')",
    ("rtrim", (_TEXT, _TEXT)): "rtrim({0}, {1})",
    ("md5", (_TEXT,)): "md5({0})",
    ("bit_length", (_TEXT,)): "CAST(strlen({0}) * 8 AS INTEGER)",
    ("abs", (21,)): "abs({0})",
    ("abs", (_INT4,)): "abs({0})",
    ("abs", (_INT8,)): "abs({0})",
    ("abs", (700,)): "abs({0})",
    ("abs", (_FLOAT8,)): "abs({0})",
    ("sqrt", (_FLOAT8,)): "sqrt({0})",
    ("floor", (_FLOAT8,)): "floor({0})",
    ("ceil", (_FLOAT8,)): "ceil({0})",
    ("ceiling", (_FLOAT8,)): "ceil({0})",
    ("round", (_FLOAT8,)): "round_even({0}, 0)",
    ("trunc", (_FLOAT8,)): "trunc({0})",
    ("mod", (21, 21)): "({0} % {1})",
    ("mod", (_INT4, _INT4)): "({0} % {1})",
    ("mod", (_INT8, _INT8)): "({0} % {1})",
    ("isfinite", (1082,)): "isfinite({0})",
    ("isfinite", (_TIMESTAMP,)): "isfinite({0})",
    ("timezone", (_TEXT, 1184)): "timezone({0}, {1})",
    ("timezone", (_TEXT, _TIMESTAMP)): "timezone({0}, {1})",
    ("cardinality", (2277,)): "CAST(len({0}) AS INTEGER)",
}

_SAME_AS: dict[tuple[str, tuple[int, ...]], str] = {
    ("power", (_FLOAT8, _FLOAT8)): "dpow",
    ("pow", (_FLOAT8, _FLOAT8)): "dpow",
    ("power", (1700, 1700)): "numeric_power",
    ("pow", (1700, 1700)): "numeric_power",
}
"""Functions that are another one under a second name; only the other has a kernel."""

_TRUNC_UNITS = frozenset(
    ("microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
)
_OPERATOR_TEMPLATES: dict[tuple[str, int, int], str] = {
    ("||", _TEXT, _TEXT): "({0} || {1})",
    ("||", _BYTEA, _BYTEA): "({0} || {1})",
}


def print_template(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    """Print a call by template; None when there is none."""
    signature = (node.function.name, node.function.argument_types)
    twin = _SAME_AS.get(signature)
    if twin is not None and kernel_of(node.function) is None:
        found = next(f for f in functions_named(twin) if f.argument_types == signature[1])
        if kernel_of(found) is None:
            return None
        return printer.evaluated(replace(node, function=found))
    if node.function.name == "pg_typeof":
        argument = node.arguments[0].sql_type
        return print_value(argument.domain_oid or described_type(argument)[0], node.type)
    template = TEMPLATES.get(signature)
    if node.function.name == "timezone" and not _names_a_zone(node.arguments[0]):
        return None
    if template is None and node.operator is not None and len(node.arguments) == 2:
        key = (node.operator, *node.function.argument_types)
        template = _OPERATOR_TEMPLATES.get(key)  # type: ignore[arg-type]
    if template is None:
        return _numeric_rounding(printer, node) or _date_trunc(printer, node)
    return Printed(template.format(*(printer.sql(argument) for argument in node.arguments)), node.type)


def _names_a_zone(node: bound.Expression) -> bool:
    """Whether DuckDB reads the name as PostgreSQL does: it knows no offsets, `+10:00`, and other abbreviations."""
    return isinstance(node, bound.Constant) and isinstance(node.value, str) and is_zone(node.value)


def _date_trunc(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    """date_trunc of a timestamp by a constant unit that both sides know alike."""
    if node.function.name != "date_trunc" or node.function.argument_types != (_TEXT, _TIMESTAMP):
        return None
    unit = node.arguments[0]
    if not (isinstance(unit, bound.Constant) and isinstance(unit.value, str)):
        return None
    if unit.value.lower() not in _TRUNC_UNITS:
        return None
    argument = printer.sql(node.arguments[1])
    return Printed(f"CAST(date_trunc('{unit.value.lower()}', {argument}) AS TIMESTAMP)", node.type)


def _numeric_rounding(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    """round, trunc, ceil, floor of a numeric in decimal form; the second argument must be a constant."""
    name = node.function.name
    if name not in ("round", "trunc", "ceil", "ceiling", "floor") or node.type.oid != NUMERIC.oid:
        return None
    digits = 0
    if len(node.arguments) == 2:
        scale = node.arguments[1]
        if not (isinstance(scale, bound.Constant) and isinstance(scale.value, int)):
            return None
        digits = scale.value
    argument = printer.print(node.arguments[0])
    if argument.decimal is None or not 0 <= digits <= argument.decimal.scale:
        return None
    form = DecimalForm(min(38, argument.decimal.integer_digits + 1 + digits), digits)
    if name == "round":
        return Printed(f"CAST({argument.sql} AS {form.sql})", node.type, form)
    if name == "trunc" and digits:
        return None
    return Printed(f"CAST({name.replace('ceiling', 'ceil')}({argument.sql}) AS {form.sql})", node.type, form)
