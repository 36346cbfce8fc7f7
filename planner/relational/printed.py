"""A printed expression: DuckDB SQL text together with the PostgreSQL type its value stands for.

numeric has two forms inside DuckDB. The *decimal* form is DECIMAL(p, s): exact, fast, one display scale for the
whole column; typed columns, constants and what `+ - * sum min max` make of them have it. The *text* form is
VARCHAR in PostgreSQL's canonical text: any number of digits, NaN and Infinity, a display scale per value;
division, `avg` and columns of mixed scale have it. Neither is ever a DOUBLE.
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.sqltypes import NUMERIC, SqlType

DECIMAL_DIGITS_MAX = 38


@dataclass(frozen=True, slots=True)
class DecimalForm:
    """The DuckDB type DECIMAL(precision, scale) of a printed numeric."""

    precision: int
    scale: int

    @property
    def sql(self) -> str:
        return f"DECIMAL({self.precision},{self.scale})"

    @property
    def integer_digits(self) -> int:
        return self.precision - self.scale


@dataclass(frozen=True, slots=True)
class Printed:
    """SQL text safe to embed anywhere an operand may stand (it carries its own parentheses).

    `decimal` is None unless `type` is numeric and the value is in decimal form.
    """

    sql: str
    type: SqlType
    decimal: DecimalForm | None = None

    @property
    def is_text_numeric(self) -> bool:
        return self.type.oid == NUMERIC.oid and self.decimal is None


def column_name(relation_id: int, position: int) -> str:
    """What DuckDB knows a column of a FROM item by: one name in the whole statement, so that its plans can be read."""
    return f"r{relation_id}c{position}"


def column_sql(relation_id: int, position: int) -> str:
    return f"r{relation_id}.{column_name(relation_id, position)}"


def mask_name(relation_id: int) -> str:
    """The column that says which rows of a registered table are visible."""
    return f"r{relation_id}visible"


def common_form(forms: list[DecimalForm | None]) -> DecimalForm | None:
    """The decimal form that holds all of several without changing any display scale, or None for text."""
    if not forms or any(form is None for form in forms):
        return None
    known = [form for form in forms if form is not None]
    if len({form.scale for form in known}) > 1:
        return None
    return DecimalForm(max(form.precision for form in known), known[0].scale)


def widest_form(left: DecimalForm, right: DecimalForm) -> DecimalForm:
    """The decimal form both sides of a comparison are cast to."""
    scale = max(left.scale, right.scale)
    digits = max(left.integer_digits, right.integer_digits)
    return DecimalForm(min(DECIMAL_DIGITS_MAX, digits + scale), scale)


def quote_text(value: str) -> str:
    """A VARCHAR literal."""
    return "'" + value.replace("'", "''") + "'"
