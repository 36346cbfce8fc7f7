"""DROP of tables, views, indexes, sequences, schemas and extensions.

https://www.postgresql.org/docs/15/sql-droptable.html. Databases and roles are in their own modules.
"""

from __future__ import annotations

from foundation.errors import (
    DependentObjectsStillExist,
    UndefinedObject,
    UndefinedSchema,
    UndefinedTable,
)
from foundation.sqltypes import TYPES, element_type, is_of_vector_extension
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.databases import drop_database
from sqlfront.commands.dependencies import (
    constraint_index_error,
    default_users,
    described_dependent,
    drop_column,
    drop_dependents,
    drop_member,
    drop_sequence,
    drop_table,
    notice_cascade,
    refuse_dependents,
    schema_members,
    views_outside,
)
from sqlfront.commands.foreign_keys import keys_using_index, keys_using_table
from sqlfront.commands.lookup import (
    RELATION_CLASSES,
    check_owner,
    described,
    maybe_relation,
    of_kind,
    schema_of,
)
from sqlfront.commands.partition_parts import drop_with_parts
from sqlfront.commands.roles import drop_role
from sqlfront.commands.sequences import owned_sequences
from sqlfront.commands.types import drop_type, drop_with_users, type_users
from sqlfront.commands.views import dependent_views
from sqlfront.parser import DropStatement, QualifiedName
from sqlfront.session.names import schema_called
from storage.catalog import (
    AnyView,
    CatalogObject,
    Column,
    Extension,
    ForeignKey,
    Index,
    MaterializedView,
    Sequence,
    Table,
    View,
)
from storage.partition_tree import partition_tree
from storage.role_objects import DefaultPrivileges
from storage.type_objects import UserType


def execute_drop(statement: DropStatement, context: CommandContext) -> CommandResult:
    """DROP kind names [CASCADE].

    Raises:
        UndefinedTable: 42P01, UndefinedObject: 42704, UndefinedSchema: 3F000, UndefinedDatabase: 3D000.
        WrongObjectType: 42809. DependentObjectsStillExist: 2BP01. InsufficientPrivilege: 42501.
    """
    named = _named_relations(statement, context)
    for name in statement.names:
        match statement.kind:
            case "SCHEMA":
                _drop_schema(context, name.name, statement)
            case "EXTENSION":
                _drop_extension(context, name.name, statement)
            case "DATABASE":
                drop_database(context, name.name, statement)
            case "ROLE":
                drop_role(context, name.name, statement)
            case "TYPE" | "DOMAIN":
                drop_type(context, name, statement)
            case _:
                _drop_relation(context, name, statement, named)
    return CommandResult(f"DROP {statement.kind}")


def _named_relations(statement: DropStatement, context: CommandContext) -> dict[int, CatalogObject]:
    """All tables or views of DROP by OID: what they need of each other does not keep them."""
    if statement.kind not in ("TABLE", "VIEW", "MATERIALIZED VIEW"):
        return {}
    found = (maybe_relation(context, name) for name in statement.names)
    return {relation.oid: relation for relation in found if relation is not None}


def _drop_relation(
    context: CommandContext, name: QualifiedName, statement: DropStatement, named: dict[int, CatalogObject]
) -> None:
    found = maybe_relation(context, name)
    word = statement.kind.lower()
    if found is None:
        if any(_is_named(context, name, gone) for gone in named.values()):
            return  # a partition that has gone with its table
        if not statement.if_exists:
            raise _missing(context, name, word)
        schema_is_missing = _is_schema_missing(context, name)
        missing = f'schema "{name.schema}"' if schema_is_missing else f'{word} "{name.name}"'
        context.notice(f"{missing} does not exist, skipping")
        return
    found = of_kind(found, RELATION_CLASSES[statement.kind], hint=True)
    check_owner(context, found)
    if isinstance(found, Table):
        tree = list(partition_tree(context.catalog, found))
        named = {**named, **{part.oid: part for part in tree}}
        uses = {use[0].oid: use for part in reversed(tree) for use in keys_using_table(context, part)}
        keys = [use for use in uses.values() if use[0].table_oid not in named]
        users: list[tuple[ForeignKey | AnyView, str]] = [*keys]
        for part in tree:
            users += _views_of(context, part, named)
        drop_dependents(context, described(context, found), users, cascade=statement.cascade)
        _drop_table(context, found, statement)
    elif isinstance(found, View):
        views = _views_of(context, found, named)
        drop_dependents(context, described(context, found), views, cascade=statement.cascade)
        context.transaction.drop(found.oid)
    elif isinstance(found, Index):
        if found.constraint_oid:
            raise constraint_index_error(context, found)
        if found.parent_oid:
            raise _part_error(context, found)
        keys = list(keys_using_index(context, found))
        drop_dependents(context, described(context, found), keys, cascade=statement.cascade)
        drop_with_parts(context, context.catalog.table(found.table_oid), found)
    elif isinstance(found, Sequence):
        _drop_sequence(context, found, statement)


