"""Small pieces of grammar that statements share: object names, option lists, CASCADE."""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.lexer import FLOAT, INTEGER, OPERATOR, STRING
from sqlfront.parser.statements import Option, QualifiedName


def relation_name(grammar: DmlGrammar) -> QualifiedName:
    """A table, index or sequence name with up to three parts."""
    first = grammar.token
    parts = grammar.qualified_name()
    if len(parts) > 3:
        grammar.error(first)
    names = dict(zip(("name", "schema", "database"), reversed(parts)))
    return QualifiedName(position=first.start + 1, **names)


def relation_names(grammar: DmlGrammar) -> tuple[QualifiedName, ...]:
    return tuple(grammar.comma_list(lambda: relation_name(grammar)))


def if_exists(grammar: DmlGrammar) -> bool:
    return grammar.accept("if", "exists")


def if_not_exists(grammar: DmlGrammar) -> bool:
    return grammar.accept("if", "not", "exists")


def cascade(grammar: DmlGrammar) -> bool:
    """[CASCADE | RESTRICT]: whether CASCADE was said."""
    return grammar.accept_any("cascade", "restrict") == "cascade"


def option_list(grammar: DmlGrammar) -> tuple[Option, ...]:
    """( name [= value], ... ): names may be quoted or qualified, values words, strings or numbers."""
    return tuple(grammar.parenthesized(lambda: _option(grammar)))


def _option(grammar: DmlGrammar) -> Option:
    name, namespace = grammar.label(), None
    if grammar.accept("."):
        name, namespace = grammar.label(), name
    if grammar.token.key in (",", ")"):
        return Option(name, None, namespace)
    grammar.expect("=")
    return Option(name, option_value(grammar), namespace)


def utility_options(grammar: DmlGrammar) -> tuple[Option, ...]:
    """( name [value], ... ) of EXPLAIN, VACUUM, ANALYZE, REINDEX and CLUSTER: no reserved words."""
    return tuple(grammar.parenthesized(lambda: _utility_option(grammar)))


def _utility_option(grammar: DmlGrammar) -> Option:
    name = grammar.accept_any("analyze", "analyse") or _plain_word(grammar)
    if grammar.token.key in (",", ")"):
        return Option(name)
    token = grammar.token
    if token.kind in (INTEGER, FLOAT) or token.key in ("+", "-"):
        return Option(name, grammar.signed_number())
    if token.kind == STRING or token.key in ("true", "false", "on"):
        return Option(name, grammar.advance().value)
    return Option(name, _plain_word(grammar))


def _plain_word(grammar: DmlGrammar) -> str:
    if not (grammar.is_name() or grammar.is_function_name()):
        grammar.error()
    return grammar.advance().value


def option_value(grammar: DmlGrammar) -> str:
    token = grammar.token
    if token.kind == STRING or grammar.is_label():
        return grammar.advance().value
    if token.kind in (INTEGER, FLOAT) or token.key in ("+", "-"):
        return grammar.signed_number()
    if token.kind == OPERATOR:
        return grammar.advance().key
    grammar.error()


def role_name(grammar: DmlGrammar) -> str:
    """A role: a name, or CURRENT_USER and its kin in lower case."""
    if word := grammar.accept_any("current_user", "current_role", "session_user"):
        return word
    return grammar.name()
