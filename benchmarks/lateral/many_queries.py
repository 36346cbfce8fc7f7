"""Searches for many query vectors by one LATERAL join, beside PostgreSQL, and beside one statement a vector.

The table and its index are the same on both; `hnsw.ef_search` is the same number, and recall against exact answers is told
for each. All figures of a row are taken in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import psycopg

from benchmarks.storage.contenders import Contender, contenders

_TABLE = "CREATE TABLE bench_items (id int PRIMARY KEY, bucket int, embedding vector({}))"
_BUCKETS = 10
_SHAPES = {
    "nearest": "",
    "one filter": "WHERE bucket < 5",
    "filter by row": "WHERE bucket = q.n %% 10",
}
_LATERAL = """
SELECT q.n, near.id FROM unnest(%s::vector[]) WITH ORDINALITY AS q(v, n),
LATERAL (SELECT id FROM bench_items {} ORDER BY embedding <-> q.v LIMIT {}) near"""
_SINGLE = "SELECT id FROM bench_items {} ORDER BY embedding <-> %s::vector LIMIT {}"
_K = 10

Rows = npt.NDArray[np.float32]
Answers = list[set[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--scan", action="store_true", help="without an index")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    items = rng.normal(size=(options.rows, options.dimensions)).astype("f4")
    queries = rng.normal(size=(options.queries, options.dimensions)).astype("f4")
    with contenders({"maintenance_work_mem": "1GB"}) as (postgres, quiver):
        for contender in (postgres, quiver):
            _fill(contender, items, is_indexed=not options.scan)
        for shape, condition in _SHAPES.items():
            truth = _truth(items, queries, shape)
            ways: dict[str, Callable[[], Answers]] = {
                "postgres, LATERAL": lambda c=condition: _by_lateral(postgres, queries, c),  # type: ignore[misc]
                "quiver, LATERAL": lambda c=condition: _by_lateral(quiver, queries, c),  # type: ignore[misc]
                "quiver, one a statement": lambda c=condition: _by_statements(quiver, queries, c),  # type: ignore[misc]
            }
            _print(shape, ways, truth, options.turns)


def _print(shape: str, ways: dict[str, Callable[[], Answers]], truth: Answers, turns: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    recalls = {}
    for _ in range(turns + 1):  # The first turn fills caches.
        for name, run in ways.items():
            started = time.perf_counter()
            answers = run()
            seconds[name].append(time.perf_counter() - started)
            hits = sum(len(found & wanted) for found, wanted in zip(answers, truth, strict=True))
            recalls[name] = hits / sum(map(len, truth))
    for name, taken in seconds.items():
        per_query = statistics.median(taken[1:]) / len(truth) * 1000
        print(f"{shape:14} {name:24} {per_query:8.3f} ms a query  recall {recalls[name]:.3f}", flush=True)


def _fill(contender: Contender, items: Rows, *, is_indexed: bool) -> None:
    with contender.connect() as connection:
        connection.execute(_TABLE.format(items.shape[1]).encode())
        with connection.cursor().copy("COPY bench_items FROM STDIN") as copy:
            for number, row in enumerate(items):
                copy.write_row((number, number % _BUCKETS, _text(row)))
        if is_indexed:
            connection.execute("CREATE INDEX ON bench_items USING hnsw (embedding vector_l2_ops)")
        connection.execute("VACUUM ANALYZE bench_items")


def _text(row: Rows) -> str:
    return "[" + ",".join(map(str, row.tolist())) + "]"


def _connect(contender: Contender) -> psycopg.Connection:
    connection = contender.connect()
    connection.execute("SET hnsw.ef_search = 100")
    if contender.name == "postgres":
        connection.execute("SET hnsw.iterative_scan = strict_order")
    return connection


def _by_lateral(contender: Contender, queries: Rows, condition: str) -> Answers:
    answers: Answers = [set() for _ in queries]
    with _connect(contender) as connection:
        statement = _LATERAL.format(condition, _K).encode()
        for number, found in connection.execute(statement, [[_text(row) for row in queries]]):
            answers[number - 1].add(found)
    return answers


def _by_statements(contender: Contender, queries: Rows, condition: str) -> Answers:
    with _connect(contender) as connection:
        return [
            {
                row[0]
                for row in connection.execute(
                    _SINGLE.format(condition.replace("q.n", str(number + 1)), _K).encode(),
                    [_text(query)],
                    prepare=True,
                )
            }
            for number, query in enumerate(queries)
        ]


def _truth(items: Rows, queries: Rows, shape: str) -> Answers:
    buckets = np.arange(len(items)) % _BUCKETS
    norms = (items * items).sum(axis=1)
    answers = []
    for number, query in enumerate(queries):
        distances = norms - 2 * items @ query
        if shape == "one filter":
            distances[buckets >= _BUCKETS // 2] = np.inf
        elif shape == "filter by row":
            distances[buckets != (number + 1) % _BUCKETS] = np.inf
        answers.append(set(np.argsort(distances, kind="stable")[:_K].tolist()))
    return answers


if __name__ == "__main__":
    main()
