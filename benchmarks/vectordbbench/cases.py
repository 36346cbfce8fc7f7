"""VectorDBBench's runner and pgvector client, as they are, over a list of cases. Runs where `vectordb-bench` is installed.

python cases.py PLAN.json RESULTS.json

Nothing of the project is imported here. The plan holds `folder` (of `custom_data`'s files), `rows`, `dimensions`, `k`,
`connections`, `seconds`, `index` (parameters of `PgVectorHNSWConfig`) and `cases`: each with the contender's `name`, its
`address` (parameters of `PgVectorConfig`), `ef_search`, the filter (`int_percentage` or `label_percentage`, or neither) and
`loads`: whether the table is made, filled and indexed first. The results are one object of each case, in order.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vectordb_bench.backend.cases import PerformanceCustomDataset
from vectordb_bench.backend.clients import DB
from vectordb_bench.backend.clients.api import MetricType
from vectordb_bench.backend.clients.pgvector.config import PgVectorConfig, PgVectorHNSWConfig
from vectordb_bench.backend.data_source import DatasetSource
from vectordb_bench.backend.filter import Filter, NewIntFilter
from vectordb_bench.backend.task_runner import CaseRunner, RunningStatus
from vectordb_bench.models import CaseConfig, CaseType, ConcurrencySearchConfig, TaskConfig, TaskStage

_TIMEOUT_S = 1800
_SEARCH = [TaskStage.SEARCH_SERIAL, TaskStage.SEARCH_CONCURRENT]
_FIGURES = (
    "insert_duration",
    "optimize_duration",
    "qps",
    "recall",
    "serial_latency_p50",
    "serial_latency_p99",
)


class IntFiltered(PerformanceCustomDataset):
    """The custom data set, searched for rows whose id is at least some percentage of all."""

    int_percentage: int = 0

    @property
    def filters(self) -> Filter:
        rate = self.int_percentage / 100
        return NewIntFilter(filter_rate=rate, int_value=int(self.dataset.data.size * rate))


def custom_case(plan: dict[str, Any], case: dict[str, Any]) -> PerformanceCustomDataset:
    """The case over the plan's files, with the filter that it names."""
    options: dict[str, Any] = {
        "name": "custom",
        "description": "",
        "load_timeout": _TIMEOUT_S,
        "optimize_timeout": _TIMEOUT_S,
        "dataset_config": {
            "name": "custom",
            "dir": plan["folder"],
            "size": plan["rows"],
            "dim": plan["dimensions"],
            "metric_type": "cosine",
        },
    }
    if case.get("label_percentage") is not None:
        share = case["label_percentage"] / 100
        return PerformanceCustomDataset(**options, use_filter=True, label_percentage=share)
    if case.get("int_percentage") is not None:
        found = IntFiltered(**options)
        found.int_percentage = case["int_percentage"]
        return found
    return PerformanceCustomDataset(**options)


def run(plan: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """One case's figures: seconds, queries a second, recall."""
    index = PgVectorHNSWConfig(metric_type=MetricType.COSINE, ef_search=case["ef_search"], **plan["index"])
    searching = ConcurrencySearchConfig(
        num_concurrency=[plan["connections"]], concurrency_duration=plan["seconds"]
    )
    runner = CaseRunner(
        run_id="0",
        config=TaskConfig(
            db=DB.PgVector,
            db_config=PgVectorConfig(**case["address"]),
            db_case_config=index,
            case_config=CaseConfig(
                case_id=CaseType.PerformanceCustomDataset,
                k=plan["k"],
                concurrency_search_config=searching,
            ),
            stages=[TaskStage.DROP_OLD, TaskStage.LOAD, *_SEARCH] if case["loads"] else _SEARCH,
        ),
        ca=custom_case(plan, case),
        status=RunningStatus.PENDING,
        dataset_source=DatasetSource.S3,
    )
    metrics = asdict(runner.run(drop_old=case["loads"]))
    latency = metrics["conc_latency_p99_list"][0]
    return {figure: metrics[figure] for figure in _FIGURES} | {"concurrent_latency_p99": latency}


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    results = []
    for case in plan["cases"]:
        results.append(run(plan, case))
        print(json.dumps(case | results[-1]), file=sys.stderr, flush=True)
    Path(sys.argv[2]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
