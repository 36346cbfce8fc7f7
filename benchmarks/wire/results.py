"""What a run found, and its file: JSON with the figures of every turn."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

Taken = dict[str, dict[str, list[float]]]
"""Of a cell, by contender and figure: its value in each turn."""


@dataclass(frozen=True, slots=True)
class Results:
    """`cells` by name, which starts with the name of the data set; `settings` by data set, contender and search."""

    environment: dict[str, str]
    cells: dict[str, Taken] = field(default_factory=dict)
    settings: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def median(self, cell: str, contender: str, figure: str) -> float:
        return statistics.median(self.cells[cell][contender][figure])

    def ratios(self, cell: str, figure: str) -> list[float]:
        """Quiver's value over PostgreSQL's, of each turn."""
        taken = self.cells[cell]
        pairs = zip(taken["quiver"][figure], taken["postgres"][figure], strict=True)
        return [ours / theirs if theirs else float("inf") for ours, theirs in pairs]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    return Results(**json.loads(path.read_text(encoding="utf-8")))
