"""Which partition a row belongs to: the bounds of one partitioned table, ready to be searched.

A map is of one level: a row of a table whose partition is partitioned itself is looked up in the map of that one next
(`planner.partitions.routing`). Maps are kept for as long as the table and its partitions are the same objects of the catalog.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import SqlType
from planner.partitions.hashing import row_hashes
from planner.partitions.keys import Decoder, End, Key, column_keys, end_of, key_of_text
from storage.catalog import Catalog, Table
from storage.partition_objects import PartitionBound, PartitionKey, PartitionStrategy
from storage.partition_tree import children

Places = npt.NDArray[np.int64]
"""(n,) positions among a table's partitions, -1 for none."""

_MAPS_MAX = 256
_maps: OrderedDict[int, PartitionMap] = OrderedDict()
_maps_lock = Lock()


@dataclass(frozen=True)
class PartitionMap:
    """The partitions of a table, in the order of their OIDs, and where their bounds lie."""

    table: Table
    partitions: tuple[Table, ...]
    decode: Decoder

    @property
    def key(self) -> PartitionKey:
        assert self.table.partition_key is not None, "only a partitioned table has a map"
        return self.table.partition_key

    @cached_property
    def types(self) -> list[SqlType]:
        return [self.table.column_at(attnum).type for attnum in self.key.attnums]

    @cached_property
    def bounds(self) -> list[PartitionBound]:
        return [_bound_of(partition) for partition in self.partitions]

    @cached_property
    def default(self) -> int:
        """The place of the default partition, -1 for none."""
        return next((place for place, bound in enumerate(self.bounds) if bound.is_default), -1)

    @cached_property
    def listed(self) -> dict[Key | None, int]:
        """Of LIST: value -> place; None is NULL."""
        return {key: place for place, bound in enumerate(self.bounds) for key in self.keys_of(bound)}

    def keys_of(self, bound: PartitionBound) -> list[Key | None]:
        """The values of a list bound."""
        return [
            None if text is None else key_of_text(text, self.types[0], self.decode) for text in bound.values
        ]

    @cached_property
    def ranges(self) -> list[tuple[End, End, int]]:
        """Of RANGE: (lower, upper, place), ascending."""
        return sorted(
            (*self.ends_of(bound), place) for place, bound in enumerate(self.bounds) if not bound.is_default
        )

    def ends_of(self, bound: PartitionBound) -> tuple[End, End]:
        """A range bound's ends."""
        return end_of(bound.lower, self.types, self.decode), end_of(bound.upper, self.types, self.decode)

    @cached_property
    def _lowers(self) -> list[End]:
        return [lower for lower, _, _ in self.ranges]

    @cached_property
    def remainders(self) -> Places:
        """Of HASH: the place for each remainder by the greatest modulus."""
        greatest = max((bound.modulus for bound in self.bounds), default=1)
        found = np.full(greatest, -1, dtype=np.int64)
        for place, bound in enumerate(self.bounds):
            found[bound.remainder :: bound.modulus] = place
        return found

    def places(self, columns: Sequence[pa.Array]) -> Places:
        """Where rows belong.

        Args:
            columns: (n,) arrays of the key's columns, in its order.
        """
        if self.key.strategy is PartitionStrategy.HASH:
            hashes = row_hashes(list(columns), self.types)
            return self.remainders[(hashes % np.uint64(len(self.remainders))).astype(np.int64)]
        if self.key.strategy is PartitionStrategy.LIST:
            keys = column_keys(columns[0], self.types[0])
            return np.fromiter(map(self.place_of_value, keys), np.int64, len(keys))
        found = self._integer_places(columns)
        if found is not None:
            return found
        rows = list(zip(*(column_keys(c, t) for c, t in zip(columns, self.types, strict=True)), strict=True))
        known = {row: self.place_of_row(row) for row in set(rows)}
        return np.fromiter((known[row] for row in rows), np.int64, len(rows))

    def place_of_value(self, key: Key | None) -> int:
        """The place of a value in a LIST."""
        return self.listed.get(key, self.default)

    def place_of_row(self, keys: tuple[Key | None, ...]) -> int:
        """The place of a row in a RANGE: one with a NULL is in no range."""
        if None in keys:
            return self.default
        end = tuple((0, key) for key in keys)
        found = bisect.bisect_right(self._lowers, end) - 1
        if found >= 0 and end < self.ranges[found][1]:
            return self.ranges[found][2]
        return self.default

    def _integer_places(self, columns: Sequence[pa.Array]) -> Places | None:
        """`places` for a RANGE over one column of integers, dates or times, by one search of the whole column."""
        column = columns[0]
        if len(columns) > 1 or not (pa.types.is_integer(column.type) or pa.types.is_temporal(column.type)):
            return None
        if not self.ranges or pa.types.is_duration(column.type) or pa.types.is_interval(column.type):
            return None
        narrow = column.cast(pa.int32()) if pa.types.is_date32(column.type) else column
        values = narrow.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        found = np.searchsorted(self._integers(0), values, side="right") - 1
        is_inside = (found >= 0) & ((values < self._integers(1)[found]) | self._is_unbounded[found])
        is_inside &= ~column.is_null().to_numpy(zero_copy_only=False)
        ordered = np.array([place for _, _, place in self.ranges], dtype=np.int64)
        return np.where(is_inside, ordered[found], self.default)

    def _integers(self, side: int) -> npt.NDArray[np.int64]:
        limits = np.iinfo(np.int64)
        numbers = {-1: limits.min, 1: limits.max}
        ends = [(lower, upper)[side][0] for lower, upper, _ in self.ranges]
        return np.array([numbers.get(end[0], end[1]) for end in ends], dtype=np.int64)

    @cached_property
    def _is_unbounded(self) -> npt.NDArray[np.bool_]:
        return np.array([upper[0][0] == 1 for _, upper, _ in self.ranges], dtype=np.bool_)


def _bound_of(partition: Table) -> PartitionBound:
    assert partition.partition_bound is not None, "a partition has a bound"
    return partition.partition_bound


def partition_map(catalog: Catalog, table: Table, decode: Decoder) -> PartitionMap:
    """The map of a partitioned table."""
    partitions = tuple(children(catalog, table))
    with _maps_lock:
        known = _maps.get(table.oid)
        if known is not None and known.table is table and _are_same(known.partitions, partitions):
            _maps.move_to_end(table.oid)
            return known
    made = map_of(table, partitions, decode)
    with _maps_lock:
        _maps[table.oid] = made
        while len(_maps) > _MAPS_MAX:
            _maps.popitem(last=False)
    return made


def map_of(table: Table, partitions: Iterable[Table], decode: Decoder) -> PartitionMap:
    """The map of a table with some of its partitions, or with others."""
    return PartitionMap(table, tuple(partitions), decode)


def _are_same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))
