"""COMMENT ON. https://www.postgresql.org/docs/15/sql-comment.html"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import InsufficientPrivilege, UndefinedObject
from sqlfront.commands.constraints import find_constraint
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.databases import find_database
from sqlfront.commands.lookup import (
    RELATION_CLASSES,
    check_owner,
    current_role,
    find_column,
    find_relation,
    find_role,
    find_schema,
    find_table,
    of_kind,
)
from sqlfront.commands.types import find_type
from sqlfront.parser import CommentStatement
from storage.catalog import CatalogObject, ColumnRelation, Index, Table, replaced


def execute_comment(statement: CommentStatement, context: CommandContext) -> CommandResult:
    """Set or remove (text NULL or '') a comment. Raises as the object's look-up, and 42501."""
    text = statement.text or None
    if statement.kind == "COLUMN":
        found = find_relation(context, statement.name)
        table = found if isinstance(found, ColumnRelation) else of_kind(found, Table)
        check_owner(context, table)
        column = find_column(table, statement.part or "")
        described = replace(column, comment=text)
        columns = tuple(described if c.attnum == column.attnum else c for c in table.columns)
        context.transaction.put(replaced(table, columns=columns))
    else:
        target = _target(context, statement)
        if statement.kind == "CONSTRAINT" and isinstance(target, Index):
            context.transaction.put(replaced(target, constraint_comment=text))
        else:
            context.transaction.put(replaced(target, comment=text))
    return CommandResult("COMMENT")


def _target(context: CommandContext, statement: CommentStatement) -> CatalogObject:
    name = statement.name.name
    target: CatalogObject
    match statement.kind:
        case "SCHEMA":
            target = find_schema(context, name)
        case "DATABASE":
            target = find_database(context, name)
        case "EXTENSION":
            extension = context.catalog.find_extension(context.database_oid, name)
            if extension is None:
                raise UndefinedObject(f'extension "{name}" does not exist')
            target = extension
        case "ROLE":
            me = current_role(context)
            if not (me.is_superuser or me.can_create_role):
                raise InsufficientPrivilege("must have CREATEROLE privilege")
            return find_role(context, name)
        case "TYPE" | "DOMAIN":
            target = find_type(context, statement.kind, statement.name, shown=f'"{statement.name}"')
        case "CONSTRAINT":
            table = find_table(context, statement.name)
            check_owner(context, table)
            constraint = find_constraint(context, table, statement.part or "")
            if constraint is None:
                raise UndefinedObject(
                    f'constraint "{statement.part}" for table "{table.name}" does not exist'
                )
            return constraint
        case _:
            target = of_kind(find_relation(context, statement.name), RELATION_CLASSES[statement.kind])
    check_owner(context, target)
    return target
