"""SQL's isolation levels."""

from __future__ import annotations

from enum import Enum


class Isolation(Enum):
    """What a transaction sees of others: `storage.serializable` tells what SERIALIZABLE is."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"

    @classmethod
    def of(cls, level: Isolation | str) -> Isolation:
        """By name; `read uncommitted` is `read committed`, as in PostgreSQL."""
        if isinstance(level, Isolation):
            return level
        if level == "read uncommitted":
            return cls.READ_COMMITTED
        return cls(level)
