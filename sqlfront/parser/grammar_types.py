"""Grammar of CREATE TYPE and ALTER TYPE. https://www.postgresql.org/docs/15/sql-createtype.html"""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.names import cascade, if_exists, if_not_exists, relation_name, role_name
from sqlfront.parser.statements import QualifiedName, Statement
from sqlfront.parser.statements_objects import OwnerStatement
from sqlfront.parser.statements_schema import RenameStatement, SetSchemaStatement
from sqlfront.parser.statements_types import (
    AddAttribute,
    AddEnumLabelStatement,
    AlterAttributeType,
    AlterCompositeStatement,
    AttributeAction,
    AttributeDefinition,
    CreateCompositeStatement,
    CreateEnumStatement,
    DropAttribute,
    RenameEnumLabelStatement,
)


def parse_create_type(grammar: DmlGrammar) -> Statement:
    """After CREATE TYPE: an enum or composite type; range and base types are refused by name."""
    name = relation_name(grammar)
    if grammar.at_end():
        grammar.unsupported("CREATE TYPE of a shell type")
    if grammar.token.key == "(":
        grammar.unsupported("CREATE TYPE of a base type")
    grammar.expect("as")
    if grammar.accept("("):
        attributes: tuple[AttributeDefinition, ...] = ()
        if grammar.token.key != ")":
            attributes = tuple(grammar.comma_list(lambda: _attribute(grammar)))
        grammar.expect(")")
        return CreateCompositeStatement(name, attributes)
    if grammar.token.key == "range":
        grammar.unsupported("CREATE TYPE of a range type")
    grammar.expect("enum")
    grammar.expect("(")
    labels: tuple[str, ...] = ()
    if grammar.token.key != ")":
        labels = tuple(grammar.comma_list(grammar.string))
    grammar.expect(")")
    return CreateEnumStatement(name, labels)


def parse_alter_type(grammar: DmlGrammar) -> Statement:
    """After ALTER TYPE."""
    name = relation_name(grammar)
    if grammar.looking_at("add", "value"):
        grammar.expect("add", "value")
        return _add_label(grammar, name)
    if grammar.accept("rename"):
        return _rename(grammar, name)
    if grammar.accept("owner"):
        grammar.expect("to")
        return OwnerStatement("TYPE", name, role_name(grammar))
    if grammar.accept("set"):
        if grammar.token.key == "(":
            grammar.unsupported("ALTER TYPE ... SET")
        grammar.expect("schema")
        return SetSchemaStatement("TYPE", name, grammar.name())
    return AlterCompositeStatement(name, tuple(grammar.comma_list(lambda: _attribute_action(grammar))))


def _attribute(grammar: DmlGrammar) -> AttributeDefinition:
    name, kind = grammar.name(), grammar.type_name()
    collation = ".".join(grammar.qualified_name()) if grammar.accept("collate") else None
    return AttributeDefinition(name, kind, collation)


def _attribute_action(grammar: DmlGrammar) -> AttributeAction:
    """ADD, DROP or ALTER ATTRIBUTE; CASCADE would be for tables of the type."""
    word = grammar.accept_any("add", "drop", "alter")
    if word is None:
        grammar.error()
    grammar.expect("attribute")
    action: AttributeAction
    if word == "drop":
        exists = if_exists(grammar)
        action = DropAttribute(grammar.name(), exists)
    elif word == "add":
        action = AddAttribute(_attribute(grammar))
    else:
        name = grammar.name()
        if grammar.accept("set"):
            grammar.expect("data")
        grammar.expect("type")
        collated = grammar.type_name()
        collation = ".".join(grammar.qualified_name()) if grammar.accept("collate") else None
        action = AlterAttributeType(AttributeDefinition(name, collated, collation))
    cascade(grammar)
    return action


def _add_label(grammar: DmlGrammar, name: QualifiedName) -> Statement:
    skip = if_not_exists(grammar)
    label = grammar.string()
    where = grammar.accept_any("before", "after")
    neighbour = grammar.string() if where else None
    return AddEnumLabelStatement(name, label, skip, neighbour, where == "before")


def _rename(grammar: DmlGrammar, name: QualifiedName) -> Statement:
    if grammar.accept("value"):
        label = grammar.string()
        grammar.expect("to")
        return RenameEnumLabelStatement(name, label, grammar.string())
    if grammar.accept("attribute"):
        attribute = grammar.name()
        grammar.expect("to")
        new_name = grammar.name()
        cascade(grammar)
        return RenameStatement("TYPE", name, new_name, attribute)
    grammar.expect("to")
    return RenameStatement("TYPE", name, grammar.name())
