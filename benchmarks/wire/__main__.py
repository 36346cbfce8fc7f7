"""Quiver and PostgreSQL with pgvector through the wire, in turns. See README.md here."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.storage.contenders import Contender, contenders
from benchmarks.wire.cells import Cell, Searches
from benchmarks.wire.data_sets import DataSet, real, synthetic
from benchmarks.wire.filters import FilteredSearches
from benchmarks.wire.heavy import HeavyStatements
from benchmarks.wire.processes import PeakMemory
from benchmarks.wire.report import markdown
from benchmarks.wire.results import Results, Taken
from benchmarks.wire.writes import WriteCells, build_index

POSTGRES_SETTINGS = {"shared_buffers": "2GB"}
_SYNTHETIC = "128x100000"
_QUICK_ROWS, _QUICK_QUERIES = 10_000, 200
_GROUPED_ROWS, _QUICK_GROUPED_ROWS = 1_000_000, 100_000
_WRITTEN_ROWS = 5_000


def data_sets(options: argparse.Namespace) -> list[DataSet]:
    found = [real(options.data, options.rows)] if options.data is not None else []
    sizes = options.synthetic or ([] if found else [_SYNTHETIC])
    for size in sizes:
        dimensions, rows = map(int, size.split("x"))
        found.append(synthetic(min(rows, options.rows), dimensions))
    if options.quick:
        found = [replace(data, queries=data.queries[:_QUICK_QUERIES]) for data in found]
    return found


def take(cell: Cell, pair: Sequence[Contender], turns: int) -> tuple[Taken, dict[str, list[float]]]:
    """A cell's figures, each contender in turn, and the most memory in each turn, MB by contender."""
    taken: Taken = {contender.name: {} for contender in pair}
    peaks: dict[str, list[float]] = {contender.name: [] for contender in pair}
    started = time.perf_counter()
    for turn in range(turns):
        for contender in pair if turn % 2 == 0 else pair[::-1]:
            with PeakMemory(contender.process_id) as memory:
                figures = cell.take(contender)
            for name, value in figures.items():
                taken[contender.name].setdefault(name, []).append(value)
            peaks[contender.name].append(memory.peak_bytes / 1e6)
    print(f"{cell.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return taken, peaks


def add_peaks(taken: Taken, peaks: Mapping[str, Sequence[float]]) -> None:
    """Keep the greater peak of each turn in the cell of the peak memory."""
    for name, values in peaks.items():
        known = taken.setdefault(name, {}).setdefault("MB", [0.0] * len(values))
        known[:] = map(max, known, values)


def take_all(data: DataSet, pair: Sequence[Contender], options: argparse.Namespace, results: Results) -> None:
    """The cells of a data set whose names contain `only`; the index is built first, in that cell or for it."""
    searches = Searches(data, options.seconds)
    writes = WriteCells(searches)
    heavy = HeavyStatements(searches, options.seconds, options.grouped_rows, _WRITTEN_ROWS)
    build = writes.build_cell()
    cells = [
        build,
        *searches.cells(),
        *FilteredSearches(searches).cells(),
        *writes.cells(),
        *heavy.cells(),
    ]
    wanted = [cell for cell in cells if options.only in cell.name]
    if not wanted:
        return
    for contender in pair:
        data.make_table(contender)
        if build not in wanted:
            build_index(contender, data.table)
    for cell in wanted:
        results.cells[cell.name], peaks = take(cell, pair, options.turns)
        memory = results.cells.pop(f"{data.table} peak memory", {})
        add_peaks(memory, peaks)
        results.cells[f"{data.table} peak memory"] = memory
        results.settings[data.table] = searches.settings
        if options.json is not None:
            results.write(options.json)


def environment(pair: Sequence[Contender], options: argparse.Namespace) -> dict[str, str]:
    """What a figure depends on: machine, versions, commit, options."""
    versions = {}
    for contender in pair:
        with contender.connect() as connection:
            row = connection.execute(b"SELECT version()").fetchone()
            versions[contender.name] = str(row[0]).partition(" on ")[0] if row is not None else ""
    with pair[0].connect() as connection:
        row = connection.execute(b"SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "machine": f"{models[0].partition(':')[2].strip() if models else platform.machine()}, "
        f"{os.cpu_count()} cores, {memory:.0f} GiB",
        "load": f"{os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(),
        **versions,
        "pgvector": str(row[0]) if row is not None else "",
        "commit": commit or "unknown",
        "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "turns": str(options.turns),
        "seconds of a turn": f"{options.seconds:g}",
    }


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder of debian_packages.parquet and debian_queries.parquet"
    )
    parser.add_argument(
        "--synthetic",
        action="append",
        metavar="DIMENSIONSxROWS",
        help=f"synthetic vectors, may be repeated; {_SYNTHETIC} when no data are given",
    )
    parser.add_argument("--quick", action="store_true", help="small tables, one turn")
    parser.add_argument("--rows", type=int, default=sys.maxsize, help="take smaller tables")
    parser.add_argument("--grouped-rows", type=int, default=_GROUPED_ROWS, help="that GROUP BY reads")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of most cells, turns and contenders")
    parser.add_argument("--only", default="", help="take the cells whose names contain this")
    parser.add_argument("--json", type=Path, help="where the figures of every turn are written")
    options = parser.parse_args(arguments)
    if options.quick:
        options.turns, options.seconds, options.grouped_rows = 1, 0.5, _QUICK_GROUPED_ROWS
        options.rows = min(options.rows, _QUICK_ROWS)
    if options.rows < 5_000 * max(1, options.turns):
        parser.error("there must be 5,000 rows for each turn, because rows are set aside for inserts")
    return options


def main() -> None:
    options = parsed()
    started = time.perf_counter()
    with contenders(POSTGRES_SETTINGS, over_socket=True) as pair:
        results = Results(environment(pair, options))
        for data in data_sets(options):
            take_all(data, pair, options, results)
            tables = (data.table, "written", "beside", "grouped")
            for contender in pair:
                contender.run(*(f"DROP TABLE IF EXISTS {table}" for table in tables))
    results.environment["minutes"] = f"{(time.perf_counter() - started) / 60:.0f}"
    if options.json is not None:
        results.write(options.json)
    print(markdown(results))


if __name__ == "__main__":
    main()
