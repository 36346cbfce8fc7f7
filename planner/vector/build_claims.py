"""Who is building which index, so that background work does not build what CREATE INDEX is about to."""

from __future__ import annotations

import threading


class BuildClaims:
    """Claims on index OIDs; safe from any thread."""

    def __init__(self) -> None:
        self._claimed: set[int] = set()
        self._first: set[int] = set()
        self._lock = threading.Lock()

    def claim(self, index_oid: int, *, is_first: bool = False) -> bool:
        """Take the right to build an index. False when somebody else has it.

        Args:
            is_first: CREATE INDEX does it, so the index serves nobody yet.
        """
        with self._lock:
            if is_first:
                self._first.add(index_oid)
            if index_oid in self._claimed:
                return False
            self._claimed.add(index_oid)
            return True

    def release(self, index_oid: int) -> None:
        """Give a claim up. Harmless without one."""
        with self._lock:
            self._claimed.discard(index_oid)
            self._first.discard(index_oid)

    def is_first_build(self, index_oid: int) -> bool:
        """Whether CREATE INDEX is about to build the index, or is building it."""
        with self._lock:
            return index_oid in self._first
