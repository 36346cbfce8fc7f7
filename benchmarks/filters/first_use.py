"""What a filter costs the first time it is asked: rows per second of `SELECT count(*) ... WHERE`, beside PostgreSQL.

Later uses find the bitset in a cache. Here every use has a condition of its own, `id > -n`, so none is found.
"""

from __future__ import annotations

import argparse
import itertools
import time

from benchmarks.storage.contenders import Contender, compare, contenders

_TABLE = """
CREATE TABLE bench_filters (
    id int PRIMARY KEY, category int, name text, tags text[], numbers int[], document jsonb, price numeric(10, 2),
    created timestamptz
)"""
_FILL = """
INSERT INTO bench_filters SELECT i, i % 100, 'name ' || i, ARRAY['t' || i % 7, 'x' || i % 3], ARRAY[i % 5, i % 11],
    jsonb_build_object('k', i % 9, 's', 'v' || i % 4, 'a', jsonb_build_array(i % 3, i % 5), 'n', jsonb_build_object('p', i % 50)),
    (i % 1000) / 10.0, timestamptz '2026-01-01 00:00:00+00' + make_interval(hours => i)
FROM generate_series(1, {}) AS g(i)"""
CONDITIONS = (
    "category = 5", "category IN (1, 2, 3)", "name LIKE 'name 12%'", "name ~ '^name 1[0-9]+$'", "lower(name) = 'name 77'",
    "substring(name from 6 for 2) = '12'", "position('12' in name) > 0", "starts_with(name, 'name 9')",
    "tags @> ARRAY['t1']", "tags && ARRAY['t1', 't2']", "'t3' = ANY (tags)", "numbers @> '{3}'", "array_length(tags, 1) = 2",
    "document ->> 's' = 'v1'", "(document -> 'k')::int > 3", "(document ->> 'k')::int > 3", """document @> '{"k": 3}'""",
    "document ? 'k'", "document #>> '{a,0}' = '1'", "document -> 'n' ->> 'p' = '7'", "price * 2 > 100", "price > 50.5",
    "extract(dow from created) = 1", "date_trunc('month', created) = timestamptz '2026-02-01 00:00:00+00'",
    "to_char(created, 'YYYY-MM') = '2026-02'", "created::date = date '2026-02-03'", "name SIMILAR TO 'name (1|2)%'",
)  # fmt: skip
"""One of each kind; the server's time zone is UTC."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a condition")
    options = parser.parse_args()
    numbers = itertools.count(1)

    def rows_per_second(contender: Contender, condition: str) -> float:
        with contender.connect() as connection:
            connection.execute("SET max_parallel_workers_per_gather = 0")
            connection.execute("SET TimeZone = 'UTC'")
            statement = f"SELECT count(*) FROM bench_filters WHERE id > -{next(numbers)} AND {condition}"
            started = time.perf_counter()
            connection.execute(statement.encode())
            return options.rows / (time.perf_counter() - started)

    with contenders() as pair:
        for contender in pair:
            contender.run(_TABLE, _FILL.format(options.rows), "VACUUM ANALYZE bench_filters")
        for condition in CONDITIONS:
            if options.only in condition:
                compare(
                    condition[:44],
                    "rows/s",
                    pair,
                    lambda contender, text=condition: rows_per_second(contender, text),  # type: ignore[misc]
                    options.turns,
                )


if __name__ == "__main__":
    main()
