"""Searches and look-ups through the wire: Quiver and PostgreSQL with pgvector, in turns. See README.md here."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.storage.contenders import Contender, contenders
from benchmarks.wire.cells import Cell, Searches, heavy_statements, shown
from benchmarks.wire.data_sets import DataSet, real, synthetic

POSTGRES_SETTINGS = {"shared_buffers": "2GB"}
_QUICK_ROWS = 10_000

Taken = dict[str, dict[str, dict[str, list[float]]]]
"""Cell, contender, figure: its value in each turn."""


def data_sets(folder: Path | None, rows_max: int) -> list[DataSet]:
    found = [synthetic(min(rows_max, 100_000))]
    if folder is not None:
        found.append(real(folder, rows_max))
    return found


def take(cell: Cell, pair: Sequence[Contender], turns: int) -> Taken:
    """A cell, each contender in turn."""
    taken: dict[str, dict[str, list[float]]] = {contender.name: {} for contender in pair}
    for turn in range(turns):
        for contender in pair if turn % 2 == 0 else pair[::-1]:
            for name, value in cell.take(contender).items():
                taken[contender.name].setdefault(name, []).append(value)
    print(f"{cell.name} taken", file=sys.stderr, flush=True)
    return {cell.name: taken}


def table(taken: Taken) -> str:
    """Markdown: a row for each cell and figure, medians of both contenders and their ratio."""
    lines = ["| cell | figure | PostgreSQL | Quiver | ratio |", "|---|---|---|---|---|"]
    for cell, by_contender in taken.items():
        postgres, quiver = by_contender["postgres"], by_contender["quiver"]
        for figure, values in postgres.items():
            left, right = statistics.median(values), statistics.median(quiver[figure])
            ratio = f"{right / left:.2f}" if left else ""
            lines.append(f"| {cell} | {figure} | {shown(left)} | {shown(right)} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder of debian_packages.parquet and debian_queries.parquet"
    )
    parser.add_argument("--quick", action="store_true", help="small tables, one turn")
    parser.add_argument("--rows", type=int, default=sys.maxsize, help="take smaller tables")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each cell, turn and contender")
    parser.add_argument("--only", default="", help="take the cells whose names contain this")
    parser.add_argument("--json", type=Path, help="where the figures of every turn are written")
    options = parser.parse_args()
    turns, seconds, rows = options.turns, options.seconds, options.rows
    if options.quick:
        turns, seconds, rows = 1, 0.7, _QUICK_ROWS
    with contenders(POSTGRES_SETTINGS, over_socket=True) as pair:
        taken: Taken = {}
        for data in data_sets(options.data, rows):
            searches = Searches(data, seconds)
            heavy = heavy_statements(data, min(10_000, rows // 5))
            cells = searches.cells() + searches.cells_beside(heavy)
            wanted = [cell for cell in cells if options.only in cell.name]
            for contender in pair if wanted else ():
                print(f"{data.table} {contender.name}: index in {data.load(contender):.1f} s", flush=True)
            for cell in wanted:
                taken |= take(cell, pair, turns)
                if options.json is not None:
                    options.json.write_text(json.dumps(taken, indent=1), encoding="utf-8")
        print(table(taken))


if __name__ == "__main__":
    main()
