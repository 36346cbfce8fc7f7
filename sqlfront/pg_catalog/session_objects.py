"""What the asking session has prepared and opened: pg_prepared_statements, pg_cursors.

https://www.postgresql.org/docs/15/view-pg-prepared-statements.html; plans are not counted. Only cursors of DECLARE are shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView


@rows_of("pg_prepared_statements")
def pg_prepared_statements(view: CatalogView) -> Iterator[Row]:
    for name, statement in view.session.statements.items():
        if name:
            columns = statement.columns
            yield {
                "name": name, "statement": statement.made_by or statement.text, "prepare_time": statement.prepared_at_us,
                "parameter_types": [parameter.oid for parameter in statement.parameter_types],
                "result_types": None if columns is None else [column.type.oid for column in columns],
                "from_sql": bool(statement.made_by), "generic_plans": 0, "custom_plans": 0,
            }  # fmt: skip


@rows_of("pg_cursors")
def pg_cursors(view: CatalogView) -> Iterator[Row]:
    for cursor in view.session.cursors.open_cursors():
        yield {
            "name": cursor.name, "statement": cursor.made_by, "is_holdable": cursor.is_holdable,
            "is_binary": cursor.is_binary, "is_scrollable": cursor.is_scroll, "creation_time": cursor.created_at_us,
        }  # fmt: skip
