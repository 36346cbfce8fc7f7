"""Divides rows into overlapping parts that can be linked one at a time in bounded memory, and joins the links.

Subramanya et al., "DiskANN" (NeurIPS 2019), section 3.1: each row goes to the two nearest of some centroids, each part
is linked by itself, and the list of a row is made of its lists in both, so that rows lead from part to part. Other than there
a part never has more rows than it may: a row whose nearest part is full goes to the next.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.codes import centred_numbers
from vecengine.element_types import Numbers
from vecengine.exact import Offsets
from vecengine.hnsw.graph import Int32s
from vecengine.ivf.centroids import Assigner, train_centroids
from vecengine.metrics import Float32s, Metric

COPIES = 2
"""Parts that each row goes to."""

_ROOM = 1.25
_SAMPLES_PER_PART = 64
_BLOCK_BYTES = 4 << 20

Counts = npt.NDArray[np.uint8]


class Shards:
    """Which parts each of n nodes belongs to: (n, COPIES) numbers of parts."""

    def __init__(self, parts: npt.NDArray[np.int16], part_count: int) -> None:
        self._parts = parts
        self.part_count = part_count

    def nodes(self, part: int) -> Int32s:
        """The nodes of a part, ascending."""
        return np.flatnonzero((self._parts == part).any(axis=1)).astype(np.int32)


def divide(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    rows_max: int,
    rng: np.random.Generator,
    *,
    cancel: CancelWord | None = None,
) -> Shards:
    """Divide the nodes, whose rows are `rows` of (n, d) vectors, into parts of at most `rows_max`.

    Raises:
        QueryCanceled: 57014.
    """
    part_count = max(COPIES, math.ceil(_ROOM * COPIES * rows.size / rows_max))
    centroids = _centroids(metric, vectors, rows, part_count, rng, cancel=cancel)
    squares = np.einsum("ij,ij->i", centroids, centroids)
    room = np.full(part_count, rows_max, dtype=np.int64)
    parts = np.empty((rows.size, COPIES), dtype=np.int16)
    step = max(1, _BLOCK_BYTES // (4 * vectors.shape[1]))
    for begin in range(0, rows.size, step):
        check_cancel(cancel)
        block = slice(begin, begin + step)
        numbers = _centred(metric, vectors, rows[block])
        nearest = np.argsort(squares - 2 * (numbers @ centroids.T), axis=1, kind="stable")
        parts[block] = _take_room(nearest, room)
    return Shards(parts, part_count)


def _centred(metric: Metric, vectors: Numbers, rows: Offsets) -> Float32s:
    with np.errstate(all="ignore"):
        return centred_numbers(metric, vectors[rows], np.zeros(vectors.shape[1], dtype=np.float32))


def _centroids(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    count: int,
    rng: np.random.Generator,
    *,
    cancel: CancelWord | None,
) -> Float32s:
    """(count, d) centroids; where rows are too alike for so many some are there twice."""
    drawn = np.sort(rng.choice(rows, min(rows.size, _SAMPLES_PER_PART * count), replace=False))
    sample = _centred(metric, vectors, drawn)
    with Assigner(Metric.L2, cancel=cancel) as assigner:
        trained = train_centroids(assigner, sample[np.isfinite(sample).all(axis=1)], count, rng)
    return np.resize(trained, (count, vectors.shape[1]))


def _take_room(nearest: npt.NDArray[np.int64], room: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """(b, COPIES) parts for rows that prefer the (b, parts) `nearest`, as far as there is room, which becomes less."""
    taken = np.empty((nearest.shape[0], COPIES), dtype=np.int16)
    counts = np.zeros(nearest.shape[0], dtype=np.int64)
    for choice in nearest.T:
        pending = np.flatnonzero(counts < COPIES)
        wanted = choice[pending]
        order = np.argsort(wanted, kind="stable")
        firsts = np.searchsorted(wanted[order], wanted[order])
        fits = order[np.arange(order.size) - firsts < room[wanted[order]]]
        accepted = pending[fits]
        taken[accepted, counts[accepted]] = choice[accepted]
        counts[accepted] += 1
        room -= np.bincount(choice[accepted], minlength=room.size)
    return taken


def join_lists(
    links: Int32s, linked: Counts, other_links: Int32s, other_linked: Counts
) -> tuple[Int32s, Counts]:
    """Two (b, w) lists of each node, links before reserve, as one: alternately their links, then what they have in reserve.

    Returns:
        (b, w) int32 ended by -1, and (b,) how many of each are links.
    """
    width = links.shape[1]
    both = np.concatenate([links, other_links], axis=1)
    nowhere = 4 * width
    ranks = np.concatenate([_ranks(links, linked, 0), _ranks(other_links, other_linked, 1)], axis=1)
    order = np.lexsort((ranks, both), axis=1)
    ascending = np.take_along_axis(both, order, axis=1)
    is_again = np.zeros(both.shape, dtype=np.bool_)
    np.put_along_axis(is_again, order[:, 1:], ascending[:, 1:] == ascending[:, :-1], axis=1)
    ranks[is_again | (both < 0)] = nowhere
    chosen = np.argsort(ranks, axis=1, kind="stable")[:, :width]
    joined = np.take_along_axis(both, chosen, axis=1)
    kept = np.take_along_axis(ranks, chosen, axis=1)
    joined[kept == nowhere] = -1
    return joined, (kept < 2 * width).sum(axis=1).astype(np.uint8)


def _ranks(links: Int32s, linked: Counts, parity: int) -> npt.NDArray[np.int64]:
    """(b, w) places among those of two lists."""
    width = links.shape[1]
    places = np.arange(width)
    return np.where(places < linked[:, None], 0, 2 * width) + 2 * places + parity
