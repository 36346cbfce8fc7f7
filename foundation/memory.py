"""One memory budget over everything that holds bytes: growing rows, indexes, caches, statements.

A holder reserves before it allocates and releases after it frees. The budget counts what it is told; it does
not measure the process. `quiver_memory()` prints `held()`.
"""

from __future__ import annotations

import threading
from collections import Counter

from foundation.errors import OutOfMemory


class MemoryBudget:
    """Bytes reserved under names, never above `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._held: Counter[str] = Counter()
        self._total_bytes = 0
        self._lock = threading.Lock()

    def reserve(self, holder: str, size_bytes: int) -> None:
        """Take `size_bytes` for `holder`.

        Raises:
            OutOfMemory: 53200, when the budget would be passed; nothing is reserved then.
        """
        with self._lock:
            if self._total_bytes + size_bytes > self.limit_bytes:
                raise OutOfMemory(
                    "out of memory",
                    detail=f"{holder} asked for {size_bytes} bytes; {self._total_bytes} of {self.limit_bytes} are in use.",
                    hint="Raise quiver.memory_limit or reduce the size of the statement.",
                )
            self._held[holder] += size_bytes
            self._total_bytes += size_bytes

    def release(self, holder: str, size_bytes: int) -> None:
        with self._lock:
            assert self._held[holder] >= size_bytes, f"{holder} releases more than it holds"
            self._held[holder] -= size_bytes
            self._total_bytes -= size_bytes

    def held(self) -> dict[str, int]:
        """Bytes by holder, those with none left out."""
        with self._lock:
            return {holder: size for holder, size in self._held.items() if size}


class MemoryAccount:
    """What one owner holds of a budget, so that an owner that fails halfway can give back exactly that."""

    def __init__(self, budget: MemoryBudget, holder: str) -> None:
        self._budget = budget
        self._holder = holder
        self._held_bytes = 0
        self._lock = threading.Lock()

    def reserve(self, size_bytes: int) -> None:
        """`MemoryBudget.reserve`, with the same error."""
        with self._lock:
            self._budget.reserve(self._holder, size_bytes)
            self._held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        with self._lock:
            self._budget.release(self._holder, size_bytes)
            self._held_bytes -= size_bytes

    def release_all(self) -> None:
        with self._lock:
            self._budget.release(self._holder, self._held_bytes)
            self._held_bytes = 0
