"""Rows that leave a table for another one: those of a partition whose new key belongs to a partition beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storage.rows import RowIds

if TYPE_CHECKING:
    from storage.transaction import Transaction


def delete_moved(transaction: Transaction, table_oid: int, row_ids: RowIds) -> None:
    """Delete rows that are to be inserted elsewhere: who waits for one finds `MOVED_ROW` in place of its next version.

    Raises:
        As `Transaction.delete`.
    """
    transaction.delete(table_oid, row_ids)
    transaction.writes[table_oid].note_moved(np.asarray(row_ids, dtype=np.uint64))
