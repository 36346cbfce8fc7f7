"""The isolation levels that are real here."""

from __future__ import annotations

from enum import Enum

from foundation.errors import FeatureNotSupported


class Isolation(Enum):
    """SQL's isolation levels without SERIALIZABLE, which is refused rather than approximated."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"

    @classmethod
    def of(cls, level: Isolation | str) -> Isolation:
        """By name; `read uncommitted` is `read committed`, as in PostgreSQL.

        Raises:
            FeatureNotSupported: 0A000, for serializable.
        """
        if isinstance(level, Isolation):
            return level
        if level == "read uncommitted":
            return cls.READ_COMMITTED
        if level not in [known.value for known in cls]:
            raise FeatureNotSupported(f"isolation level {level} is not supported")
        return cls(level)
