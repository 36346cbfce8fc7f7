"""Goal: expressions over jsonb, arrays and text mean in a filter and in a select list what they mean in PostgreSQL.

Method: one table with awkward documents, arrays and texts on a real PostgreSQL and here; every expression is compared row
by row as a value, then as a filter, natively over a stored column, with its constant in a column, and inside an aggregate.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import Prober

pytestmark = pytest.mark.slow

ROWS = 400
SCHEMA = """
DROP TABLE IF EXISTS awkward;
CREATE TABLE awkward (id int PRIMARY KEY, j jsonb, tags text[], nums int[], prices numeric[], t text, n numeric, one text,
    price numeric(10, 2), stamp timestamptz, day date);
"""
INSERT = (
    "INSERT INTO awkward VALUES (%s, %s::jsonb, %s::text[], %s::int[], %s::numeric[], %s, %s::numeric, %s, "
    "%s::numeric, %s::timestamptz, (%s::timestamptz)::date)"
)
DOCUMENTS = [
    '{}', '[]', 'null', '"k"', '7', 'true', '{"k": null}', '{"k": "null"}', '{"k": "a\\"b\\\\c\\n"}', '{"k": 1.50}',
    '{"k": 1.5}', '{"k": 1}', '{"k": 1.0, "kk": {"k": 2}}', '{"k": {"k": {"k": [1, {"k": "deep"}]}}}', '{"k": [1, "1", null]}',
    '{"k": "žluťoučký 🐎", "žk": 3}', '{"a\\"b": 5, "k": false}', '{"": "empty", "k": ""}', '["k", "x", 1, null, {"k": 1}]',
    '[[1, 2], [3]]', '{"k": 123456789012345678901234567890.1000}', '{"k": -0.0, "x": [{"y": [10, 20, 30]}]}',
    '{"k": "{\\"k\\": 1}"}', '{"k\\\\": 1, "k": "backslash"}', '{"1": "one", "k": {"1": "nested"}}', '[{"k": 1}, {"k": 2}]',
    '{"k": [], "x": {}}', '{"k": true, "x": "k"}', '1.0', '"null"',
]  # fmt: skip
TEXTS = [
    "",
    "a",
    "abc",
    "ABC",
    "ÄÖÜ ß",
    "İstanbul",
    "name 12",
    "Name 12",
    "12",
    "žluť",
    "🐎 horse",
    "a,b,c",
    "  pad ",
]
PRICES = ["0", "0.01", "-0.01", "1.50", "2.50", "-2.50", "99999999.99", "-99999999.99", "7"]
STAMPS = [
    "2026-01-31 23:59:59.999999+00", "2024-02-29 00:00+00", "infinity", "-infinity", "1969-12-31 12:00+00", "0044-03-15 BC",
    "2026-03-29 01:30+00", "9999-12-31", "2026-07-01 05:06:07.08+02",
]  # fmt: skip
PRICES = ["0", "0.01", "-0.01", "1.50", "2.50", "-2.50", "99999999.99", "-99999999.99", "7"]
NUMBERS = ["0", "1.50", "-2.25", "1e20", "NaN", "12.3400", "0.001"]
STAMPS = [
    "2026-01-31 23:59:59.999999+00", "2024-02-29 00:00+00", "infinity", "-infinity", "1969-12-31 12:00+00", "0044-03-15 BC",
    "2026-03-29 01:30+00", "9999-12-31", "2026-07-01 05:06:07.08+02",
]  # fmt: skip
TAGS = ["t1", "t2", "ÄÖ", "", "null", "NULL", "x"]


def rows() -> Iterator[tuple[Any, ...]]:
    chance = random.Random(11)

    def item(values: list[Any], number: int, missing: int) -> Any:
        return None if number % missing == 3 else values[number % len(values)]

    def some(values: list[Any], most: int) -> list[Any]:
        return [chance.choice(values) for _ in range(chance.randrange(most))]

    for i in range(ROWS):
        document = item(DOCUMENTS, i, 37)
        if i % 3 == 2:
            member = chance.choice([1, 1.5, "v1", None, [1, 2]])
            document = json.dumps({"k": member, "s": f"v{i % 4}", "n": {"k": i % 9}})
        tags = None if i % 29 == 3 else some([*TAGS, None], 4)
        numbers = None if i % 31 == 7 else some([1, 2, 3, 5, -1, None], 5)
        arrays = tags, numbers, some(["1.0", "1", "2.50", "NaN"], 3)
        stamp = item(STAMPS, i, 41)
        yield (
            i, document, *arrays, item(TEXTS, i, 19), item(NUMBERS, i, 23), chance.choice("ksx1"), item(PRICES, i, 17),
            stamp, stamp,
        )  # fmt: skip


@pytest.fixture(scope="module")
def probers(postgres_uri: str, own_database: Database) -> Iterator[tuple[Prober, Prober]]:
    for dsn in (postgres_uri, own_database.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(SCHEMA.encode())
            with connection.cursor() as cursor:
                cursor.executemany(
                    INSERT,
                    list(rows()),
                )
    pair = Prober(postgres_uri), Prober(own_database.dsn)
    yield pair
    for prober in pair:
        prober.close()


NAMES = ["k", "kk", "1", "", 'a"b', "k\\", "žk", "missing", "x"]
PATHS = [
    "{k}",
    "{k,k}",
    "{x,0,y,-1}",
    "{k,1}",
    "{0}",
    "{0,k}",
    "{}",
    "{k,NULL}",
    "{n,k}",
    "{1}",
    '{k," 0"}',
    "{-1}",
    "{x,y}",
]
VALUES = [
    *(f"j -> '{name}'" for name in NAMES), *(f"j ->> '{name}'" for name in NAMES), *(f"j ? '{name}'" for name in NAMES),
    *(f"j #> '{path}'" for path in PATHS), *(f"j #>> '{path}'" for path in PATHS),
    *(f"j {operator} {index}" for operator in ("->", "->>") for index in (0, 1, -1, 7, -9)),
    "j ?| '{k,x}'", "j ?& '{k,x}'", "j ?| '{}'", "j ?& '{}'", "j ?| '{missing,NULL}'", "j ?& '{k,NULL}'",
    "j -> one", "j ->> one", "j ? one", "j #> ARRAY[one]", "j #>> ARRAY[one, 'k']", "j -> (length(one))",
    "jsonb_extract_path(j, 'k')", "jsonb_extract_path_text(j, 'x', '0', 'y')",
    "jsonb_extract_path_text(j, one, 'k')", "j -> NULL::text", "j #> NULL::text[]", "jsonb_extract_path(j, NULL, 'k')",
    *(f"j @> '{right}'" for right in [
        '{}', '[]', '{"k": 1}', '{"k": 1.50}', '{"k": null}', '{"k": "null"}', '"k"', '1', '{"k": {"k": {}}}', '{"k": [1]}',
        '{"k": ["1", null]}', '["k"]', '["k", {"k": 1}]', '[[1]]', '{"s": "v1", "n": {"k": 4}}', '{"k": true}', 'null',
        '{"k": {"1": "nested"}}', '{"k": -0.0}', '{"x": [{"y": [30, 10]}]}', '{"k": "žluťoučký 🐎"}', '{"k": "a\\"b\\\\c\\n"}',
        '{"k": []}', '{"k": {}}', '{"k": 123456789012345678901234567890.1}',
    ]),
    "j <@ '{\"k\": 1, \"x\": 2}'", "j @> jsonb_build_object(one, 1)",
    *(f"tags {operator} '{right}'" for operator in ("@>", "<@", "&&", "=")
      for right in ("{}", "{t1}", "{t1,t2}", "{t1,t1}", "{NULL}", "{t1,NULL}", '{"null"}', "{ÄÖ,x,t1,t2}", '{""}')),
    *(f"nums {operator} '{right}'" for operator in ("@>", "<@", "&&") for right in ("{}", "{1}", "{1,2,3,5,-1}", "{NULL}", "{2,2}")),
    *(f"'{left}' {operator} nums" for operator in ("@>", "<@", "&&") for left in ("{1,2}", "{}", "{1,NULL}")),
    *(f"prices {operator} '{right}'" for operator in ("@>", "<@", "&&") for right in ("{1}", "{1.00,2.5}", "{NaN}")),
    "nums @> ARRAY[id % 4]", "tags && ARRAY[one, 't1']", "array_length(tags, 1)", "array_length(nums, 2)", "array_length(nums, id % 2)",
    "cardinality(nums)", "array_upper(tags, 1)", "array_length('{1,2}'::int[], 1)", "cardinality('{}'::int[])",
    "lower(t)", "upper(t)", "lower('ÄB')", "upper(t || 'ß')", *(f"substring(t from {a} for {b})" for a in (-1, 0, 1, 2, 9) for b in (0, 1, 3)),
    "substring(t, 2)", "substring(t, -3)", "substr(t, id % 5)", *(f"left(t, {n}), right(t, {n})" for n in (0, 1, 2, -1, -2, 99, -99)),
    "left(t, id % 3 - 1)", "position('b' in t)", "position('' in t)", "strpos(t, 'ß')", "strpos(t, one)", "starts_with(t, 'na')",
    "price * 2", "price + 0.005", "1 - price", "price * price", "price * n", "price - 1", "price::int", "price::bigint",
    "round(price)", "abs(price)", "n * 2", "n + n", "price / 3", "(price * 1.5)::bigint", "date_part('doy', stamp)",
    *(f"to_char({column}, '{template}')" for column in ("stamp", "stamp AT TIME ZONE 'Europe/Berlin'")
      for template in ("YYYY-MM", "FMDay DDth FMMonth", "YYYY-MM-DD HH24:MI:SS.US", "J Q WW IW", "BC YYYY", "HH12 AM")),
    *(f"extract({field} from day)" for field in ("dow", "year", "epoch", "quarter", "julian")),
    *(f"extract({field} from stamp)" for field in ("dow", "hour", "epoch", "second", "isoyear")),
    "starts_with(t, '')", "starts_with(t, one)", "replace(t, 'a', '🐎')", "replace(t, '', 'x')", "replace(t, ',', '')", "replace(t, one, t)",
]  # fmt: skip
FAILING = ["substring(t from 2 for -1)", "j -> t::int", "(j ->> 'k')::int"]


@pytest.mark.parametrize("expression", [*VALUES, *FAILING])
def test_value_is_postgresqls(probers: tuple[Prober, Prober], expression: str) -> None:
    statement = f"SELECT id, {expression} FROM awkward ORDER BY id"
    theirs, ours = (prober.outcome(statement) for prober in probers)
    assert ours == theirs


FILTERS = [
    *(value for value in VALUES if any(word in value for word in (" ? ", "@>", "<@", "&&", "?|", "?&", "starts_with"))),
    "j ->> 'k' = '1.50'", "j ->> 'k' IS NULL", "j -> 'k' = '1'", "j -> 'k' = '1.0'", "(j ->> 's') IN ('v1', 'v2')",
    "j #>> '{n,k}' = '4'", "j ->> 's' LIKE 'v%' AND j -> 'n' ? 'k'", "lower(t) = 'name 12'", "position('b' in t) > 1",
    "array_length(tags, 1) = 2", "cardinality(nums) > 2 OR tags IS NULL", "t = upper(t)",
]  # fmt: skip


@pytest.mark.parametrize("condition", FILTERS)
def test_filter_is_postgresqls(probers: tuple[Prober, Prober], condition: str) -> None:
    for statement in (
        f"SELECT id FROM awkward WHERE {condition} ORDER BY id",
        f"SELECT id FROM awkward WHERE NOT ({condition}) ORDER BY id",
        f"SELECT ({condition}), count(*), max(id) FROM awkward GROUP BY 1 ORDER BY 1",
    ):
        theirs, ours = (prober.outcome(statement) for prober in probers)
        assert ours == theirs, statement
