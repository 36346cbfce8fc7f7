"""CREATE INDEX, after its transaction committed: fill the index.

The catalog entry comes first, so an index is never wrong, only not yet complete: rows without a graph are
scanned. The build seals the growing rows and merges small segments, so that one graph serves the table. A
build that fails or is cancelled takes its catalog entry away again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.vector import build_table_index
from storage.catalog import Index

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def build_indexes(session: LocalSession, index_oids: list[int]) -> None:
    """Build vector indexes of a committed CREATE INDEX, REINDEX or TRUNCATE.

    Raises:
        QueryCanceled: 57014, when the client gave up; the index is gone then.
    """
    storage = session.shared.storage
    for oid in index_oids:
        index = storage.catalog.get(oid)
        if not isinstance(index, Index) or index.metric is None:
            continue
        try:
            storage.flush_table(index.table_oid)
            storage.merge_segments(index.table_oid)
            build_table_index(
                storage,
                oid,
                cancel=session.cancel_token.word,
                threads=max(1, session.settings.integer("max_parallel_maintenance_workers")),
            )
            session.cancel_token.check()
        except BaseException:
            _drop(session, index)
            raise


def _drop(session: LocalSession, index: Index) -> None:
    transaction = session.shared.storage.begin()
    if transaction.catalog.get(index.oid) is not None:
        transaction.drop(index.oid)
    transaction.commit()
