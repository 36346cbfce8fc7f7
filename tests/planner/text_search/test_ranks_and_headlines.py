"""Goal: ranks, headlines and rewritten queries are PostgreSQL's, ranks bit by bit.

Method: seeded random vectors, queries, texts and options through a real PostgreSQL 16, a batch at a time, and through ours. Queries have
few operands: of many that repeat a lexeme with other modifiers PostgreSQL ranks by one that its sort happens to put first.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest

from planner.text_search.configurations import configuration_set
from planner.text_search.headline_options import parse_options
from planner.text_search.headlines import headline
from planner.text_search.query_text import parse_query, print_query
from planner.text_search.ranking import DEFAULT_WEIGHTS, Weights, checked_weights, rank, rank_by_covers
from planner.text_search.rewriting import rewritten
from planner.text_search.tsqueries import Node, pack_query
from planner.text_search.tsvectors import Lexemes, unpack_vector
from planner.text_search.vector_text import parse_vector
from tests.planner.text_search.random_queries import Connection, column, random_query, random_vector

pytestmark = pytest.mark.slow

Ranking = Callable[[Weights, Lexemes, Node | None, int], float]
WEIGHTS = (None, [0.1, 0.2, 0.4, 1.0], [0.0, 0.5, -1.0, 0.3])
METHODS = (0, 0, 1, 2, 4, 8, 16, 32, 63, 3)
WORDS = (
    "cat", "cats", "rats", "fat", "the", "a", "dog", "foo-bar", "x", "3.14", "http://x.org/a", "<b>", "running", "of", "story", "12",
    "mouse", "elephant", "and", "e",
)  # fmt: skip
GAPS = (" ", " ", " ", ", ", ". ", "-")
OPERANDS = ("cat", "rat", "fat", "dog", "run", "x", "foo", "foo-bar", "stori", "e:*", "mous")
OPTIONS = (
    "", "MaxWords=7, MinWords=3", "MaxWords=5,MinWords=2,ShortWord=0", "MaxFragments=2", "MaxFragments=3,MaxWords=6,MinWords=2",
    "HighlightAll=true", "HighlightAll=true,MaxFragments=2", "StartSel=[,StopSel=],MaxWords=4,MinWords=1,ShortWord=4",
    'MaxFragments=1,MaxWords=10,MinWords=4,FragmentDelimiter="|"',
)  # fmt: skip


@pytest.mark.parametrize(("name", "function"), [("ts_rank", rank), ("ts_rank_cd", rank_by_covers)])
def test_ranks(postgres: Connection, name: str, function: Ranking) -> None:
    source = random.Random(4)
    vectors = [random_vector(source) for _ in range(60)]
    lexemes = [unpack_vector(parse_vector(text)) for text in vectors]
    for _ in range(60):
        query, method, given = random_query(source, 2), source.choice(METHODS), source.choice(WEIGHTS)
        weights = DEFAULT_WEIGHTS if given is None else checked_weights(given)
        expression = f"{name}({'%s::float4[], ' if given else ''}x::tsvector, %s::tsquery, %s)"
        theirs = column(postgres, expression, vectors, *([given] if given else []), query, method)
        ours = [function(weights, found, parse_query(query), method) for found in lexemes]
        assert [struct.pack("f", number) for number in ours] == [
            struct.pack("f", number) for number in theirs
        ], (query, method, given)


def _search(source: random.Random, depth: int) -> str:
    if not depth or source.random() < 0.35:
        return source.choice(OPERANDS)
    if source.random() < 0.15:
        return f"!({_search(source, depth - 1)})"
    sign = source.choice(("&", "|", "<->", "<2>", "&"))
    return f"({_search(source, depth - 1)} {sign} {_search(source, depth - 1)})"


def test_headlines(postgres: Connection) -> None:
    source = random.Random(5)
    english = configuration_set("pg_catalog.english")
    for _ in range(150):
        query, options = _search(source, 2), source.choice(OPTIONS)
        texts = [
            "".join(source.choice(WORDS) + source.choice(GAPS) for _ in range(source.choice((3, 10, 40, 90))))
            for _ in range(8)
        ]
        theirs = column(postgres, "ts_headline('english', x, %s::tsquery, %s)", texts, query, options)
        ours = [headline(english, text, parse_query(query), parse_options(options)) for text in texts]
        assert [found for found in zip(texts, ours, theirs) if found[1] != found[2]] == [], (query, options)


def test_rewritten_queries(postgres: Connection) -> None:
    source = random.Random(6)
    for _ in range(60):
        target = random_query(source, source.choice((0, 1, 1, 2)))
        substitute = source.choice(("", random_query(source, 1)))
        queries = [random_query(source, 4) for _ in range(30)]
        theirs = column(
            postgres, "ts_rewrite(x::tsquery, %s::tsquery, %s::tsquery)::text", queries, target, substitute
        )
        parts = parse_query(target), parse_query(substitute)
        ours = [print_query(pack_query(rewritten(parse_query(query), *parts))) for query in queries]
        assert ours == theirs, (target, substitute)
