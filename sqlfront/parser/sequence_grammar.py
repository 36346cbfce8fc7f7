"""Grammar of sequence options, shared by CREATE / ALTER SEQUENCE and identity columns.

https://www.postgresql.org/docs/15/sql-createsequence.html
"""

from __future__ import annotations

from dataclasses import fields, replace

from foundation.errors import NumericValueOutOfRange, SyntaxErrorInStatement
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
            options = sequence_option(grammar, options)
        return options
    while not grammar.at_end():
        options = sequence_option(grammar, options)
    return options


_SAME_OPTION = {"no_minimum": "minimum", "no_maximum": "maximum", "restart": "is_restarted"}
_NOT_SAID = SequenceOptions()


def sequence_option(grammar: DmlGrammar, options: SequenceOptions) -> SequenceOptions:
    """`options` with the one that stands here.

    Raises:
        SyntaxErrorInStatement: 42601, no option, or one that was given already.
        NumericValueOutOfRange: 22003, a number beyond bigint.
    """
    position = grammar.token.start + 1
    changed = _option(grammar, options)
    said = _said(options)
    if len(_said(changed)) == len(said):
        raise SyntaxErrorInStatement("conflicting or redundant options", position=position)
    return changed


def _said(options: SequenceOptions) -> set[str]:
    """Which options were given; NO MINVALUE is MINVALUE."""
    names = (field.name for field in fields(SequenceOptions))
    return {
        _SAME_OPTION.get(name, name) for name in names if getattr(options, name) != getattr(_NOT_SAID, name)
    }


def _bigint(grammar: DmlGrammar) -> int:
    value = grammar.signed_integer()
    if not -(2**63) <= value < 2**63:
        raise NumericValueOutOfRange(f'value "{value}" is out of range for type bigint')
    return value


def _option(grammar: DmlGrammar, options: SequenceOptions) -> SequenceOptions:
    key = grammar.advance().key
    if key == "as":
        return replace(options, type=grammar.type_name())
    if key == "increment":
        grammar.accept("by")
        return replace(options, increment=_bigint(grammar))
    if key == "minvalue":
        return replace(options, minimum=_bigint(grammar))
    if key == "maxvalue":
        return replace(options, maximum=_bigint(grammar))
    if key == "start":
        grammar.accept("with")
        return replace(options, start=_bigint(grammar))
    if key == "restart":
        said = grammar.accept("with") or not (grammar.at_end() or grammar.token.kind == "word")
        return replace(options, is_restarted=True, restart=_bigint(grammar) if said else None)
    if key == "cache":
        return replace(options, cache=_bigint(grammar))
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
