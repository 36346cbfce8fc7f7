"""The cells of the table: what is asked of a server, and which figures are taken.

A cell is asked of both contenders in turns; `figures_of` makes the figures of one turn. To add one, add it to `cells()`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.storage.contenders import Contender
from benchmarks.wire.clients import Load, Run, run_inlined, run_prepared, vector_bytes
from benchmarks.wire.data_sets import BUCKETS, DataSet, K

RECALL = 0.99
_BEAMS = (10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 260, 320, 400, 600, 800)
_FULL_SCAN = "SELECT bucket, count(*), avg(id), max(id) FROM {0} GROUP BY bucket"

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of the table; `take` is called once a turn and contender."""

    name: str
    take: Callable[[Contender], Figures]


def recall_of(run: Run, nearest: Sequence[frozenset[int]]) -> float:
    """Share of the true neighbours that were found; rows that an answer lacks count as missed."""
    wanted = sum(len(nearest[number]) for number, _ in run.answers)
    return sum(len(nearest[number].intersection(rows)) for number, rows in run.answers) / max(1, wanted)


def figures_of(run: Run, nearest: Sequence[frozenset[int]] | None = None) -> Figures:
    """Queries a second, the server's processor time for each, latency; recall and filled answers of searches."""
    milliseconds = np.array(run.latencies) * 1e3
    figures = {
        "queries/s": len(milliseconds) / run.seconds,
        "CPU us/query": run.server_seconds / len(milliseconds) * 1e6,
        "p50 ms": float(np.percentile(milliseconds, 50)),
        "p99 ms": float(np.percentile(milliseconds, 99)),
    }
    if nearest is not None:
        figures["recall"] = recall_of(run, nearest)
    return figures


class Searches:
    """Searches of one data set, and the beams that the contenders need for the recall asked for."""

    def __init__(self, data: DataSet, seconds: float) -> None:
        self._data = data
        self._seconds = seconds
        self._parameters = [(vector_bytes(query),) for query in data.queries]
        self._texts = [("[" + ",".join(map(repr, query.tolist())) + "]",) for query in data.queries]
        self._beams: dict[str, str] = {}
        self._known_nearest: dict[int, list[frozenset[int]]] = {}

    def beam(self, contender: Contender) -> str:
        """The setting of the least beam of the ladder that reaches the recall over all queries."""
        if contender.name not in self._beams:
            for beam in _BEAMS:
                self._beams[contender.name] = f"SET hnsw.ef_search = {beam}"
                load = replace(self._load(contender), seconds=0.0, at_least=len(self._parameters))
                if recall_of(run_prepared(contender, load), self._nearest()) >= RECALL:
                    break
            print(f"{self._data.table} {contender.name}: {self._beams[contender.name]}", flush=True)
        return self._beams[contender.name]

    def _load(self, contender: Contender, where: str = "") -> Load:
        statement = f"SELECT id FROM {self._data.table} {where} ORDER BY e <-> $1 LIMIT {K}"
        return Load(statement, self._parameters, [self.beam(contender)], seconds=self._seconds)

    def cells(self) -> list[Cell]:
        table = self._data.table

        def prepared(connections: int) -> Callable[[Contender], Figures]:
            return lambda contender: figures_of(
                run_prepared(contender, replace(self._load(contender), connections=connections)),
                self._nearest(),
            )

        def inlined(contender: Contender) -> Figures:
            load = replace(
                self._load(contender),
                statement=f"SELECT id FROM {table} ORDER BY e <-> %s LIMIT {K}",
                parameters=self._texts,
            )
            return figures_of(run_inlined(contender, load), self._nearest())

        def key(contender: Contender) -> Figures:
            keys = [(number * 7919 % len(self._data.vectors),) for number in range(1000)]
            statement = f"SELECT bucket FROM {table} WHERE id = $1"
            return figures_of(run_prepared(contender, Load(statement, keys, seconds=self._seconds)))

        cells = [
            Cell(f"{table} prepared, 1 connection", prepared(1)),
            Cell(f"{table} prepared, 8 connections", prepared(8)),
            Cell(f"{table} literals in the text", inlined),
            Cell(f"{table} row by its key", key),
        ]
        cells += [self._filtered(below) for below in (500, 100, 10, 1)]
        return cells

    def _nearest(self, below: int = BUCKETS) -> list[frozenset[int]]:
        if below not in self._known_nearest:
            self._known_nearest[below] = self._data.nearest(below)
        return self._known_nearest[below]

    def _filtered(self, below: int) -> Cell:
        def take(contender: Contender) -> Figures:
            load = self._load(contender, f"WHERE bucket < {below}")
            # Quiver answers completely by default; pgvector is given what it has for that.
            more = ["SET hnsw.iterative_scan = strict_order"] if contender.name == "postgres" else []
            load = replace(load, settings=[*load.settings, *more] if more else [])
            return figures_of(run_prepared(contender, load), self._nearest(below))

        return Cell(f"{self._data.table} filter {below / 10:g} %", take)

    def cells_beside(self, heavy: Mapping[str, Callable[[Contender], None]]) -> list[Cell]:
        """Searches of one connection while another one runs something heavy, over and over."""

        def beside(run_heavy: Callable[[Contender], None]) -> Callable[[Contender], Figures]:
            def take(contender: Contender) -> Figures:
                with _Repeating(lambda: run_heavy(contender)):
                    run = run_prepared(contender, self._load(contender))
                figures = figures_of(run, self._nearest())
                return {name: figures[name] for name in ("queries/s", "p50 ms", "p99 ms", "recall")}

            return take

        return [Cell(f"{self._data.table} beside {name}", beside(run)) for name, run in heavy.items()]


class _Repeating:
    """Something that a thread does over and over for the length of a block."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._is_over = threading.Event()
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._is_over.is_set():
                self._call()
        except BaseException as error:
            self._failures.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        if self._failures:
            raise self._failures[0]


def heavy_statements(data: DataSet, rows: int) -> Mapping[str, Callable[[Contender], None]]:
    """GROUP BY of all rows, an INSERT text of `rows` rows, CREATE INDEX: on tables of their own where they write."""
    count = min(rows, len(data.vectors))
    texts = ["[" + ",".join(f"{x:.5g}" for x in vector) + "]" for vector in data.vectors[:count]]
    values = ",".join(f"({number}, {number % 7}, '{text}')" for number, text in enumerate(texts))
    like = f"CREATE TABLE beside (id int, bucket int, e vector({data.vectors.shape[1]}))"

    def insert(contender: Contender) -> None:
        contender.run("DROP TABLE IF EXISTS beside", like, f"INSERT INTO beside VALUES {values}")

    def build(contender: Contender) -> None:
        contender.run(
            "DROP TABLE IF EXISTS beside",
            like,
            f"INSERT INTO beside SELECT * FROM {data.table} LIMIT {2 * count}",
            "CREATE INDEX ON beside USING hnsw (e vector_l2_ops)",
        )

    def group(contender: Contender) -> None:
        with contender.connect() as connection:
            connection.execute(_FULL_SCAN.format(data.table).encode()).fetchall()

    def nothing(contender: Contender) -> None:
        threading.Event().wait(0.1)

    return {
        "nothing": nothing,
        "GROUP BY": group,
        f"INSERT of {count:,} rows as text": insert,
        f"CREATE INDEX over {2 * count:,} rows": build,
    }


def shown(value: Any) -> str:
    """A figure with three digits or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
