"""The tables of runs, in Markdown between two markers of README.md here, and a picture of their ratios.

python -m benchmarks.wire.report FILE.json ... [--readme README.md] [--picture ratios.svg]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.wire.bar_chart import Bar, bar_chart
from benchmarks.wire.goals import GOALS, Goal, Verdict
from benchmarks.wire.results import Results, read

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_FOLDER = Path(__file__).parent
_COLUMNS = ("data", "cell", "figure", "PostgreSQL", "Quiver", "recall", "ratio", "turns", "goal", "")


def markdown(results: Results) -> str:
    """The environment and the table: of each cell its first figure, and those that have a goal."""
    facts = ", ".join(f"{name}: {value}" for name, value in results.environment.items())
    lines = [facts + ".", "", f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for cell in results.cells:
        lines += [_row(results, cell, figure, goal) for figure, goal in figures_of(results, cell)]
    return "\n".join(lines)


def figures_of(results: Results, cell: str) -> list[tuple[str, Goal | None]]:
    """The figures of a cell that are shown, with the goal of each."""
    found: list[tuple[str, Goal | None]] = [(goal.figure, goal) for goal in GOALS if goal.is_for(cell)]
    first = next(iter(results.cells[cell]["postgres"]))
    if all(figure != first for figure, _ in found):
        found.insert(0, (first, None))
    return found


def _row(results: Results, cell: str, figure: str, goal: Goal | None) -> str:
    data, _, name = cell.partition(" ")
    medians = [results.median(cell, contender, figure) for contender in ("postgres", "quiver")]
    recalls = [taken.get("recall") for taken in results.cells[cell].values()]
    recall = ""
    if all(recalls) and figure != "recall":
        both = (results.median(cell, contender, "recall") for contender in ("postgres", "quiver"))
        recall = " / ".join(f"{value:.3f}" for value in both)
    ratios = results.ratios(cell, figure)
    ratio = f"{median(ratios):.2f}" if goal is None or goal.of_ratio else ""
    values = goal.values(results, cell) if goal is not None else ratios
    turns = f"{shown(min(values))} to {shown(max(values))}"
    verdict = goal.verdict(results, cell).value if goal is not None else ""
    cells = (data, name, figure, *map(shown, medians), recall, ratio, turns, goal or "", verdict)
    return f"| {' | '.join(map(str, cells))} |"


def picture(runs: Sequence[Results]) -> str:
    """SVG: the ratio of every figure that has a goal for its ratio, where more is better."""
    bars = []
    for results, cell in [(run, cell) for run in runs for cell in run.cells]:
        for figure, goal in figures_of(results, cell):
            if goal is not None and goal.of_ratio and goal.is_least:
                ratios = results.ratios(cell, figure)
                is_met = goal.verdict(results, cell) is Verdict.MET
                spread = min(ratios), median(ratios), max(ratios)
                bars.append(Bar(f"{cell}, {figure}", *spread, goal.bound, is_met))
    return bar_chart("Quiver's figure over PostgreSQL's; bar: median, line: all turns, mark: goal", bars)


def put_between_markers(text: str, section: str) -> str:
    """A text with a section in place of what stands between the markers.

    Raises:
        ValueError: the text lacks a marker.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def shown(value: float) -> str:
    """A figure with three digits or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "results", type=Path, nargs="+", help="what runs of `python -m benchmarks.wire --json` wrote"
    )
    parser.add_argument("--readme", type=Path, default=_FOLDER / "README.md")
    parser.add_argument("--picture", type=Path, default=_FOLDER / "ratios.svg")
    options = parser.parse_args()
    runs = list(map(read, options.results))
    options.picture.write_text(picture(runs), encoding="utf-8")
    link = f"![Ratios]({options.picture.name})"
    text = options.readme.read_text(encoding="utf-8")
    section = "\n\n".join([*map(markdown, runs), link])
    options.readme.write_text(put_between_markers(text, section), encoding="utf-8")


if __name__ == "__main__":
    main()
