"""Splits a script into statements and dispatches each by its first words.

`parse_script` is the door. A statement that PostgreSQL has and this version has not is refused by its name
with 0A000; text that begins no statement is a syntax error.
"""

from __future__ import annotations

from foundation.errors import StatementTooComplex
from sqlfront.parser.lexer import tokenize
from sqlfront.parser.statement_grammar import StatementGrammar
from sqlfront.parser.statements import ParsedStatement, SqlExpression
from sqlfront.parser.typenames import TypeName

_STACK_HINT = (
    'Increase the configuration parameter "max_stack_depth" (currently 2048kB), after ensuring the platform\'s'
    " stack depth limit is adequate."
)


def parse_script(text: str) -> tuple[ParsedStatement, ...]:
    """All statements of a script; empty statements are left out.

    Positions in trees and errors count characters from the start of `text`.

    Raises:
        SyntaxErrorInStatement: 42601 with PostgreSQL's wording and a 1-based position.
        FeatureNotSupported: 0A000, a statement or clause of PostgreSQL's that is not supported, by name.
        StatementTooComplex: 54001, nested too deeply.
    """
    try:
        return _statements(text)
    except RecursionError:
        raise _too_deep() from None


def parse_expression(text: str) -> SqlExpression:
    """A single value expression, for example a column default kept as text. Errors as in `parse_script`."""
    grammar = StatementGrammar(text, tokenize(text))
    try:
        tree = grammar.expression()
    except RecursionError:
        raise _too_deep() from None
    if grammar.token.kind != "end":
        grammar.error()
    return SqlExpression(tree, text)


def parse_type(text: str) -> TypeName:
    """A type name alone, as in to_regtype('double precision'). Errors as in `parse_script`."""
    grammar = StatementGrammar(text, tokenize(text))
    name = grammar.type_name()
    if grammar.token.kind != "end":
        grammar.error()
    return name


def _too_deep() -> StatementTooComplex:
    return StatementTooComplex("stack depth limit exceeded", hint=_STACK_HINT)


def _statements(text: str) -> tuple[ParsedStatement, ...]:
    grammar = StatementGrammar(text, tokenize(text))
    found: list[ParsedStatement] = []
    while True:
        while grammar.accept(";"):
            pass
        if grammar.token.kind == "end":
            return tuple(found)
        first = grammar.index
        node = grammar.statement()
        if not grammar.at_end():
            grammar.error()
        start = grammar.tokens[first].start
        found.append(ParsedStatement(grammar.source(first, grammar.index), start, node))
