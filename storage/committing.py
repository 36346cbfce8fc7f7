"""Turning a transaction's write set into one group of log records, with all checks.

What can be done before the commit lock is taken is done there: rows are encoded, large sets become sealed
segments. Under the lock the checks against the newest state follow, then row ids are given out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence as Seq
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import (
    DuplicateDatabase,
    DuplicateObject,
    DuplicateSchema,
    DuplicateTable,
    QuiverError,
    SerializationFailure,
)
from storage import constraints
from storage.batches import marked_rows
from storage.catalog import (
    RELATION_KINDS,
    TEMPORARY_SCHEMA_PREFIX,
    AnyView,
    Catalog,
    CatalogObject,
    CheckConstraint,
    ForeignKey,
    Index,
    Persistence,
    Schema,
    Sequence,
    Table,
)
from storage.checksum import BytesLike
from storage.datafiles import DataFiles
from storage.key_checks import first_key_conflict
from storage.key_specs import key_spec, unique_specs
from storage.keys import key_batch
from storage.overlay import can_hold, has_offsets
from storage.partition_tree import foreign_keys_at
from storage.records import (
    CatalogRecord,
    DeleteRecord,
    InsertRecord,
    LinkRecord,
    PatchRecord,
    Record,
    TruncateRecord,
    encode_batch,
    patch_batch,
)
from storage.references import check_references
from storage.revisions import RevisedRows, key_attnums
from storage.rows import RowIds, SegmentEntry, dense_ids, rows_bytes
from storage.sealed import (
    SegmentSource,
    concatenated,
    discard_files,
    entry_files,
    reserved_for_writing,
    selected,
    write_segment,
)
from storage.state import DatabaseState
from storage.transaction import Transaction
from storage.type_objects import UserType
from storage.user_types import missing_types
from storage.view import MissingColumn, SegmentView
from storage.writeset import PROVISIONAL_ID_MIN, TableWrites

SHORT_COMMIT_BYTES = 1 << 16
"""More than so much takes longer than others may be kept waiting."""


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """A table's new rows, ready for the log: a batch with its encoding, or a segment written already; and patches."""

    writes: TableWrites
    batch: pa.RecordBatch | None = None
    encoded: BytesLike = b""
    entry: SegmentEntry | None = None
    patches: tuple[PreparedPatch, ...] = ()
    memory_bytes: int = 0
    """What the batch will take in the growing segment."""

    @property
    def row_count(self) -> int:
        count = sum(len(patch.batch) for patch in self.patches)
        if self.entry is not None:
            return count + self.entry.row_count
        return count if self.batch is None else count + len(self.batch)

    def own_ids(self, first_row_id: int) -> RowIds:
        """(own rows,) uint64 ids that they get from `first_row_id` on, 0 for those that are not live."""
        is_left = self.writes.own_live_mask()
        row_ids = np.zeros(len(is_left), dtype=np.uint64)
        for patch in self.patches:
            row_ids[patch.ordinals] = dense_ids(first_row_id, len(patch.ordinals))
            is_left[patch.ordinals] = False
            first_row_id += len(patch.ordinals)
        row_ids[is_left] = dense_ids(first_row_id, int(np.count_nonzero(is_left)))
        return row_ids


def must_be_synchronous(transaction: Transaction) -> bool:
    """Whether the commit waits for the disk whatever was asked: it has DDL, or its rows' files are removed."""
    return bool(transaction.puts or transaction.drops) or any(
        writes.is_truncated for writes in transaction.writes.values()
    )


def changes_only_temporary(transaction: Transaction) -> bool:
    """Whether nothing of the commit outlives its session, so that no disk need be waited for.

    Not where rows' files are removed: a state that still names them must not come back.
    """
    if transaction.drops or any(writes.is_truncated for writes in transaction.writes.values()):
        return False
    catalog = transaction.catalog
    written = (catalog.get(oid) for oid in transaction.writes)
    return all(_is_temporary(catalog, obj) for obj in (*transaction.puts.values(), *written))


def _is_temporary(catalog: Catalog, obj: CatalogObject | None) -> bool:
    match obj:
        case Table() | Sequence():
            return obj.persistence is Persistence.TEMPORARY
        case Schema():
            return obj.name.startswith(TEMPORARY_SCHEMA_PREFIX)
        case Index() | CheckConstraint() | ForeignKey():
            return _is_temporary(catalog, catalog.get(obj.table_oid))
        case _:
            return False


