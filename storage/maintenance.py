"""Seal, merge, checkpoint, index installation: changes of form that leave every row what it was.

The caller holds the maintenance lock (except for `install_index`), so one of these runs at a time; commits go
on meanwhile and are held up only while an edit is published. Steps and crash tables are in `FORMATS.md`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets, offsets_from_bits
from foundation.errors import QuiverError
from storage import layout
from storage.blockfile import BlockFile
from storage.catalog import Catalog, Index, Table
from storage.compaction import DEAD_SHARE_MAX, due_sources
from storage.key_specs import unique_specs
from storage.manifest import Checkpoint, manifest_numbers, write_manifest
from storage.overlay import VARIABLE_BYTES_MAX, Overlay, has_offsets, write_overlay
from storage.records import AttachRecord, EditRecord, PatchRecord, patch_batch
from storage.rows import RowIds, SealedRows, SegmentEntry
from storage.sealed import (
    SegmentSource,
    concatenated,
    discard_files,
    entry_files,
    reserved_for_writing,
    selected,
    write_keys,
    write_segment,
)
from storage.state import DatabaseState, SegmentState, TableState
from storage.view import SegmentView

if TYPE_CHECKING:
    from storage.database import Storage

_SMALL_SEGMENT_SHARE = 4
"""A sealed segment is small below this share of a full growing one: rewriting it costs less than reading it often."""

_log = logging.getLogger("quiver.storage")

IndexHeir = Callable[[int, SegmentView, Sequence[SegmentView]], Mapping[int, Mapping[str, npt.NDArray[Any]]]]
"""(table OID, segment that is written and not yet published, segments it replaces as they were written) -> buffers of
the indexes it comes with, by index OID."""

_MERGE_MEMORY_SHARE = 4
"""A merge that nobody asked for reads files of at most this part of the memory limit."""

_WITHOUT_GRAPHS = ("btree", "hash", "gin", "gist", "spgist")


def _never_stops() -> None:
    """The check of work that nobody cancels."""


def freeze(storage: Storage, table_oid: int) -> None:
    """End the table's growing segment: it takes no more rows, a new one begins with the next insert."""
    with storage.commit_lock:
        head = storage.head
        table = head.tables.get(table_oid)
        if table is None or table.growing is None:
            return
        frozen = TableState(table.sealed, (*table.frozen, table.growing), None)
        storage.set_head(replace(head, tables={**head.tables, table_oid: frozen}))
    storage.wait_durable(head.lsn)


def seal_frozen(storage: Storage, table_oid: int) -> None:
    """Replace the frozen segments by one sealed segment, which takes in small sealed ones."""
    table = storage.published.table_state(table_oid)
    if table.frozen:
        small_bytes_max = storage.growing_bytes_max // _SMALL_SEGMENT_SHARE
        catalog = storage.published.catalog
        absorbed = [segment for segment in table.sealed if _is_absorbed(catalog, segment, small_bytes_max)]
        _rewrite(storage, table_oid, [*absorbed, *table.frozen])


def _is_absorbed(catalog: Catalog, segment: SegmentState, small_bytes_max: int) -> bool:
    """Whether sealing takes a sealed segment along: rows all dead, or few and without a vector index built on them.

    So churn on a few rows leaves no trail of dead segments, and checkpoints no trail of small ones.
    """
    if segment.tombstone_count == segment.row_count:
        return True
    rows = segment.rows
    assert isinstance(rows, SealedRows)
    return rows.file.size_bytes <= small_bytes_max and not _has_vector_index(catalog, segment)


def merge(storage: Storage, table_oid: int) -> None:
    """Replace the sealed segments by one; nothing happens when that would change nothing."""
    state = storage.published
    table = state.catalog.get(table_oid)
    if not isinstance(table, Table):
        return
    for sources in _merge_groups(storage, table, state.table_state(table_oid).sealed):
        if len(sources) > 1 or sources[0].tombstone_count or sources[0].overlay is not None:
            _rewrite(storage, table_oid, sources)


