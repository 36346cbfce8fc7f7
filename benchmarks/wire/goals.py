"""What the figures should be, and whether they are.

A goal is met when it is in every turn: one that only some turns meet, so that the spread crosses it, is not met.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.wire.results import Results


class Verdict(Enum):
    """What becomes of a goal."""

    MET = "met"
    NOT_MET = "not met"
    CROSSED = "not met: the spread crosses the goal"
    LOW_RECALL = "not met: recall"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a figure of the cells whose names, without the data set's, match a pattern.

    `of_ratio`: Quiver's figure over PostgreSQL's, else Quiver's. `recall_least` is what both need in the median for the
    goal to count at all.
    """

    cells: str
    figure: str
    bound: float
    is_least: bool = True
    of_ratio: bool = True
    recall_least: float = 0.0

    def __str__(self) -> str:
        unit = " x" if self.of_ratio else ""
        return f"{'≥' if self.is_least else '≤'} {self.bound:g}{unit}"

    def is_for(self, cell: str) -> bool:
        """Whether a cell's name without its data set matches."""
        return re.fullmatch(self.cells, cell.partition(" ")[2]) is not None

    def values(self, results: Results, cell: str) -> list[float]:
        """What the bound is for, in each turn."""
        if self.of_ratio:
            return results.ratios(cell, self.figure)
        return results.cells[cell]["quiver"][self.figure]

    def verdict(self, results: Results, cell: str) -> Verdict:
        if self.recall_least:
            recalls = [results.median(cell, contender, "recall") for contender in ("postgres", "quiver")]
            if min(recalls) < self.recall_least:
                return Verdict.LOW_RECALL
        return verdict_of(self.values(results, cell), self.bound, is_least=self.is_least)


def verdict_of(values: Sequence[float], bound: float, *, is_least: bool) -> Verdict:
    meets = [value >= bound if is_least else value <= bound for value in values]
    if all(meets):
        return Verdict.MET
    median = statistics.median(values)
    is_median_good = median >= bound if is_least else median <= bound
    return Verdict.CROSSED if is_median_good or any(meets) else Verdict.NOT_MET


_TOP = r"top-\d+, "

GOALS = (
    Goal(_TOP + "1 connection", "queries/s", 2.5, recall_least=0.99),
    Goal(_TOP + "8 connections", "queries/s", 2.0, recall_least=0.99),
    Goal(_TOP + ".*", "CPU us/query", 0.25, is_least=False, recall_least=0.99),
    Goal("filter .*, default settings", "recall", 0.95, of_ratio=False),
    Goal("filter .*, default settings", "filled", 1.0, of_ratio=False),
    Goal("filter 1 % .*, iterative scan", "queries/s", 20.0),
    Goal("filter 1 % .*, recall 0.95", "queries/s", 1.5),
    Goal("CREATE INDEX", "rows/s", 2.5),
    Goal("insert into .*", "rows/s", 5.0),
    Goal("COPY", "rows/s", 1.0),
    Goal("GROUP BY .*", "queries/s", 5.0),
    Goal("beside GROUP BY .* and CREATE INDEX .*", "p99 ms", 5.0, is_least=False, of_ratio=False),
)
