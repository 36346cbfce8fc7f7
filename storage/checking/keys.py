"""Key files against the rows, keys and row ids that occur twice.

Uniqueness is checked over all segments of a table at once, by ranges of the sorted hashes, so that memory is
bounded by CHUNK_ROWS rows however large the table is. A key file that is wrong is reported and then not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.catalog import Index, Table
from storage.checking.problems import CHUNK_ROWS, Problem, collecting
from storage.key_specs import KeySpec
from storage.keys import SortedKeys, first_duplicate, key_batch, rows_with_key
from storage.state import SegmentState
from storage.view import SegmentView

UnsignedInts = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]


def check_key_file(
    segment: SegmentState, view: SegmentView, spec: KeySpec, file: str, problems: list[Problem]
) -> None:
    """Compare the key file of a sealed segment with its rows; afterwards `view.sorted_keys` is right."""
    found: list[Problem] = []
    with collecting(found, file):
        attached = segment.attachments[spec.index_oid].file
        keys = SortedKeys(attached.array("hashes"), attached.array("offsets"))
        found += [Problem(file, None, what) for what in _key_faults(view, spec, keys)]
    if found:
        problems += found
        view.keep_keys(spec, SortedKeys.build(view.keys(spec)))


def _key_faults(view: SegmentView, spec: KeySpec, keys: SortedKeys) -> Iterator[str]:
    if len(keys.hashes) != len(keys.offsets):
        yield f"{len(keys.hashes)} hashes and {len(keys.offsets)} row offsets"
        return
    if (keys.hashes[1:] < keys.hashes[:-1]).any():
        yield "hashes do not ascend"
    if len(keys.offsets) and int(keys.offsets.max()) >= view.row_count:
        yield f"row offset {keys.offsets.max()} is not one of {view.row_count} rows"
        return
    is_listed = np.zeros(view.row_count, dtype=np.bool_)
    is_listed[keys.offsets] = True
    expected = rows_with_key(spec, [view.column(attnum) for attnum in spec.read_attnums], is_stored=True)
    if len(keys.offsets) != int(is_listed.sum()):
        yield "a row is listed twice"
    if (is_listed != expected).any():
        row = int(np.argmax(is_listed != expected))
        yield f"row at offset {row} is {'missing' if expected[row] else 'listed and has no key'}"
    for start in range(0, len(keys.offsets), CHUNK_ROWS):
        offsets = keys.offsets[start : start + CHUNK_ROWS].astype(np.int64)
        columns = [view.take_column(attnum, offsets) for attnum in spec.read_attnums]
        rows = key_batch(spec, columns, is_stored=True)
        differs = rows.hashes != keys.hashes[start : start + CHUNK_ROWS]
        if differs.any():
            yield f"the hash of the row at offset {offsets[np.argmax(differs)]} is not that of its key"
            return


def duplicate_key(table: Table, index: Index, spec: KeySpec, views: Sequence[SegmentView]) -> Iterator[str]:
    """Two visible rows with one key, if there are any."""
    sorted_keys = [view.sorted_keys(spec) for view in views]
    for bounds in _common_ranges([keys.hashes for keys in sorted_keys]):
        parts = [
            _visible_part(view, keys, start, end)
            for view, keys, (start, end) in zip(views, sorted_keys, bounds, strict=True)
        ]
        pair = _duplicate_in_range(spec, views, parts)
        if pair is not None:
            yield f'table "{table.name}", index "{index.name}": rows {pair[0]} and {pair[1]} have one key ({spec.key_names(table)})'
            return


def _visible_part(view: SegmentView, keys: SortedKeys, start: int, end: int) -> tuple[UnsignedInts, Offsets]:
    """(hashes, offsets) of the visible rows in a range of sorted keys."""
    offsets = keys.offsets[start:end].astype(np.int64)
    visible = view.is_visible(offsets)
    return keys.hashes[start:end][visible], offsets[visible]


def _duplicate_in_range(
    spec: KeySpec, views: Sequence[SegmentView], parts: Sequence[tuple[UnsignedInts, Offsets]]
) -> tuple[int, int] | None:
    """Row ids of two equal keys among the rows of one range of hashes."""
    hashes = np.concatenate([part[0] for part in parts])
    hashes.sort()
    repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not len(repeated):
        return None
    columns: list[list[pa.Array]] = [[] for _ in spec.read_attnums]
    row_ids: list[UnsignedInts] = []
    for view, (part, offsets) in zip(views, parts, strict=True):
        chosen = offsets[np.isin(part, repeated)]
        row_ids.append(view.row_ids[chosen])
        for pieces, attnum in zip(columns, spec.read_attnums, strict=True):
            pieces.append(view.take_column(attnum, chosen))
    pair = first_duplicate(key_batch(spec, [pa.concat_arrays(pieces) for pieces in columns]))
    if pair is None:
        return None
    ids = np.concatenate(row_ids)
    return int(ids[pair[0]]), int(ids[pair[1]])


def repeated_row_id(views: Sequence[SegmentView]) -> Iterator[str]:
    """A row that is in two segments, if there is one."""
    # Patched rows have later ids than their neighbours.
    orders = [np.argsort(view.row_ids, kind="stable") for view in views]
    row_ids = [view.row_ids[order] for view, order in zip(views, orders, strict=True)]
    for bounds in _common_ranges(row_ids):
        visible = []
        for view, order, ids, (start, end) in zip(views, orders, row_ids, bounds, strict=True):
            visible.append(ids[start:end][view.is_visible(order[start:end])])
        ids = np.sort(np.concatenate(visible))
        repeated = ids[1:][ids[1:] == ids[:-1]]
        if len(repeated):
            yield f"row {repeated[0]} is in two segments"
            return


def _common_ranges(arrays: Sequence[UnsignedInts]) -> Iterator[list[tuple[int, int]]]:
    """Cut ascending arrays at common values, into ranges of some CHUNK_ROWS entries if the values are spread evenly.

    Yields:
        (start, end) for each array; equal values are never in two ranges.
    """
    filled = [array for array in arrays if len(array)]
    if not filled:
        return
    total = sum(map(len, filled))
    low, high = min(int(a[0]) for a in filled), max(int(a[-1]) for a in filled)
    parts = min(-(-total // CHUNK_ROWS), high - low + 1)
    cuts = np.array([low + (high - low + 1) * n // parts for n in range(1, parts)], dtype=np.uint64)
    edges = [[0, *np.searchsorted(array, cuts).tolist(), len(array)] for array in arrays]
    for n in range(parts):
        yield [(edge[n], edge[n + 1]) for edge in edges]


def visible_offsets(view: SegmentView) -> Iterator[Offsets]:
    """Offsets of the visible rows of a view, in pieces."""
    for start in range(0, view.row_count, CHUNK_ROWS):
        offsets = np.arange(start, min(start + CHUNK_ROWS, view.row_count), dtype=np.int64)
        yield offsets[view.is_visible(offsets)]