def _part_error(context: CommandContext, index: Index) -> DependentObjectsStillExist:
    """The error of DROP INDEX on a part of a partitioned table's index."""
    whole = context.catalog.get(index.parent_oid)
    assert isinstance(whole, Index), "an index is part of an index"
    return DependentObjectsStillExist(
        f"cannot drop {described(context, index)} because {described(context, whole)} requires it",
        hint=f"You can drop {described(context, whole)} instead.",
    )


def _is_named(context: CommandContext, name: QualifiedName, gone: CatalogObject) -> bool:
    """Whether a name was that of a relation which this statement has dropped."""
    if not isinstance(gone, Table) or gone.name != name.name or context.catalog.get(gone.oid) is not None:
        return False
    return name.schema is None or schema_of(context, gone.schema_oid).name == name.schema


def _is_schema_missing(context: CommandContext, name: QualifiedName) -> bool:
    if name.schema is None:
        return False
    called = schema_called(name.schema, context.search_path)
    return context.catalog.find_schema(context.database_oid, called) is None


def _views_of(
    context: CommandContext, relation: CatalogObject, named: dict[int, CatalogObject]
) -> list[tuple[AnyView, str]]:
    found = views_outside(context, [relation])
    return [(view, part) for view, part in found if view.oid not in named]


def _missing(context: CommandContext, name: QualifiedName, word: str) -> Exception:
    if _is_schema_missing(context, name):
        return UndefinedSchema(f'schema "{name.schema}" does not exist')
    cls = UndefinedObject if word == "index" else UndefinedTable
    return cls(f'{word} "{name.name}" does not exist')


def _drop_table(context: CommandContext, table: Table, statement: DropStatement) -> None:
    """Another table's default may use a sequence that goes with this one."""
    dropped = {part.oid for part in partition_tree(context.catalog, table)}
    users = [
        (owner, column)
        for sequence in owned_sequences(context, table.oid)
        for owner, column in default_users(context, sequence)
        if owner.oid not in dropped
    ]
    if users:
        _refuse_or_cascade(context, described(context, table), users, statement)
        for sequence in owned_sequences(context, table.oid):
            drop_sequence(context, sequence)
    drop_table(context, context.catalog.table(table.oid))


def _drop_sequence(context: CommandContext, sequence: Sequence, statement: DropStatement) -> None:
    if sequence.owned_by is not None:
        table = context.catalog.table(sequence.owned_by[0])
        column = table.column_at(sequence.owned_by[1])
        if column.identity:
            owner = f"column {column.name} of {described(context, table)}"
            raise DependentObjectsStillExist(
                f"cannot drop {described(context, sequence)} because {owner} requires it",
                hint=f"You can drop {owner} instead.",
            )
    users = list(default_users(context, sequence))
    if users:
        _refuse_or_cascade(context, described(context, sequence), users, statement)
    views = views_outside(context, [sequence])
    drop_dependents(context, described(context, sequence), views, cascade=statement.cascade)
    drop_sequence(context, sequence)


def _refuse_or_cascade(
    context: CommandContext, what: str, users: list[tuple[Table, Column]], statement: DropStatement
) -> None:
    dependents = [
        f"default value for column {column.name} of {described(context, table)}" for table, column in users
    ]
    if not statement.cascade:
        raise refuse_dependents(what, dependents)
    notice_cascade(context, dependents)


