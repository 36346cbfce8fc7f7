"""The families of lists as the engine's table has them."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import Buffers, VectorIndex
from vecengine.ivf.build import build_lists, extend_lists
from vecengine.ivf.index import ListIndex, load_list_index
from vecengine.ivf.kinds import BlockKind, ListKind, ProductKind, RabitqKind, ScalarKind
from vecengine.ivf.parameters import CODE_BITS, LISTS, PIECES, SHORT_PIECES, ListParameters, refined
from vecengine.metrics import Metric, Vectors

_NUMBERS = (Metric.L2, Metric.IP, Metric.COSINE)
"""As pgvector: it has no operator class of l1 or jaccard either, and means of sparse vectors are not sparse."""


_ROW_BYTES = 32


def _family(kind: ListKind, description: str) -> Family:
    def build(
        vectors: Vectors,
        metric: Metric,
        offsets: Offsets | None,
        checked: Mapping[str, int],
        hooks: BuildHooks,
    ) -> VectorIndex:
        return build_lists(kind, vectors, metric, offsets, ListParameters(**checked), hooks=hooks)

    def extend(
        source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
    ) -> VectorIndex:
        assert isinstance(source, ListIndex)
        return extend_lists(source, moved_to, vectors, offsets, hooks)

    def load(buffers: Buffers, vectors: Vectors) -> VectorIndex:
        return load_list_index(kind, buffers, vectors)

    return Family(
        kind.name,
        description,
        kind.parameters,
        "ivfflat.probes",
        build=build,
        extend=extend,
        load=load,
        numbers=_NUMBERS,
        bits=() if kind.codes else (Metric.HAMMING,),
        rank=2,
        build_bytes=lambda shape, checked: _build_bytes(shape, checked, is_coded=kind.codes is not None),
        little_data_rows=_little_data_rows,
    )


def _build_bytes(shape: BuildShape, checked: Mapping[str, int], *, is_coded: bool) -> int:
    """Row offsets, the sample that trains the centroids twice, and the centroids, as float32 numbers; two bytes of codes a dimension."""
    lists = checked["lists"]
    samples = min(shape.rows, ListParameters(lists).sample_rows)
    trained = (2 * samples + 4 * min(shape.rows, lists)) * shape.dimensions * 4
    codes = 2 * shape.rows * shape.dimensions if is_coded else 0
    return shape.rows * _ROW_BYTES + trained + codes


def _little_data_rows(checked: Mapping[str, int]) -> int:
    """As pgvector says it: a row for each list."""
    return checked["lists"]


_WHOLE = "Inverted lists of whole vectors, one for each centroid."

LIST_FAMILIES = (
    _family(ListKind("ivfflat", (LISTS,)), _WHOLE),
    # The same under the engine's own name.
    _family(ListKind("ivf_flat", (LISTS,)), _WHOLE),
    _family(
        ListKind("ivf_sq8", (LISTS, refined(2)), ScalarKind()),
        "Inverted lists of codes of 8 bits a dimension.",
    ),
    _family(
        ListKind("ivf_pq", (LISTS, PIECES, CODE_BITS, refined(10)), ProductKind()),
        "Inverted lists of product codes.",
    ),
    _family(
        ListKind("ivf_rabitq", (LISTS, refined(20)), RabitqKind()),
        "Inverted lists of codes of one bit a dimension.",
    ),
    _family(
        ListKind("scann", (LISTS, SHORT_PIECES, refined(10)), BlockKind()),
        "Inverted lists of product codes of 4 bits, weighed 32 rows at a time.",
    ),
)
