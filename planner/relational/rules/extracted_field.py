"""extract() and date_part() of a date's or timestamp's whole-numbered fields, whose values DuckDB has, too.

Fields of infinite dates are NULL on both sides, but for the year, which is infinite in PostgreSQL. numeric's decimal form has
no infinity, so a statement that expects short numbers expects years to be finite: DuckDB raises where one is not. Other
fields, types and time zones are left to our evaluator.
"""

from __future__ import annotations

from foundation.sqltypes import DATE, NUMERIC, TIMESTAMP
from planner import bound
from planner.functions.datetime_fields import PLURALS
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import DecimalForm, Printed

_DATE_FIELDS = {
    "year": "year", "isoyear": "isoyear", "quarter": "quarter", "month": "month", "week": "week", "doy": "dayofyear",
    "day": "day", "dow": "dayofweek", "isodow": "isodow",
}  # fmt: skip
_CLOCK_FIELDS = {"hour": "hour", "minute": "minute"}
_YEARS = frozenset(("year", "isoyear"))
_YEAR_FORM, _OTHER_FORM = DecimalForm(7, 0), DecimalForm(3, 0)
_INFINITE_YEAR = 10**7
"""More than its form holds."""


def extracted_field(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if node.function.name not in ("extract", "date_part") or len(node.arguments) != 2:
        return None
    named, value = node.arguments
    if not isinstance(named, bound.Constant) or not isinstance(named.value, str):
        return None
    field = PLURALS.get(named.value.lower(), named.value.lower())
    name = _duckdb_name(field, value.sql_type.oid, is_extract=node.type.oid == NUMERIC.oid)
    if name is None:
        return None
    if field in _YEARS:
        if not isinstance(value, bound.ColumnRef) or not printer.statement.expects_short_numbers:
            return None
        printer.statement.has_expectations = True
        sql, form = _year(name, printer.sql(value)), _YEAR_FORM
    else:
        sql, form = f"{name}({printer.sql(value)})", _OTHER_FORM
    if node.type.oid == NUMERIC.oid:
        return Printed(f"CAST({sql} AS {form.sql})", node.type, form)
    return Printed(f"CAST(CAST({sql} AS {form.sql}) AS DOUBLE)", node.type)


def _duckdb_name(field: str, oid: int, *, is_extract: bool) -> str | None:
    """date_part() takes a date for a timestamp, which it may be too late for."""
    if oid == TIMESTAMP.oid:
        return _DATE_FIELDS.get(field) or _CLOCK_FIELDS.get(field)
    return _DATE_FIELDS.get(field) if oid == DATE.oid and is_extract else None


def _year(name: str, value: str) -> str:
    """There is no year 0: 1 BC is -1."""
    year = f"{name}({value})"
    return (
        f"CASE WHEN {year} > 0 THEN {year} WHEN {value} IS NULL THEN NULL WHEN isfinite({value}) THEN {year} - 1 "
        f"ELSE {_INFINITE_YEAR} END"
    )
