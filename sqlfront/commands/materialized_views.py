"""CREATE and REFRESH MATERIALIZED VIEW: what they check and put into the catalog. The session fills the rows.

https://www.postgresql.org/docs/15/sql-creatematerializedview.html,
https://www.postgresql.org/docs/15/sql-refreshmaterializedview.html
"""

from __future__ import annotations

from foundation.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    ObjectNotInPrerequisiteState,
    SyntaxErrorInStatement,
)
from sqlfront.binder import keep_query
from sqlfront.commands.context import CommandContext
from sqlfront.commands.create_table_as import checked_columns
from sqlfront.commands.creation_place import creation_place
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import check_owner, find_relation, not_supported_for, schema_of
from sqlfront.commands.naming import quote_identifier
from sqlfront.commands.table_options import checked_table_options
from sqlfront.commands.views import is_temporary
from sqlfront.parser import (
    CreateMaterializedViewStatement,
    QueryStatement,
    RefreshMaterializedViewStatement,
)
from storage.catalog import Index, MaterializedView, Persistence, Table


def check_permanent(statement: CreateMaterializedViewStatement) -> None:
    """Raises FeatureNotSupported (0A000) for UNLOGGED."""
    if statement.persistence is Persistence.UNLOGGED:
        raise FeatureNotSupported("materialized views cannot be unlogged")


def create_materialized_view(
    context: CommandContext, statement: CreateMaterializedViewStatement
) -> MaterializedView:
    """Put the view, which has no rows yet and is not populated.

    Raises:
        DuplicateColumn: 42701. SyntaxErrorInStatement: 42601, more names than columns.
        InvalidTableDefinition: 42P16, a type no column can have. InvalidParameterValue: 22023, an option.
        FeatureNotSupported: 0A000, it reads what ends with the session, or the query cannot be kept.
    """
    assert isinstance(statement.source, QueryStatement), "the grammar gives it a query"
    schema, persistence = creation_place(context, statement.name, statement.persistence)
    if persistence is Persistence.TEMPORARY:
        raise InsufficientPrivilege("cannot create temporary table within security-restricted operation")
    kept = keep_query(
        context.bind_context(),
        statement.source.expression,
        statement.columns,
        too_many="too many column names were specified",
    )
    if any(is_temporary(context, oid) for oid, _ in kept.references):
        raise FeatureNotSupported("materialized views must not use temporary tables or views")
    view = MaterializedView(
        context.storage.allocate_oid(), statement.name.name, context.database_oid, context.role_oid,
        schema_oid=schema.oid, columns=checked_columns([(column.name, column.type) for column in kept.columns]),
        options=checked_table_options(statement.options), type_oid=context.storage.allocate_oid(),
        definition_sql=kept.sql, references=kept.references, is_populated=False,
    )  # fmt: skip
    view = with_default_acl(context, view)
    context.transaction.put(view)
    return view


def view_to_refresh(context: CommandContext, statement: RefreshMaterializedViewStatement) -> MaterializedView:
    """The view that a REFRESH names.

    Raises:
        UndefinedTable: 42P01. WrongObjectType: 42809. InsufficientPrivilege: 42501.
        FeatureNotSupported: 0A000, a table, or CONCURRENTLY of a view that is not populated.
        SyntaxErrorInStatement: 42601, CONCURRENTLY WITH NO DATA.
        ObjectNotInPrerequisiteState: 55000, CONCURRENTLY of a view without a unique index of its columns.
    """
    found = find_relation(context, statement.name)
    if not isinstance(found, Table):
        raise not_supported_for("cannot refresh", found)
    check_owner(context, found)
    if not isinstance(found, MaterializedView):
        raise FeatureNotSupported(f'"{found.name}" is not a materialized view')
    if statement.concurrently:
        _check_concurrent(context, found, statement)
    return found


def _check_concurrent(
    context: CommandContext, view: MaterializedView, statement: RefreshMaterializedViewStatement
) -> None:
    if not view.is_populated:
        raise FeatureNotSupported("CONCURRENTLY cannot be used when the materialized view is not populated")
    if not statement.with_data:
        raise SyntaxErrorInStatement("CONCURRENTLY and WITH NO DATA options cannot be used together")
    if row_index(context, view) is None:
        names = (schema_of(context, view.schema_oid).name, view.name)
        raise ObjectNotInPrerequisiteState(
            f'cannot refresh materialized view "{".".join(map(quote_identifier, names))}" concurrently',
            hint="Create a unique index with no WHERE clause on one or more columns of the materialized view.",
        )


def row_index(context: CommandContext, view: MaterializedView) -> Index | None:
    """A unique index by which CONCURRENTLY tells the view's rows apart."""
    unique = (index for index in context.catalog.indexes_of(view.oid) if index.is_unique)
    return next((i for i in unique if i.predicate_sql is None and 0 not in i.key_attnums()), None)
