"""The table of a run, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.wire.report import shown

_COLUMNS = ("case", "figure", "PostgreSQL", "Quiver", "ratio", "recall")
_LOADED = (("insert_duration", "load, seconds", 1.0), ("optimize_duration", "CREATE INDEX, seconds", 1.0))
_SEARCHED = (
    ("qps", "queries/s, all connections", 1.0),
    ("serial_latency_p50", "p50 ms, one connection", 1e3),
    ("serial_latency_p99", "p99 ms, one connection", 1e3),
)


def markdown(facts: Mapping[str, str], cases: Sequence[Mapping[str, Any]]) -> str:
    """The environment, and of each case its figures with Quiver's over PostgreSQL's."""
    lines = [", ".join(f"{name}: {value}" for name, value in facts.items()) + ".", ""]
    lines += [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for case in cases:
        theirs, ours = case["postgres"], case["quiver"]
        recall = f"{theirs['recall']:.3f} / {ours['recall']:.3f}"
        figures = [(*figure, "") for figure in _LOADED] if case["loads"] else []
        figures += [(*figure, recall) for figure in _SEARCHED]
        for key, figure, factor, beside in figures:
            values = theirs[key] * factor, ours[key] * factor
            ratio = f"{values[1] / values[0]:.2f}" if values[0] else ""
            lines.append(f"| {' | '.join((case['name'], figure, *map(shown, values), ratio, beside))} |")
    return "\n".join(lines)