def compact(
    storage: Storage, table_oid: int, *, keeps_dead: bool, check: Callable[[], None] = _never_stops
) -> bool:
    """Merge what `compaction.due_sources` says is due; whether anything was.

    Args:
        keeps_dead: whether segments may keep the usual share of dead rows. If not, only those with a vector index do.
        check: called between columns; what it raises ends the merge in hand, which leaves nothing.
    """
    has_merged = False
    # One round more than there are segments: rows that are deleted meanwhile may make merges due for ever.
    for _ in range(len(storage.published.table_state(table_oid).sealed) + 1):
        check()
        state = storage.published
        table = state.catalog.get(table_oid)
        if not isinstance(table, Table):
            break
        due = _due(storage, state, table, keeps_dead)
        groups = [g for g in _merge_groups(storage, table, due) if len(g) > 1 or g[0].tombstone_count]
        if not groups:
            break
        for group in groups:
            _rewrite(storage, table_oid, group, check)
        has_merged = True
    return has_merged


def _due(storage: Storage, state: DatabaseState, table: Table, keeps_dead: bool) -> list[SegmentState]:
    indexes = state.catalog.indexes_of(table.oid)
    keeps_file = storage.options.keeps_vector_file
    has_graphs = any(index.metric is not None and keeps_file(index) for index in indexes)
    sealed = state.table_state(table.oid).sealed
    bytes_max = storage.memory.limit_bytes // _MERGE_MEMORY_SHARE if keeps_dead else sys.maxsize
    if not keeps_dead:
        plain = [segment for segment in sealed if not _has_vector_index(state.catalog, segment)]
        due = due_sources(plain, has_graphs=False, dead_share_max=0, bytes_max=bytes_max)
        if due:
            return due
    return due_sources(sealed, has_graphs=has_graphs, dead_share_max=DEAD_SHARE_MAX, bytes_max=bytes_max)


def _has_vector_index(catalog: Catalog, segment: SegmentState) -> bool:
    """Whether there is an index file that costs much to make again; the order of a column does not."""
    indexes = (catalog.get(oid) for oid, file in segment.attachments.items() if not file.is_keys)
    return any(isinstance(index, Index) and index.family not in _WITHOUT_GRAPHS for index in indexes)


def _merge_groups(
    storage: Storage, table: Table, segments: Sequence[SegmentState]
) -> list[list[SegmentState]]:
    """The segments in as few groups as Arrow's 2 GiB of text per array allow: nearly always one."""
    attnums = [c.attnum for c in table.live_columns()]
    groups: list[list[SegmentState]] = []
    sizes: dict[int, int] = {}
    for segment in segments:
        view = segment.view(table, storage.missing_column)
        added = {a: view.column(a).nbytes for a in attnums if has_offsets(view.column(a).type)}
        total = {a: sizes.get(a, 0) + size for a, size in added.items()}
        if not groups or any(size > VARIABLE_BYTES_MAX for size in total.values()):
            groups.append([])
            total = added
        groups[-1].append(segment)
        sizes = total
    return groups


def _rewrite(
    storage: Storage,
    table_oid: int,
    sources: Sequence[SegmentState],
    check: Callable[[], None] = _never_stops,
) -> None:
    """Write the live rows of `sources` as one sealed segment and publish it in their place.

    Deletes that are committed while the file is written are found again by row id and become tombstones of
    the added segment. Indexes it inherits are published with it, so its rows are served as before.
    """
    state = storage.published
    table = state.catalog.get(table_oid)
    if not isinstance(table, Table):
        return
    source = _live_rows(storage, state, table, sources, check)
    entry = None
    views = [segment.view(table, storage.missing_column) for segment in sources]
    if source.row_count:
        with reserved_for_writing(storage.memory, views, source.attnums):
            entry = write_segment(storage.data_files, source)
    inherited: list[AttachRecord] = []
    superfluous = inherited
    lsn = None
    try:
        if entry is not None:
            inherited = superfluous = _inherited(storage, table, entry, views)
        with storage.commit_lock:
            wanted = [r for r in inherited if isinstance(storage.head.catalog.get(r.index_oid), Index)]
            lsn = _publish_edit(storage, table_oid, sources, entry, wanted)
        if lsn is not None:
            superfluous = [record for record in inherited if record not in wanted]
    finally:
        if lsn is None:
            _discard(storage, entry)
        _discard_indexes(storage, superfluous)
    if lsn is not None:
        storage.wait_durable(lsn)


