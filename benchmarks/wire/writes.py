"""Writes: COPY, CREATE INDEX, single rows into an indexed table, and these between searches.

A build and single rows count until the vector index serves every row; recall and queries/s are those of that moment, at
one `hnsw.ef_search` for both contenders.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from benchmarks.storage.contenders import Contender
from benchmarks.wire.cells import Cell, Figures, Searches, figures_of
from benchmarks.wire.clients import Load, Writes, run_prepared, vector_bytes
from benchmarks.wire.data_sets import INDEX, DataSet, copy_in, create_table

_COPIED_ROWS_MAX = 50_000
_INDEXED_ROWS_MAX = 20_000
_INSERTED_ROWS = 1_000
_MIXED_OPERATIONS = 2_000
_OPERATIONS_PER_WRITE = 20
_AFTERWARDS = Load("", (), ("SET hnsw.ef_search = 100",), seconds=0.0, at_least=200)
_POLL_SECONDS = 0.05
_SERVED_WITHIN_SECONDS = 600.0


def build_index(contender: Contender, table: str) -> float:
    """Build a table's vector index anew; seconds until it serves every row."""
    contender.run(f"DROP INDEX IF EXISTS {table}_e")
    started = time.perf_counter()
    # PostgreSQL keeps the graph in memory while it builds, so both are given the room.
    contender.run("SET maintenance_work_mem = '2GB'", INDEX.format(table=table))
    wait_until_served(contender, table)
    return time.perf_counter() - started


def wait_until_served(contender: Contender, table: str) -> None:
    """Until the vector index of a table scans no row; PostgreSQL's is complete when a statement ends.

    Fewer fresh rows than a graph is made for are scanned, so VACUUM seals what background work leaves.
    """
    if contender.name == "postgres":
        return
    status = f"SELECT rows_scanned, state FROM quiver_index_status WHERE index_name = '{table}_e'"
    until = time.perf_counter() + _SERVED_WITHIN_SECONDS
    with contender.connect() as connection:
        while time.perf_counter() < until:
            scanned, state = connection.execute(status.encode()).fetchone() or (1, "")
            if scanned == 0:
                return
            if state == "ready":
                connection.execute(f"VACUUM {table}".encode())
            time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"{scanned} rows of {table} are scanned after {_SERVED_WITHIN_SECONDS:.0f} s")


class WriteCells:
    """The cells of writes of one data set. Its own table is indexed anew; rows are written to others."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches
        self._data = searches.data
        self._indexed_rows = min(_INDEXED_ROWS_MAX, len(self._data.vectors) // 2)
        self._written: Counter[str] = Counter()

    def build_cell(self) -> Cell:
        return Cell(f"{self._data.table} CREATE INDEX", self._build)

    def cells(self) -> list[Cell]:
        rows = f"an indexed table of {self._indexed_rows:,} rows"
        return [
            Cell(f"{self._data.table} COPY", self._copy),
            Cell(f"{self._data.table} insert into {rows}", self._insert),
            Cell(f"{self._data.table} 95 % searches, 5 % inserts", self._mixed),
        ]

    def _copy(self, contender: Contender) -> Figures:
        vectors = self._data.vectors[:_COPIED_ROWS_MAX]
        pieces = list(replace(self._data, vectors=vectors).binary_rows())
        create_table(contender, "copied", vectors.shape[1])
        started = time.perf_counter()
        copy_in(contender, "copied", pieces)
        seconds = time.perf_counter() - started
        contender.run("DROP TABLE copied")
        return {"rows/s": len(vectors) / seconds}

    def _build(self, contender: Contender) -> Figures:
        seconds = build_index(contender, self._data.table)
        return {"rows/s": len(self._data.vectors) / seconds, **afterwards(contender, self._data)}

    def _insert(self, contender: Contender) -> Figures:
        load = Load(self._insert_text, self._next_rows(contender, _INSERTED_ROWS), warm_up=0)
        started = time.perf_counter()
        run = run_prepared(contender, replace(load, seconds=0.0, at_least=_INSERTED_ROWS))
        wait_until_served(contender, "written")
        figures = figures_of(run)
        return {
            "rows/s": _INSERTED_ROWS / (time.perf_counter() - started),
            "acknowledged rows/s": figures["queries/s"],
            "p50 ms": figures["p50 ms"],
            "p99 ms": figures["p99 ms"],
            **afterwards(contender, self._rows_of(contender)),
        }

    def _mixed(self, contender: Contender) -> Figures:
        rows = self._next_rows(contender, _MIXED_OPERATIONS // _OPERATIONS_PER_WRITE)
        load = replace(
            self._searches.load(contender),
            statement="SELECT id FROM written ORDER BY e <-> $1 LIMIT 10",
            seconds=0.0,
            at_least=_MIXED_OPERATIONS,
            connections=8,
            writes=Writes(self._insert_text, rows, _OPERATIONS_PER_WRITE),
        )
        figures = figures_of(run_prepared(contender, load))
        return {**figures, "recall": afterwards(contender, self._rows_of(contender))["recall"]}

    _insert_text = "INSERT INTO written VALUES ($1, $2, $3, $4)"

    def _next_rows(self, contender: Contender, count: int) -> list[tuple[int, int, int, bytes]]:
        """Rows that the written table lacks; the table is made when there is none yet."""
        if contender.name not in self._written:
            create_table(contender, "written", self._data.vectors.shape[1])
            fill = f"INSERT INTO written SELECT * FROM {self._data.table} WHERE id < {self._indexed_rows}"
            contender.run(fill, "VACUUM ANALYZE written")
            build_index(contender, "written")
            self._written[contender.name] = self._indexed_rows
        first = self._written[contender.name]
        self._written[contender.name] += count
        data, numbers = self._data, range(first, first + count)
        return [
            (number, int(data.buckets[number]), int(data.zones[number]), vector_bytes(data.vectors[number]))
            for number in numbers
        ]

    def _rows_of(self, contender: Contender) -> DataSet:
        return replace(
            self._data, table="written", vectors=self._data.vectors[: self._written[contender.name]]
        )


def afterwards(contender: Contender, data: DataSet) -> Figures:
    """Recall and queries/s of a table as it is, the first 200 queries once, at one beam."""
    few = replace(data, queries=data.queries[: _AFTERWARDS.at_least])
    load = replace(
        _AFTERWARDS,
        statement=f"SELECT id FROM {data.table} ORDER BY e <-> $1 LIMIT 10",
        parameters=[(vector_bytes(query),) for query in few.queries],
    )
    figures = figures_of(run_prepared(contender, load), few.nearest())
    return {"recall": figures["recall"], "queries/s": figures["queries/s"]}
