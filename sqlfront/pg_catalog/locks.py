"""Rows of pg_locks: tables and advisory keys that are locked, and everything that is waited for.

Row locks and key reservations that are granted are left out, as PostgreSQL keeps row locks on the rows.
https://www.postgresql.org/docs/15/view-pg-locks.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import CatalogObject
from storage.lock_modes import LockKind, SharedMode, TableMode
from storage.locks import LockRow


@rows_of("pg_locks")
def pg_locks(view: CatalogView) -> Iterator[Row]:
    known = {obj.oid for obj in view.objects(CatalogObject)}
    for row in view.storage.locks.rows():
        yield {
            **_target(row, view.database_oid if row.id in known or row.oid in known else None),
            "virtualtransaction": f"{row.process_id}/{row.owner_number}", "pid": row.process_id,
            "granted": row.is_granted, "fastpath": False,
        }  # fmt: skip


def _target(row: LockRow, database_oid: int | None) -> Row:
    """What is locked, in which mode. `database_oid`: of a relation of this database."""
    if row.kind is LockKind.TABLE:
        mode = TableMode(row.mode).title
        return {"locktype": "relation", "database": database_oid, "relation": row.id, "mode": mode}
    if row.kind is LockKind.ADVISORY:
        # One 64-bit key: its halves, objsubid 1; two 32-bit keys: objsubid 2.
        mode = SharedMode(row.mode).title
        return {
            "locktype": "advisory", "database": row.oid >> 2, "classid": row.id >> 32,
            "objid": row.id & 0xFFFFFFFF, "objsubid": row.oid & 3, "mode": mode,
        }  # fmt: skip
    if row.kind is LockKind.ROW:
        return {"locktype": "tuple", "database": database_oid, "relation": row.oid, "mode": "ExclusiveLock"}
    return {"locktype": "transactionid", "mode": "ShareLock"}
