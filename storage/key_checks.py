"""Keys of new rows must be new: among themselves, to own rows, to the rows that are committed by now.

A key is reserved before it is looked up, so two transactions that insert it wait for each other. A committed row
that has it may be changed by another transaction, which is waited for too, through the row's lock. As in PostgreSQL
a key conflicts with what is committed, whether or not the snapshot shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from storage import constraints
from storage.catalog import Catalog
from storage.constraints import KeyConflict
from storage.key_specs import KeySpec, unique_specs
from storage.keys import KeyBatch, first_duplicate, key_batch
from storage.lock_modes import RowStrength
from storage.rows import RowIds
from storage.view import SegmentView
from storage.writeset import PROVISIONAL_ID_MIN, TableWrites

if TYPE_CHECKING:
    from storage.transaction import Transaction


def check_new_keys(
    transaction: Transaction, writes: TableWrites, batch: pa.RecordBatch, changed: frozenset[int] | None
) -> None:
    """Reserve and check the keys of rows that are about to be added.

    Args:
        changed: columns whose values may be others than in the row versions that are replaced; None = rows are new.
            An index without them keeps its keys.

    Raises:
        UniqueViolation: 23505. LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    table = writes.table
    indexes = {
        i.oid: i for i in transaction.catalog.indexes_of(table.oid) if i.is_unique and not i.is_deferrable
    }
    if not indexes:
        return
    transaction.checked.setdefault(table.oid, transaction.committed_table(table.oid))
    for spec in unique_specs(table, tuple(indexes.values()), transaction.options.index_expressions):
        if changed is not None and changed.isdisjoint(spec.read_attnums):
            continue
        columns = [batch.column(batch.schema.get_field_index(str(attnum))) for attnum in spec.read_attnums]
        keys = key_batch(spec, columns)
        transaction.locks.reserve_keys(spec.index_oid, keys.hashes[keys.has_key])
        conflict = _lasting_conflict(transaction, writes, spec, keys)
        if conflict is not None:
            values = spec.values_at(columns, conflict)
            raise constraints.violation(
                table, indexes[spec.index_oid], spec, values, transaction.options.value_encoder
            )


def _lasting_conflict(
    transaction: Transaction, writes: TableWrites, spec: KeySpec, keys: KeyBatch
) -> int | None:
    """The first key that a row has when nobody is changing that row any more."""
    table, missing = writes.table, transaction.missing_column
    while True:
        state = transaction.committed_table(table.oid)
        committed = () if writes.is_truncated else state.view(table, missing).segments
        own = writes.views_with(spec, keys.hashes, missing, table)
        conflict = first_key_conflict(keys, spec, (*committed, *own), writes.deleted_ids())
        if conflict is None:
            return None
        if conflict.row_id == 0 or conflict.row_id >= PROVISIONAL_ID_MIN:
            return conflict.position
        row_ids = np.array([conflict.row_id], dtype=np.uint64)
        transaction.locks.lock_rows(table, row_ids, RowStrength.SHARE)
        if constraints.current_mask(transaction.committed_table(table.oid), row_ids)[0]:
            return conflict.position


def first_key_conflict(
    keys: KeyBatch, spec: KeySpec, segments: Sequence[SegmentView], deleted: RowIds
) -> KeyConflict | None:
    """The first of `keys` that occurs twice or that a live row of `segments` has; None when all are new.

    `deleted` is as in `constraints.first_conflict`.
    """
    conflict = constraints.first_conflict(spec, keys, segments, deleted)
    pair = first_duplicate(keys) if len(keys) > 1 else None
    if pair is not None and (conflict is None or pair[1] < conflict.position):
        return KeyConflict(pair[1], 0)
    return conflict


def update_strength(catalog: Catalog, table_oid: int, changed: frozenset[int] | None) -> RowStrength:
    """How an update that may change these columns (None = any) locks its rows: unique keys take the stronger lock."""
    indexes = [
        i
        for i in catalog.indexes_of(table_oid)
        if i.is_unique and i.predicate_sql is None and all(i.key_attnums())
    ]
    keys = {n for index in indexes for n in index.key_attnums()}
    keeps_keys = not keys or (changed is not None and changed.isdisjoint(keys))
    return RowStrength.NO_KEY_UPDATE if keeps_keys else RowStrength.UPDATE
