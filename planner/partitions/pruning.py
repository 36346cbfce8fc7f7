"""Which partitions may have rows that a condition holds for.

Tests of key columns against values (those that btree indexes answer, `planner.btree.conditions`) are gathered from the conjuncts
of a condition; arms of an OR are taken one by one. Values are computed now: constants, parameters, `now()`. Whatever else a
condition says keeps every partition, so what is left out has no row that it is TRUE for.

    LIST    a partition stays if one of its values passes each test
    RANGE   equalities on leading columns and an interval on the next one make spans of the key's order
    HASH    equalities on all columns give the partition; IS NULL counts as one
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner import bound
from planner.btree.conditions import column_test, column_values
from planner.evaluate.zone_maps import conjuncts
from planner.partitions.keys import Key, key_function
from planner.partitions.partition_map import PartitionMap
from planner.services import EvaluationContext
from storage.partition_objects import PartitionStrategy

Mask = npt.NDArray[np.bool_]
"""(n,) bool over a table's partitions: whether one has to be looked at."""

_COMBINATIONS_MAX = 256
"""Of candidate values for several columns; more of them are not gone through."""

_NULL = object()
"""Stands for NULL among the candidates of a column."""


@dataclass(slots=True)
class _ColumnTests:
    """What a conjunction says of one key column. `candidates` are the values it may have, None = any."""

    candidates: list[Any] | None = None
    scalars: list[pa.Scalar] | None = None
    lower: tuple[Key, bool] | None = None
    """(value, whether it is included)."""
    upper: tuple[Key, bool] | None = None
    is_not_null: bool = False

    def add_candidates(self, keys: list[Any], scalars: list[Any]) -> None:
        if self.candidates is None:
            self.candidates, self.scalars = keys, scalars
            return
        kept = [(k, s) for k, s in zip(self.candidates, self.scalars or [], strict=True) if k in keys]
        self.candidates, self.scalars = [k for k, _ in kept], [s for _, s in kept]

    def add_limit(self, operator: str, key: Key) -> None:
        is_included = operator.endswith("=")
        if operator[0] == ">":
            candidate = (key, is_included)
            if self.lower is None or (key, not is_included) > (self.lower[0], not self.lower[1]):
                self.lower = candidate
        elif self.upper is None or (key, is_included) < self.upper:
            self.upper = (key, is_included)

    def passes(self, key: Key) -> bool:
        """Whether a value that is not NULL passes the limits."""
        if self.lower is not None and not (key > self.lower[0] or (self.lower[1] and key == self.lower[0])):
            return False
        return self.upper is None or key < self.upper[0] or (self.upper[1] and key == self.upper[0])

    @property
    def is_interval(self) -> bool:
        return self.lower is not None or self.upper is not None


@dataclass(slots=True)
class _Conjunction:
    """Tests by place in the key. `is_never`: it is TRUE for no row."""

    columns: dict[int, _ColumnTests] = field(default_factory=dict)
    is_never: bool = False

    def of(self, place: int) -> _ColumnTests:
        return self.columns.setdefault(place, _ColumnTests())


def remaining(
    divided: PartitionMap,
    scan: bound.TableScan,
    conditions: Sequence[bound.Expression],
    context: EvaluationContext,
) -> Mask:
    """Which partitions may have a row for which all of the conditions are TRUE.

    Args:
        scan: of the partitioned table, or of one above it with the table's attnums among its columns.
    """
    mask = np.ones(len(divided.partitions), dtype=np.bool_)
    if not conditions or not len(mask):
        return mask
    gathered = _Conjunction()
    for condition in itertools.chain.from_iterable(map(conjuncts, conditions)):
        if isinstance(condition, bound.BoolExpression) and condition.operator is bound.BoolOperator.OR:
            arms = [remaining(divided, scan, [arm], context) for arm in condition.arguments]
            mask &= np.logical_or.reduce(arms)
        elif isinstance(condition, bound.Constant) and condition.value is not True:
            gathered.is_never = True
        else:
            _gather(gathered, divided, scan, condition, context)
    if gathered.is_never:
        return np.zeros_like(mask)
    return mask & _PRUNERS[divided.key.strategy](divided, gathered)


def _gather(
    gathered: _Conjunction,
    divided: PartitionMap,
    scan: bound.TableScan,
    condition: bound.Expression,
    context: EvaluationContext,
) -> None:
    test = column_test(condition)
    if test is None or test.column.relation_id != scan.relation_id:
        return
    attnum = scan.columns[test.column.position].attnum
    if attnum not in divided.key.attnums:
        return
    place = divided.key.attnums.index(attnum)
    tests = gathered.of(place)
    if test.operator == "NULL":
        tests.add_candidates([_NULL], [None])
    elif test.operator == "NOT NULL":
        tests.is_not_null = True
    elif test.operator in ("=", "<", "<=", ">", ">="):
        values = column_values(test, context)
        if values is None:
            return
        if not values:
            gathered.is_never = True
            return
        to_key = key_function(divided.types[place])
        if test.operator == "=":
            tests.add_candidates([to_key(value) for value in values], list(values))
            return
        tests.is_not_null = True
        tests.add_limit(test.operator, to_key(values[0]))


