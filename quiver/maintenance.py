"""Background work on a data directory: checkpoints, merges, index files for segments that lack them, graphs of growing rows.

One thread wakes once a second, or when a segment waits for its graph, and does what is due; a second one wakes oftener
and takes fresh rows into the graphs of the growing segments, which must not wait for a build; a third one flushes the log
for asynchronous commits. What fails is logged once and tried again, at growing intervals; it never reaches a client, whose
answers do not depend on this work having been done.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from foundation.backoff import Backoff
from foundation.cancel import CANCEL_SHUTDOWN, CancelToken
from foundation.errors import QuiverError, UndefinedObject
from planner.btree import build_btree_index, indexed_attnum, inherited_orders
from planner.vector import BuildClaims, GraphKeeper, build_table_index, inherited_indexes
from storage import SegmentView, Storage
from storage.catalog import Index, Table
from vecengine import Buffers

logger = logging.getLogger("quiver.maintenance")

ROUND_SECONDS = 1.0
GROWTH_SECONDS = 0.2
FROZEN_LEFT = 2
"""Full segments that commits leave to the next round; beyond that the writers are too fast and seal themselves."""


class Maintenance:
    """The background threads of one instance.

    Args:
        claims: indexes that sessions are building.
        flush_seconds: how often the log is flushed for asynchronous commits.
        build_threads: threads that a build of a graph may use; one processor is left to the sessions. On two busy
            processors a second thread saved a fifth of the time and doubled that of searches meanwhile.
    """

    def __init__(
        self, storage: Storage, claims: BuildClaims, *, flush_seconds: float, build_threads: int = 1
    ) -> None:
        self._build_threads = max(1, min(build_threads, (os.cpu_count() or 1) - 1))
        self._storage = storage
        self._claims = claims
        self._stop = threading.Event()
        self._is_round_due = threading.Event()
        self._cancel = CancelToken()
        self._keeper = GraphKeeper(storage)
        self._threads = [
            threading.Thread(target=self._repeat, args=arguments, name=name, daemon=True)
            for name, arguments in (
                ("quiver-maintenance", (self.run_once, ROUND_SECONDS, self._is_round_due)),
                ("quiver-graphs", (self.grow_once, GROWTH_SECONDS, None)),
                ("quiver-log", (storage.flush_log, flush_seconds, None)),
            )
        ]

    def start(self) -> None:
        self._storage.start_background(self._inherited, FROZEN_LEFT)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the step in hand; a running index build is cancelled and leaves nothing."""
        self._stop.set()
        self._is_round_due.set()
        self._cancel.cancel(CANCEL_SHUTDOWN)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._storage.stop_background()
        self._keeper.close()

    def _inherited(
        self, table_oid: int, segment: SegmentView, sources: Sequence[SegmentView]
    ) -> dict[int, Buffers]:
        graphs = inherited_indexes(
            self._storage,
            self._keeper,
            table_oid,
            segment,
            sources,
            threads=self._build_threads,
            cancel=self._cancel.word,
        )
        return {**graphs, **inherited_orders(self._storage, table_oid, segment)}

    def _repeat(self, work: Callable[[], None], seconds: float, is_due: threading.Event | None) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            if is_due is None or backoff.delay_s:
                self._stop.wait(max(seconds, backoff.delay_s))
            else:
                is_due.wait(seconds)
                is_due.clear()
            if self._stop.is_set():
                return
            try:
                work()
                if backoff.succeeded():
                    logger.info("background work succeeds again")
            except QuiverError as error:
                if not self._stop.is_set() and backoff.failed():
                    logger.warning("background work failed, it is tried again: %s", error)
            except Exception:
                backoff.failed()
                if not self._stop.is_set():
                    logger.exception("background work failed; it is tried again")

    def run_once(self) -> None:
        """One round: full segments to disk, a checkpoint if the log has grown, merges that are due, missing index files."""
        self._storage.seal_full_segments()
        if self._storage.needs_checkpoint():
            self._storage.checkpoint()
        merged = [self._compact(table) for table in self._storage.catalog.objects(Table)]
        if any(merged):
            # It removes the files that were merged.
            self._storage.checkpoint()
        indexes = self._vector_indexes()
        self._keeper.forget_all_but({index.oid for index in indexes})
        for index in self._storage.catalog.objects(Index):
            if not self._stop.is_set():
                self._build(index)

    def _compact(self, table: Table) -> bool:
        """Merge segments of a table, unless a session is building over them; whether anything was merged."""
        indexes = [index.oid for index in self._vector_indexes() if index.table_oid == table.oid]
        claimed = [oid for oid in indexes if self._claims.claim(oid)]
        try:
            return len(claimed) == len(indexes) and self._storage.compact_table(
                table.oid, check=self._cancel.check
            )
        except UndefinedObject:
            return False
        finally:
            for oid in claimed:
                self._claims.release(oid)

    def grow_once(self) -> None:
        """One round: take the rows that came since the last into the graphs of growing segments."""
        for index in self._vector_indexes():
            if self._stop.is_set():
                return
            # CREATE INDEX seals the rows first: it would wait for a graph of them, which its client cannot cancel.
            if self._claims.is_first_build(index.oid):
                continue
            if self._keeper.grow(index, self._cancel.word, threads=self._build_threads):
                self._is_round_due.set()

    def _vector_indexes(self) -> list[Index]:
        return [index for index in self._storage.catalog.objects(Index) if index.metric is not None]

    def _build(self, index: Index) -> None:
        """Build what an index lacks, unless a session does."""
        if not self._needs_files(index) or not self._claims.claim(index.oid):
            return
        try:
            if index.metric is None:
                build_btree_index(self._storage, index.oid, check=self._cancel.check)
            else:
                build_table_index(
                    self._storage,
                    index.oid,
                    cancel=self._cancel.word,
                    threads=self._build_threads,
                    keeper=self._keeper,
                )
        except UndefinedObject:
            logger.debug("index %s was dropped before its turn came", index.name)
        finally:
            self._claims.release(index.oid)

    def _needs_files(self, index: Index) -> bool:
        """Whether the index is one that keeps files beside segments."""
        table = self._storage.catalog.get(index.table_oid)
        return isinstance(table, Table) and (index.metric is not None or indexed_attnum(table, index) > 0)
