"""Grammar of CREATE TYPE and ALTER TYPE. https://www.postgresql.org/docs/15/sql-createtype.html"""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.names import if_not_exists, relation_name, role_name
from sqlfront.parser.statements import QualifiedName, Statement
from sqlfront.parser.statements_objects import OwnerStatement
from sqlfront.parser.statements_schema import RenameStatement, SetSchemaStatement
from sqlfront.parser.statements_types import (
    AddEnumLabelStatement,
    CreateEnumStatement,
    RenameEnumLabelStatement,
)


def parse_create_type(grammar: DmlGrammar) -> Statement:
    """After CREATE TYPE: an enum; composite, range and base types are refused by name."""
    name = relation_name(grammar)
    if grammar.at_end():
        grammar.unsupported("CREATE TYPE of a shell type")
    if grammar.token.key == "(":
        grammar.unsupported("CREATE TYPE of a base type")
    grammar.expect("as")
    if grammar.token.key == "(":
        grammar.unsupported("CREATE TYPE of a composite type")
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
    if grammar.accept("add"):
        if grammar.token.key != "value":
            grammar.unsupported("ALTER TYPE ... ADD ATTRIBUTE")
        grammar.advance()
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
    if grammar.token.key in ("drop", "alter"):
        grammar.unsupported(f"ALTER TYPE ... {grammar.token.key.upper()} ATTRIBUTE")
    grammar.error()


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
    if grammar.token.key == "attribute":
        grammar.unsupported("ALTER TYPE ... RENAME ATTRIBUTE")
    grammar.expect("to")
    return RenameStatement("TYPE", name, grammar.name())
