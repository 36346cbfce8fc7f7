"""CREATE VIEW, and views whose relations are renamed or dropped.

https://www.postgresql.org/docs/15/sql-createview.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from foundation.errors import (
    DuplicateTable,
    FeatureNotSupported,
    InvalidParameterValue,
    QuiverError,
    WrongObjectType,
)
from foundation.sqltypes import format_type
from planner import bound
from sqlfront.binder import (
    KeptQuery,
    bind_view,
    keep_query,
    not_updatable,
    own_obstacle,
    renamed_view,
)
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.columns import COLUMNS_MAX
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.creation_place import creation_place
from sqlfront.commands.errors import InvalidTableDefinition, TooManyColumns
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import check_owner, described
from sqlfront.commands.table_options import check_unique
from sqlfront.parser import CreateViewStatement, Option
from storage.catalog import (
    AnyView,
    CatalogObject,
    Column,
    ColumnRelation,
    Persistence,
    Schema,
    Sequence,
    Table,
    View,
    replaced,
)

_OPTIONS = ("security_barrier", "security_invoker")
_BOOLEANS = {
    "true": "true",
    "on": "on",
    "1": "1",
    "false": "false",
    "off": "off",
    "0": "0",
    "yes": "yes",
    "no": "no",
}


def execute_create_view(statement: CreateViewStatement, context: CommandContext) -> CommandResult:
    """Create or replace a view.

    Raises:
        DuplicateTable: 42P07. DuplicateColumn: 42701. WrongObjectType: 42809, no view is to be replaced.
        InvalidTableDefinition: 42P16, a replaced view would lose or change a column. InvalidObjectDefinition: 42P17, it would read
        itself. InvalidParameterValue: 22023, an option.
        FeatureNotSupported: 0A000, the query cannot be kept. Whatever binding the query raises.
    """
    if statement.persistence is Persistence.UNLOGGED:
        raise FeatureNotSupported("views cannot be unlogged because they do not have storage")
    name = statement.name.name
    options = checked_view_options(statement.options)
    kept = keep_query(context.bind_context(), statement.query, statement.columns)
    check_updatable(context, options, kept.tree)
    schema, persistence = _place(context, statement, kept)
    if len(kept.columns) > COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {COLUMNS_MAX} columns")
    existing = context.catalog.find_relation(context.database_oid, schema.oid, name)
    if existing is not None:
        if not statement.or_replace:
            raise DuplicateTable(f'relation "{name}" already exists')
        if not isinstance(existing, View):
            raise WrongObjectType(f'"{name}" is not a view')
        check_owner(context, existing)
        context.transaction.put(_replacement(context, existing, kept, options))
        return CommandResult("CREATE VIEW")
    columns = tuple(Column(number, c.name, c.type) for number, c in enumerate(kept.columns, 1))
    view = View(
        context.storage.allocate_oid(), name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        columns=columns, options=options, type_oid=context.storage.allocate_oid(), definition_sql=kept.sql,
        references=kept.references, persistence=persistence,
    )  # fmt: skip
    context.transaction.put(with_default_acl(context, view))
    return CommandResult("CREATE VIEW")


def _place(
    context: CommandContext, statement: CreateViewStatement, kept: KeptQuery
) -> tuple[Schema, Persistence]:
    """Where the view is created: beside what ends with the session it ends with it, too."""
    name, persistence = statement.name, statement.persistence
    if persistence is Persistence.PERMANENT and any(is_temporary(context, oid) for oid, _ in kept.references):
        context.notice(f'view "{name.name}" will be a temporary view')
        persistence = Persistence.TEMPORARY
    return creation_place(context, name, persistence)


def is_temporary(context: CommandContext, oid: int) -> bool:
    """Whether a relation ends with its session."""
    found = context.catalog.get(oid)
    return isinstance(found, Table | Sequence | View) and found.persistence is Persistence.TEMPORARY


def checked_view_options(options: tuple[Option, ...]) -> tuple[tuple[str, str], ...]:
    """The options of a view. Raises InvalidParameterValue (22023) for an unknown or repeated one, or a value it cannot have."""
    check_unique(options)
    checked = []
    for option in options:
        if option.namespace is None and option.name == "check_option":
            checked.append((option.name, _check_option(option)))
            continue
        if option.namespace is not None or option.name not in _OPTIONS:
            raise InvalidParameterValue(f'unrecognized parameter "{option.name}"')
        value = "true" if option.value is None else option.value.lower()
        if value not in _BOOLEANS:
            raise InvalidParameterValue(f'invalid value for boolean option "{option.name}": {option.value}')
        checked.append((option.name, value))
    return tuple(checked)


def _check_option(option: Option) -> str:
    value = "true" if option.value is None else option.value.lower()
    if value not in ("local", "cascaded"):
        raise InvalidParameterValue(
            f'invalid value for enum option "check_option": {value}',
            detail='Valid values are "local" and "cascaded".',
        )
    return value


def check_updatable(context: CommandContext, options: Iterable[tuple[str, str]], query: bound.Query) -> None:
    """Raises FeatureNotSupported (0A000) for WITH CHECK OPTION of a query whose rows cannot be changed."""
    obstacle = own_obstacle(context.catalog, query) if "check_option" in dict(options) else None
    if obstacle is not None:
        raise FeatureNotSupported(
            "WITH CHECK OPTION is supported only on automatically updatable views",
            hint=not_updatable(obstacle),
        )


def _replacement(
    context: CommandContext, view: View, kept: KeptQuery, options: tuple[tuple[str, str], ...]
) -> View:
    """The view with another query, whose first columns are the ones it had."""
    if len(kept.columns) < len(view.columns):
        raise InvalidTableDefinition("cannot drop columns from view")
    for old, new in zip(view.columns, kept.columns):
        if old.name != new.name:
            raise InvalidTableDefinition(
                f'cannot change name of view column "{old.name}" to "{new.name}"',
                hint="Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
            )
        if old.type != new.type:
            raise InvalidTableDefinition(
                f'cannot change data type of view column "{old.name}" from {format_type(old.type)} to'
                f" {format_type(new.type)}"
            )
    if view.oid in _read_by(context, (oid for oid, _ in kept.references)):
        raise InvalidObjectDefinition(f'infinite recursion detected in rules for relation "{view.name}"')
    added = tuple(
        Column(number, column.name, column.type)
        for number, column in enumerate(kept.columns, 1)
        if number > len(view.columns)
    )
    return replaced(
        view,
        columns=(*view.columns, *added),
        options=options,
        definition_sql=kept.sql,
        references=kept.references,
    )


def _read_by(context: CommandContext, oids: Iterable[int]) -> set[int]:
    """These relations and all that the views among them read."""
    seen: set[int] = set()
    waiting = list(oids)
    while waiting:
        oid = waiting.pop()
        found = context.catalog.get(oid)
        if oid not in seen and isinstance(found, AnyView):
            waiting += [other for other, _ in found.references]
        seen.add(oid)
    return seen


# -- what depends on a relation -----------------------------------------------------------------------------


def dependent_views(
    context: CommandContext, relation: CatalogObject, attnum: int | None = None
) -> list[tuple[AnyView, str]]:
    """Views that read a relation or one of its columns, and those that read them, each with what it depends on."""
    part = described(context, relation)
    if attnum is not None:
        assert isinstance(relation, ColumnRelation), "only these have columns"
        part = f"column {relation.column_at(attnum).name} of {part}"
    found: dict[int, tuple[AnyView, str]] = {}
    for view in context.catalog.views_over(relation.oid):
        if attnum is None or attnum in dict(view.references)[relation.oid]:
            found.setdefault(view.oid, (view, part))
            for further in dependent_views(context, view):
                found.setdefault(further[0].oid, further)
    return list(found.values())


def check_no_views(context: CommandContext, relation: ColumnRelation, column: Column) -> None:
    """Raises FeatureNotSupported (0A000) when a view reads a column whose type is to change."""
    for view in context.catalog.views_over(relation.oid):
        if column.attnum in dict(view.references)[relation.oid]:
            raise FeatureNotSupported(
                "cannot alter type of a column used by a view or rule",
                detail=f'rule _RETURN on {described(context, view)} depends on column "{column.name}"',
            )


def broken_views(context: CommandContext, relation: CatalogObject) -> list[AnyView]:
    """Views over a relation whose query does not bind any more: it was grouped by a key that is gone."""
    broken = []
    for view in context.catalog.views_over(relation.oid):
        try:
            bind_view(context.bind_context(), view)
        except QuiverError:
            broken.append(view)
    return broken


@contextmanager
def renaming(context: CommandContext, oid: int | None = None) -> Iterator[None]:
    """Views over a relation, or all of the database, name what they read as it is called after the block."""
    views = list(
        context.catalog.views(context.database_oid) if oid is None else context.catalog.views_over(oid)
    )
    before = context.catalog
    trees = {view.oid: bind_view(context.bind_context(), view) for view in views}
    yield
    for view_oid, tree in trees.items():
        view = context.catalog.get(view_oid)
        assert isinstance(view, AnyView), "renaming drops nothing"
        names = [column.name for column in view.columns]
        sql = renamed_view(tree, before, context.bind_context(), names)
        context.transaction.put(replaced(view, definition_sql=sql))


def with_renamed_column(context: CommandContext, view: AnyView, renamed: Column) -> AnyView:
    """A view with another name for one of its columns."""
    columns = tuple(renamed if column.attnum == renamed.attnum else column for column in view.columns)
    tree = bind_view(context.bind_context(), view)
    names = [column.name for column in columns]
    sql = renamed_view(tree, context.catalog, context.bind_context(), names)
    return replaced(view, columns=columns, definition_sql=sql)
