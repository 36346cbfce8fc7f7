"""Seeded random texts, vectors and queries of text search, and what a PostgreSQL makes of a batch of texts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
LEXEMES = ("a", "b", "c", "ab", "abc", "d")


def random_texts(seed: int, pieces: Sequence[str], count: int, most: int = 13) -> list[str]:
    source = random.Random(seed)
    return ["".join(source.choice(pieces) for _ in range(source.randrange(1, most))) for _ in range(count)]


def random_vector(source: random.Random) -> str:
    words = []
    for lexeme in source.sample(LEXEMES, source.randrange(1, 6)):
        places = [f"{source.randrange(1, 9)}{source.choice('ABCD')}" for _ in range(source.randrange(4))]
        words.append(lexeme + (":" + ",".join(places) if places else ""))
    return " ".join(words)


def random_query(source: random.Random, depth: int = 3) -> str:
    if not depth or source.random() < 0.3:
        ending = source.choice(("", "", "", ":*", ":A", ":BC", ":*D"))
        return source.choice(LEXEMES) + ending
    if source.random() < 0.2:
        return f"!({random_query(source, depth - 1)})"
    sign = source.choice(("&", "|", "<->", "<2>", "<0>"))
    return f"({random_query(source, depth - 1)} {sign} {random_query(source, depth - 1)})"


def column(connection: Connection, expression: str, texts: Sequence[str], *values: object) -> list[Any]:
    """What an expression over x gives for each text."""
    query = f"SELECT {expression} FROM unnest(%s::text[]) WITH ORDINALITY AS u(x, n) ORDER BY n"
    return [row[0] for row in connection.execute(query.encode(), [*values, list(texts)])]
