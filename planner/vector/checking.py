"""Whether an index file says what the rows of its segment and the catalog say: the vector part of `quiver check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

import vecengine
from foundation.bitset import offsets_from_bits
from planner.vector.indexed_vectors import computed_vectors, value_faults, without_values
from planner.vector.search_options import check_index_options
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView


def index_file_faults(
    index: Index, segment: SegmentView, buffers: dict[str, npt.NDArray[Any]]
) -> Iterator[str]:
    """What is wrong with the buffers of an index over a segment, one sentence each.

    Raises:
        DamagedIndex: XX002, the buffers are no index of these vectors: a link leads out of the graph, say.
    """
    faults = value_faults(segment, index, buffers)
    yield from faults
    if faults:
        return
    vectors, valid_bits = computed_vectors(segment, index)
    yield from vecengine.index_faults(
        without_values(buffers),
        vectors,
        None if valid_bits is None else offsets_from_bits(valid_bits, segment.row_count),
        family=index.family,
        metric=index.metric or "",
        parameters=check_index_options(index.family, dict(index.options)),
    )
