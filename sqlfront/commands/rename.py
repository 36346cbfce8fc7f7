"""ALTER ... RENAME. https://www.postgresql.org/docs/15/sql-altertable.html

A constraint's index has the constraint's name. A renamed sequence or schema keeps its place in column
defaults, a renamed column in checks, generation expressions and indexes: their texts are changed with it.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import (
    DuplicateColumn,
    DuplicateSchema,
    DuplicateTable,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
)
from sqlfront.commands.check_constraints import rename_in_checks
from sqlfront.commands.columns import SYSTEM_COLUMNS, sequence_default
from sqlfront.commands.composite_types import rename_attribute
from sqlfront.commands.constraints import Constraint, check_name_unused, find_constraint
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.databases import find_database, rename_database
from sqlfront.commands.dependencies import move_defaults, with_column
from sqlfront.commands.domains import rename_domain_constraint
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.generated_columns import rename_in_generations
from sqlfront.commands.index_expressions import rename_in_indexes
from sqlfront.commands.kept_types import check_not_kept, naming_type
from sqlfront.commands.lookup import (
    RELATION_CLASSES,
    Relation,
    check_new_owner,
    check_owner,
    find_role,
    find_schema,
    maybe_relation,
    not_supported_for,
    of_kind,
    schema_of,
)
from sqlfront.commands.ownership import change_owner
from sqlfront.commands.roles import rename_role
from sqlfront.commands.schemas import check_may_create_schema, check_schema_name
from sqlfront.commands.types import give_type, rename_type
from sqlfront.commands.views import renaming, with_renamed_column
from sqlfront.parser import OwnerStatement, RenameStatement
from storage.catalog import AnyView, CheckConstraint, ColumnRelation, Index, Sequence, Table, replaced
from storage.partition_tree import children
from storage.type_objects import UserType


def execute_rename(statement: RenameStatement, context: CommandContext) -> CommandResult:
    """Rename an object, a column or a constraint. Raises as the object's look-up, and 42P07, 42701, 42710, ..."""
    match statement.kind:
        case "SCHEMA":
            _rename_schema(context, statement.name.name, statement.new_name)
        case "DATABASE":
            rename_database(context, statement.name.name, statement.new_name)
        case "ROLE":
            rename_role(context, statement.name.name, statement.new_name)
        case "DOMAIN" if statement.part is not None:
            rename_domain_constraint(context, statement.name, statement.part, statement.new_name)
        case "TYPE" if statement.part is not None:
            rename_attribute(context, statement.name, statement.part, statement.new_name)
        case "TYPE" | "DOMAIN":
            rename_type(context, statement.kind, statement.name, statement.new_name)
        case _:
            _rename_relation(context, statement)
            kind = (
                "TABLE"
                if statement.kind in ("COLUMN", "CONSTRAINT")
                else statement.kind.removesuffix(" COLUMN")
            )
            return CommandResult(f"ALTER {kind}")
    return CommandResult(f"ALTER {statement.kind}")


def execute_owner(statement: OwnerStatement, context: CommandContext) -> CommandResult:
    """ALTER SCHEMA / DATABASE / TYPE / DOMAIN ... OWNER TO."""
    if statement.kind in ("TYPE", "DOMAIN"):
        give_type(context, statement.kind, statement.name, statement.role)
        return CommandResult(f"ALTER {statement.kind}")
    name = statement.name.name
    target = find_schema(context, name) if statement.kind == "SCHEMA" else find_database(context, name)
    check_owner(context, target)
    role = find_role(context, statement.role)
    check_new_owner(context, role)
    change_owner(context, target, role.oid)
    return CommandResult(f"ALTER {statement.kind}")