def _inherited(
    storage: Storage, table: Table, entry: SegmentEntry, sources: Sequence[SegmentView]
) -> list[AttachRecord]:
    """Write the index files that a new segment comes with. A failure leaves it without: they can be built later."""
    if storage.index_heir is None:
        return []
    path = storage.data_files.path(entry.segment_id, layout.ROWS_SUFFIX)
    rows = SealedRows(BlockFile.open(storage.files, path), entry)
    view = SegmentState(rows, entry.row_count, 0).view(table, storage.missing_column)
    records = []
    try:
        for index_oid, buffers in storage.index_heir(table.oid, view, sources).items():
            file_id = _write_index(storage, index_oid, entry.segment_id, buffers)
            records.append(AttachRecord(table.oid, entry.segment_id, index_oid, file_id, False))
            storage.data_files.prepare(file_id, layout.INDEX_SUFFIX)
        storage.data_files.sync_folder()
    except QuiverError as error:
        _log.warning(
            "segment %d of table %d is to get its indexes later: %s", entry.segment_id, table.oid, error
        )
        _discard_indexes(storage, records)
        return []
    return records


def _discard_indexes(storage: Storage, records: Sequence[AttachRecord]) -> None:
    discard_files(storage.data_files, [(record.file_id, layout.INDEX_SUFFIX) for record in records])


def _discard(storage: Storage, entry: SegmentEntry | None) -> None:
    if entry is not None:
        discard_files(storage.data_files, entry_files(entry))


def _live_rows(
    storage: Storage,
    state: DatabaseState,
    table: Table,
    sources: Sequence[SegmentState],
    check: Callable[[], None],
) -> SegmentSource:
    """The rows of some segments that are not deleted in `state`, in row id order."""
    parts: list[tuple[SegmentView, RowOffsets]] = []
    for segment in sources:
        view = segment.view(table, storage.missing_column)
        parts.append((view, offsets_from_bits(view.visible_bits, view.row_count)))
    row_ids: RowIds = np.concatenate([view.row_ids[offsets] for view, offsets in parts])
    order: RowOffsets | None = None
    if len(row_ids) > 1 and (row_ids[1:] <= row_ids[:-1]).any():
        # Segments overlap when a large transaction was sealed while other rows were still growing.
        order = np.argsort(row_ids, kind="stable")
        row_ids = row_ids[order]

    def column(attnum: int) -> pa.Array:
        check()
        pieces = [selected(view.column(attnum), offsets) for view, offsets in parts]
        whole = concatenated(pieces, pieces[0].type)
        return whole if order is None else whole.take(pa.array(order))

    attnums = [c.attnum for c in table.live_columns()]
    specs = unique_specs(table, state.catalog.indexes_of(table.oid), storage.options.index_expressions)
    return SegmentSource(len(row_ids), row_ids, attnums, column, specs)


def _publish_edit(
    storage: Storage,
    table_oid: int,
    sources: Sequence[SegmentState],
    entry: SegmentEntry | None,
    inherited: Sequence[AttachRecord],
) -> int | None:
    """Log the edit; its LSN, or None when the sources are gone (the table was dropped or truncated)."""
    now = {segment.rows.uid: segment for segment in storage.head.table_state(table_oid).segments()}
    if any(segment.rows.uid not in now for segment in sources):
        return None
    deleted = [_deleted_since(segment, now[segment.rows.uid]) for segment in sources]
    patches = [
        patch
        for segment in sources
        if (patch := _patched_since(table_oid, segment, now[segment.rows.uid])) is not None
    ]
    if not _can_hold(storage, table_oid, sources, patches):
        return None
    sealed = [s.rows.segment_id for s in sources if isinstance(s.rows, SealedRows)]
    in_memory = [s for s in sources if not isinstance(s.rows, SealedRows)]
    covered = max((int(s.rows.row_ids(s.row_count)[-1]) for s in in_memory), default=0)
    record = EditRecord(table_oid, tuple(sealed), covered, entry, np.sort(np.concatenate(deleted)))
    return storage.append_group([record, *patches, *inherited])