# -- LIST


def _list_mask(divided: PartitionMap, gathered: _Conjunction) -> Mask:
    tests = gathered.of(0)
    mask = np.zeros(len(divided.partitions), dtype=np.bool_)
    if tests.candidates is not None:
        for candidate in tests.candidates:
            if candidate is _NULL and (tests.is_not_null or tests.is_interval):
                continue
            key = None if candidate is _NULL else candidate
            place = divided.place_of_value(key)
            if place >= 0 and (key is None or tests.passes(key)):
                mask[place] = True
        return mask
    for key, place in divided.listed.items():
        if key is None:
            mask[place] |= not tests.is_not_null
        else:
            mask[place] |= tests.passes(key)
    if divided.default >= 0:
        mask[divided.default] = True
    return mask


# -- RANGE


def _range_mask(divided: PartitionMap, gathered: _Conjunction) -> Mask:
    mask = np.zeros(len(divided.partitions), dtype=np.bool_)
    width = len(divided.types)
    leading = list(itertools.takewhile(lambda tests: tests.candidates is not None, _tests(gathered, width)))
    count = int(np.prod([len(tests.candidates or ()) for tests in leading], dtype=np.int64))
    if count > _COMBINATIONS_MAX:
        return np.ones_like(mask)
    following = gathered.columns.get(len(leading))
    for row in itertools.product(*(tests.candidates or () for tests in leading)):
        if any(key is _NULL for key in row):
            _add_default(divided, mask)
        elif not all(tests.passes(key) for tests, key in zip(leading, row, strict=True)):
            continue
        elif len(row) == width:
            place = divided.place_of_row(row)
            if place >= 0:
                mask[place] = True
        else:
            _add_span(divided, mask, row, following)
    return mask


def _tests(gathered: _Conjunction, width: int) -> Iterator[_ColumnTests]:
    return (gathered.columns.get(place, _ColumnTests()) for place in range(width))


def _add_default(divided: PartitionMap, mask: Mask) -> None:
    if divided.default >= 0:
        mask[divided.default] = True


def _add_span(divided: PartitionMap, mask: Mask, row: tuple[Key, ...], tests: _ColumnTests | None) -> None:
    """The partitions that have keys which begin with `row` and go on as the tests of the next column let them."""
    prefix = tuple((0, key) for key in row)
    lower = prefix if tests is None or tests.lower is None else (*prefix, (0, tests.lower[0]))
    upper = prefix if tests is None or tests.upper is None else (*prefix, (0, tests.upper[0]))
    includes_upper = tests is None or tests.upper is None or tests.upper[1]
    width = len(divided.types)
    for first, past, place in divided.ranges:
        begins = first[: len(upper)] <= upper if includes_upper else first[: len(upper)] < upper
        ends = past[: len(lower)] > lower
        if past[: len(lower)] == lower:
            is_inside = len(lower) < width and (tests is None or tests.lower is None or tests.lower[1])
            ends = is_inside
        if begins and ends:
            mask[place] = True
    if divided.default >= 0 and not _is_covered(divided, lower, upper, tests):
        mask[divided.default] = True


def _is_covered(divided: PartitionMap, lower: Any, upper: Any, tests: _ColumnTests | None) -> bool:
    """Whether the ranges of a key of one column leave no gap between two limits; a NULL is in no range."""
    if len(divided.types) > 1 or tests is None or not (tests.is_interval or tests.is_not_null):
        return False
    position = lower or ((-1, None),)
    last = upper or ((1, None),)
    for first, past, _ in divided.ranges:
        if first <= position < past:
            position = past
    is_past = position > last or (position == last and (not upper or not (tests.upper and tests.upper[1])))
    return bool(is_past)


# -- HASH


def _hash_mask(divided: PartitionMap, gathered: _Conjunction) -> Mask:
    tests = list(_tests(gathered, len(divided.types)))
    scalars = [each.scalars for each in tests]
    everything = np.ones(len(divided.partitions), dtype=np.bool_)
    if any(found is None for found in scalars):
        return everything
    combinations = list(itertools.product(*(found or () for found in scalars)))
    if len(combinations) > _COMBINATIONS_MAX:
        return everything
    mask = np.zeros_like(everything)
    if not combinations:
        return mask
    columns = [
        pa.array([None if value is None else value.as_py() for value in column], arrow_type(sql_type))
        for column, sql_type in zip(zip(*combinations, strict=True), divided.types, strict=True)
    ]
    places = divided.places(columns)
    mask[places[places >= 0]] = True
    return mask


_PRUNERS = {
    PartitionStrategy.LIST: _list_mask,
    PartitionStrategy.RANGE: _range_mask,
    PartitionStrategy.HASH: _hash_mask,
}
