"""Who has locked what and who waits for whom: pg_locks, pg_blocking_pids, pg_stat_activity.wait_event.

pg_locks has the tables and advisory keys that are locked, and everything that is waited for. Row locks and key
reservations that are granted are left out, as PostgreSQL keeps row locks on the rows.
https://www.postgresql.org/docs/15/view-pg-locks.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import CatalogObject
from storage.lock_modes import AdvisoryKey, LockKind, SharedMode, TableMode
from storage.locks import LockRow


@rows_of("pg_locks")
def pg_locks(view: CatalogView) -> Iterator[Row]:
    known = {obj.oid for obj in view.objects(CatalogObject)}
    # What a session has locked for itself and for its transaction it has once.
    by_holder = {
        (r.kind, r.oid, r.id, r.mode, r.process_id, r.is_granted): r for r in view.storage.locks.rows()
    }
    for row in by_holder.values():
        yield {
            **_target(row, view.database_oid if row.id in known or row.oid in known else None),
            "virtualtransaction": f"{row.process_id}/{row.owner_number}", "pid": row.process_id,
            "granted": row.is_granted, "fastpath": False,
        }  # fmt: skip


def wait_event(view: CatalogView, process_id: int) -> str | None:
    """What a process waits for, as pg_stat_activity.wait_event names locks."""
    for row in view.storage.locks.rows():
        if row.process_id == process_id and not row.is_granted:
            return str(_target(row, None)["locktype"])
    return None


@catalog_function("pg_blocking_pids")
def pg_blocking_pids(view: CatalogView, process_id: int) -> list[int]:
    return view.storage.locks.blocking_processes(process_id)


def _target(row: LockRow, database_oid: int | None) -> Row:
    """What is locked, in which mode. `database_oid`: of a relation of this database."""
    if row.kind is LockKind.TABLE:
        mode = TableMode(row.mode).title
        return {"locktype": "relation", "database": database_oid, "relation": row.id, "mode": mode}
    if row.kind is LockKind.ADVISORY:
        key = AdvisoryKey(row.oid, row.id)
        return {
            "locktype": "advisory", "database": key.database_oid, "classid": key.high, "objid": key.low,
            "objsubid": key.key_class, "mode": SharedMode(row.mode).title,
        }  # fmt: skip
    if row.kind is LockKind.ROW:
        return {"locktype": "tuple", "database": database_oid, "relation": row.oid, "mode": "ExclusiveLock"}
    return {"locktype": "transactionid", "mode": "ShareLock"}