def _deleted_since(segment: SegmentState, now: SegmentState) -> RowIds:
    """Rows deleted between two states of one segment."""
    offsets = segment.rows.tombstones.offsets(segment.tombstone_count, now.tombstone_count)
    return segment.row_ids()[offsets]


def _patched_since(table_oid: int, segment: SegmentState, now: SegmentState) -> PatchRecord | None:
    """What makes the rows of one state of a segment those of a later state, deletes aside."""
    overlay, before = now.overlay, segment.overlay
    if overlay is None or overlay is before:
        return None
    is_chosen = segment.row_ids() != overlay.row_ids
    is_chosen[segment.rows.tombstones.offsets(0, now.tombstone_count)] = False
    chosen = np.flatnonzero(is_chosen)
    if not len(chosen):
        return None
    columns = {
        attnum: selected(column, chosen)
        for attnum in overlay.attnums()
        if (column := overlay.column(attnum)) is not (None if before is None else before.column(attnum))
    }
    batch = patch_batch(segment.row_ids()[chosen], columns, overlay.row_ids[chosen])
    return PatchRecord(table_oid, None, batch)


def _can_hold(
    storage: Storage, table_oid: int, sources: Sequence[SegmentState], patches: Sequence[PatchRecord]
) -> bool:
    """Whether the merged columns have room for patches that came meanwhile; if not, the merge is given up."""
    if not patches:
        return True
    table = storage.head.catalog.table(table_oid)
    sizes: Counter[int] = Counter()
    for patch in patches:
        sizes.update({a: c.nbytes for a, c in patch.columns.items() if has_offsets(c.type)})
    for segment in sources:
        view = segment.view(table, storage.missing_column)
        live = {column.attnum for column in table.live_columns()}
        sizes.update({attnum: view.column(attnum).nbytes for attnum in list(sizes) if attnum in live})
    return all(size_bytes <= VARIABLE_BYTES_MAX for size_bytes in sizes.values())


def checkpoint(storage: Storage) -> None:
    """Seal what is large, start a new log file, write the manifest, remove what it makes superfluous."""
    for table_oid, table in list(storage.published.tables.items()):
        if table.frozen or table.memory_bytes() > storage.options.checkpoint_rows_bytes_max:
            freeze(storage, table_oid)
            seal_frozen(storage, table_oid)
        _write_missing_keys(storage, table_oid)
    with storage.commit_lock:
        if storage.head.lsn == storage.manifest_lsn:
            return
        storage.log.rotate()
        state = storage.head
        obsolete = storage.data_files.take_obsolete()
        pinned = Checkpoint(state, storage.oid_limit, storage.sequences.logged())
    written: dict[Overlay, int] = {}
    try:
        _write_overlays(storage, state, written)
        folder = os.path.join(storage.path, layout.MANIFEST_FOLDER)
        write_manifest(storage.files, folder, replace(pinned, overlays=written), storage.missing_column)
    except BaseException:
        obsolete += [storage.data_files.path(i, layout.OVERLAY_SUFFIX) for i in written.values()]
        storage.data_files.return_obsolete(obsolete)
        raise
    _keep_overlays(storage, written)
    storage.manifest_lsn = state.lsn
    try:
        remove_superseded(storage, state.lsn)
    except QuiverError as error:
        # The manifest counts. The files are harmless, and the next checkpoint finds them again.
        _log.warning("%s; it is tried again", error)
    storage.data_files.remove(obsolete)


def _write_overlays(storage: Storage, state: DatabaseState, written: dict[Overlay, int]) -> None:
    """Write the overlays of a state that no file has, and note the files' ids in `written`."""
    for table in state.tables.values():
        for segment in table.sealed:
            overlay = segment.overlay
            if overlay is not None and overlay.saved is None:
                written[overlay] = write_overlay(storage.data_files, overlay, segment.rows.segment_id)
    if written:
        storage.data_files.sync_folder()


