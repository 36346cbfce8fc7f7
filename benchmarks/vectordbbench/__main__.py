"""VectorDBBench's pgvector client against Quiver and PostgreSQL with pgvector, case by case. See README.md here."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from benchmarks.storage.contenders import Contender, contenders
from benchmarks.vectordbbench.custom_data import INT_PERCENTAGES, LABEL_PERCENTAGES, write_files
from benchmarks.vectordbbench.report import markdown
from benchmarks.wire.__main__ import POSTGRES_SETTINGS, environment
from benchmarks.wire.data_sets import DataSet, real, synthetic
from benchmarks.wire.report import put_between_markers

_FOLDER = Path(__file__).parent
_INDEX = {"m": 16, "ef_construction": 128, "maintenance_work_mem": "1GB", "max_parallel_workers": 2}


def cases(beams: Sequence[int]) -> list[dict[str, Any]]:
    """What both contenders are asked, in order; filters at the least beam. Labels need a table of their own."""
    found: list[dict[str, Any]] = [
        {"name": f"ef_search {beam}", "ef_search": beam, "loads": beam == beams[0]} for beam in beams
    ]
    found += [
        {
            "name": f"id >= n, {100 - percentage} % pass",
            "ef_search": beams[0],
            "int_percentage": percentage,
            "loads": False,
        }
        for percentage in INT_PERCENTAGES
    ]
    found += [
        {
            "name": f"label = x, {percentage} % pass",
            "ef_search": beams[0],
            "label_percentage": percentage,
            "loads": percentage == LABEL_PERCENTAGES[0],
        }
        for percentage in LABEL_PERCENTAGES
    ]
    return found


def address_of(contender: Contender) -> dict[str, Any]:
    """A contender's address as VectorDBBench's configuration has it."""
    known = conninfo_to_dict(contender.dsn)
    return {
        "user_name": known["user"],
        "password": "unused",
        "host": known["host"],
        "port": int(known.get("port") or 5432),
        "db_name": known["dbname"],
    }


def take(data: DataSet, pair: Sequence[Contender], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every case with the figures of each contender by name; the contenders take turns in going first."""
    asked = cases(options.beams)
    turns = [pair if number % 2 == 0 else pair[::-1] for number in range(len(asked))]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        write_files(data, folder, options.k)
        plan = {
            "folder": directory,
            "rows": len(data.vectors),
            "dimensions": data.vectors.shape[1],
            "k": options.k,
            "connections": options.connections,
            "seconds": options.seconds,
            "index": _INDEX,
            "cases": [
                case | {"address": address_of(contender)}
                for case, turn in zip(asked, turns)
                for contender in turn
            ],
        }
        results = iter(_run(plan, options.python, folder))
    return [case | {contender.name: next(results) for contender in turn} for case, turn in zip(asked, turns)]


def _run(plan: Mapping[str, Any], python: Path, folder: Path) -> list[dict[str, Any]]:
    """Run `cases.py` where VectorDBBench is installed."""
    given, found = folder / "plan.json", folder / "results.json"
    given.write_text(json.dumps(plan), encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {"LOG_FILE": str(folder / "vectordb_bench.log"), "LOG_LEVEL": "WARNING"}
    subprocess.run([python, _FOLDER / "cases.py", given, found], env=variables, cwd=folder, check=True)
    results: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))
    return results


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "python", type=Path, help="the Python of an environment with vectordb-bench[pgvector]"
    )
    parser.add_argument(
        "--data", type=Path, help="folder of debian_packages.parquet and debian_queries.parquet"
    )
    parser.add_argument("--synthetic", default="128x20000", help="DIMENSIONSxROWS, when no data are given")
    parser.add_argument("--rows", type=int, default=sys.maxsize, help="take a smaller table")
    parser.add_argument("--beams", type=int, nargs="+", default=[100, 200, 400], help="hnsw.ef_search")
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=5, help="of the concurrent searches of a case")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--readme", type=Path, help="whose table is written anew")
    return parser.parse_args(arguments)


def main() -> None:
    options = parsed()
    options.turns = 1
    started = time.perf_counter()
    if options.data is not None:
        data = real(options.data, options.rows)
    else:
        dimensions, rows = map(int, options.synthetic.split("x"))
        data = synthetic(min(rows, options.rows), dimensions)
    with contenders(POSTGRES_SETTINGS, over_socket=True) as pair:
        facts = environment(pair, options)
        found = take(data, pair, options)
    version = [
        options.python,
        "-c",
        "from importlib.metadata import version as v; print(v('vectordb-bench'))",
    ]
    facts |= {
        "vectordb-bench": subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip(),
        "data": data.table,
        "rows": f"{len(data.vectors):,}",
        "k": str(options.k),
        "connections": str(options.connections),
        "minutes": f"{(time.perf_counter() - started) / 60:.0f}",
    }
    if options.json is not None:
        text = json.dumps({"environment": facts, "cases": found}, indent=1) + "\n"
        options.json.write_text(text, encoding="utf-8")
    table = markdown(facts, found)
    if options.readme is not None:
        text = put_between_markers(options.readme.read_text(encoding="utf-8"), table)
        options.readme.write_text(text, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
