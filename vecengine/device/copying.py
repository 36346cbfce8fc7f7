"""Makes the copy of an index on a device: its rows or codes, its centroids, and which rows cannot be multiplied there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.bitset import mask_from_bits
from vecengine.arrays import CancelWord
from vecengine.device.bounds import is_plain
from vecengine.device.coded import coded_rows
from vecengine.device.copy import DeviceCopy
from vecengine.device.lists import RankedCopy, RankedLists
from vecengine.device.places import Device, DeviceUnavailable
from vecengine.device.rows import DeviceRows, WholeRows, copied_rows
from vecengine.element_types import Numbers
from vecengine.exact import Offsets
from vecengine.index import VectorIndex
from vecengine.ivf.index import ListIndex
from vecengine.metrics import parse_metric
from vecengine.stored_vectors import StoredVectors

_RESIDENT_SHARE = 0.75
"""Of the memory given, at most; the rest is for tiles."""
_ODD_ROWS_MAX = 1024
_SQUARE_BYTES = 8


@dataclass(frozen=True, eq=False)
class Room:
    """Where a copy goes, how much of the memory there is for copy and tiles, and the word that stops it.

    With `ranks_only` lists and codes stay on the CPU.
    """

    device: Device
    memory_bytes: int
    cancel: CancelWord | None
    ranks_only: bool = False

    def holds(self, size_bytes: int) -> bool:
        """Whether so much may stay there."""
        return size_bytes <= int(self.memory_bytes * _RESIDENT_SHARE)


def copied_index(index: VectorIndex, room: Room) -> DeviceCopy | RankedCopy:
    """The copy of an index.

    Raises:
        DeviceUnavailable: it has no form that a device can search.
        QueryCanceled: 57014.
    """
    vectors, metric = index.vectors, parse_metric(index.metric)
    if isinstance(vectors, StoredVectors):
        raise DeviceUnavailable("bit strings and sparse vectors have no form on a device")
    if isinstance(index, ListIndex):
        return _copied_lists(index, vectors, room)
    if room.ranks_only:
        raise DeviceUnavailable("it has no lists to rank")
    covered = index.covered_bits()
    offsets: Offsets = np.arange(vectors.shape[0], dtype=np.int64)
    if covered is not None:
        offsets = np.flatnonzero(mask_from_bits(covered, vectors.shape[0])).astype(np.int64, copy=False)
    rows, odd = _copied_rows(vectors, offsets, room, is_resident=room.holds(_rows_bytes(vectors, offsets)))
    return DeviceCopy(room.device, metric, vectors, rows, offsets, odd, np.array([0, offsets.size]))


def _copied_lists(index: ListIndex, vectors: Numbers, room: Room) -> DeviceCopy | RankedCopy:
    """Lists whose rows or codes fit; of others the centroids alone."""
    metric, lists = index.metric_kind, index.lists
    ranked = RankedLists.of(room.device, metric, lists)
    rows: DeviceRows | None = None
    odd: Offsets = np.zeros(0, dtype=np.int64)
    refine_k = 0
    if not room.ranks_only and index.codes is not None and room.holds(index.codes.size_bytes):
        rows, refine_k = coded_rows(room.device, metric, index.codes, lists), index.parameters.refine_k
    elif not room.ranks_only and index.codes is None and room.holds(_rows_bytes(vectors, lists.rows)):
        rows, odd = _copied_rows(vectors, lists.rows, room, is_resident=True)
    if rows is None:
        return RankedCopy(room.device, ranked)
    return DeviceCopy(room.device, metric, vectors, rows, lists.rows, odd, lists.starts, ranked, refine_k)


def _rows_bytes(vectors: Numbers, offsets: Offsets) -> int:
    return int(offsets.size * (vectors.shape[1] * vectors.dtype.itemsize + _SQUARE_BYTES))


def _copied_rows(
    vectors: Numbers, offsets: Offsets, room: Room, *, is_resident: bool
) -> tuple[WholeRows, Offsets]:
    """Rows, and the places of those that cannot be multiplied."""
    rows, squares = copied_rows(room.device, vectors, offsets, is_resident=is_resident, cancel=room.cancel)
    odd = np.flatnonzero(~is_plain(squares))
    if odd.size > _ODD_ROWS_MAX:
        raise DeviceUnavailable(f"the squares of {odd.size} rows leave float32")
    return rows, odd
