"""What can be locked, in which modes, and which modes conflict.

The tables are PostgreSQL's: https://www.postgresql.org/docs/15/explicit-locking.html. A mode's value is its rank:
for row strengths a higher one includes the lower ones, for table modes it is only the order of the manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class LockKind(Enum):
    """A family of things that can be locked; with an oid (0 where there is none) it names a `space` of ids."""

    ROW = "tuple"
    """Row ids of a table."""
    KEY = "key"
    """Key hashes of a unique index: a reservation, so that equal keys wait for each other's transaction."""
    TABLE = "relation"
    """OIDs of tables, in one space."""
    ADVISORY = "advisory"
    """Keys of advisory locks, see `AdvisoryKey`."""


class RowStrength(IntEnum):
    """FOR KEY SHARE ... FOR UPDATE. UPDATE of other than key columns takes NO_KEY_UPDATE, DELETE takes UPDATE."""

    KEY_SHARE = 0
    SHARE = 1
    NO_KEY_UPDATE = 2
    UPDATE = 3


class TableMode(IntEnum):
    """The eight modes of LOCK TABLE."""

    ACCESS_SHARE = 0
    ROW_SHARE = 1
    ROW_EXCLUSIVE = 2
    SHARE_UPDATE_EXCLUSIVE = 3
    SHARE = 4
    SHARE_ROW_EXCLUSIVE = 5
    EXCLUSIVE = 6
    ACCESS_EXCLUSIVE = 7

    @property
    def title(self) -> str:
        """As pg_locks and messages name it: AccessShareLock."""
        return self.name.title().replace("_", "") + "Lock"


class SharedMode(IntEnum):
    """Modes of key reservations and advisory locks."""

    SHARED = 0
    EXCLUSIVE = 1

    @property
    def title(self) -> str:
        return "ShareLock" if self is SharedMode.SHARED else "ExclusiveLock"


@dataclass(frozen=True, slots=True)
class AdvisoryKey:
    """What an advisory lock is on.

    `space_oid`: database OID << 2 | class, for every database has keys of its own, and one 64-bit number (class 1)
    is never the same key as two 32-bit numbers (class 2). `bits`: the number, or first << 32 | second, as uint64.
    """

    space_oid: int
    bits: int

    @property
    def database_oid(self) -> int:
        return self.space_oid >> 2

    @property
    def key_class(self) -> int:
        return self.space_oid & 3

    @property
    def high(self) -> int:
        """The upper 32 bits of the key, pg_locks.classid."""
        return self.bits >> 32

    @property
    def low(self) -> int:
        """The lower 32 bits of the key, pg_locks.objid."""
        return self.bits & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ModeTable:
    """`conflicts[mode]`: the modes that another holder must not have. `covers[mode]`: those that include it."""

    conflicts: tuple[tuple[int, ...], ...]
    covers: tuple[tuple[int, ...], ...]


_ROWS = ModeTable(
    conflicts=((3,), (2, 3), (1, 2, 3), (0, 1, 2, 3)),
    covers=((0, 1, 2, 3), (1, 2, 3), (2, 3), (3,)),
)
_SHARED = ModeTable(conflicts=((1,), (0, 1)), covers=((0, 1), (1,)))
_TABLES = ModeTable(
    conflicts=(
        (7,),
        (6, 7),
        (4, 5, 6, 7),
        (3, 4, 5, 6, 7),
        (2, 3, 5, 6, 7),
        (2, 3, 4, 5, 6, 7),
        (1, 2, 3, 4, 5, 6, 7),
        (0, 1, 2, 3, 4, 5, 6, 7),
    ),
    covers=tuple((mode,) for mode in range(8)),
)
# Advisory modes do not cover each other: each is held, shown and given up on its own.
_ADVISORY = ModeTable(conflicts=_SHARED.conflicts, covers=((0,), (1,)))

MODE_TABLES = {
    LockKind.ROW: _ROWS,
    LockKind.KEY: _SHARED,
    LockKind.TABLE: _TABLES,
    LockKind.ADVISORY: _ADVISORY,
}
