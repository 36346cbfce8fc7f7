"""SELECT ... FOR UPDATE and its kin: rows are found, locked in the order of the result, and cut to LIMIT last.

Rows that SKIP LOCKED leaves out, and rows that another transaction changed so that they do not match any more, do not
count for LIMIT: the query is run again until there are enough. Under READ COMMITTED a row that was waited for is
returned in its newest version; rows that came in meanwhile are not, as in PostgreSQL (EvalPlanQual). The query runs
over the tables with their row ids as hidden outputs. https://www.postgresql.org/docs/15/sql-select.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import SerializationFailure
from foundation.sqltypes import INT8
from planner import bound
from planner.dml.matching import scan_with_row_id
from planner.dml.row_locks import locked_newest
from planner.limits import row_range
from planner.services import ExecutionContext
from storage import Isolation, TableView
from storage.locks import WaitPolicy
from storage.rows import RowIds

_MORE_ROWS = 32
"""How many rows beyond LIMIT are looked at first where some may be skipped."""

Mask = npt.NDArray[np.bool_]


def locked_batches(select: bound.Select, context: ExecutionContext) -> Iterator[pa.RecordBatch]:
    """The result of a SELECT whose `locks` are taken on the rows it returns.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ when another transaction changed one of the rows.
        LockNotAvailable: 55P03, NOWAIT or lock_timeout. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    search = _Search(select, context)
    while not search.is_done:
        search.look()
    yield from search.result.to_batches()


class _Search:
    """The state of one execution: which rows are out, and which newer versions stand for those that are."""

    def __init__(self, select: bound.Select, context: ExecutionContext) -> None:
        self.is_done = False
        self.result = pa.table({})
        self._select = select
        self._context = context
        self._wanted = row_range(select.limit, select.offset, context)
        self._fetched = self._wanted.stop
        if self._fetched is not None and any(lock.policy is WaitPolicy.SKIP_LOCKED for lock in select.locks):
            self._fetched += _MORE_ROWS
        self._rows: pa.Table | None = None
        self._skipped: dict[bound.RowLock, RowIds] = {}
        self._newest: dict[bound.RowLock, RowIds] = {}
        self._first_views: dict[int, TableView] = {}
        """The tables as the statement saw them first, once it has taken a newer snapshot."""

    def look(self) -> None:
        """Lock the first rows that are not out. Done when all of them are current and there are enough."""
        if self._rows is None:
            self._rows = self._run()
        kept = self._rows.filter(pa.array(self._is_wanted(self._rows)))
        stop = self._wanted.stop
        if stop is not None and len(kept) < stop and len(self._rows) == self._fetched:
            self._fetched = 4 * self._fetched
            self._rows = None
            return
        kept = kept if stop is None else kept.slice(0, stop)
        if all(self._lock(lock, _ids(kept, self._column(lock))) for lock in self._select.locks):
            self.is_done = True
            self.result = kept.slice(self._wanted.offset).select(list(range(len(self._select.targets))))

    def _run(self) -> pa.Table:
        from planner.planning import plan_statement

        limit = None if self._fetched is None else bound.Constant(self._fetched, INT8)
        query = replace(with_row_ids(self._select), limit=limit, offset=None, locks=())
        plan = plan_statement(query)
        names = [f"c{i}" for i in range(len(query.targets))]
        batches = [batch.rename_columns(names) for batch in plan.execute(self._context).batches()]
        if not batches:
            return pa.table({name: pa.nulls(0, pa.int64()) for name in names})
        return pa.Table.from_batches(batches)

    def _column(self, lock: bound.RowLock) -> int:
        return len(self._select.targets) + self._select.locks.index(lock)

    def _is_wanted(self, rows: pa.Table) -> Mask:
        """(n,) rows that are not skipped and, after a newer snapshot, were there before or stand for such a row."""
        wanted = np.ones(len(rows), dtype=np.bool_)
        for lock in self._select.locks:
            ids = _ids(rows, self._column(lock))
            if lock in self._skipped:
                wanted &= ~np.isin(ids, self._skipped[lock])
            if lock.table_oid in self._first_views:
                known = np.isin(ids, self._newest.get(lock, ids[:0])) | (ids == 0)
                for segment in self._first_views[lock.table_oid].segments:
                    known |= segment.find(ids) >= 0
                wanted &= known
        return wanted

    def _lock(self, lock: bound.RowLock, ids: RowIds) -> bool:
        """Lock rows of one table; False when some of them are out, so that the rows must be chosen again."""
        transaction = self._context.transaction
        unique = ids[np.sort(np.unique(ids, return_index=True)[1])]
        unique = unique[unique != 0]
        locked = transaction.lock_rows(lock.table_oid, unique, lock.strength, lock.policy)
        replaced = unique[locked.is_locked & locked.is_replaced]
        self._skip(lock, unique[~locked.is_locked])
        if not len(replaced):
            return bool(locked.is_locked.all())
        if transaction.isolation is not Isolation.READ_COMMITTED:
            raise SerializationFailure("could not serialize access due to concurrent update")
        newest = locked_newest(lock.table_oid, replaced, lock.strength, transaction, lock.policy)
        before = self._newest.get(lock, newest[:0])
        self._newest[lock] = np.concatenate([before, newest])
        if not self._first_views:
            self._first_views = {
                other.table_oid: transaction.table_view(other.table_oid) for other in self._select.locks
            }
        transaction.catch_up()
        self._rows = None
        return False

    def _skip(self, lock: bound.RowLock, ids: RowIds) -> None:
        before = self._skipped.get(lock, ids[:0])
        self._skipped[lock] = np.concatenate([before, ids])


def _ids(rows: pa.Table, column: int) -> RowIds:
    """(n,) ids of a table's rows, 0 where a row is of another one."""
    ids: npt.NDArray[np.int64] = rows.column(column).fill_null(0).to_numpy()
    return ids.view(np.uint64)


def with_row_ids(select: bound.Select) -> bound.Select:
    """The SELECT with the row ids of the tables that it locks as further outputs, in the order of `locks`."""
    assert select.from_ is not None
    relation_ids = {lock.relation_id for lock in select.locks if lock.row_id is None}
    found: dict[int, bound.Target] = {}

    def extended(relation: bound.Relation) -> bound.Relation:
        if isinstance(relation, bound.Join):
            return replace(relation, left=extended(relation.left), right=extended(relation.right))
        if isinstance(relation, bound.TableScan) and relation.relation_id in relation_ids:
            scan, column = scan_with_row_id(relation)
            found[relation.relation_id] = bound.Target(column, "row_id")
            return scan
        return relation

    from_ = extended(select.from_)
    ids = (
        found[lock.relation_id] if lock.row_id is None else bound.Target(lock.row_id, "row_id")
        for lock in select.locks
    )  # fmt: skip
    return replace(select, from_=from_, targets=(*select.targets, *ids))
