"""Rows of information_schema about constraints of every kind.

https://www.postgresql.org/docs/15/infoschema-table-constraints.html. A NOT NULL column shows as a CHECK there, with a
name made of OIDs, as in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.definitions import shown_expression
from sqlfront.pg_catalog.information_schema import location
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.standard_domains import all_domains
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import CheckConstraint, ForeignKey, Index, ReferentialAction, Table

_RULES = {action: action.name.replace("_", " ") for action in ReferentialAction}


def _keys(view: CatalogView) -> Iterator[Index]:
    """The keys; information_schema knows no EXCLUDE constraints."""
    return (index for index in view.objects(Index) if index.constraint_oid and not index.is_exclusion)


def _location(view: CatalogView, constraint: Index | CheckConstraint | ForeignKey) -> Row:
    """Where a constraint is: in the schema of its table."""
    schema_oid = view.catalog.table(constraint.table_oid).schema_oid
    return location(view, "constraint", schema_oid, constraint.name)


def _table_location(view: CatalogView, oid: int) -> Row:
    table = view.catalog.table(oid)
    return location(view, "table", table.schema_oid, table.name)


def _not_nulls(view: CatalogView) -> Iterator[tuple[Table, str, str]]:
    """(table, made-up constraint name, clause)."""
    for table in view.objects(Table):
        for column in table.live_columns():
            if column.not_null:
                name = f"{table.schema_oid}_{table.oid}_{column.attnum}_not_null"
                yield table, name, f"{column.name} IS NOT NULL"


@rows_of("table_constraints", schema="information_schema")
def table_constraints(view: CatalogView) -> Iterator[Row]:
    for key in _keys(view):
        kind = "PRIMARY KEY" if key.is_primary else "UNIQUE"
        yield {**_location(view, key), **_table_row(view, key.table_oid, kind, key)}
    for foreign_key in view.objects(ForeignKey):
        row = _table_row(view, foreign_key.table_oid, "FOREIGN KEY", foreign_key)
        yield {**_location(view, foreign_key), **row}
    for check in view.objects(CheckConstraint):
        yield {**_location(view, check), **_table_row(view, check.table_oid, "CHECK", None)}
    for table, name, _ in _not_nulls(view):
        row = _table_row(view, table.oid, "CHECK", None)
        yield {**location(view, "constraint", table.schema_oid, name), **row}


def _table_row(view: CatalogView, table_oid: int, kind: str, timed: Index | ForeignKey | None) -> Row:
    distinct = None
    if isinstance(timed, Index) and not timed.is_primary:
        distinct = "NO" if timed.nulls_not_distinct else "YES"
    return {
        **_table_location(view, table_oid), "constraint_type": kind,
        "is_deferrable": "YES" if timed is not None and timed.is_deferrable else "NO",
        "initially_deferred": "YES" if timed is not None and timed.is_initially_deferred else "NO",
        "enforced": "YES", "nulls_distinct": distinct,
    }  # fmt: skip


@rows_of("key_column_usage", schema="information_schema")
def key_column_usage(view: CatalogView) -> Iterator[Row]:
    for key in _keys(view):
        yield from _usage_rows(view, key, key.key_attnums(), [None] * len(key.keys))
    for foreign_key in view.objects(ForeignKey):
        index = view.catalog.get(foreign_key.referenced_index_oid)
        assert isinstance(index, Index), "an index that is referenced cannot be dropped"
        places = [index.key_attnums().index(attnum) + 1 for attnum in foreign_key.referenced_attnums]
        yield from _usage_rows(view, foreign_key, foreign_key.attnums, places)


def _usage_rows(
    view: CatalogView,
    constraint: Index | ForeignKey,
    attnums: tuple[int, ...],
    places: list[int] | list[None],
) -> Iterator[Row]:
    table = view.catalog.table(constraint.table_oid)
    for position, (attnum, place) in enumerate(zip(attnums, places, strict=True), 1):
        yield {
            **_location(view, constraint), **_table_location(view, table.oid),
            "column_name": table.column_at(attnum).name, "ordinal_position": position,
            "position_in_unique_constraint": place,
        }  # fmt: skip


@rows_of("constraint_column_usage", schema="information_schema")
def constraint_column_usage(view: CatalogView) -> Iterator[Row]:
    """The columns a constraint needs: of a foreign key the referenced ones."""
    used: list[tuple[Index | CheckConstraint | ForeignKey, int, tuple[int, ...]]] = []
    used += [(key, key.table_oid, key.key_attnums()) for key in _keys(view)]
    used += [(check, check.table_oid, check.attnums) for check in view.objects(CheckConstraint)]
    used += [(key, key.referenced_oid, key.referenced_attnums) for key in view.objects(ForeignKey)]
    for constraint, table_oid, attnums in used:
        table = view.catalog.table(table_oid)
        for attnum in attnums:
            yield {
                **_location(view, constraint), **_table_location(view, table_oid),
                "column_name": table.column_at(attnum).name,
            }  # fmt: skip


@rows_of("constraint_table_usage", schema="information_schema")
def constraint_table_usage(view: CatalogView) -> Iterator[Row]:
    """The table of a key, and of a foreign key the one that is referenced."""
    for key in _keys(view):
        yield {**_location(view, key), **_table_location(view, key.table_oid)}
    for foreign_key in view.objects(ForeignKey):
        yield {**_location(view, foreign_key), **_table_location(view, foreign_key.referenced_oid)}


@rows_of("referential_constraints", schema="information_schema")
def referential_constraints(view: CatalogView) -> Iterator[Row]:
    """A key that references an index which is no constraint has NULL for its unique constraint."""
    for key in view.objects(ForeignKey):
        index = view.catalog.get(key.referenced_index_oid)
        unique: Row = dict.fromkeys(
            ("unique_constraint_catalog", "unique_constraint_schema", "unique_constraint_name")
        )
        if isinstance(index, Index) and index.constraint_oid:
            unique = {f"unique_{name}": value for name, value in _location(view, index).items()}
        yield {
            **_location(view, key), **unique, "match_option": "FULL" if key.is_match_full else "NONE",
            "update_rule": _RULES[key.on_update], "delete_rule": _RULES[key.on_delete],
        }  # fmt: skip


@rows_of("check_constraints", schema="information_schema")
def check_constraints(view: CatalogView) -> Iterator[Row]:
    for check in view.objects(CheckConstraint):
        clause = shown_expression(view, check.expression_sql, check.table_oid)
        yield {**_location(view, check), "check_clause": f"({clause})"}
    for domain in all_domains(view):
        for constraint in domain.constraints:
            yield {
                **location(view, "constraint", domain.schema_oid, constraint.name),
                "check_clause": f"({shown_expression(view, constraint.expression_sql, domain.oid)})",
            }
    for table, name, clause in _not_nulls(view):
        yield {**location(view, "constraint", table.schema_oid, name), "check_clause": clause}