def _keep_overlays(storage: Storage, written: Mapping[Overlay, int]) -> None:
    """Let the overlays that the new manifest names read from their files, which gives their memory back."""
    files = {overlay: storage.data_files.open(i, layout.OVERLAY_SUFFIX) for overlay, i in written.items()}
    with storage.commit_lock:
        segments = (segment for table in storage.head.tables.values() for segment in table.sealed)
        current = {segment.overlay for segment in segments}
        for overlay, file in files.items():
            if overlay in current:
                storage.release_rows(overlay.memory_bytes)
                overlay.keep_in(written[overlay], file)
            else:
                storage.data_files.retire(file)


def remove_superseded(storage: Storage, lsn: int) -> None:
    """Remove manifests before `lsn` and log files that end at or before it."""
    folder = os.path.join(storage.path, layout.MANIFEST_FOLDER)
    for number in manifest_numbers(storage.files, folder):
        if number < lsn:
            storage.files.remove(os.path.join(folder, layout.numbered_name(number, layout.MANIFEST_SUFFIX)))
    folder = os.path.join(storage.path, layout.LOG_FOLDER)
    names = storage.files.list_names(folder)
    numbers = sorted(n for name in names if (n := layout.number_of(name, layout.LOG_SUFFIX)) is not None)
    for number, following in pairwise(numbers):
        if following <= lsn + 1:
            storage.files.remove(os.path.join(folder, layout.numbered_name(number, layout.LOG_SUFFIX)))


def _write_missing_keys(storage: Storage, table_oid: int) -> None:
    """Give sealed segments the key files they lack: those older than the index, those that were damaged."""
    state = storage.published
    table = state.catalog.get(table_oid)
    if not isinstance(table, Table):
        return
    specs = unique_specs(table, state.catalog.indexes_of(table_oid), storage.options.index_expressions)
    for spec in specs:
        for segment in state.table_state(table_oid).sealed:
            attached = segment.attachments.get(spec.index_oid)
            if attached is not None and not attached.file.is_damaged:
                continue
            keys = segment.view(table, storage.missing_column).sorted_keys(spec)
            file_id = storage.data_files.allocate_id()
            write_keys(storage.data_files, file_id, keys)
            _attach(storage, spec.index_oid, segment.rows.segment_id, file_id, is_keys=True)


def install_index(
    storage: Storage, index_oid: int, segment_id: int, buffers: dict[str, npt.NDArray[Any]]
) -> bool:
    """See `Storage.install_index`."""
    file_id = _write_index(storage, index_oid, segment_id, buffers)
    return _attach(storage, index_oid, segment_id, file_id, is_keys=False)


def _write_index(
    storage: Storage, index_oid: int, segment_id: int, buffers: Mapping[str, npt.NDArray[Any]]
) -> int:
    """Write and sync an index file, without the folder; its id."""
    file_id = storage.data_files.allocate_id()
    with storage.data_files.writer(file_id, layout.INDEX_SUFFIX) as writer:
        for name, array in buffers.items():
            writer.add_array(name, array)
        writer.finish({"kind": "index", "index": index_oid, "segment": segment_id})
    return file_id


def _attach(storage: Storage, index_oid: int, segment_id: int, file_id: int, *, is_keys: bool) -> bool:
    """Publish a file that was written for a segment; False when the segment or the index is gone."""
    suffix = layout.KEYS_SUFFIX if is_keys else layout.INDEX_SUFFIX
    lsn = None
    try:
        storage.data_files.sync_folder()
        storage.data_files.prepare(file_id, suffix)
        with storage.commit_lock:
            index = storage.head.catalog.get(index_oid)
            table_oid = index.table_oid if isinstance(index, Index) else 0
            sealed = storage.head.table_state(table_oid).sealed
            if any(segment.rows.segment_id == segment_id for segment in sealed):
                record = AttachRecord(table_oid, segment_id, index_oid, file_id, is_keys)
                lsn = storage.append_group([record])
    finally:
        if lsn is None:
            storage.data_files.discard(file_id, suffix)
    if lsn is not None:
        storage.wait_durable(lsn)
    return lsn is not None
