"""Filling indexes, after the transaction that asked for it has committed.

The catalog entry comes first, so an index is never wrong, only not yet complete: rows without an index file are
scanned. The build of a vector index seals the growing rows and merges small segments, so that one graph serves the table;
that of a btree index takes the segments as they are. A CREATE INDEX that fails or is cancelled takes its catalog entry away again; an index that existed before stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.btree import build_btree_index
from planner.vector import BuildClaims, BuildReport, build_table_index
from storage.catalog import Index

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


CREATE_INDEX, REINDEX = "CREATE INDEX", "REINDEX"


@dataclass(frozen=True, slots=True)
class PendingBuild:
    """An index to fill; `is_new` when this transaction created it."""

    index_oid: int
    is_new: bool


class PendingBuilds:
    """The builds of one session's transaction, claimed from the start so that nobody else begins them."""

    def __init__(self, claims: BuildClaims) -> None:
        self._claims = claims
        self._builds: list[PendingBuild] = []

    def add(self, index_oids: Sequence[int], *, is_new: bool) -> None:
        for oid in index_oids:
            self._claims.claim(oid, is_first=is_new)
            self._builds.append(PendingBuild(oid, is_new))

    def forget(self) -> None:
        """The transaction was rolled back."""
        for build in self._builds:
            self._claims.release(build.index_oid)
        self._builds.clear()

    def run(self, session: LocalSession) -> None:
        """Build what the committed transaction asked for.

        Raises:
            QueryCanceled: 57014, when the client gave up. OutOfMemory: 53200.
        """
        try:
            for build in self._builds:
                _build(session, build)
        finally:
            self.forget()


def _build(session: LocalSession, build: PendingBuild) -> None:
    storage = session.shared.storage
    index = storage.catalog.get(build.index_oid)
    if not isinstance(index, Index):
        return
    report = BuildReport(
        session.identity.process_id, index.database_oid, index.table_oid, index.oid,
        command=CREATE_INDEX if build.is_new else REINDEX,
    )  # fmt: skip
    try:
        with session.shared.build_reports.reporting(report):
            if index.metric is None:
                build_btree_index(
                    storage, index.oid, check=session.cancel_token.check, rebuild=not build.is_new
                )
            else:
                _build_vectors(session, index, report)
        session.cancel_token.check()
    except BaseException:
        if build.is_new:
            _drop(session, index)
        raise


def _build_vectors(session: LocalSession, index: Index, report: BuildReport) -> None:
    """Seal and merge first, so that one graph serves the table."""
    storage = session.shared.storage
    storage.flush_table(index.table_oid)
    storage.merge_segments(index.table_oid)
    build_table_index(
        storage,
        index.oid,
        progress=report.count,
        on_phase=report.begin,
        cancel=session.cancel_token.word,
        threads=max(1, session.settings.integer("max_parallel_maintenance_workers")),
        rebuild=report.command == REINDEX,
    )


def _drop(session: LocalSession, index: Index) -> None:
    transaction = session.shared.storage.begin()
    if transaction.catalog.get(index.oid) is not None:
        transaction.drop(index.oid)
    transaction.commit()
