"""Background work on a data directory: checkpoints, and graphs for segments that have none yet.

One thread wakes once a second and does what is due. Its failures are logged and tried again at the next round;
they never reach a client, whose answers do not depend on this work having been done.
"""

from __future__ import annotations

import logging
import threading

from foundation.cancel import CANCEL_SHUTDOWN, CancelToken
from foundation.errors import UndefinedObject
from planner.vector import BuildClaims, build_table_index
from storage import Storage
from storage.catalog import Index

logger = logging.getLogger("quiver.maintenance")

ROUND_SECONDS = 1.0


class Maintenance:
    """The background thread of one instance."""

    def __init__(self, storage: Storage, claims: BuildClaims) -> None:
        self._storage = storage
        self._claims = claims
        self._stop = threading.Event()
        self._cancel = CancelToken()
        self._thread = threading.Thread(target=self._run, name="quiver-maintenance", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the step in hand; a running index build is cancelled and leaves nothing."""
        self._stop.set()
        self._cancel.cancel(CANCEL_SHUTDOWN)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(ROUND_SECONDS):
            try:
                self.run_once()
            except Exception:
                if not self._stop.is_set():
                    logger.exception("background work failed; it is tried again")

    def run_once(self) -> None:
        """One round: a checkpoint if the log has grown, then missing graphs."""
        if self._storage.needs_checkpoint():
            self._storage.checkpoint()
        for index in self._storage.catalog.objects(Index):
            if index.metric is not None and not self._stop.is_set():
                self._build(index)

    def _build(self, index: Index) -> None:
        if self._claims.claim(index.oid):
            try:
                build_table_index(self._storage, index.oid, cancel=self._cancel.word, threads=1)
            except UndefinedObject:
                logger.debug("index %s was dropped before its turn came", index.name)
            finally:
                self._claims.release(index.oid)
