"""Measures `vecengine` beside faiss, hnswlib and usearch.

    python -m benchmarks.engine --data clustered-768 --rows 100000 --turns 5
    python -m benchmarks.engine --data real --folder DATA_FOLDER

All indexes are built over the same vectors and searched in turns in one process. Writes JSON, a table and curves for the
data set. A contender whose package is not installed is left out, with a word.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import vecengine
from benchmarks.engine.contenders import CONTENDERS, Contender, Ours, contenders
from benchmarks.engine.data_sets import DataSet, clustered, real
from benchmarks.engine.filtered import Cell, filtered_cells
from benchmarks.engine.measure import build, sweep
from benchmarks.engine.report import Built, Run, draw, loads, table

_FOLDER = Path(__file__).parent / "results"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="clustered-128", help="real, or clustered-DIMENSIONS")
    parser.add_argument("--folder", type=Path, help="of the two Parquet files of the real data")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of a build")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="some of %(default)s")
    parser.add_argument("--single", action="store_true", help="only one query a call on one thread")
    parser.add_argument("--out", type=Path, default=_FOLDER)
    options = parser.parse_args()
    data = _data_set(options)
    vecengine.warm_up()
    built: dict[str, Built] = {}
    ready = []
    for contender in contenders(options.contenders.split(",")):
        try:
            seconds = build(contender, data, options.threads)
        except ImportError as error:
            print(f"left out {contender.name}: {error}", file=sys.stderr)
            continue
        ready.append(contender)
        built[contender.name] = Built(seconds, contender.size_bytes / len(data.vectors))
        print(f"built {contender.name} in {seconds:.1f} s", file=sys.stderr)
    curves = {
        load.name: sweep(ready, data, load, options.turns)
        for load in (loads()[:1] if options.single else loads())
    }
    cells = _filtered(ready, data, options.turns)
    run = Run(data.name, *data.vectors.shape, options.threads, built, curves, cells)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{data.name}.json").write_text(run.to_json() + "\n", encoding="utf-8")
    draw(run, options.out / f"{data.name}.png")
    print(table(run))
    return 0


def _data_set(options: argparse.Namespace) -> DataSet:
    if options.data == "real":
        if options.folder is None:
            sys.exit("--data real needs --folder")
        return real(options.folder, options.rows)
    return clustered(options.rows, int(options.data.rpartition("-")[2]))


def _filtered(ready: list[Contender], data: DataSet, turns: int) -> list[Cell]:
    by_name = {contender.name: contender for contender in ready}
    ours, flat = by_name.get("quiver hnsw sq8"), by_name.get("faiss IndexFlat")
    if not isinstance(ours, Ours) or flat is None:
        return []
    return filtered_cells(ours, flat, data, turns)


if __name__ == "__main__":
    sys.exit(main())
