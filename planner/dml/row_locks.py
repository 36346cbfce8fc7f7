"""Finding rows and locking them: what a change does about rows that others changed since its snapshot.

Under READ COMMITTED the row is waited for and then looked at again in its newest version, which may not match any
more; rows that nobody touched keep what was computed for them. Under REPEATABLE READ the change fails.
https://www.postgresql.org/docs/15/transaction-iso.html, 13.2.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from foundation.errors import SerializationFailure
from planner.dml.matching import Matches, merged_matches
from planner.services import ExecutionContext
from storage import Isolation, Transaction
from storage.lock_modes import RowStrength
from storage.locks import WaitPolicy
from storage.rows import RowIds
from storage.successors import MOVED_ROW


def locked_matches(
    find: Callable[[ExecutionContext], Matches],
    table_oid: int,
    strength: RowStrength,
    context: ExecutionContext,
) -> Matches:
    """The rows that `find` finds at the snapshot, locked and current.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ when another transaction changed one of them.
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014, while waiting.
    """
    transaction = context.transaction
    matches = find(context)
    replaced = transaction.lock_rows(table_oid, matches.row_ids, strength).is_replaced
    if not replaced.any():
        return matches
    if transaction.isolation is not Isolation.READ_COMMITTED:
        transaction.check_not_replaced(table_oid, matches.row_ids[replaced])
    newest = locked_newest(table_oid, matches.row_ids[replaced], strength, transaction)
    # The locked versions are in this snapshot: whoever made them has ended, and nobody can replace them now.
    transaction.catch_up()
    # They are in no view that was taken of the table before.
    others = {oid: view for oid, view in context.tables_before.items() if oid != table_oid}
    again = find(replace(context, tables_before=others))
    return merged_matches(matches.take(~replaced), again.take(np.isin(again.row_ids, newest)))


def locked_newest(
    table_oid: int,
    replaced: RowIds,
    strength: RowStrength,
    transaction: Transaction,
    policy: WaitPolicy = WaitPolicy.WAIT,
) -> RowIds:
    """The newest versions of rows that were replaced, locked; of deleted and of skipped ones there is none.

    Raises:
        SerializationFailure: 40001, one is in another partition now.
    """
    found = [replaced[:0]]
    while len(replaced):
        newest = transaction.newest_versions(table_oid, replaced)
        if (newest == np.uint64(MOVED_ROW)).any():
            raise SerializationFailure(
                "tuple to be locked was already moved to another partition due to concurrent update"
            )
        newest = newest[newest != 0]
        locked = transaction.lock_rows(table_oid, newest, strength, policy)
        found.append(newest[locked.is_locked & ~locked.is_replaced])
        replaced = newest[locked.is_locked & locked.is_replaced]
    return np.concatenate(found)
