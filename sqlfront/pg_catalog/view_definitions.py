"""Views as the catalogs describe them: pg_get_viewdef, pg_views, pg_matviews, information_schema.views and what views read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foundation.errors import UndefinedTable
from planner.query_text import QueryStyle
from sqlfront.binder import BindContext, check_option, view_text
from sqlfront.parser.pretty_expressions import pretty_expression
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.information_schema import is_changeable_view, location
from sqlfront.pg_catalog.relations import VIRTUAL_RELATIONS, Row, rows_of
from sqlfront.pg_catalog.user_types import with_short_type_names
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.session.names import split_qualified_name
from storage.catalog import AnyView, ColumnRelation, MaterializedView, View

_PLAIN = QueryStyle()


@catalog_function("pg_get_viewdef")
def pg_get_viewdef(view: CatalogView, relation: Any, layout: bool | int = False) -> str | None:
    """A view's query with a semicolon, None for a relation that is none.

    Args:
        relation: its OID or its name.
        layout: whether parentheses that are not needed are left out, or the letters of a line of columns.

    Raises:
        UndefinedTable: 42P01, no relation of that name.
    """
    oid = _named_oid(view, relation) if isinstance(relation, str) else relation
    stored = view.catalog.get(oid)
    if not isinstance(stored, AnyView):
        return None
    style = _PLAIN
    if layout is not False:
        wrap_column = 0 if layout is True else layout
        style = QueryStyle(is_pretty=True, wrap_column=wrap_column, finish=pretty_expression)
    return definition(view, stored, style)


def _named_oid(view: CatalogView, name: str) -> int:
    oid = view.find_relation_oid(split_qualified_name(name))
    if oid is None:
        raise UndefinedTable(f'relation "{name}" does not exist')
    return oid


def definition(view: CatalogView, stored: AnyView, style: QueryStyle = _PLAIN) -> str:
    """A view's query as this session sees its relations."""
    context = BindContext(
        view.catalog, view.database_oid, tuple(view.search_path), virtual_relations=VIRTUAL_RELATIONS
    )
    return with_short_type_names(view, view_text(context, stored, style)) + ";"


@rows_of("pg_views")
def pg_views(view: CatalogView) -> Iterator[Row]:
    for stored in view.objects(View):
        yield {
            "schemaname": view.schema_names.get(stored.schema_oid), "viewname": stored.name,
            "viewowner": view.role_name(stored.owner_oid), "definition": definition(view, stored),
        }  # fmt: skip


@rows_of("pg_matviews")
def pg_matviews(view: CatalogView) -> Iterator[Row]:
    for stored in view.objects(MaterializedView):
        yield {
            "schemaname": view.schema_names.get(stored.schema_oid), "matviewname": stored.name,
            "matviewowner": view.role_name(stored.owner_oid), "tablespace": None,
            "hasindexes": bool(view.catalog.indexes_of(stored.oid)), "ispopulated": stored.is_populated,
            "definition": definition(view, stored),
        }  # fmt: skip


@rows_of("views", schema="information_schema")
def views(view: CatalogView) -> Iterator[Row]:
    for stored in view.objects(View):
        changeable = "YES" if is_changeable_view(view, stored) else "NO"
        yield {
            **location(view, "table", stored.schema_oid, stored.name),
            "view_definition": definition(view, stored), "check_option": check_option(stored).upper() or "NONE", "is_updatable": changeable,
            "is_insertable_into": changeable, "is_trigger_updatable": "NO", "is_trigger_deletable": "NO",
            "is_trigger_insertable_into": "NO",
        }  # fmt: skip


@rows_of("view_table_usage", schema="information_schema")
def view_table_usage(view: CatalogView) -> Iterator[Row]:
    """The tables and views that each view reads itself. The standard has no materialized views, and PostgreSQL leaves catalogs out."""
    for stored, read, _ in _usages(view):
        yield {
            **location(view, "view", stored.schema_oid, stored.name),
            **location(view, "table", read.schema_oid, read.name),
        }


@rows_of("view_column_usage", schema="information_schema")
def view_column_usage(view: CatalogView) -> Iterator[Row]:
    """The columns of them that it reads."""
    for stored, read, attnums in _usages(view):
        for attnum in attnums:
            yield {
                **location(view, "view", stored.schema_oid, stored.name),
                **location(view, "table", read.schema_oid, read.name),
                "column_name": read.column_at(attnum).name,
            }


def _usages(view: CatalogView) -> Iterator[tuple[View, ColumnRelation, tuple[int, ...]]]:
    for stored in view.objects(View):
        for oid, attnums in stored.references:
            read = view.catalog.get(oid)
            if isinstance(read, ColumnRelation) and not isinstance(read, MaterializedView):
                yield stored, read, attnums
