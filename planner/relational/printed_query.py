"""Printed queries: their outputs, and how the columns of two are made alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.sqltypes import NUMERIC, SqlType
from planner.relational.carriers import converted, decimal_form
from planner.relational.printed import DecimalForm, Printed, common_form


@dataclass(frozen=True, slots=True)
class PrintedQuery:
    """A query's SQL; `columns` have sql `o0`, `o1`, ... with type and numeric form."""

    sql: str
    columns: tuple[Printed, ...]


def outputs_of(types: Sequence[SqlType], forms: Sequence[DecimalForm | None]) -> tuple[Printed, ...]:
    """Outputs o0, o1, ... of those types and numeric forms."""
    return tuple(
        Printed(f"o{index}", sql_type, form)
        for index, (sql_type, form) in enumerate(zip(types, forms, strict=True))
    )


def set_form(left: Printed, right: Printed) -> DecimalForm | None:
    """The numeric form of a set operation's column.

    Each value keeps its display scale, so different scales mean text.
    """
    if left.type.oid != NUMERIC.oid:
        return None
    fixed = decimal_form(left.type)
    if fixed is not None:
        return fixed
    return common_form([left.decimal, right.decimal])


def projected(query: PrintedQuery, types: Sequence[SqlType], forms: Sequence[DecimalForm | None]) -> str:
    """The query with its columns cast to the given forms; the query itself when they fit."""
    if all(column.decimal == form for column, form in zip(query.columns, forms, strict=True)):
        return query.sql
    items = ", ".join(
        f"{converted(Printed(f'q.{column.sql}', sql_type, column.decimal), form)} AS {column.sql}"
        for column, sql_type, form in zip(query.columns, types, forms, strict=True)
    )
    return f"SELECT {items} FROM ({query.sql}) AS q"
