"""Goal: text search is PostgreSQL's: the parser's tokens, the lexemes of every configuration, queries, what matches.

Method: seeded random texts made of pieces that the rules are about, and descriptions of real packages, go through a real
PostgreSQL 16, a batch at a time, and through ours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foundation.errors import QuiverError
from foundation.text_search_names import CONFIGURATION_NAMES, LANGUAGES, configuration_oid
from planner.text_search.column_matching import match_column
from planner.text_search.configurations import CONFIGURATIONS
from planner.text_search.dictionaries import stop_words
from planner.text_search.documents import text_vector
from planner.text_search.parser import parse_tokens
from planner.text_search.query_building import Notation, build_query
from planner.text_search.query_text import parse_query, print_query
from planner.text_search.tsqueries import pack_query, unpack_query
from planner.text_search.vector_text import parse_vector, print_vector
from tests.planner.text_search.random_queries import (
    Connection,
    column,
    random_query,
    random_texts,
    random_vector,
)

pytestmark = pytest.mark.slow

DESCRIPTIONS = 2500
ENGLISH = CONFIGURATIONS[configuration_oid("english") or 0]
TEXT_PIECES = (
    "a", "b", "cat", "Foo", "-", "-", ".", ".", " ", " ", "_", "@", "/", "/", "://", "http://", "www.example.com", "example.org",
    "1", "23", "4.5", "e", "E", "+", "é", "ß", "~", "<", "<b>", "</b>", "<script>", "</script>", "<!--", "-->", "&", "&amp;",
    "&#12;", ":", "8080", "?", "=", '"', "'", "\\", ";", '<a href="x">', "1.2.3", "-12", "1e-5", "foo-bar", "x2", "<style>",
    "</style>", "<?xml", "!", "\n", "中", "а", "б", "\u0301",
)  # fmt: skip
QUERY_PIECES = (
    "a", "b", "the", "cats", "foo-bar", "'", "\\", ":", "A", "*", " ", "&", "|", "!", "(", ")", "<->", "<2>", "<", "-", "é",
    "'x y'", "<0>", " & ", " | ", "<->", "!", ":*", "<99999>", "or", " or ", '"', "1.5", "http://x.org/a", "<b>",
)  # fmt: skip


@pytest.fixture(scope="module")
def descriptions() -> list[str]:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    path = folder / "debian_packages.parquet"
    if not path.exists():
        pytest.skip(f"no {path}")
    texts = [text for text in pq.read_table(path, columns=["description"])["description"].to_pylist() if text]
    return random.Random(7).sample(texts, DESCRIPTIONS)


def outcomes(connection: Connection, expression: str, texts: Sequence[str]) -> Iterator[object]:
    """The same one by one, where some fail: a value, or SQLSTATE and message."""
    for text in texts:
        try:
            yield column(connection, expression, [text])[0]
        except psycopg.Error as error:
            yield error.sqlstate, error.diag.message_primary


def check_tokens(connection: Connection, texts: Sequence[str]) -> None:
    theirs = column(
        connection,
        "(SELECT array_agg(tokid || ':' || token ORDER BY o) FROM ts_parse('default', x) WITH ORDINALITY AS p(tokid, token, o))",
        texts,
    )
    ours = [[f"{int(kind)}:{token}" for kind, token in parse_tokens(text)] or None for text in texts]
    assert [pair for pair in zip(texts, ours, theirs) if pair[1] != pair[2]] == []


def test_tokens_of_random_texts(postgres: Connection) -> None:
    check_tokens(postgres, random_texts(1, TEXT_PIECES, 4000))


def test_real_descriptions(postgres: Connection, descriptions: list[str]) -> None:
    check_tokens(postgres, descriptions)
    theirs = column(postgres, "to_tsvector('english', x)::text", descriptions)
    assert [print_vector(text_vector(ENGLISH, text)) for text in descriptions] == theirs


@pytest.mark.parametrize("name", CONFIGURATION_NAMES.values())
def test_configurations(postgres: Connection, name: str) -> None:
    words = sorted(set().union(*stop_words().values()))
    endings = ("", "s", "en", "ando", "ement", "лась", "ými", "lerin", "ειν", "कर")
    source = random.Random(name)
    texts = [
        " ".join(source.choice(words) + source.choice(endings) for _ in range(12)) + " The Running-dogs 12"
        for _ in range(60)
    ]
    found = CONFIGURATIONS[configuration_oid(name) or 0]
    theirs = column(postgres, "to_tsvector(%s::regconfig, x)::text", texts, name)
    assert [print_vector(text_vector(found, text)) for text in texts] == theirs


def test_every_language_has_its_stop_words(postgres: Connection) -> None:
    for language in LANGUAGES:
        listed = stop_words().get(language, frozenset())
        lexemes = column(postgres, f"ts_lexize('{language}_stem', x)", sorted(listed))
        assert all(found == [] for found in lexemes), language


def ours_of(text: str, notation: Notation) -> object:
    try:
        return print_query(pack_query(build_query(ENGLISH, text, notation, lambda message: None)))
    except QuiverError as error:
        return error.sqlstate, error.message


@pytest.mark.parametrize("notation", Notation)
def test_queries_of_random_texts(postgres: Connection, notation: Notation) -> None:
    texts = random_texts(2, QUERY_PIECES, 1200, 9)
    theirs = list(outcomes(postgres, f"{notation.value}('english', x)::text", texts))
    ours = [ours_of(text, notation) for text in texts]
    assert [found for found in zip(texts, ours, theirs) if found[1] != found[2]] == []


def test_what_matches(postgres: Connection) -> None:
    source = random.Random(3)
    vectors = [random_vector(source) for _ in range(120)]
    stored = pa.array([parse_vector(text) for text in vectors], pa.binary())
    for _ in range(150):
        query = random_query(source)
        theirs = column(postgres, "x::tsvector @@ %s::tsquery", vectors, query)
        ours = match_column(stored, unpack_query(pack_query(parse_query(query)))).to_pylist()
        assert [found for found in zip(vectors, ours, theirs) if found[1] != found[2]] == [], query
