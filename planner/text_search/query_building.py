"""Texts as tsqueries: what a configuration makes of their words, and how those are joined.

Follows `pushval_morph` of postgres/postgres:src/backend/tsearch/to_tsany.c. A word that the parser takes apart, `foo-bar`, is a phrase
of its parts, or in plainto_tsquery() all of them; of stop words between others the places are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from planner.text_search.configurations import Configuration
from planner.text_search.documents import lexemes_of
from planner.text_search.query_text import (
    MakeOperand,
    RawNode,
    RawOperator,
    StopWord,
    Word,
    checked_operand,
    cleaned,
    parse_query_tree,
)
from planner.text_search.tsqueries import Kind, Node


class Notation(Enum):
    """How a text is to be read: as to_tsquery(), plainto_tsquery(), phraseto_tsquery() or websearch_to_tsquery() do."""

    STANDARD = "to_tsquery"
    PLAIN = "plainto_tsquery"
    PHRASE = "phraseto_tsquery"
    WEB = "websearch_to_tsquery"


def _operand_maker(configuration: Configuration, joint: Kind, text: str) -> MakeOperand:
    distance = 1 if joint is Kind.PHRASE else 0

    def make(word: Word) -> RawNode:
        tree: RawNode | None = None
        last = 0
        for position, lexeme in enumerate(lexemes_of(configuration, word.text), 1):
            if not lexeme:
                continue
            for _ in range(last + 1, position if last else 0):
                assert tree is not None
                tree = RawOperator(joint, tree, StopWord(), distance)
            operand = checked_operand(lexeme, word, text)
            tree = operand if tree is None else RawOperator(joint, tree, operand, distance)
            last = position
        return StopWord() if tree is None else tree

    return make


def build_query(
    configuration: Configuration, text: str, notation: Notation, notice: Callable[[str], None]
) -> Node | None:
    """The query of a text, None for an empty one, about which `notice` is given PostgreSQL's words.

    Raises:
        SyntaxErrorInStatement: 42601. InvalidParameterValue: 22023. ProgramLimitExceeded: 54000. StatementTooComplex: 54001.
    """
    joint = Kind.AND if notation is Notation.PLAIN else Kind.PHRASE
    make = _operand_maker(configuration, joint, text)
    if notation in (Notation.PLAIN, Notation.PHRASE):
        tree = make(Word(text)) if text else None
    else:
        tree = parse_query_tree(text, make, is_web=notation is Notation.WEB)
    if tree is None:
        notice(f'text-search query doesn\'t contain lexemes: "{text}"')
        return None
    query = cleaned(tree)
    if query is None:
        notice("text-search query contains only stop words or doesn't contain lexemes, ignored")
    return query
