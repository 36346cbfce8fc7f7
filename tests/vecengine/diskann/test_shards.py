"""Goal: parts hold every row twice and never too many; joined lists say what both lists say; links are pruned as Vamana prunes.

Method: the same by loops over rows, and RobustPrune (Subramanya et al. 2019, algorithm 2) in NumPy over rows that are all weighed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vecengine.compiled import await_kernels
from vecengine.diskann.shards import COPIES, divide, join_lists
from vecengine.hnsw.insertion import Inserter, open_graph
from vecengine.metrics import Metric


def joined_by_loop(links: Any, linked: int, others: Any, other_linked: int) -> tuple[list[int], int]:
    """Alternately the links of two lists, then what is behind them, each node once, as many as a list holds."""
    width = len(links)
    pieces = [(links[:linked], others[:other_linked]), (links[linked:], others[other_linked:])]
    pieces[1] = tuple(
        np.concatenate([np.full(skip, -1), part]) for skip, part in zip((linked, other_linked), pieces[1])
    )
    found: list[int] = []
    kept = 0
    for left, right in pieces:
        for place in range(width):
            for part in (left, right):
                if place < len(part) and part[place] >= 0 and part[place] not in found:
                    found.append(int(part[place]))
        kept = kept or min(len(found), width)
    return found[:width], kept


def test_lists_are_joined_in_turn() -> None:
    rng = np.random.default_rng(1)
    rows, width = 300, 6
    links = np.full((2, rows, width), -1, dtype=np.int32)
    linked = np.zeros((2, rows), dtype=np.uint8)
    for side in range(2):
        for row in range(rows):
            length = rng.integers(0, width + 1)
            links[side, row, :length] = rng.choice(10, length, replace=False)
            linked[side, row] = rng.integers(0, length + 1)
    joined, kept = join_lists(links[0], linked[0], links[1], linked[1])
    for row in range(rows):
        expected, expected_kept = joined_by_loop(
            links[0, row], int(linked[0, row]), links[1, row], int(linked[1, row])
        )
        assert joined[row].tolist() == expected + [-1] * (width - len(expected))
        if linked[:, row].any():
            assert kept[row] == expected_kept
        else:
            assert kept[row] == 0


@pytest.mark.parametrize("metric", [Metric.L2, Metric.IP, Metric.COSINE])
@pytest.mark.parametrize("rows_max", [70, 150, 900])
def test_every_row_is_in_two_parts(metric: Metric, rows_max: int) -> None:
    rng = np.random.default_rng(2)
    vectors = np.concatenate([rng.standard_normal((500, 5)), np.ones((500, 5))]).astype(np.float32)
    rows = np.sort(rng.choice(1000, 900, replace=False))
    shards = divide(metric, vectors, rows, rows_max, np.random.default_rng(3))
    members = [shards.nodes(part) for part in range(shards.part_count)]
    assert max(len(nodes) for nodes in members) <= rows_max
    np.testing.assert_array_equal(np.bincount(np.concatenate(members), minlength=900), COPIES)
    again = divide(metric, vectors, rows, rows_max, np.random.default_rng(3))
    assert all(np.array_equal(nodes, again.nodes(part)) for part, nodes in enumerate(members))


@pytest.mark.parametrize("tie", [0.0, 1e-6])
@pytest.mark.parametrize("alpha", [1.0, 1.2, 1.5])
def test_links_are_pruned_by_alpha(alpha: float, tie: float) -> None:
    """The rows of a first batch are weighed against all before them."""
    compiled: Any = await_kernels(None)
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((60, 3)).astype(np.float32)
    vectors[10:20] = vectors[0]
    graph = open_graph(np.zeros(60, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32), 32)
    with Inserter(compiled, Metric.L2, 64, slack=alpha * alpha, tie=tie) as inserter:
        inserter.insert(graph, vectors, np.arange(60, dtype=np.int32))
    wide = vectors.astype(np.float64)
    keys = ((wide[:, None] - wide[None]) ** 2).sum(axis=2)
    # Links back stay behind those that a row chose itself: no list is full.
    for node in range(60):
        kept: list[int] = []
        for candidate in sorted(range(node), key=lambda other: (keys[node, other], other)):
            if all(alpha * alpha * keys[one, candidate] >= keys[node, candidate] + tie for one in kept):
                kept.append(candidate)
        assert graph.links[node, : len(kept)].tolist() == kept
