"""Which row version replaced which: what a transaction needs that waited for a row and finds it gone.

PostgreSQL follows a row's `ctid` to its next version (src/backend/executor/execMain.c, EvalPlanQual). Row ids here
say nothing of earlier versions, so a commit that updates rows notes the pairs in memory. Those that every open
snapshot is past are forgotten by the next commit that updates the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storage.rows import RowIds

MOVED_ROW = (1 << 64) - 1
"""In place of the next version's id: the row was given to another table, a partition beside its own."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Rows of one commit: (n,) uint64 old row ids, ascending, and the (n,) row ids of their new versions."""

    lsn: int
    old_ids: RowIds
    new_ids: RowIds

    @classmethod
    def of(cls, lsn: int, old_ids: RowIds, new_ids: RowIds) -> Replacement:
        order = np.argsort(old_ids)
        return cls(lsn, old_ids[order], new_ids[order])


class Successors:
    """Noted under the commit lock, read from any thread."""

    def __init__(self) -> None:
        self._by_table: dict[int, tuple[Replacement, ...]] = {}

    def note(self, table_oid: int, replacement: Replacement, oldest_lsn: int) -> None:
        """Remember a commit's pairs. `oldest_lsn`: of the oldest snapshot that is in use or can still be taken."""
        kept = [r for r in self._by_table.get(table_oid, ()) if r.lsn > oldest_lsn]
        self._by_table[table_oid] = (*kept, replacement)

    def newest(self, table_oid: int, row_ids: RowIds) -> RowIds:
        """(n,) uint64: the newest version of each row that was replaced, 0 where none is known, MOVED_ROW where it is elsewhere."""
        found = np.array(row_ids, dtype=np.uint64)
        for replacement in self._by_table.get(table_oid, ()):
            positions = np.searchsorted(replacement.old_ids, found)
            positions = np.minimum(positions, len(replacement.old_ids) - 1)
            is_replaced = replacement.old_ids[positions] == found
            found[is_replaced] = replacement.new_ids[positions[is_replaced]]
        found[found == row_ids] = 0
        return found
