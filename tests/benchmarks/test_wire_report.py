"""Goal: the table of the benchmark through the wire says of every goal truly whether it is met.

Method: results of a few cells, written and read again, whose ratios are above a goal, below it, on both sides of it, or
of searches with too little recall.
"""

from __future__ import annotations

import xml.etree.ElementTree
from pathlib import Path

import pytest

from benchmarks.wire.goals import Verdict, verdict_of
from benchmarks.wire.report import BEGIN, END, markdown, picture, put_between_markers
from benchmarks.wire.results import Results, Taken, read

SPEED, MEMORY = "queries/s", "MB"


def searches(quiver: list[float], recall: float = 0.995) -> Taken:
    """Figures of searches that PostgreSQL answers at 1,000 queries/s and 400 us."""
    turns = [recall] * len(quiver)
    ours = {SPEED: quiver, "CPU us/query": [80.0] * len(quiver), "recall": turns}
    theirs = {SPEED: [1000.0] * len(quiver), "CPU us/query": [400.0] * len(quiver), "recall": turns}
    return {"postgres": theirs, "quiver": ours}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Written to a file and read again."""
    cells = {
        "real_384 top-10, 1 connection": searches([2600.0, 2500.0, 3000.0]),
        "real_384 top-10, 8 connections": searches([1500.0, 1400.0, 1600.0]),
        "real_384 top-100, 1 connection": searches([2600.0, 2400.0, 2700.0]),
        "real_384 top-100, 8 connections": searches([9000.0, 9000.0, 9000.0], recall=0.98),
        "real_384 filter 1 % correlated, default settings": {
            "postgres": {SPEED: [10.0], "recall": [0.2], "filled": [0.1]},
            "quiver": {SPEED: [10.0], "recall": [0.96], "filled": [0.99]},
        },
        "real_384 peak memory": {"postgres": {MEMORY: [100.0]}, "quiver": {MEMORY: [300.0]}},
    }
    settings = {"real_384": {"postgres top-10": ("SET hnsw.ef_search = 60",)}}
    path = tmp_path / "figures.json"
    Results({"commit": "0123abc"}, cells, settings).write(path)
    return read(path)


def rows_of(table: str) -> dict[tuple[str, str], list[str]]:
    """The cells of each row behind its name and figure."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in table.splitlines()
        if line[:6] == "| real"
    ]
    return {(row[1], row[2]): row[3:] for row in rows}


def test_a_goal_that_every_turn_meets_is_met(results: Results) -> None:
    row = rows_of(markdown(results))["top-10, 1 connection", SPEED]
    assert row == ["1,000", "2,600", "0.995 / 0.995", "2.60", "2.5 to 3", "≥ 2.5 x", "met"]


def test_a_goal_that_no_turn_meets_is_not_met(results: Results) -> None:
    assert rows_of(markdown(results))["top-10, 8 connections", SPEED][-2:] == ["≥ 2 x", "not met"]


def test_a_spread_that_crosses_a_goal_is_not_met(results: Results) -> None:
    row = rows_of(markdown(results))["top-100, 1 connection", SPEED]
    assert row[3:] == ["2.60", "2.4 to 2.7", "≥ 2.5 x", "not met: the spread crosses the goal"]


def test_speed_with_too_little_recall_is_not_met(results: Results) -> None:
    rows = rows_of(markdown(results))
    assert rows["top-100, 8 connections", SPEED][-1] == "not met: recall"
    assert rows["top-100, 8 connections", "CPU us/query"][-1] == "not met: recall"


def test_a_bound_from_above_is_met_below_it(results: Results) -> None:
    assert rows_of(markdown(results))["top-10, 1 connection", "CPU us/query"][-2:] == ["≤ 0.25 x", "met"]


def test_goals_of_one_contender_look_at_its_own_figure(results: Results) -> None:
    rows, cell = rows_of(markdown(results)), "filter 1 % correlated, default settings"
    assert rows[cell, "recall"][-3:] == ["0.96 to 0.96", "≥ 0.95", "met"]
    assert rows[cell, "filled"][-3:] == ["0.99 to 0.99", "≥ 1", "not met"]


def test_figures_without_a_goal_have_no_verdict(results: Results) -> None:
    assert rows_of(markdown(results))["peak memory", MEMORY] == ["100", "300", "", "3.00", "3 to 3", "", ""]


@pytest.mark.parametrize(
    ("values", "is_least", "verdict"),
    [
        ([2.0, 2.0, 2.0], True, Verdict.MET),
        ([2.0, 2.0, 2.0], False, Verdict.MET),
        ([1.9, 2.1, 2.2], True, Verdict.CROSSED),
        ([1.8, 1.9, 2.1], True, Verdict.CROSSED),
        ([1.9, 2.1, 2.2], False, Verdict.CROSSED),
        ([2.1, 2.1, 2.2], False, Verdict.NOT_MET),
        ([1.9], True, Verdict.NOT_MET),
    ],
)
def test_verdicts(values: list[float], is_least: bool, verdict: Verdict) -> None:
    assert verdict_of(values, 2.0, is_least=is_least) is verdict


def test_the_section_replaces_what_stands_between_the_markers() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_between_markers(text, "table") == f"before\n{BEGIN}\n\ntable\n\n{END}\nafter\n"


def test_a_text_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        put_between_markers(f"before {BEGIN}", "table")


def test_the_readme_has_the_markers() -> None:
    text = (Path(__file__).parents[2] / "benchmarks/wire/README.md").read_text(encoding="utf-8")
    assert "| a table |" in put_between_markers(text, "| a table |")


def test_the_picture_has_a_bar_for_each_ratio_that_should_be_high(results: Results) -> None:
    root = xml.etree.ElementTree.fromstring(picture([results]))
    kinds = [element.get("class") for element in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert [kind for kind in kinds if kind] == ["met", "missed", "missed", "missed"]