def _rename_relation(context: CommandContext, statement: RenameStatement) -> None:
    found = maybe_relation(context, statement.name)
    if found is None:
        if statement.if_exists:
            context.notice(f'relation "{statement.name}" does not exist, skipping')
            return
        raise UndefinedTable(f'relation "{statement.name}" does not exist')
    if statement.kind.endswith("COLUMN"):
        if not isinstance(found, ColumnRelation):
            raise not_supported_for("cannot rename columns of", found)
        check_owner(context, found)
        if isinstance(found, Table):
            _check_rename(context, found, statement)
        with renaming(context, found.oid):
            _rename_column(context, found, statement.part or "", statement.new_name)
        return
    target: Relation
    if isinstance(found, Relation) and statement.kind == "TABLE":
        target = found
    else:
        target = of_kind(found, RELATION_CLASSES.get(statement.kind, Table))
    check_owner(context, target)
    if statement.kind == "CONSTRAINT":
        assert isinstance(target, Table)
        constraint = _constraint(context, target, statement.part or "", statement.new_name)
        _check_constraint_rename(target, constraint)
        if isinstance(constraint, CheckConstraint):
            _rename_check(context, target, statement.part or "", statement.new_name)
            return
        if not isinstance(constraint, Index):
            context.transaction.put(replaced(constraint, name=statement.new_name))
            return
        target = constraint
    _check_free(context, target.schema_oid, statement.new_name)
    if isinstance(target, Sequence):
        schema = schema_of(context, target.schema_oid).name
        move_defaults(context, target, sequence_default(schema, statement.new_name))
    with renaming(context, target.oid):
        context.transaction.put(replaced(target, name=statement.new_name))


def _check_rename(context: CommandContext, table: Table, statement: RenameStatement) -> None:
    """A column is called the same in a partitioned table and in its partitions. Raises InvalidTableDefinition (42P16)."""
    if table.parent_oid and table.column(statement.part or "") is not None:
        raise InvalidTableDefinition(f'cannot rename inherited column "{statement.part}"')
    if statement.is_only and children(context.catalog, table):
        raise InvalidTableDefinition(
            f'inherited column "{statement.part}" must be renamed in child tables too'
        )


def _check_constraint_rename(table: Table, constraint: Constraint) -> None:
    if isinstance(constraint, CheckConstraint) and constraint.is_inherited and table.parent_oid:
        raise InvalidTableDefinition(f'cannot rename inherited constraint "{constraint.name}"')


def _rename_check(context: CommandContext, table: Table, name: str, new_name: str) -> None:
    """A CHECK has one name in a partitioned table and in its partitions."""
    check = find_constraint(context, table, name)
    if check is None:
        return
    for partition in children(context.catalog, table):
        _rename_check(context, partition, name, new_name)
    context.transaction.put(replaced(check, name=new_name))


def _check_free(context: CommandContext, schema_oid: int, name: str) -> None:
    if context.catalog.find_relation(context.database_oid, schema_oid, name) is not None:
        raise DuplicateTable(f'relation "{name}" already exists')


def _constraint(context: CommandContext, table: Table, name: str, new_name: str) -> Constraint:
    found = find_constraint(context, table, name)
    if found is None:
        raise UndefinedObject(f'constraint "{name}" for table "{table.name}" does not exist')
    check_name_unused(context, table, new_name)
    return found


def _rename_column(context: CommandContext, table: ColumnRelation, name: str, new_name: str) -> None:
    column = table.column(name)
    if column is None:
        raise UndefinedColumn(f'column "{name}" does not exist')
    if new_name in SYSTEM_COLUMNS:
        raise DuplicateColumn(f'column name "{new_name}" conflicts with a system column name')
    if table.column(new_name) is not None:
        raise DuplicateColumn(f'column "{new_name}" of relation "{table.name}" already exists')
    changed = replace(column, name=new_name)
    if isinstance(table, AnyView):
        context.transaction.put(with_renamed_column(context, table, changed))
        return
    assert isinstance(table, Table)
    renamed = with_column(table, changed)
    rename_in_checks(context, table, renamed, column.attnum)
    context.transaction.put(rename_in_generations(context, table, renamed))
    rename_in_indexes(context, table, renamed)
    for partition in children(context.catalog, table):
        _rename_column(context, partition, name, new_name)


def _rename_schema(context: CommandContext, name: str, new_name: str) -> None:
    schema = find_schema(context, name)
    check_owner(context, schema)
    check_may_create_schema(context)
    if context.catalog.find_schema(context.database_oid, new_name) is not None:
        raise DuplicateSchema(f'schema "{new_name}" already exists')
    check_schema_name(new_name)
    for member in context.catalog.objects(UserType, context.database_oid):
        if member.schema_oid == schema.oid:
            check_not_kept(context, naming_type(context, member), "schema")
    for sequence in context.catalog.objects(Sequence, context.database_oid):
        if sequence.schema_oid == schema.oid:
            move_defaults(context, sequence, sequence_default(new_name, sequence.name))
    with renaming(context):
        context.transaction.put(replaced(schema, name=new_name))
