"""What is known of a query whatever its tables hold, so that a plan that is run again does not find it out again.

Which columns are mentioned, and which conditions are filters of a table, follows from the bound tree alone. Both take tenths of a
millisecond, as long as a small query takes in DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner import bound
from planner.relational.pushdown import LoweredSelect, lowered_select, used_positions


class QueryNotes:
    """Notes on one query, which a plan keeps beside it. Safe from any thread: whoever comes first notes what all would."""

    def __init__(self, query: bound.Query) -> None:
        self._query = query
        """Kept, so that no other node has the identity of one of its own."""
        self.used: Mapping[int, list[int]] = used_positions(query)
        self._selects = frozenset(id(node) for node in bound.walk(query) if isinstance(node, bound.Select))
        self._lowered: dict[int, LoweredSelect] = {}

    def lowered(self, select: bound.Select, untouched: frozenset[int]) -> LoweredSelect:
        """`lowered_select`, noted for a SELECT of the query that is as it was planned."""
        if untouched or id(select) not in self._selects:
            return lowered_select(select, untouched)
        known = self._lowered.get(id(select))
        if known is None:
            known = self._lowered[id(select)] = lowered_select(select, untouched)
        return known