def takes_long(transaction: Transaction) -> bool:
    """Whether the commit has more to do than to log a few rows."""
    writes = transaction.writes.values()
    if transaction.puts or transaction.drops or any(w.is_truncated or w.is_spilled for w in writes):
        return True
    return sum(w.memory_bytes + w.deleted_ids().nbytes for w in writes) > SHORT_COMMIT_BYTES


@dataclass(frozen=True, slots=True)
class PreparedPatch:
    """Live revised rows that change the same columns, as the log will have them."""

    batch: pa.RecordBatch
    encoded: BytesLike
    ordinals: RowOffsets
    """(m,) which own rows these are."""
    source_rows: int
    """Rows of the segments that are patched, which get new columns."""

    @property
    def overlay_bytes(self) -> int:
        """About what the new columns and row ids will take."""
        return self.source_rows * int(self.batch.nbytes) // len(self.batch)


def prepare(transaction: Transaction, data_files: DataFiles, missing: MissingColumn) -> list[PreparedTable]:
    """Encode or seal the new rows of every table that is not dropped in the same transaction."""
    prepared: list[PreparedTable] = []
    try:
        for table_oid, writes in sorted(transaction.writes.items()):
            if writes.has_changes and table_oid not in transaction.drops:
                prepared.append(_prepare_table(transaction, writes, data_files, missing))
    except BaseException:
        discard(prepared, data_files)
        raise
    return prepared


def discard(prepared: list[PreparedTable], data_files: DataFiles) -> None:
    """Remove the segments of a transaction that did not commit."""
    for table in prepared:
        if table.entry is not None:
            discard_files(data_files, entry_files(table.entry))


def _prepare_table(
    transaction: Transaction, writes: TableWrites, data_files: DataFiles, missing: MissingColumn
) -> PreparedTable:
    table = transaction.catalog.table(writes.table.oid)
    plain = writes.only_batch(table)
    if plain is not None:
        return PreparedTable(writes, plain, encode_batch(plain), memory_bytes=writes.waiting_bytes)
    parts = [(view, offsets) for view, offsets in writes.live_parts(missing, table) if len(offsets)]
    patches = _prepare_patches(parts, table)
    parts = [part for part in parts if not isinstance(part[0].stored_rows, RevisedRows)]
    if not parts:
        return PreparedTable(writes, patches=patches)

    def column(attnum: int) -> pa.Array:
        pieces = [selected(view.column(attnum), offsets) for view, offsets in parts]
        return concatenated(pieces, pieces[0].type)

    attnums = [column.attnum for column in table.live_columns()]
    if writes.is_spilled:
        indexes = transaction.catalog.indexes_of(table.oid)
        specs = unique_specs(table, indexes, transaction.options.index_expressions)
        count = sum(len(offsets) for _, offsets in parts)
        stream = writes.finished_stream(table)
        source = SegmentSource(count, None, attnums, column, specs)
        copied = [attnum for attnum in attnums if stream is None or attnum != stream.attnum]
        with reserved_for_writing(transaction.memory, [view for view, _ in parts], copied):
            return PreparedTable(writes, entry=write_segment(data_files, source, stream), patches=patches)
    if attnums:
        batch = pa.RecordBatch.from_arrays(list(map(column, attnums)), names=list(map(str, attnums)))
    else:
        batch = marked_rows(sum(len(offsets) for _, offsets in parts))
    return PreparedTable(writes, batch, encode_batch(batch), patches=patches, memory_bytes=rows_bytes(batch))


def _prepare_patches(parts: Seq[tuple[SegmentView, RowOffsets]], table: Table) -> tuple[PreparedPatch, ...]:
    """The revised ones among own live rows, those that change the same columns as one patch."""
    live = {str(column.attnum) for column in table.live_columns()}
    batches: dict[tuple[str, ...], list[pa.RecordBatch]] = {}
    ordinals: dict[tuple[str, ...], list[RowIds]] = {}
    source_rows: Counter[tuple[str, ...]] = Counter()
    for view, offsets in parts:
        rows = view.stored_rows
        if not isinstance(rows, RevisedRows):
            continue
        names = tuple(name for name in rows.changed.schema.names if name in live)
        columns = {int(name): selected(rows.changed.column(name), offsets) for name in names}
        batches.setdefault(names, []).append(patch_batch(rows.replaced_ids[offsets], columns))
        ordinals.setdefault(names, []).append(view.row_ids[offsets] - np.uint64(PROVISIONAL_ID_MIN))
        source_rows[names] += rows.source.row_count
    patches = []
    for names, pieces in batches.items():
        whole = (
            pieces[0] if len(pieces) == 1 else pa.Table.from_batches(pieces).combine_chunks().to_batches()[0]
        )
        own = np.concatenate(ordinals[names]).astype(np.int64)
        patches.append(PreparedPatch(whole, encode_batch(whole), own, source_rows[names]))
    return tuple(patches)


