"""Keys of indexes and of EXCLUDE constraints: a column or an expression, with collation, operator class and order."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.statements import SqlExpression
from sqlfront.parser.statements_schema import IndexElement


def index_element(grammar: DmlGrammar) -> IndexElement:
    """The next key."""
    first = grammar.token
    if first.key == "(":
        grammar.advance()
        element = IndexElement(None, grammar.sql_expression(), position=first.start + 1)
        grammar.expect(")")
    elif grammar.peek().key in ("(", "."):
        tree, text = grammar.captured(grammar._primary)
        if isinstance(tree, exp.Column):
            grammar.error(grammar.peek(-2))
        element = IndexElement(None, SqlExpression(tree, text), position=first.start + 1)
    else:
        element = IndexElement(grammar.name(), position=first.start + 1)
    if grammar.accept("collate"):
        element = replace(element, collation=".".join(grammar.qualified_name()))
    if grammar.is_name() and grammar.token.key not in ("nulls",):
        position = grammar.token.start + 1
        name = ".".join(grammar.qualified_name())
        element = replace(element, operator_class=name, operator_class_position=position)
        if grammar.token.key == "(":
            grammar.unsupported("operator class options")
    if word := grammar.accept_any("asc", "desc"):
        element = replace(element, is_descending=word == "desc")
    if grammar.accept("nulls"):
        first_word = grammar.accept_any("first", "last") or grammar.error()
        element = replace(element, nulls_first=first_word == "first")
    return element
