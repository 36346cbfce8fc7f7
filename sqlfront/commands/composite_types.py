"""CREATE TYPE ... AS (...) and what ALTER TYPE does to attributes. https://www.postgresql.org/docs/15/sql-createtype.html

Attributes are added, dropped and given other types only while nothing has the type: stored values are not rewritten.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import DuplicateColumn, FeatureNotSupported, UndefinedColumn, WrongObjectType
from foundation.sqltypes import TYPES
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.columns import PSEUDO_CATEGORIES
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.kept_types import check_not_kept, named
from sqlfront.commands.lookup import creation_schema, described, usable_type
from sqlfront.commands.types import check_type_name_free, columns_of_type, owned_type, shown_type, types_over
from sqlfront.parser import (
    AddAttribute,
    AlterAttributeType,
    AlterCompositeStatement,
    AttributeAction,
    AttributeDefinition,
    CreateCompositeStatement,
    DropAttribute,
    QualifiedName,
)
from storage.catalog import replaced
from storage.type_objects import Attribute, CompositeType
from storage.user_types import unused_type_oids


def execute_create_composite(statement: CreateCompositeStatement, context: CommandContext) -> CommandResult:
    """CREATE TYPE name AS (attributes).

    Raises:
        DuplicateObject: 42710. DuplicateColumn: 42701. UndefinedObject: 42704, a type or collation.
        InvalidTableDefinition: 42P16, a pseudo-type. FeatureNotSupported: 0A000, a domain as an attribute's type.
    """
    schema = creation_schema(context, statement.name)
    check_type_name_free(context, schema, statement.name.name)
    attributes: list[Attribute] = []
    for definition in statement.attributes:
        if any(other.name == definition.name for other in attributes):
            raise DuplicateColumn(f'column "{definition.name}" specified more than once')
        attributes.append(_attribute(context, definition))
    oid, array_oid, relation_oid = unused_type_oids(context.catalog, 3)
    created = CompositeType(
        oid, statement.name.name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        array_oid=array_oid, relation_oid=relation_oid, attributes=tuple(attributes),
    )  # fmt: skip
    context.transaction.put(with_default_acl(context, created))
    return CommandResult("CREATE TYPE")


def _attribute(context: CommandContext, definition: AttributeDefinition) -> Attribute:
    sql_type = usable_type(context, definition.type)
    info = TYPES[sql_type.oid]
    if info.category in PSEUDO_CATEGORIES:
        raise InvalidTableDefinition(f'column "{definition.name}" has pseudo-type {info.sql_name}')
    if sql_type.domain_oid:
        raise FeatureNotSupported("a domain as the type of an attribute is not supported")
    kept_collation(definition.collation, sql_type)
    return Attribute(definition.name, sql_type)


def execute_alter_composite(statement: AlterCompositeStatement, context: CommandContext) -> CommandResult:
    """ALTER TYPE ... ADD, DROP, ALTER ATTRIBUTE.

    Raises:
        UndefinedObject: 42704. WrongObjectType: 42809. UndefinedColumn: 42703. DuplicateColumn: 42701.
        FeatureNotSupported: 0A000, something has the type.
    """
    found = _owned_composite(context, statement.name)
    for table, column in columns_of_type(context, found):
        raise FeatureNotSupported(
            f'cannot alter type "{found.name}" because column "{table.name}.{column.name}" uses it'
        )
    for user in types_over(context, found):
        raise FeatureNotSupported(
            f'cannot alter type "{found.name}" because {described(context, user)} uses it'
        )
    check_not_kept(context, named(found.name), "type")
    for action in statement.actions:
        found = replaced(found, attributes=_changed(context, found, action))
    context.transaction.put(found)
    return CommandResult("ALTER TYPE")


def _owned_composite(context: CommandContext, name: QualifiedName) -> CompositeType:
    found = owned_type(context, "TYPE", name)
    if not isinstance(found, CompositeType):
        raise WrongObjectType(f"{shown_type(context, found)} is not a composite type")
    return found


def _changed(context: CommandContext, found: CompositeType, action: AttributeAction) -> tuple[Attribute, ...]:
    names = [attribute.name for attribute in found.attributes]
    if isinstance(action, AddAttribute):
        if action.attribute.name in names:
            raise DuplicateColumn(
                f'column "{action.attribute.name}" of relation "{found.name}" already exists'
            )
        return (*found.attributes, _attribute(context, action.attribute))
    assert isinstance(action, DropAttribute | AlterAttributeType), "the grammar knows no other action"
    name = action.name if isinstance(action, DropAttribute) else action.attribute.name
    if name not in names:
        missing = f'column "{name}" of relation "{found.name}" does not exist'
        if isinstance(action, DropAttribute) and action.if_exists:
            context.notice(f"{missing}, skipping")
            return found.attributes
        raise UndefinedColumn(missing)
    if isinstance(action, DropAttribute):
        return tuple(attribute for attribute in found.attributes if attribute.name != name)
    changed = _attribute(context, action.attribute)
    return tuple(changed if attribute.name == name else attribute for attribute in found.attributes)


def rename_attribute(context: CommandContext, type_name: QualifiedName, name: str, new_name: str) -> None:
    """ALTER TYPE ... RENAME ATTRIBUTE. Raises 42703, 42701, and 0A000 for a name in a kept text."""
    found = _owned_composite(context, type_name)
    names = [attribute.name for attribute in found.attributes]
    if name not in names:
        raise UndefinedColumn(f'column "{name}" does not exist')
    if new_name in names:
        raise DuplicateColumn(f'column "{new_name}" of relation "{found.name}" already exists')
    if any(True for _ in columns_of_type(context, found)):
        check_not_kept(context, named(name), "name")
    attributes = tuple(
        replace(attribute, name=new_name) if attribute.name == name else attribute
        for attribute in found.attributes
    )
    context.transaction.put(replaced(found, attributes=attributes))
