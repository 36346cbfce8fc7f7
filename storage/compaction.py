"""Which sealed segments are worth merging: pure rules over a table's state, no I/O.

A merge pays with the bytes it writes and, where vectors are indexed, with the graph it makes worthless; it gains
space, and fewer segments to search. Two reasons make it due, the first that applies is taken:

1. *Dead rows.* A segment with more dead rows than the threshold is rewritten: each byte written again has freed at
   least that share of another one. One whose rows are all dead only goes away.
2. *Too many segments.* A table whose vectors are indexed keeps at most `GRAPHS_MAX` of them, since every graph costs
   a search: its smallest are merged. Otherwise `TIER_SEGMENTS_MAX` segments of a like size become one, so that a row
   is rewritten once for each tier it climbs, which is a logarithm of the table's size.

Nothing is chosen whose sum passes `bytes_max`: the largest column of the sources is in memory while it is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage.rows import SealedRows
from storage.state import SegmentState

DEAD_SHARE_MAX = 0.2
"""Above this share of dead rows a graph is better built anew than kept."""

GRAPHS_MAX = 3
TIER_SEGMENTS_MAX = 4
_TIER_RATIO = 4
"""Segments are of a like size while the largest has less than this many times the bytes of the smallest."""

_ABSORB_RATIO = 2
"""A merge that is due takes along the next larger segment when that has less than this many times its bytes."""


def due_sources(
    sealed: Sequence[SegmentState], *, has_graphs: bool, dead_share_max: float, bytes_max: int
) -> list[SegmentState]:
    """The sealed segments that should become one now; empty when the table is as it should be.

    Args:
        sealed: the table's sealed segments.
        has_graphs: whether the table has a vector index whose family builds a file per segment.
        dead_share_max: share of dead rows, 0 to 1, that a segment may keep.
        bytes_max: most bytes of files that one merge may read.
    """
    candidates = sorted((s for s in sealed if size_bytes(s) <= bytes_max), key=size_bytes)
    dead = [s for s in candidates if s.tombstone_count > dead_share_max * s.row_count]
    if dead:
        return _within(dead, bytes_max)
    if has_graphs:
        sources = _smallest(candidates, len(sealed) - GRAPHS_MAX + 1) if len(sealed) > GRAPHS_MAX else []
    else:
        sources = _full_tier(candidates)
    sources = _within(sources, bytes_max)
    return sources if len(sources) > 1 else []


def size_bytes(segment: SegmentState) -> int:
    """Bytes of a sealed segment's file."""
    assert isinstance(segment.rows, SealedRows)
    return segment.rows.file.size_bytes


def _within(sources: Sequence[SegmentState], bytes_max: int) -> list[SegmentState]:
    """As many of the sources, in their order, as `bytes_max` allows."""
    chosen: list[SegmentState] = []
    total = 0
    for segment in sources:
        total += size_bytes(segment)
        if total > bytes_max:
            break
        chosen.append(segment)
    return chosen


def _smallest(ascending: Sequence[SegmentState], count: int) -> list[SegmentState]:
    """The `count` smallest, and larger ones as long as they are not much larger than all of these together."""
    chosen = list(ascending[:count])
    total = sum(map(size_bytes, chosen))
    for segment in ascending[count:]:
        if size_bytes(segment) >= _ABSORB_RATIO * total:
            break
        chosen.append(segment)
        total += size_bytes(segment)
    return chosen


def _full_tier(ascending: Sequence[SegmentState]) -> list[SegmentState]:
    """The smallest segments of a like size, when there are enough of them."""
    for first, smallest in enumerate(ascending):
        limit = _TIER_RATIO * size_bytes(smallest)
        tier = [segment for segment in ascending[first:] if size_bytes(segment) < limit]
        if len(tier) >= TIER_SEGMENTS_MAX:
            return tier
    return []
