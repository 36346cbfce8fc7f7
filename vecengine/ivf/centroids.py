"""Trains the centroids of lists by k-means and assigns rows to them.

Lists are ranked by squared distance under l2. Under inner product and cosine centroids have length one and lists are
ranked by the inner product with them, as pgvector does (spherical k-means, pgvector/pgvector:src/ivfkmeans.c).

Lists of bit strings are ranked by their own metric, and their centroids are bit strings, which are counted as fast as rows. They are
trained as numbers, under hamming by squared distance and under jaccard and tanimoto as directions, and made bit strings in the end, as
faiss does (`IndexBinaryIVF`): rounded in every round, as pgvector's `BitUpdateCenter`, they find less. Under hamming that is the
mean of each bit, rounded. Under jaccard and tanimoto they are the bits that most of their rows have, as many as their rows have in
the mean: of rows with few bits a rounded mean has fewer still, and is far from all of them.

Lloyd, "Least squares quantization in PCM" (1982), from distinct samples drawn at random. A list that lost all its
samples starts again from the sample that is farthest from its centroid. faiss finds the nearest centroids by matrix
products: 9 ns a pair of 384 dimensions where a distance kernel took 33. Between bit strings the kernel of scans does: 3 to 7 ns a
pair of 1,024 bits where products of zeros and ones took 20 to 120. Everything is seeded, and since blocks of rows
are the same however many threads share them, so is the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel, queries_from
from vecengine.build_threads import build_threads
from vecengine.exact import Offsets, exact_keys
from vecengine.family import BuildHooks
from vecengine.metrics import BIT_METRICS, Float32s, Float64s, Metric, Vectors
from vecengine.stored_vectors import BitVectors

ITERATIONS_MAX = 10
"""As many as faiss takes for its lists. On 61,666 embeddings, recall at 10 after 100 was at most 0.008 higher."""

_SETTLED_SHARE = 0.001
_HALF = 0.5
_PAIRS_PER_BLOCK = 1 << 22
"""Rows times lists between two looks at the cancel word: 40 ms at 384 dimensions."""

_BLOCK_ROWS_MAX = 4096

Lists = npt.NDArray[np.int32]
Centroids = Float32s | BitVectors


def as_numbers(vectors: Vectors) -> Float32s:
    """(n, d) float32 to train with and to multiply: of a bit string its zeros and ones."""
    if isinstance(vectors, BitVectors):
        return vectors.bits().astype(np.float32)
    assert isinstance(vectors, np.ndarray)
    return np.ascontiguousarray(vectors, dtype=np.float32)


def ranking_metric(metric: Metric) -> Metric:
    """The metric that ranks lists; their centroids have length one if it is the inner product."""
    if metric is Metric.TANIMOTO:
        return Metric.JACCARD
    return metric if metric is Metric.L2 or metric in BIT_METRICS else Metric.IP


def _training_metric(metric: Metric) -> Metric:
    """The metric of numbers that centroids are trained by."""
    return Metric.L2 if metric in (Metric.L2, Metric.HAMMING) else Metric.IP


class Assigner:
    """Finds the nearest centroids of rows. Use it in a `with` block: it may own threads."""

    def __init__(self, metric: Metric, *, threads: int = 1, cancel: CancelWord | None = None) -> None:
        self.metric = ranking_metric(metric)
        self.cancel = cancel
        self._threads = max(1, threads)
        self._pool = build_threads(self._threads, "quiver-lists") if self._threads > 1 else None

    def __enter__(self) -> Assigner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def assign(self, vectors: Vectors, rows: Offsets, centroids: Centroids) -> tuple[Lists, Float32s]:
        """The nearest of centroids (l, d) to each of the (n,) row offsets.

        Returns:
            (n,) int32 lists, and (n,) float32 distances that grow with how far away the centroid is.

        Raises:
            QueryCanceled: 57014.
        """
        lists = np.zeros(rows.size, dtype=np.int32)
        distances = np.zeros(rows.size, dtype=np.float32)
        find = self._finder(centroids)

        def run(begin: int) -> None:
            check_cancel(self.cancel)
            end = begin + block_rows
            lists[begin:end], distances[begin:end] = find(vectors[rows[begin:end]])

        block_rows = max(1, min(_BLOCK_ROWS_MAX, _PAIRS_PER_BLOCK // centroids.shape[0]))
        starts = range(0, rows.size, block_rows)
        # The results are waited for, so that an error of a thread is raised here.
        for _ in map(run, starts) if self._pool is None else self._pool.map(run, starts):
            pass
        return lists, distances

    def _finder(self, centroids: Centroids) -> Callable[[Vectors], tuple[Lists, Float32s]]:
        """What finds the nearest of these centroids to the rows of a block."""
        if isinstance(centroids, BitVectors):
            return lambda block: _nearest_bits(self.metric, block, centroids, self.cancel)
        # A squared distance is a difference of squares there: far from the origin all digits would cancel out.
        origin = centroids.mean(axis=0) if self.metric is Metric.L2 else np.zeros(1, dtype=np.float32)
        centred = np.ascontiguousarray(centroids - origin)
        return lambda block: _nearest(self.metric, as_numbers(block) - origin, centred)


def _nearest_bits(
    metric: Metric, block: Vectors, centroids: BitVectors, cancel: CancelWord | None
) -> tuple[Lists, Float32s]:
    found, lists, _ = exact_keys(metric, centroids, queries_from(block), 1, None, cancel=cancel)
    return lists[:, 0].astype(np.int32), found[:, 0].astype(np.float32)


def _nearest(metric: Metric, block: Float32s, centroids: Float32s) -> tuple[Lists, Float32s]:
    import faiss

    # Of this thread only: OpenMP keeps the number by thread.
    threads_before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        kind = faiss.METRIC_INNER_PRODUCT if metric is Metric.IP else faiss.METRIC_L2
        found, lists = faiss.knn(block, centroids, 1, metric=kind)
    finally:
        faiss.omp_set_num_threads(threads_before)
    distances = -found[:, 0] if metric is Metric.IP else found[:, 0]
    # No list is nearest where squares overflow; any list may hold such a row.
    return np.maximum(lists[:, 0], 0).astype(np.int32), distances


def list_centroids(
    metric: Metric, samples: Vectors, list_count: int, rng: np.random.Generator, hooks: BuildHooks
) -> Centroids:
    """At most `list_count` centroids of lists under a metric, of the samples (s, d) float32 or bit strings.

    Returns:
        (l, d) as an index keeps them, l >= 1, distinct.

    Raises:
        QueryCanceled: 57014.
    """
    numbers = as_numbers(samples)
    with Assigner(_training_metric(metric), threads=hooks.threads, cancel=hooks.cancel) as assigner:
        trained = train_centroids(assigner, numbers, list_count, rng)
        if metric not in BIT_METRICS:
            return trained
        lists, _ = assigner.assign(numbers, np.arange(numbers.shape[0], dtype=np.int64), trained)
    sums, counts = _list_sums(numbers, lists, trained.shape[0], hooks.cancel)
    # A list without samples has no bits of its own.
    shares = sums[counts > 0] / counts[counts > 0, None] if numbers.shape[0] else sums
    chosen = shares > _HALF if metric is Metric.HAMMING else _most_frequent(shares)
    return BitVectors(np.unique(np.packbits(chosen, axis=1), axis=0), numbers.shape[1])


def _most_frequent(shares: Float64s) -> npt.NDArray[np.bool_]:
    """(l, d) whether a bit is among the most frequent, as many as rows have in the mean; of equal bits the first.

    Args:
        shares: (l, d) of the rows of each list that have the bit.
    """
    counts = np.rint(shares.sum(axis=1)).astype(np.int64)
    chosen = np.zeros(shares.shape, dtype=np.bool_)
    order = np.argsort(-shares, axis=1, kind="stable")
    np.put_along_axis(chosen, order, np.arange(shares.shape[1]) < counts[:, None], axis=1)
    return chosen


def train_centroids(
    assigner: Assigner, samples: Float32s, list_count: int, rng: np.random.Generator
) -> Float32s:
    """At most `list_count` centroids of the samples (s, d) float32, fewer when fewer samples are distinct.

    Returns:
        (l, d) float32, l >= 1, distinct; of length one where they are trained by the inner product.

    Raises:
        QueryCanceled: 57014.
    """
    if assigner.metric is Metric.IP:
        samples = _unit_rows(samples)
    if samples.shape[0] == 0:
        return np.zeros((1, samples.shape[1]), dtype=np.float32)
    if samples.shape[0] <= list_count:
        return np.unique(samples, axis=0)
    centroids = np.unique(samples[rng.choice(samples.shape[0], list_count, replace=False)], axis=0)
    if centroids.shape[0] < list_count:
        distinct = np.unique(samples, axis=0)
        centroids = distinct[rng.choice(distinct.shape[0], min(list_count, distinct.shape[0]), replace=False)]
    rows = np.arange(samples.shape[0], dtype=np.int64)
    lists = np.full(samples.shape[0], -1, dtype=np.int32)
    for _ in range(ITERATIONS_MAX):
        before = lists
        lists, distances = assigner.assign(samples, rows, centroids)
        centroids = _means(assigner, samples, lists, distances, centroids)
        if np.count_nonzero(lists != before) <= _SETTLED_SHARE * rows.size:
            break
    return np.unique(centroids, axis=0)


def _unit_rows(samples: Float32s) -> Float32s:
    """The samples with a direction, as unit vectors. Norms are taken in float64: squares of float32 overflow."""
    norms = np.sqrt(np.einsum("ij,ij->i", samples, samples, dtype=np.float64))
    has_direction = norms > 0
    return np.ascontiguousarray((samples[has_direction] / norms[has_direction, None]).astype(np.float32))


def _means(
    assigner: Assigner, samples: Float32s, lists: Lists, distances: Float32s, centroids: Float32s
) -> Float32s:
    """The mean of each list's samples; a list without any starts again from one of those farthest from their own."""
    sums, counts = _list_sums(samples, lists, centroids.shape[0], assigner.cancel)
    means = sums / np.maximum(counts, 1)[:, None]
    empty = np.flatnonzero(counts == 0)
    means[empty] = samples[np.argsort(-distances, kind="stable")[: empty.size]]
    if assigner.metric is Metric.IP:
        norms = np.linalg.norm(means, axis=1, keepdims=True)
        # Opposite samples may cancel out: such a list keeps its direction.
        means = np.where(norms > 0, means / np.where(norms > 0, norms, 1.0), centroids)
    return np.ascontiguousarray(means.astype(np.float32))


def _list_sums(
    samples: Float32s, lists: Lists, list_count: int, cancel: CancelWord | None
) -> tuple[Float64s, npt.NDArray[np.int64]]:
    """(l, d) sums of the samples of each list, and (l,) how many they are."""
    sums = np.zeros((list_count, samples.shape[1]), dtype=np.float64)
    for block in _blocks(samples.shape[0]):
        check_cancel(cancel)
        order = np.argsort(lists[block], kind="stable")
        present, starts = np.unique(lists[block][order], return_index=True)
        sums[present] += np.add.reduceat(samples[block][order], starts, axis=0, dtype=np.float64)
    return sums, np.bincount(lists, minlength=list_count)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(begin, begin + _BLOCK_ROWS_MAX) for begin in range(0, count, _BLOCK_ROWS_MAX))