def _drop_schema(context: CommandContext, name: str, statement: DropStatement) -> None:
    schema = context.catalog.find_schema(context.database_oid, name)
    if schema is None:
        if not statement.if_exists:
            raise UndefinedSchema(f'schema "{name}" does not exist')
        context.notice(f'schema "{name}" does not exist, skipping')
        return
    check_owner(context, schema)
    members = schema_members(context, schema.oid)
    extensions = _extensions_in(context, schema.oid)
    oids = {member.oid for member in members}
    shown = [
        described(context, member)
        for member in (*extensions, *members)
        if not (isinstance(member, Table) and member.parent_oid in oids)
    ]
    shown += _type_users_outside(context, members)
    keys = _keys_from_outside(context, members)
    users: list[tuple[ForeignKey | AnyView, str]] = [*keys, *views_outside(context, members)]
    if shown and not statement.cascade:
        lines = [f"{line} depends on schema {name}" for line in shown]
        lines += [f"{described_dependent(context, user)} depends on {part}" for user, part in users]
        raise refuse_dependents(f"schema {name}", lines, is_complete=True)
    notice_cascade(context, shown + [described_dependent(context, user) for user, _ in users])
    for user, _ in users:
        drop_member(context, user)
    for member in (*extensions, *members):
        if not isinstance(member, UserType) and context.catalog.get(member.oid) is not None:
            drop_member(context, member)
    for member in members:
        if isinstance(member, UserType) and context.catalog.get(member.oid) is not None:
            drop_with_users(context, member)
    for defaults in list(context.catalog.objects(DefaultPrivileges, context.database_oid)):
        if defaults.schema_oid == schema.oid:
            context.transaction.drop(defaults.oid)
    context.transaction.drop(schema.oid)


def _type_users_outside(context: CommandContext, members: list[CatalogObject]) -> list[str]:
    """Domains and columns elsewhere that need types of a schema, as they are named."""
    oids = {member.oid for member in members}
    found: dict[str, None] = {}
    for member in members:
        domains, columns = type_users(context, member) if isinstance(member, UserType) else ([], [])
        others = [described(context, domain) for domain in domains if domain.oid not in oids]
        others += [
            f"column {column.name} of {described(context, table)}"
            for table, column in columns
            if table.oid not in oids
        ]
        found.update(dict.fromkeys(others))
    return list(found)


def _keys_from_outside(context: CommandContext, members: list[CatalogObject]) -> list[tuple[ForeignKey, str]]:
    """Foreign keys of tables elsewhere that reference tables of a schema, with the table as it is named."""
    oids = {member.oid for member in members}
    uses = [use for table in members if isinstance(table, Table) for use in keys_using_table(context, table)]
    return [use for use in uses if use[0].table_oid not in oids]


def _extensions_in(context: CommandContext, schema_oid: int) -> list[CatalogObject]:
    extensions = context.catalog.objects(Extension, context.database_oid)
    return [extension for extension in extensions if extension.schema_oid == schema_oid]


def _drop_extension(context: CommandContext, name: str, statement: DropStatement) -> None:
    extension = context.catalog.find_extension(context.database_oid, name)
    if extension is None:
        if not statement.if_exists:
            raise UndefinedObject(f'extension "{name}" does not exist')
        context.notice(f'extension "{name}" does not exist, skipping')
        return
    check_owner(context, extension)
    if name == "vector":
        _drop_vector_columns(context, statement)
    context.transaction.drop(extension.oid)


def _drop_vector_columns(context: CommandContext, statement: DropStatement) -> None:
    """The extension's types go with it, and so do the columns that have them, and the views that show or read these."""
    found = [
        (table, column)
        for table in context.catalog.objects(Table, context.database_oid)
        for column in table.live_columns()
        if is_of_vector_extension(column.type) and not isinstance(table, MaterializedView)
    ]
    shown = [f"column {column.name} of {described(context, table)}" for table, column in found]
    views = _views_of_vectors(context, found)
    shown += [described(context, view) for view, _ in views]
    if shown and not statement.cascade:
        parts = [f"type {_element_name(column)}" for _, column in found] + [part for _, part in views]
        lines = [f"{dependent} depends on {part}" for dependent, part in zip(shown, parts, strict=True)]
        raise refuse_dependents("extension vector", lines, is_complete=True)
    notice_cascade(context, shown)
    for view, _ in views:
        drop_member(context, view)
    for table, column in found:
        drop_column(context, context.catalog.table(table.oid), column)


def _views_of_vectors(
    context: CommandContext, columns: list[tuple[Table, Column]]
) -> list[tuple[AnyView, str]]:
    """Views that read the columns of tables, or have vectors of their own, and those over them; what each depends on."""
    found: dict[int, tuple[AnyView, str]] = {}
    for table, column in columns:
        for view, part in dependent_views(context, table, column.attnum):
            found.setdefault(view.oid, (view, part))
    for view in context.catalog.views(context.database_oid):
        for column in view.columns:
            if is_of_vector_extension(column.type) and view.oid not in found:
                found[view.oid] = (view, f"type {_element_name(column)}")
                found.update((v.oid, (v, p)) for v, p in dependent_views(context, view) if v.oid not in found)
    return list(found.values())


def _element_name(column: Column) -> str:
    return TYPES[(element_type(column.type) or column.type).oid].name