def check_and_record(
    transaction: Transaction,
    prepared: list[PreparedTable],
    head: DatabaseState,
    encode: constraints.ValueEncoder,
) -> list[Record]:
    """All checks against `head`, then the records with their row ids. The caller holds the commit lock.

    Raises:
        SerializationFailure: 40001. UniqueViolation: 23505. DuplicateTable and its like: 42P07, ...
    """
    catalog = _checked_catalog(transaction, head.catalog)
    for oid, state in transaction.expected.items():
        if oid not in transaction.drops and head.table_state(oid) is not state:
            raise _conflict()
    check_references(transaction, head, catalog)
    for table in prepared:
        _check_table(transaction, table.writes, head, catalog)
        _check_patches(transaction, table, head)
    for obj in transaction.puts.values():
        if isinstance(obj, Index) and obj.is_unique and obj.table_oid not in transaction.drops:
            _check_put_index(transaction, obj, head, catalog, encode)
    for table in prepared:
        if table.writes.row_count:
            _check_keys(transaction, table.writes, head, catalog, encode)
    return _records(transaction, prepared, head)


def _conflict() -> SerializationFailure:
    return SerializationFailure("could not serialize access due to concurrent update")


def _checked_catalog(transaction: Transaction, committed: Catalog) -> Catalog:
    """The catalog after this commit; DDL must not overwrite DDL it has not seen."""
    if not transaction.bases:
        return committed
    changed = {*transaction.puts, *transaction.drops}
    for oid, base in transaction.bases.items():
        if oid in changed and committed.get(oid) is not base:
            raise _conflict()
    catalog = committed.with_changes(transaction.puts.values(), transaction.drops)
    for obj in transaction.puts.values():
        namesake = committed.named_like(obj)
        if namesake is not None and namesake.oid not in changed:
            raise _name_taken(obj)
        if isinstance(obj, Index) and not isinstance(catalog.get(obj.table_oid), Table):
            raise _conflict()
    _check_views(transaction, committed, catalog)
    _check_types_remain(transaction, catalog)
    return catalog


def _check_views(transaction: Transaction, committed: Catalog, catalog: Catalog) -> None:
    """A view and what it reads must have known each other: nothing locks the relations while a view is made."""
    for obj in transaction.puts.values():
        read = obj.references if isinstance(obj, AnyView) else ()
        if any(catalog.get(oid) is not transaction.catalog.get(oid) for oid, _ in read):
            raise _conflict()
    for oid in (*transaction.puts, *transaction.drops):
        for view in committed.views_over(oid):
            if transaction.catalog.get(view.oid) is not view and view.oid not in transaction.bases:
                raise _conflict()


def _check_types_remain(transaction: Transaction, catalog: Catalog) -> None:
    """Nothing may use a type that another transaction dropped, and no type may go that another one began to use."""
    is_dropped = any(isinstance(transaction.bases[oid], UserType) for oid in transaction.drops)
    users = catalog.all_objects() if is_dropped else transaction.puts.values()
    if any(missing_types(catalog, user) for user in users):
        raise _conflict()


def _name_taken(obj: CatalogObject) -> QuiverError:
    if obj.kind in RELATION_KINDS:
        return DuplicateTable(f'relation "{obj.name}" already exists')
    make: dict[str, Callable[[str], QuiverError]] = {"schema": DuplicateSchema, "database": DuplicateDatabase}
    word = "type" if isinstance(obj, UserType) else obj.kind
    return make.get(obj.kind, DuplicateObject)(f'{word} "{obj.name}" already exists')


def _check_table(
    transaction: Transaction, writes: TableWrites, head: DatabaseState, catalog: Catalog
) -> None:
    """The table must still be what rows were written for, and the deleted rows still current."""
    table = catalog.get(writes.table.oid)
    if not isinstance(table, Table) or table.columns != writes.table.columns:
        raise _conflict()
    if _foreign_keys(catalog, table.oid) != _foreign_keys(transaction.catalog, table.oid):
        # A constraint that was added meanwhile does not know these rows.
        raise _conflict()
    if not writes.is_truncated:
        deleted = writes.deleted_ids()
        if len(deleted):
            constraints.check_rows_current(head.table_state(table.oid), deleted)


