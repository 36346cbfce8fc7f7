"""Grammar of sequence options, shared by CREATE / ALTER SEQUENCE and identity columns.

https://www.postgresql.org/docs/15/sql-createsequence.html
"""

from __future__ import annotations

from dataclasses import replace

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.names import relation_name
from sqlfront.parser.statements_schema import SequenceOptions


def sequence_options(grammar: DmlGrammar, *, parenthesized: bool = False) -> SequenceOptions:
    """Options until the statement's end, or inside optional parentheses."""
    options = SequenceOptions()
    if parenthesized:
        if grammar.token.key != "(":
            return options
        grammar.advance()
        while not grammar.accept(")"):
            options = _option(grammar, options)
        return options
    while not grammar.at_end():
        options = _option(grammar, options)
    return options


def _option(grammar: DmlGrammar, options: SequenceOptions) -> SequenceOptions:
    key = grammar.advance().key
    if key == "as":
        return replace(options, type=grammar.type_name())
    if key == "increment":
        grammar.accept("by")
        return replace(options, increment=grammar.signed_integer())
    if key == "minvalue":
        return replace(options, minimum=grammar.signed_integer())
    if key == "maxvalue":
        return replace(options, maximum=grammar.signed_integer())
    if key == "start":
        grammar.accept("with")
        return replace(options, start=grammar.signed_integer())
    if key == "restart":
        said = grammar.accept("with") or not (grammar.at_end() or grammar.token.kind == "word")
        return replace(options, is_restarted=True, restart=grammar.signed_integer() if said else None)
    if key == "cache":
        return replace(options, cache=grammar.signed_integer())
    if key == "cycle":
        return replace(options, cycle=True)
    if key == "owned":
        grammar.expect("by")
        owner = ("none",) if grammar.accept("none") else grammar.qualified_name()
        return replace(options, owned_by=owner)
    if key == "sequence":
        grammar.expect("name")
        return replace(options, name=relation_name(grammar))
    if key == "no":
        word = grammar.accept_any("minvalue", "maxvalue", "cycle") or grammar.error()
        if word == "cycle":
            return replace(options, cycle=False)
        return replace(options, no_minimum=True) if word == "minvalue" else replace(options, no_maximum=True)
    grammar.error(grammar.last)
