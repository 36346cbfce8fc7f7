"""The cells of the table: what is asked of a server, and which figures are taken. Searches of a whole table are here.

A cell is asked of both contenders in turns; `figures_of` makes the figures of one turn. To add one, add it to a `cells()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.storage.contenders import Contender
from benchmarks.wire.clients import Load, Run, run_inlined, run_prepared, vector_bytes
from benchmarks.wire.data_sets import DataSet, Filter, K

RECALL = 0.99
MANY = 100
"""The LIMIT of the larger searches."""
_BEAMS = (10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 260, 320, 400, 600, 800, 1000)
_RANGE_RANK = 20

Figures = Mapping[str, float]
Settings = tuple[str, ...]
Nearest = Sequence[frozenset[int]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of the table; `take` is called once a turn and contender."""

    name: str
    take: Callable[[Contender], Figures]


def recall_of(run: Run, nearest: Nearest) -> float:
    """Share of the true neighbours that were found, of every query once; rows that an answer lacks count as missed."""
    answers = dict(run.answers)
    wanted = sum(len(nearest[number]) for number in answers)
    return sum(len(nearest[number].intersection(rows)) for number, rows in answers.items()) / max(1, wanted)


def figures_of(run: Run, nearest: Nearest | None = None) -> Figures:
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
        full = [len(rows) >= len(nearest[number]) for number, rows in run.answers]
        figures["filled"] = sum(full) / len(full)
    return figures


class Searches:
    """Searches of one data set, and the beams that the contenders need for the recall asked for.

    `settings` tells what was chosen for whom.
    """

    def __init__(self, data: DataSet, seconds: float) -> None:
        self.data = data
        self.settings: dict[str, Settings] = {}
        self._seconds = seconds
        self.parameters = [(vector_bytes(query),) for query in data.queries]
        self._texts = [("[" + ",".join(map(repr, query.tolist())) + "]",) for query in data.queries]
        self._known_nearest: dict[tuple[int, Filter | None], Nearest] = {}

    def nearest(self, k: int = K, passing: Filter | None = None) -> Nearest:
        if (k, passing) not in self._known_nearest:
            self._known_nearest[k, passing] = self.data.nearest(k, passing)
        return self._known_nearest[k, passing]

    def beam(self, contender: Contender, k: int = K) -> Settings:
        """The setting of the least beam of the ladder that reaches the recall over all queries."""
        name = f"{contender.name} top-{k}"
        if name not in self.settings:
            for beam in _BEAMS:
                self.settings[name] = (f"SET hnsw.ef_search = {beam}",)
                load = replace(self.load(contender, k), seconds=0.0)
                if recall_of(run_prepared(contender, load), self.nearest(k)) >= RECALL:
                    break
        return self.settings[name]

    def load(self, contender: Contender, k: int = K) -> Load:
        """The k nearest of every query, at the recall asked for."""
        return replace(self.defaults(k), settings=self.beam(contender, k), at_least=len(self.parameters))

    def defaults(self, k: int = K, where: str = "") -> Load:
        """The k nearest of some rows, at default settings."""
        statement = f"SELECT id FROM {self.data.table} {where} ORDER BY e <-> $1 LIMIT {k}"
        return Load(statement, self.parameters, seconds=self._seconds)

    def cells(self) -> list[Cell]:
        return [
            *(self._top(k, connections) for k in (K, MANY) for connections in (1, 8)),
            Cell(f"{self.data.table} literals in the text", self._inlined),
            self._within_radius(),
            Cell(f"{self.data.table} row by its key", self._row_by_key),
        ]

    def _top(self, k: int, connections: int) -> Cell:
        def take(contender: Contender) -> Figures:
            load = replace(self.load(contender, k), connections=connections)
            return figures_of(run_prepared(contender, load), self.nearest(k))

        plural = "s" if connections > 1 else ""
        return Cell(f"{self.data.table} top-{k}, {connections} connection{plural}", take)

    def _inlined(self, contender: Contender) -> Figures:
        statement = f"SELECT id FROM {self.data.table} ORDER BY e <-> %s LIMIT {K}"
        load = replace(self.load(contender), statement=statement, parameters=self._texts)
        return figures_of(run_inlined(contender, load), self.nearest())

    def _within_radius(self) -> Cell:
        """At a distance that the median query has 20 rows within, the nearest 100 at most."""
        known: list[tuple[str, Nearest]] = []

        def take(contender: Contender) -> Figures:
            if not known:
                radius = round(self.data.radius_of(_RANGE_RANK), 4)
                known.append((f"WHERE e <-> $1 < {radius}", self.data.nearest_within(MANY, radius)))
            where, nearest = known[0]
            load = replace(self.load(contender, MANY), statement=self.defaults(MANY, where).statement)
            return figures_of(run_prepared(contender, load), nearest)

        return Cell(f"{self.data.table} range", take)

    def _row_by_key(self, contender: Contender) -> Figures:
        keys = [(number * 7919 % len(self.data.vectors),) for number in range(1000)]
        statement = f"SELECT bucket FROM {self.data.table} WHERE id = $1"
        return figures_of(run_prepared(contender, Load(statement, keys, seconds=self._seconds)))
