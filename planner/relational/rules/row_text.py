"""ROW(...) as a value: the text of a composite, `(1,a)`, quoted as PostgreSQL's record_out quotes it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foundation.sqltypes import RECORD, TEXT
from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_QUOTED = frozenset('(),"\\ \t\n\r\v\f')


def row_text(printer: ExpressionPrinter, node: bound.RowLiteral) -> Printed:
    texts = [printer.print(bound.CastExpression(item, TEXT, True)) for item in node.items]
    return printer.statement.slot_call("record text", join_fields, texts, RECORD)


def join_fields(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(utf8 columns) -> utf8 record texts; one Python row per output row, records are rare."""
    lists = [column.to_pylist() for column in columns]
    return pa.array([f"({','.join(map(field_text, row))})" for row in zip(*lists, strict=True)], pa.utf8())


def field_text(value: str | None) -> str:
    """One field of a record: NULL is nothing, an empty or special text is quoted."""
    if value is None:
        return ""
    if value and not _QUOTED.intersection(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '""') + '"'
