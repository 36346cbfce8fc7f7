"""Makes the copy of an index on a device: its rows or codes, its centroids, and which rows cannot be multiplied there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.bitset import mask_from_bits
from vecengine.arrays import CancelWord
from vecengine.device.bounds import is_plain
from vecengine.device.coded import coded_rows
from vecengine.device.copy import DeviceCopy
from vecengine.device.lists import RankedLists
from vecengine.device.places import Device, DeviceUnavailable
from vecengine.device.rows import copied_rows
from vecengine.element_types import Numbers
from vecengine.exact import Offsets
from vecengine.index import VectorIndex
from vecengine.ivf.codes import ListCodes
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Metric, parse_metric
from vecengine.stored_vectors import StoredVectors

_RESIDENT_SHARE = 0.75
"""Of the memory given, at most; the rest is for tiles."""
_ODD_ROWS_MAX = 1024
_SQUARE_BYTES = 8


@dataclass(frozen=True, eq=False)
class Room:
    """Where a copy goes, how much of the memory there is for copy and tiles, and the word that stops it."""

    device: Device
    memory_bytes: int
    cancel: CancelWord | None

    def holds(self, size_bytes: int) -> bool:
        """Whether so much may stay there."""
        return size_bytes <= int(self.memory_bytes * _RESIDENT_SHARE)


def copied_index(index: VectorIndex, room: Room) -> DeviceCopy:
    """The copy of an index.

    Raises:
        DeviceUnavailable: it has no form that a device can search.
        QueryCanceled: 57014.
    """
    vectors, metric = index.vectors, parse_metric(index.metric)
    if isinstance(vectors, StoredVectors):
        raise DeviceUnavailable("bit strings and sparse vectors have no form on a device")
    if isinstance(index, ListIndex):
        if index.codes is not None:
            return _copied_codes(index, index.codes, vectors, room)
        ranked = RankedLists.of(room.device, metric, index.lists)
        return _copied_rows(metric, vectors, index.lists.rows, index.lists.starts, room=room, ranked=ranked)
    covered = index.covered_bits()
    offsets: Offsets = np.arange(vectors.shape[0], dtype=np.int64)
    if covered is not None:
        offsets = np.flatnonzero(mask_from_bits(covered, vectors.shape[0])).astype(np.int64, copy=False)
    return _copied_rows(metric, vectors, offsets, np.array([0, offsets.size]), room=room)


def _copied_rows(
    metric: Metric,
    vectors: Numbers,
    offsets: Offsets,
    starts: Offsets,
    *,
    room: Room,
    ranked: RankedLists | None = None,
) -> DeviceCopy:
    row_bytes = vectors.shape[1] * vectors.dtype.itemsize + _SQUARE_BYTES
    is_resident = room.holds(offsets.size * row_bytes)
    rows, squares = copied_rows(room.device, vectors, offsets, is_resident=is_resident, cancel=room.cancel)
    odd = np.flatnonzero(~is_plain(squares))
    if odd.size > _ODD_ROWS_MAX:
        raise DeviceUnavailable(f"the squares of {odd.size} rows leave float32")
    return DeviceCopy(room.device, metric, vectors, rows, offsets, odd, starts, ranked)


def _copied_codes(index: ListIndex, codes: ListCodes, vectors: Numbers, room: Room) -> DeviceCopy:
    if not room.holds(codes.size_bytes):
        raise DeviceUnavailable("its codes do not fit the memory of the device")
    metric, lists = index.metric_kind, index.lists
    rows = coded_rows(room.device, metric, codes, lists)
    if rows is None:
        raise DeviceUnavailable("codes of one bit have no form on a device")
    none: Offsets = np.zeros(0, dtype=np.int64)
    ranked = RankedLists.of(room.device, metric, lists)
    return DeviceCopy(
        room.device, metric, vectors, rows, lists.rows, none, lists.starts, ranked, index.parameters.refine_k
    )
