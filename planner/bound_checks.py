"""What is asked of values: CHECK constraints, and domains made of them. Part of the bound tree (`planner.bound`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.bound import Expression


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """A CHECK constraint; a row for which `condition` is FALSE violates it, NULL passes."""

    name: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class BoundDomain:
    """What a domain asks of its values, the domains below it included.

    `shown` is its name as messages have it. `checks` are in the order in which they are tried; their conditions read the
    value as the column (VALUE_RELATION, 0). They are no part of the tree around them: who walks it does not see them.
    """

    oid: int
    name: str
    schema: str
    shown: str
    not_null: bool
    checks: tuple[BoundCheck, ...]

    @property
    def is_free(self) -> bool:
        """Whether every value of the type below is one of the domain."""
        return not (self.not_null or self.checks)


VALUE_RELATION = 1
"""The relation of the value that a domain's condition is about."""
