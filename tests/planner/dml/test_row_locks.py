"""Goal: following a replaced row to its newest version keeps to NOWAIT and SKIP LOCKED. Method: three transactions."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.dml.row_locks import locked_newest
from storage.errors import LockNotAvailable
from storage.lock_modes import RowStrength
from storage.locks import WaitPolicy
from tests.storage.sample_tables import batch, insert, make_table, open_storage, row_ids_of


def test_the_newest_version_is_not_waited_for(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, _ = make_table(storage)
        insert(storage, table, [1])
        with storage.begin() as late, storage.begin() as updater, storage.begin() as holder:
            old_ids = row_ids_of(late, table, [1])
            updater.update(table.oid, old_ids, batch([2]))
            updater.commit()
            holder.refresh_snapshot()
            newest = row_ids_of(holder, table, [2])
            holder.lock_rows(table.oid, newest, RowStrength.UPDATE)
            skipped = locked_newest(
                table.oid, old_ids, RowStrength.UPDATE, late, policy=WaitPolicy.SKIP_LOCKED
            )
            assert not len(skipped)
            with pytest.raises(LockNotAvailable):
                locked_newest(table.oid, old_ids, RowStrength.UPDATE, late, policy=WaitPolicy.NOWAIT)
            holder.rollback()
            found = locked_newest(table.oid, old_ids, RowStrength.UPDATE, late)
            assert found.tolist() == newest.tolist()
