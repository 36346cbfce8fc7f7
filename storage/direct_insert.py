"""Rows that are inserted and committed in one step: a transaction that does nothing else and never waits.

An INSERT of values needs no snapshot, no write set and no savepoint. What others would notice it has in common with all
transactions: the table is locked in ROW EXCLUSIVE mode and the keys are reserved until the rows are durable and visible; the
keys are compared with what is committed; the rows are a group of the log. From the look-up of the keys to the log the
commit lock is held, so nothing is committed between them.

Where somebody's locks would have to be waited for, or much is to be moved, WouldBlock is raised, and nothing has been done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foundation.errors import WouldBlock
from foundation.sqltypes import arrow_type
from storage import constraints
from storage.catalog import Catalog, Index, Table
from storage.changes import watched_attnums
from storage.committing import SHORT_COMMIT_BYTES
from storage.key_checks import first_key_conflict
from storage.key_specs import IndexExpressions, KeySpec, key_spec
from storage.keys import KeyBatch, key_batch
from storage.lock_modes import RowStrength, TableMode
from storage.lock_spaces import LockGroup
from storage.locks import Waiting
from storage.records import InsertRecord, encode_batch
from storage.rows import RowIds, rows_bytes
from storage.state import DatabaseState
from storage.transaction_locks import TransactionLocks

if TYPE_CHECKING:
    from storage.database import Storage

_NO_WAITING = Waiting(may_block=False)
_NO_IDS: RowIds = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class InsertTarget:
    """What a catalog says of a table that rows are inserted into. `schema` is that of complete rows."""

    catalog: Catalog
    table: Table
    schema: pa.Schema
    keys: tuple[tuple[Index, KeySpec], ...]

    @classmethod
    def of(cls, catalog: Catalog, table_oid: int, expressions: IndexExpressions) -> InsertTarget | None:
        """None for a table without columns, one with constraints checked after a statement (foreign keys, deferrable keys), and
        one whose rows belong to partitions."""
        table = catalog.table(table_oid)
        if table.partition_key is not None or table.parent_oid:
            return None
        if watched_attnums(catalog, table_oid) or not table.live_columns():
            return None
        fields = [pa.field(str(column.attnum), arrow_type(column.type)) for column in table.live_columns()]
        unique = sorted(
            (index for index in catalog.indexes_of(table_oid) if index.is_unique),
            key=lambda index: (not index.is_primary, index.oid),
        )
        keys = tuple((index, key_spec(table, index, expressions)) for index in unique)
        return cls(catalog, table, pa.schema(fields), keys)


class DirectInsert:
    """Made for one insertion; used by one thread at a time. `log` comes before `finish_commit`, or `rollback` ends it.

    `may_block`: it may take as long as writing many rows takes, and wait for a commit of others.
    """

    def __init__(self, storage: Storage, group: LockGroup, *, may_block: bool = False) -> None:
        self.is_open = True
        self._may_block = may_block
        self._storage = storage
        self._locks = TransactionLocks(storage.locks, group)
        self._locks.waiting = _NO_WAITING
        self._lsn = 0

    def lock(self, target: InsertTarget) -> None:
        """Lock the table. Raises WouldBlock, also where the catalog is not that of the target any more."""
        self._locks.lock_table(target.table, TableMode.ROW_EXCLUSIVE)
        if self._storage.catalog is not target.catalog:
            raise WouldBlock

    def log(self, target: InsertTarget, batch: pa.RecordBatch) -> int:
        """Insert complete rows of `target.schema` into the locked table; the LSN that has to become durable.

        Raises:
            NotNullViolation: 23502. UniqueViolation: 23505. OutOfMemory: 53200.
            WouldBlock: see above.
            DiskFull: 53100. IoFailure: 58030. Nothing is inserted in any of these cases.
        """
        storage, table = self._storage, target.table
        constraints.check_not_null(table, batch, storage.options.value_encoder)
        size_bytes = rows_bytes(batch)
        bytes_max = storage.options.write_set_bytes_max if self._may_block else SHORT_COMMIT_BYTES
        if size_bytes > bytes_max or storage.is_crowded(table.oid):
            raise WouldBlock
        encoded = encode_batch(batch)
        if not storage.commit_lock.acquire(blocking=self._may_block):
            raise WouldBlock
        try:
            head = storage.head
            if head.catalog is not target.catalog:
                raise WouldBlock
            keys = {
                spec.index_oid: self._new_keys(head, target, batch, index, spec)
                for index, spec in target.keys
            }
            record = InsertRecord(table.oid, head.next_row_id, batch, encoded, keys, size_bytes)
            storage.growing_memory.reserve(size_bytes)
            try:
                self._lsn = storage.append_group((record,))
                storage.last_changes.note((record,), self._lsn)
            except BaseException:
                storage.growing_memory.release(size_bytes)
                raise
        finally:
            storage.commit_lock.release()
        storage.activity.count_changes(table.oid, inserted=len(batch))
        return self._lsn

    def _new_keys(
        self, head: DatabaseState, target: InsertTarget, batch: pa.RecordBatch, index: Index, spec: KeySpec
    ) -> KeyBatch:
        """Reserve the keys of the rows in an index and see that nobody has them."""
        table, storage = target.table, self._storage
        columns = [batch.column(batch.schema.get_field_index(str(attnum))) for attnum in spec.read_attnums]
        keys = key_batch(spec, columns)
        self._locks.reserve_keys(spec.index_oid, keys.hashes[keys.has_key])
        segments = head.table_state(table.oid).view(table, storage.missing_column).segments
        conflict = first_key_conflict(keys, spec, segments, _NO_IDS)
        if conflict is None:
            return keys
        if conflict.row_id:
            # Who changes the row may give up its key.
            row_ids = np.array([conflict.row_id], dtype=np.uint64)
            self._locks.lock_rows(table, row_ids, RowStrength.SHARE)
        values = spec.values_at(columns, conflict.position)
        raise constraints.violation(table, index, spec, values, storage.options.value_encoder)

    def finish_commit(self, *, may_block: bool = True) -> None:
        """Return when the rows are durable and visible, and give up the locks. Raises IoFailure (58030)."""
        try:
            self._storage.wait_durable(self._lsn)
        finally:
            self.rollback()

    def rollback(self) -> None:
        """Give up the locks of what was not logged. Harmless afterwards."""
        self.is_open = False
        self._locks.release()
