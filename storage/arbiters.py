"""Arbiters of INSERT ... ON CONFLICT: which proposed rows meet a row that is there, and which meet each other.

Keys are looked up among the rows that are committed *now*, with the transaction's own changes on top, not in the
snapshot: under READ COMMITTED a row committed after the snapshot is a conflict too, as in PostgreSQL. The proposed
rows are judged in their order: of equal keys the first is inserted and stands in the way of the others.

Keys are reserved before they are looked up, and the rows that have them are locked, or waited for at least, so what
was found stays so until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import FeatureNotSupported, ObjectNotInPrerequisiteState
from storage.catalog import Catalog, Index
from storage.key_specs import KeySpec, unique_specs
from storage.keys import KeyBatch, first_equal, key_batch
from storage.lock_modes import RowStrength
from storage.rows import RowIds
from storage.transaction import Transaction
from storage.view import TableView
from storage.writeset import PROVISIONAL_ID_MIN


@dataclass(frozen=True, slots=True)
class Arbitration:
    """What became of n proposed rows.

    Attributes:
        view: the table that was looked at.
        existing_ids: (n,) uint64, the row that has a key of the proposed row; 0 = none.
        is_first: (n,) bool, no row that is there and no earlier new row has one of its keys: it is new.
    """

    view: TableView
    existing_ids: RowIds
    is_first: npt.NDArray[np.bool_]

    @property
    def meets_row(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: a row is there that has a key of the proposed row."""
        return np.not_equal(self.existing_ids, 0)


def arbiter_indexes(catalog: Catalog, table_oid: int, index_oids: Sequence[int]) -> list[Index]:
    """The arbiters by OID, all unique indexes for (), in the order in which they are looked at.

    Raises:
        ObjectNotInPrerequisiteState: 55000, one of them is checked at the end of the statement or later.
        FeatureNotSupported: 0A000, one of them is that of an EXCLUDE constraint.
    """
    indexes = [
        index
        for index in catalog.indexes_of(table_oid)
        if (index.is_unique or index.is_exclusion) and (not index_oids or index.oid in index_oids)
    ]
    for index in indexes:
        if index.is_deferrable:
            raise ObjectNotInPrerequisiteState(
                "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
                table=catalog.table(table_oid).name,
                constraint=index.name,
            )
        if index.is_exclusion:
            raise FeatureNotSupported("ON CONFLICT with an exclusion constraint is not supported")
    return indexes


def next_own_id(transaction: Transaction, table_oid: int) -> int:
    """The id that the next row written to the table gets: from here on rows are those of the running statement."""
    writes = transaction.writes.get(table_oid)
    return PROVISIONAL_ID_MIN + (0 if writes is None else writes.row_count)


def arbitrate(
    transaction: Transaction,
    table_oid: int,
    indexes: Sequence[Index],
    batch: pa.RecordBatch,
    strength: RowStrength | None,
) -> Arbitration:
    """Reserve the keys of proposed rows, look them up and lock the rows that have them.

    Args:
        indexes: the arbiters, from `arbiter_indexes`.
        batch: (n) complete rows, columns named by str(attnum).
        strength: how existing rows are locked; None = whoever changes one is only waited for, as DO NOTHING does.

    Raises:
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    table = transaction.catalog.table(table_oid)
    proposed: list[tuple[KeySpec, KeyBatch]] = []
    for spec in unique_specs(table, indexes, transaction.options.index_expressions):
        keys = key_batch(spec, [batch.column(str(attnum)) for attnum in spec.read_attnums])
        transaction.locks.reserve_keys(spec.index_oid, keys.hashes[keys.has_key])
        proposed.append((spec, keys))
    view, existing = _existing_rows(transaction, table_oid, proposed, len(batch))
    while not _settled(transaction, table_oid, existing, strength):
        view, existing = _existing_rows(transaction, table_oid, proposed, len(batch))
    groups = [first_equal(keys, is_exact=spec.hash_is_exact) for spec, keys in proposed]
    return Arbitration(view, existing, _first_rows(groups, existing == 0))


def _existing_rows(
    transaction: Transaction, table_oid: int, proposed: Sequence[tuple[KeySpec, KeyBatch]], row_count: int
) -> tuple[TableView, RowIds]:
    """The table as it is now, and for each proposed row the row that has its key by the first such arbiter, or 0."""
    view = transaction.current_table(table_oid)
    existing = np.zeros(row_count, dtype=np.uint64)
    for spec, keys in proposed:
        positions, row_ids = view.visible_matches(spec, keys)
        is_new = existing[positions] == 0
        existing[positions[is_new]] = row_ids[is_new]
    return view, existing


def _settled(
    transaction: Transaction, table_oid: int, existing: RowIds, strength: RowStrength | None
) -> bool:
    """Lock the existing rows, or wait for who changes them. False when one was changed meanwhile."""
    row_ids = np.unique(existing[existing != 0])
    mark = transaction.locks.mark()
    asked = RowStrength.SHARE if strength is None else strength
    locked = transaction.lock_rows(table_oid, row_ids, asked)
    if strength is None:
        transaction.locks.rollback_to(mark)
    return not locked.is_replaced.any()


def _first_rows(groups: Sequence[RowOffsets], is_free: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows that share no key with an earlier one that is inserted.

    `groups` has for each arbiter the first position with each row's key, -1 for no key; rows that are not
    `is_free` meet an existing row and are not inserted.
    """
    rows = np.arange(len(is_free), dtype=np.int64)
    is_first: npt.NDArray[np.bool_] = is_free.copy()
    if len(groups) == 1:
        # Who shares a key with an existing row shares its fate, so the first of a group is free when one is.
        is_first &= (groups[0] < 0) | (groups[0] == rows)
        return is_first
    is_shared = np.zeros(len(is_free), dtype=np.bool_)
    for group in groups:
        has_key = np.flatnonzero(group >= 0)
        counts = np.bincount(group[has_key], minlength=len(group))
        is_shared[has_key] |= counts[group[has_key]] > 1
    # Per-row Python, 1 us a row and key: only rows that share a key, with several arbiters.
    taken: list[set[int]] = [set() for _ in groups]
    for row in np.flatnonzero(is_shared & is_free).tolist():
        own = [int(group[row]) for group in groups]
        if any(key in keys for key, keys in zip(own, taken)):
            is_first[row] = False
            continue
        for key, keys in zip(own, taken):
            if key >= 0:
                keys.add(key)
    return is_first