def _check_patches(transaction: Transaction, prepared: PreparedTable, head: DatabaseState) -> None:
    """Columns of a unique index that came meanwhile are not patched, and a merged segment must have room."""
    table_oid = prepared.writes.table.oid
    for patch in prepared.patches:
        record = PatchRecord(table_oid, None, patch.batch)
        if not key_attnums(head.catalog, prepared.writes.table, transaction.options).isdisjoint(
            record.columns
        ):
            raise _conflict()
        long = {attnum: values for attnum, values in record.columns.items() if has_offsets(values.type)}
        for segment in head.table_state(table_oid).sealed if long else ():
            view = segment.view(prepared.writes.table, transaction.missing_column)
            is_full = any(not can_hold(view.column(attnum), values) for attnum, values in long.items())
            if is_full and (segment.find(record.replaced_ids) >= 0).any():
                raise _conflict()


def _foreign_keys(catalog: Catalog, table_oid: int) -> tuple[set[int], set[int]]:
    return (
        {constraint.oid for constraint in catalog.constraints_of(table_oid)},
        {constraint.oid for constraint in foreign_keys_at(catalog, table_oid)},
    )


def _check_put_index(
    transaction: Transaction, index: Index, head: DatabaseState, catalog: Catalog, encode: Any
) -> None:
    """A unique index made here must hold for rows that were committed since it was checked."""
    table = catalog.table(index.table_oid)
    if transaction.checked.get(table.oid) is head.table_state(table.oid):
        return
    segments = transaction.current_view(head, table).segments
    spec = key_spec(table, index, transaction.options.index_expressions)
    constraints.check_buildable(table, index, spec, segments, encode)


def _check_keys(
    transaction: Transaction, writes: TableWrites, head: DatabaseState, catalog: Catalog, encode: Any
) -> None:
    """Keys of own rows again, when anything was committed to the table since they were checked."""
    table = catalog.table(writes.table.oid)
    indexes = {i.oid: i for i in catalog.indexes_of(table.oid) if i.is_unique}
    state = head.table_state(table.oid)
    if transaction.checked.get(table.oid) is state or not indexes:
        return
    missing = transaction.missing_column
    committed = () if writes.is_truncated else state.view(table, missing).segments
    parts = [(view, offsets) for view, offsets in writes.live_parts(missing, table) if len(offsets)]
    for spec in unique_specs(table, tuple(indexes.values()), transaction.options.index_expressions):
        columns = [_own_column(parts, attnum) for attnum in spec.read_attnums] if parts else []
        if not columns:
            return
        conflict = first_key_conflict(key_batch(spec, columns), spec, committed, writes.deleted_ids())
        if conflict is not None:
            values = spec.values_at(columns, conflict.position)
            raise constraints.violation(table, indexes[spec.index_oid], spec, values, encode)


def _own_column(parts: list[Any], attnum: int) -> pa.Array:
    pieces = [selected(view.column(attnum), offsets) for view, offsets in parts]
    return concatenated(pieces, pieces[0].type)


def _records(transaction: Transaction, prepared: list[PreparedTable], head: DatabaseState) -> list[Record]:
    records: list[Record] = []
    if transaction.puts or transaction.drops:
        records.append(CatalogRecord(tuple(transaction.puts.values()), tuple(sorted(transaction.drops))))
    next_row_id = head.next_row_id
    for table in prepared:
        table_oid = table.writes.table.oid
        patched: list[Record] = []
        deleted = table.writes.deleted_ids()
        for patch in table.patches:
            record = PatchRecord(table_oid, next_row_id, patch.batch, patch.encoded)
            patched.append(record)
            deleted = np.setdiff1d(deleted, record.replaced_ids, assume_unique=True)
            next_row_id += len(patch.batch)
        if table.writes.is_truncated:
            records.append(TruncateRecord(table_oid))
        elif len(deleted):
            records.append(DeleteRecord(table_oid, deleted))
        records += patched
        if table.entry is not None:
            records.append(LinkRecord(table_oid, replace(table.entry, first_row_id=next_row_id)))
            next_row_id += table.entry.row_count
        elif table.batch is not None:
            batch, size_bytes = table.batch, table.memory_bytes
            records.append(
                InsertRecord(table_oid, next_row_id, batch, table.encoded, memory_bytes=size_bytes)
            )
            next_row_id += len(table.batch)
    return records
