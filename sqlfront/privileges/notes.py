"""What a statement needs rights for that its bound tree does not show: written while it is bound."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.bound import Call, Expression


@dataclass(frozen=True, slots=True)
class WrittenView:
    """A view through which rows of a table are changed.

    `columns` are (attnum of the view, attnum of the table) of those that are the table's; `read_attnums` those of the table that
    the view's own condition reads.
    """

    view_oid: int
    columns: tuple[tuple[int, int], ...]
    read_attnums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WrittenViews:
    """The views between a statement and the table that it changes, the named one first, and what all of them ask of rows."""

    levels: tuple[WrittenView, ...]
    condition: Expression | None


@dataclass(slots=True)
class AccessNotes:
    """Shared by all parts of one statement."""

    functions: set[int] = field(default_factory=set)
    """OIDs of users' functions that were written out."""
    written: dict[int, WrittenViews] = field(default_factory=dict)
    """By the relation id of the changed table's scan."""
    identity_calls: list[Call] = field(default_factory=list)
    """The nextval() of identity columns: who may insert needs no right on the sequence."""
    defaults: list[Expression] = field(default_factory=list)
    """Values of columns that MERGE's INSERT does not name."""
    reads_views: bool = False
    """Whether a view was read or written through: its owner may have fewer rights than who asks."""
    locks_rows: bool = False
    """Whether a SELECT ... FOR UPDATE or its like was bound."""
