"""What the contract test is run over: every family of the registry, each kind of vectors and metric that it serves.

A family that is added to the registry is covered without a word here. The data is small and hostile: clusters, duplicates,
zero vectors. One index is built for each case and shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.sparse import pack_sparse, sparse_words

ROWS = 1000
DIMENSIONS = 16
QUERIES = 8
SMALL: dict[str, str | int] = {"lists": 20}
"""Build parameters whose defaults are meant for more rows."""

WIDE, WIDE_DIMENSIONS = "wide", 64
"""Numbers of so many dimensions that families with a choice of codes of 8 bits have them, and are made to."""

NARROW_KINDS = ("float32", "bits", "sparse")
SHARES = (1.0, 0.5, 0.1, 0.01, 0.001, 0.0)


@dataclass(frozen=True)
class Case:
    family: str
    kind: str
    metric: str

    def __str__(self) -> str:
        return f"{self.family}-{self.kind}-{self.metric}"

    @property
    def is_exact(self) -> bool:
        """Whether every search of the index is a scan or as good as one."""
        estimates = built(self).estimate(10, ROWS, 0.5)
        return all(estimate.strategy == "exact" for estimate in estimates)


def kinds() -> tuple[str, ...]:
    return (*vecengine.element_type_names(), "bits", "sparse", WIDE)


def cases(*, all_kinds: bool) -> list[Any]:
    """Every case; of kinds of numbers other than float32 only those whose metric is the family's first, unless all are asked for."""
    found = []
    for family in vecengine.families():
        for kind in kinds():
            metrics = vecengine.metrics_of(family, type(make_vectors(kind, 1)))
            if kind == WIDE and "quantizer" not in parameters(family, kind):
                continue
            is_narrow = not all_kinds and kind not in NARROW_KINDS
            found += [Case(family, kind, metric) for metric in (metrics[:1] if is_narrow else metrics)]
    return [pytest.param(case, id=str(case)) for case in found]


def one_case_of_each_family() -> list[Any]:
    """The first, and that with codes where it has a choice of them."""
    first = {
        (case.values[0].family, case.values[0].kind == WIDE): case
        for case in reversed(cases(all_kinds=False))
    }
    return list(first.values())


def matrix(rows: int, seed: int, dimensions: int = DIMENSIONS) -> Any:
    """(rows, d) float32 of 12 clusters, a tenth of it copies, some rows zero."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(12, dimensions)) * 2
    found = (centres[rng.integers(0, 12, rows)] + rng.normal(size=(rows, dimensions))).astype(np.float32)
    copies = rng.integers(0, max(rows, 1), rows // 10)
    found[rng.integers(0, max(rows, 1), rows // 10)] = found[copies]
    found[rows // 3 : rows // 3 + rows // 50] = 0
    return found


@cache
def make_vectors(kind: str, rows: int, seed: int = 1, dimensions: int = DIMENSIONS) -> Any:
    """Vectors of a kind: an element type of numbers, bit strings or sparse vectors. Nobody writes to them."""
    if kind == WIDE:
        return matrix(rows, seed, WIDE_DIMENSIONS if dimensions == DIMENSIONS else dimensions)
    numbers = matrix(rows, seed, dimensions)
    if kind == "bits":
        # Wide enough that few distances are equal.
        wide = np.concatenate([numbers + shift for shift in np.linspace(-2, 2, 16)], axis=1)
        return vecengine.BitVectors(np.packbits(wide > 0, axis=1), wide.shape[1])
    if kind == "sparse":
        kept = np.where(np.abs(numbers) > 0.7, numbers, 0)
        stored = [pack_sparse(dimensions, np.flatnonzero(row), row[row != 0]) for row in kept]
        return vecengine.SparseVectors(sparse_words(pa.array(stored, pa.binary())), dimensions)
    numbers = (numbers * 20).round().clip(-128, 127) if kind == "int8" else numbers
    return numbers.astype(np.dtype(kind))


def make_queries(kind: str, count: int = QUERIES, dimensions: int = DIMENSIONS) -> Any:
    """Other rows of the same clusters, as searches take them."""
    queries = make_vectors(kind, count, 2, dimensions)
    return queries.astype(np.float32) if isinstance(queries, np.ndarray) else queries


def parameters(family: str, kind: str = "") -> dict[str, str | int]:
    names = {info.name for info in vecengine.families()[family].parameters}
    given = SMALL | {"quantizer": "sq8"} if kind == WIDE else SMALL
    return {name: value for name, value in given.items() if name in names}


@cache
def built(case: Case) -> Any:
    return vecengine.build_index(
        case.family, make_vectors(case.kind, ROWS), metric=case.metric, **parameters(case.family, case.kind)
    )


@cache
def all_distances(case: Case) -> Any:
    """(QUERIES, ROWS) operator values."""
    vectors, queries = make_vectors(case.kind, ROWS), make_queries(case.kind)
    return distances_of(case.metric, vectors, queries)


def distances_of(metric: str, vectors: Any, queries: Any) -> Any:
    rows = [vecengine.distances(metric, vectors, row_of(queries, number)) for number in range(len(queries))]
    return np.stack(rows) if rows else np.zeros((0, len(vectors)))


def row_of(queries: Any, number: int) -> Any:
    return queries[number] if isinstance(queries, np.ndarray) else queries[number : number + 1]


def allowed_rows(share: float, rows: int = ROWS) -> tuple[Any, Any]:
    """A mask of about that share of the rows, and its bitset; None for all of them."""
    mask = np.random.default_rng(round(1000 * share)).random(rows) < share
    return mask, None if share == 1 else bits_from_mask(mask)


def nearest(distances: Any, mask: Any, k: int) -> Any:
    """The k nearest of (n,) distances that the mask allows, ascending by (distance, offset); none of them NaN."""
    rows = np.flatnonzero(mask & ~np.isnan(distances))
    return rows[np.argsort(distances[rows], kind="stable")][:k]


def check_answer(answer: Any, distances: Any, mask: Any, k: int) -> float:
    """Complete, allowed, exact and in order; returns the recall, ties counted.

    Args:
        answer: of a search.
        distances: (nq, n) operator values.
        mask: (n,) covered and allowed rows.
    """
    found, offsets = answer
    assert found.shape == offsets.shape == (len(distances), k)
    assert found.dtype == np.float32 and offsets.dtype == np.int64
    hits = wanted = 0
    for values, rows, truth in zip(found, offsets, distances, strict=True):
        best = nearest(truth, mask, k)
        count = best.size
        assert (rows[count:] == -1).all() and np.isposinf(values[count:]).all()
        values, rows = values[:count], rows[:count]
        assert len(set(rows.tolist())) == count and mask[rows].all()
        np.testing.assert_array_equal(values, truth[rows].astype(np.float32))
        np.testing.assert_array_equal(np.lexsort((rows, truth[rows])), np.arange(count))
        wanted += count
        hits += int((truth[rows] <= truth[best[-1:]]).sum()) if count else 0
    return hits / wanted if wanted else 1.0
