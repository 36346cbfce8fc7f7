"""The families of lists as the engine's table has them."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import Buffers, VectorIndex
from vecengine.ivf.build import build_lists, extend_lists
from vecengine.ivf.index import ListIndex, load_list_index
from vecengine.ivf.kinds import RANKED_BY_MEANS, BlockKind, ListKind, ProductKind, RabitqKind, ScalarKind
from vecengine.ivf.parameters import (
    CODE_BITS,
    INTEGER_BITS,
    LISTS,
    PIECES,
    SHORT_PIECES,
    ListParameters,
    refined,
)
from vecengine.metrics import BIT_METRICS, GRADED_BIT_METRICS, NUMBER_METRICS, Metric, Vectors

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

    def check(checked: Mapping[str, int]) -> None:
        if kind.codes is not None:
            kind.codes.check(ListParameters(**checked))

    return Family(
        kind.name,
        description,
        kind.parameters,
        "ivfflat.probes",
        build=build,
        extend=extend,
        load=load,
        check=check,
        numbers=tuple(metric for metric in kind.metrics if metric in NUMBER_METRICS),
        bits=tuple(metric for metric in kind.metrics if metric in BIT_METRICS),
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
_WHOLE_METRICS = (*RANKED_BY_MEANS, Metric.HAMMING)
"""As pgvector, which has no operator class of jaccard for `ivfflat`."""

LIST_FAMILIES = (
    _family(ListKind("ivfflat", (LISTS,), metrics=_WHOLE_METRICS), _WHOLE),
    # The same under the engine's own name.
    _family(ListKind("ivf_flat", (LISTS,), metrics=_WHOLE_METRICS), _WHOLE),
    _family(
        ListKind("bin_ivf_flat", (LISTS,), metrics=GRADED_BIT_METRICS),
        "Inverted lists of bit strings, one for each centroid.",
    ),
    _family(
        ListKind("ivf_sq8", (LISTS, INTEGER_BITS, refined(2)), ScalarKind()),
        "Inverted lists of codes of 8, 6 or 4 bits a dimension.",
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
