"""Rows of computed relations, kept from one statement to the next while nothing that they were made from has changed.

A client that looks around asks for pg_class and pg_attribute again and again, and making their rows takes some 10 us each.
What rows depend on is not declared, unless it cannot be seen: `CatalogView` notes how far their maker reached. What reached no further than the
catalog is good for that catalog and search path; what looked at committed rows (sizes, estimates), for the same state of
the database; anything else is made anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from weakref import ReferenceType, ref

import pyarrow as pa

from sqlfront.pg_catalog.relations import relation_rows
from sqlfront.pg_catalog.view import CatalogView, Reach
from storage.catalog import Catalog
from storage.state import DatabaseState

KEPT_BYTES = 64 << 20
"""What is kept in all, the least recently used is given up first."""

RelationRows = Callable[[str, str, CatalogView], pa.Table]
_Key = tuple[str, str, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Kept:
    catalog: Catalog
    state: ReferenceType[DatabaseState] | None
    """None: good for every state with that catalog. A state that is kept alive would keep all its rows."""
    rows: pa.Table

    def is_good_for(self, view: CatalogView) -> bool:
        if self.catalog is not view.catalog:
            return False
        state = view.unchanged_state()
        return self.state is None or (state is not None and self.state() is state)


class KeptRows:
    """Safe from any thread."""

    def __init__(self, make: RelationRows = relation_rows, size_bytes_max: int = KEPT_BYTES) -> None:
        self._make = make
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._size_bytes = 0
        self._size_bytes_max = size_bytes_max
        self._lock = threading.Lock()

    def rows(self, schema: str, name: str, view: CatalogView) -> pa.Table:
        """The rows of a relation, as `relations.relation_rows` has them; made where none are kept."""
        key = (schema, name, view.database_oid, view.search_path)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.is_good_for(view):
                self._kept.move_to_end(key)
                return kept.rows
        view.reach = Reach.CATALOG
        rows = self._make(schema, name, view)
        state = view.unchanged_state() if view.reach is Reach.ROWS else None
        if view.reach is Reach.CATALOG or state is not None:
            self._keep(key, _Kept(view.catalog, None if state is None else ref(state), rows))
        return rows

    def _keep(self, key: _Key, kept: _Kept) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._size_bytes += kept.rows.nbytes - (before.rows.nbytes if before is not None else 0)
            self._kept[key] = kept
            while self._size_bytes > self._size_bytes_max:
                _, oldest = self._kept.popitem(last=False)
                self._size_bytes -= oldest.rows.nbytes
