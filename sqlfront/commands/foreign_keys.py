"""FOREIGN KEY constraints: adding one with PostgreSQL's rules for its columns, validating it, what depends on it.

https://www.postgresql.org/docs/15/ddl-constraints.html#DDL-CONSTRAINTS-FK; ATAddForeignKeyConstraint in
src/backend/commands/tablecmds.c gives the order of the checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from foundation.errors import (
    DatatypeMismatch,
    DuplicateObject,
    FeatureNotSupported,
    ForeignKeyViolation,
    ObjectNotInPrerequisiteState,
    SyntaxErrorInStatement,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from foundation.sqltypes import format_type
from planner.dml import Pairing, check_existing_rows, pairing
from sqlfront.commands.columns import SYSTEM_COLUMNS
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import (
    InvalidColumnReference,
    InvalidForeignKey,
    InvalidTableDefinition,
    TooManyColumns,
)
from sqlfront.commands.lookup import described, maybe_relation, rights_of
from sqlfront.commands.naming import free_constraint_name, joined_columns
from sqlfront.parser import ConstraintDefinition
from sqlfront.privileges.rights import denied
from storage.acl import Privilege
from storage.catalog import (
    Column,
    ForeignKey,
    Index,
    MaterializedView,
    Persistence,
    ReferentialAction,
    Table,
    replaced,
)
from storage.partition_tree import ancestors, foreign_keys_at, leaves, referenced_leaves

KEY_COLUMNS_MAX = 32
_WRITING_ACTIONS = (ReferentialAction.SET_NULL, ReferentialAction.SET_DEFAULT)


def add_foreign_key(
    context: CommandContext, table: Table, constraint: ConstraintDefinition, *, is_new_table: bool = False
) -> None:
    """Add a FOREIGN KEY constraint to a table that is in the transaction's catalog.

    Raises:
        UndefinedTable: 42P01. UndefinedColumn: 42703. UndefinedObject: 42704, no primary key to reference.
        InvalidTableDefinition: 42P16, tables of different persistence. InvalidForeignKey: 42830. DatatypeMismatch: 42804. DuplicateObject: 42710. WrongObjectType: 42809.
        ForeignKeyViolation: 23503, when existing rows do not fit.
    """
    referenced = _referenced_table(context, constraint)
    _check_persistence(table, referenced)
    columns = _columns(table, constraint.columns)
    set_columns = _set_columns(table, columns, constraint.set_columns)
    index, referenced_columns = _referenced_key(context, referenced, constraint)
    _check_may_reference(context, referenced, _attnums(referenced_columns))
    _check_generated(columns, constraint)
    if len(columns) != len(referenced_columns):
        raise InvalidForeignKey("number of referencing and referenced columns for foreign key disagree")
    foreign_key = ForeignKey(
        context.storage.allocate_oid(), _name(context, table, constraint), context.database_oid, table.owner_oid,
        table_oid=table.oid, attnums=_attnums(columns), referenced_oid=referenced.oid,
        referenced_attnums=_attnums(referenced_columns), referenced_index_oid=index.oid,
        on_update=constraint.on_update, on_delete=constraint.on_delete, set_attnums=_attnums(set_columns),
        is_match_full=constraint.is_match_full, is_deferrable=bool(constraint.is_deferrable),
        is_initially_deferred=constraint.is_initially_deferred,
        is_validated=is_new_table or not constraint.is_not_valid,
    )  # fmt: skip
    check_types(context, foreign_key)
    if foreign_key.is_validated and not is_new_table:
        check_existing_rows(foreign_key, context.execution_context())
    context.transaction.put(foreign_key)


def _attnums(columns: Sequence[Column]) -> tuple[int, ...]:
    return tuple(column.attnum for column in columns)


def _name(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> str:
    """`t_a_fkey`, or the name that was given."""
    catalog = context.catalog
    if constraint.name is None:
        parts = (table.name, joined_columns(constraint.columns), "fkey")
        return free_constraint_name(catalog, context.database_oid, table.schema_oid, parts)
    taken = {c.name for c in catalog.constraints_of(table.oid)}
    taken |= {index.name for index in catalog.indexes_of(table.oid) if index.constraint_oid}
    if constraint.name in taken:
        raise DuplicateObject(f'constraint "{constraint.name}" for relation "{table.name}" already exists')
    return constraint.name


# -- the referencing side


def _columns(table: Table, names: Sequence[str]) -> list[Column]:
    found: list[Column] = []
    for name in names:
        column = table.column(name)
        if column is None:
            if name in SYSTEM_COLUMNS:
                raise FeatureNotSupported("system columns cannot be used in foreign keys")
            raise UndefinedColumn(f'column "{name}" referenced in foreign key constraint does not exist')
        if len(found) >= KEY_COLUMNS_MAX:
            raise TooManyColumns(f"cannot have more than {KEY_COLUMNS_MAX} keys in a foreign key")
        found.append(column)
    return found


def _set_columns(table: Table, columns: list[Column], names: Sequence[str]) -> list[Column]:
    """Columns of ON DELETE SET NULL / SET DEFAULT (...)."""
    found = _columns(table, names)
    for column in found:
        if column not in columns:
            raise InvalidColumnReference(
                f'column "{column.name}" referenced in ON DELETE SET action must be part of foreign key'
            )
    return found


def _check_generated(columns: list[Column], constraint: ConstraintDefinition) -> None:
    if not any(column.generated_sql is not None for column in columns):
        return
    for word, action, refused in (
        ("UPDATE", constraint.on_update, (*_WRITING_ACTIONS, ReferentialAction.CASCADE)),
        ("DELETE", constraint.on_delete, _WRITING_ACTIONS),
    ):
        if action in refused:
            raise SyntaxErrorInStatement(
                f"invalid ON {word} action for foreign key constraint containing generated column"
            )


# -- the referenced side


_LASTING = {
    Persistence.PERMANENT: (Persistence.PERMANENT,),
    Persistence.UNLOGGED: (Persistence.PERMANENT, Persistence.UNLOGGED),
    Persistence.TEMPORARY: (Persistence.TEMPORARY,),
}
"""What tables of a persistence may reference."""
_PERSISTENCE_WORDS = {
    Persistence.PERMANENT: "permanent", Persistence.UNLOGGED: "unlogged", Persistence.TEMPORARY: "temporary",
}  # fmt: skip


def _check_persistence(table: Table, referenced: Table) -> None:
    allowed = _LASTING[table.persistence]
    if referenced.persistence not in allowed:
        words = " or ".join(_PERSISTENCE_WORDS[persistence] for persistence in allowed)
        own = _PERSISTENCE_WORDS[table.persistence]
        raise InvalidTableDefinition(f"constraints on {own} tables may reference only {words} tables")


def _referenced_table(context: CommandContext, constraint: ConstraintDefinition) -> Table:
    assert constraint.references is not None, "the grammar gives REFERENCES a table"
    found = maybe_relation(context, constraint.references)
    if found is None:
        raise UndefinedTable(f'relation "{constraint.references}" does not exist')
    if isinstance(found, Index):
        raise WrongObjectType(
            f'cannot open relation "{found.name}"', detail="This operation is not supported for indexes."
        )
    if not isinstance(found, Table) or isinstance(found, MaterializedView):
        raise WrongObjectType(f'referenced relation "{found.name}" is not a table')
    return found


def _check_may_reference(context: CommandContext, referenced: Table, attnums: Sequence[int]) -> None:
    if not rights_of(context).may_on_columns(referenced, Privilege.REFERENCES, attnums):
        raise denied(referenced)


def _referenced_key(
    context: CommandContext, referenced: Table, constraint: ConstraintDefinition
) -> tuple[Index, list[Column]]:
    """The unique index that is referenced, and its columns in the order of the constraint."""
    if not constraint.referenced_columns:
        index = context.catalog.primary_key_of(referenced.oid)
        if index is None:
            raise UndefinedObject(f'there is no primary key for referenced table "{referenced.name}"')
        if index.is_deferrable:
            raise ObjectNotInPrerequisiteState(
                f'cannot use a deferrable primary key for referenced table "{referenced.name}"'
            )
        return index, [referenced.column_at(attnum) for attnum in index.key_attnums()]
    columns = _columns(referenced, constraint.referenced_columns)
    attnums = _attnums(columns)
    if len(set(attnums)) < len(attnums):
        raise InvalidForeignKey("foreign key referenced-columns list must not contain duplicates")
    fitting = [
        index
        for index in sorted(context.catalog.indexes_of(referenced.oid), key=lambda index: index.oid)
        if index.is_unique and index.predicate_sql is None and sorted(index.key_attnums()) == sorted(attnums)
    ]
    usable = [index for index in fitting if not index.is_deferrable]
    if usable:
        return usable[0], columns
    if fitting:
        raise ObjectNotInPrerequisiteState(
            f'cannot use a deferrable unique constraint for referenced table "{referenced.name}"'
        )
    raise InvalidForeignKey(
        f'there is no unique constraint matching given keys for referenced table "{referenced.name}"'
    )


def check_types(context: CommandContext, foreign_key: ForeignKey) -> None:
    """Raises DatatypeMismatch (42804), or FeatureNotSupported (0A000) for a pair PostgreSQL would take."""
    table = context.catalog.table(foreign_key.table_oid)
    referenced = context.catalog.table(foreign_key.referenced_oid)
    for attnum, other in zip(foreign_key.attnums, foreign_key.referenced_attnums, strict=True):
        left, right = table.column_at(attnum), referenced.column_at(other)
        kind = pairing(left.type, right.type)
        shown = f"{_type_name(left)} and {_type_name(right)}"
        if kind is Pairing.UNSUPPORTED:
            raise FeatureNotSupported(f"a foreign key between columns of types {shown} is not supported")
        if kind is Pairing.INCOMPATIBLE:
            raise DatatypeMismatch(
                f'foreign key constraint "{foreign_key.name}" cannot be implemented',
                detail=f'Key columns "{left.name}" and "{right.name}" are of incompatible types: {shown}.',
            )


def _type_name(column: Column) -> str:
    return format_type(column.type.without_typmod())


# -- afterwards


def validate_foreign_key(context: CommandContext, foreign_key: ForeignKey) -> None:
    """VALIDATE CONSTRAINT. Raises ForeignKeyViolation (23503) when a row violates it."""
    if not foreign_key.is_validated:
        check_existing_rows(foreign_key, context.execution_context())
        context.transaction.put(replaced(foreign_key, is_validated=True))


def keys_using_index(context: CommandContext, index: Index) -> Iterator[tuple[ForeignKey, str]]:
    """(foreign key, what of the index's table it depends on, as dependency errors say it)."""
    for foreign_key in context.catalog.foreign_keys_to(index.table_oid):
        if foreign_key.referenced_index_oid == index.oid and not foreign_key.parent_oid:
            yield foreign_key, described(context, index)


def keys_using_table(context: CommandContext, table: Table) -> Iterator[tuple[ForeignKey, str]]:
    """As `keys_using_index`, those of other tables; a partition's are those of the tables above it, too."""
    for foreign_key in foreign_keys_at(context.catalog, table.oid):
        if foreign_key.table_oid != table.oid and not foreign_key.parent_oid:
            yield foreign_key, described(context, table)


def keys_using_column(
    context: CommandContext, table: Table, column: Column
) -> Iterator[tuple[ForeignKey, str]]:
    """As `keys_using_index`, except those that go with the column because it is theirs too."""
    for foreign_key in context.catalog.foreign_keys_to(table.oid):
        is_own = foreign_key.table_oid == table.oid and column.attnum in foreign_key.attnums
        if column.attnum in foreign_key.referenced_attnums and not is_own and not foreign_key.parent_oid:
            yield foreign_key, f"column {column.name} of {described(context, table)}"


def drop_keys_of_column(context: CommandContext, table: Table, attnum: int) -> None:
    """A foreign key goes with any of the columns it is over."""
    for constraint in context.catalog.constraints_of(table.oid):
        if isinstance(constraint, ForeignKey) and attnum in constraint.attnums:
            context.transaction.drop(constraint.oid)


def check_removal(context: CommandContext, parent: Table, partition: Table) -> None:
    """Before a partition is detached: nothing may reference its rows by a foreign key to a table above it.

    Raises:
        ForeignKeyViolation: 23503 `removing partition "p" violates foreign key constraint "c"`.
    """
    below = {part.oid for part in leaves(context.catalog, partition)}
    above = [parent, *ancestors(context.catalog, parent)]
    keys = [key for table in above for key in context.catalog.foreign_keys_to(table.oid)]
    for key in keys:
        others = [k for k in referenced_leaves(context.catalog, key) if k.referenced_oid not in below]
        try:
            check_existing_rows(key, context.execution_context(), others)
        except ForeignKeyViolation as error:
            shown = (error.detail or "").partition(" is not present")[0]
            name = context.catalog.table(key.table_oid).name
            raise ForeignKeyViolation(
                f'removing partition "{partition.name}" violates foreign key constraint "{key.name}"',
                detail=f'{shown} is still referenced from table "{name}".',
            ) from error
