"""Statements that keep a server busy: a GROUP BY over a million rows, and searches beside it and beside writes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.synchronize import Event

from benchmarks.storage.contenders import Contender
from benchmarks.wire.cells import Cell, Figures, Searches, figures_of
from benchmarks.wire.clients import Load, run_prepared

_MAKE_GROUPED = (
    "DROP TABLE IF EXISTS grouped",
    "CREATE TABLE grouped (id int PRIMARY KEY, bucket int)",
    "INSERT INTO grouped SELECT n, n * 31 % 1000 FROM generate_series(1, {rows}) AS n",
    "VACUUM ANALYZE grouped",
)
_GROUP = "SELECT bucket, count(*), avg(id), max(id) FROM grouped GROUP BY bucket"

Statements = tuple[str, ...]


class HeavyStatements:
    """GROUP BY over `grouped_rows` rows, and what runs beside searches; writes go to a table of their own."""

    def __init__(self, searches: Searches, seconds: float, grouped_rows: int, written_rows: int) -> None:
        self._searches = searches
        self._seconds = seconds
        self._grouped_rows = grouped_rows
        self._written_rows = min(written_rows, len(searches.data.vectors) // 2)
        self._have_grouped: set[str] = set()

    def cells(self) -> list[Cell]:
        group_by = f"GROUP BY over {self._grouped_rows:,} rows"
        build = f"CREATE INDEX over {2 * self._written_rows:,} rows"
        beside: Mapping[str, Sequence[Statements]] = {
            "nothing": (),
            group_by: ((_GROUP,),),
            f"INSERT of {self._written_rows:,} rows as text": (self._insert(),),
            build: (self._build(),),
            f"{group_by} and {build}": ((_GROUP,), self._build()),
        }
        cells = [Cell(f"{self._searches.data.table} {group_by}", self._grouped)]
        cells += [self._beside(name, heavy) for name, heavy in beside.items()]
        return cells

    def _grouped(self, contender: Contender) -> Figures:
        self._make_grouped(contender)
        return figures_of(run_prepared(contender, Load(_GROUP, [()], seconds=self._seconds, warm_up=1)))

    def _beside(self, name: str, heavy: Sequence[Statements]) -> Cell:
        """Searches of one connection while others run something, over and over."""
        searches = self._searches

        def take(contender: Contender) -> Figures:
            self._make_grouped(contender)
            load = searches.load(contender)
            with ExitStack() as stack:
                for statements in heavy:
                    stack.enter_context(Repeating(contender, statements))
                run = run_prepared(contender, load)
            figures = figures_of(run, searches.nearest())
            return {name: figures[name] for name in ("queries/s", "p50 ms", "p99 ms", "recall")}

        return Cell(f"{searches.data.table} beside {name}", take)

    def _make_grouped(self, contender: Contender) -> None:
        if contender.name not in self._have_grouped:
            contender.run(*(text.format(rows=self._grouped_rows) for text in _MAKE_GROUPED))
            self._have_grouped.add(contender.name)

    def _insert(self) -> Statements:
        vectors = self._searches.data.vectors[: self._written_rows]
        texts = ["[" + ",".join(f"{x:.5g}" for x in vector) + "]" for vector in vectors]
        values = ",".join(f"({number}, '{text}')" for number, text in enumerate(texts))
        return *self._new_table(), f"INSERT INTO beside VALUES {values}"

    def _build(self) -> Statements:
        return (
            *self._new_table(),
            f"INSERT INTO beside SELECT id, e FROM {self._searches.data.table} LIMIT {2 * self._written_rows}",
            "CREATE INDEX ON beside USING hnsw (e vector_l2_ops)",
        )

    def _new_table(self) -> tuple[str, str]:
        dimensions = self._searches.data.vectors.shape[1]
        return "DROP TABLE IF EXISTS beside", f"CREATE TABLE beside (id int, e vector({dimensions}))"


class Repeating:
    """Statements that a process of its own executes over and over for the length of a block."""

    def __init__(self, contender: Contender, statements: Statements) -> None:
        context = multiprocessing.get_context("spawn")
        self._is_running, self._is_over = context.Event(), context.Event()
        arguments = contender, statements, self._is_running, self._is_over
        self._process = context.Process(target=_repeat, args=arguments)

    def __enter__(self) -> None:
        self._process.start()
        while self._process.is_alive() and not self._is_running.wait(0.1):
            pass

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._process.join()
        if self._process.exitcode:
            raise RuntimeError("what ran beside the searches failed")


def _repeat(contender: Contender, statements: Statements, is_running: Event, is_over: Event) -> None:
    is_running.set()
    while not is_over.is_set():
        contender.run(*statements)
