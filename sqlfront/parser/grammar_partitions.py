"""Grammar of PARTITION BY, of partition bounds, and of ATTACH and DETACH PARTITION.

https://www.postgresql.org/docs/16/sql-createtable.html, https://www.postgresql.org/docs/16/sql-altertable.html
"""

from __future__ import annotations

from foundation.errors import SyntaxErrorInStatement
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.lexer import INTEGER
from sqlfront.parser.names import relation_name
from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.statements_partitions import (
    AttachPartitionStatement,
    BoundSpecification,
    DefaultBound,
    DetachPartitionStatement,
    HashBound,
    ListBound,
    PartitionElement,
    PartitionSpecification,
    RangeBound,
)

_UNBOUNDED = ("minvalue", "maxvalue")


def maybe_partition_by(grammar: DmlGrammar) -> PartitionSpecification | None:
    """[PARTITION BY strategy (elements)]"""
    if not grammar.accept("partition"):
        return None
    grammar.expect("by")
    strategy = grammar.name()
    elements = tuple(grammar.parenthesized(lambda: _element(grammar)))
    return PartitionSpecification(strategy, elements)


def _element(grammar: DmlGrammar) -> PartitionElement:
    first = grammar.token
    column, expression = None, None
    if first.key == "(":
        grammar.advance()
        expression = grammar.sql_expression()
        grammar.expect(")")
    elif grammar.peek().key in ("(", "."):
        tree, text = grammar.captured(grammar._primary)
        expression = SqlExpression(tree, text)
    else:
        column = grammar.name()
    collation = ".".join(grammar.qualified_name()) if grammar.accept("collate") else None
    operator_class = ".".join(grammar.qualified_name()) if grammar.is_name() else None
    return PartitionElement(column, expression, collation, operator_class, first.start + 1)


def bound_specification(grammar: DmlGrammar) -> BoundSpecification:
    """FOR VALUES ... or DEFAULT."""
    if grammar.accept("default"):
        return DefaultBound()
    grammar.expect("for", "values")
    position = grammar.token.start + 1
    if grammar.accept("in"):
        return ListBound(tuple(grammar.parenthesized(grammar.sql_expression)), position)
    if grammar.accept("from"):
        lower = tuple(grammar.parenthesized(lambda: _limit(grammar)))
        grammar.expect("to")
        return RangeBound(lower, tuple(grammar.parenthesized(lambda: _limit(grammar))), position)
    grammar.expect("with")
    return _hash_bound(grammar, position)


def _limit(grammar: DmlGrammar) -> SqlExpression | str:
    if grammar.token.key in _UNBOUNDED and grammar.peek().key in (",", ")"):
        return grammar.advance().key.upper()
    return grammar.sql_expression()


def _hash_bound(grammar: DmlGrammar, position: int) -> HashBound:
    given: dict[str, int] = {}

    def one() -> None:
        token = grammar.token
        name = grammar.label().lower()
        if name not in ("modulus", "remainder"):
            raise SyntaxErrorInStatement(
                f'unrecognized hash partition bound specification "{name}"', position=token.start + 1
            )
        if name in given:
            raise SyntaxErrorInStatement(
                f"{name} for hash partition provided more than once", position=token.start + 1
            )
        if grammar.token.kind != INTEGER:
            grammar.error()
        given[name] = int(grammar.advance().value)

    grammar.parenthesized(one)
    for name in ("modulus", "remainder"):
        if name not in given:
            raise SyntaxErrorInStatement(f"{name} for hash partition must be specified")
    return HashBound(given["modulus"], given["remainder"], position)


def parse_attach_or_detach(grammar: DmlGrammar, kind: str, name: QualifiedName, if_exists: bool) -> Statement:
    """After ALTER TABLE name or ALTER INDEX name, at ATTACH or DETACH."""
    word = grammar.advance().key
    grammar.expect("partition")
    partition = relation_name(grammar)
    if kind == "INDEX":
        if word == "detach":
            grammar.error()
        return AttachPartitionStatement(name, partition, None, if_exists, is_index=True)
    if kind != "TABLE":
        grammar.error()
    if word == "attach":
        return AttachPartitionStatement(name, partition, bound_specification(grammar), if_exists)
    if grammar.token.key in ("concurrently", "finalize"):
        grammar.unsupported(f"DETACH PARTITION ... {grammar.token.key.upper()}")
    return DetachPartitionStatement(name, partition, if_exists)
