"""range_agg and range_intersect_agg: over the list of each group's ranges or multiranges.

https://www.postgresql.org/docs/15/functions-aggregate.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import pyarrow as pa

from foundation.ranges import BY_OID, Cuts, RangeType, cuts_of, merged, ranges_in, stored
from foundation.sqltypes import SqlType
from planner.functions.range_sets import intersection


def _all_of(sets: Sequence[Cuts]) -> Cuts:
    return merged([pair for cuts in sets for pair in ranges_in(cuts)])


def _common(sets: Sequence[Cuts]) -> Cuts:
    return reduce(intersection, sets)


_REDUCTIONS: dict[str, Callable[[Sequence[Cuts]], Cuts]] = {
    "range_agg": _all_of,
    "range_intersect_agg": _common,
}
RANGE_AGGREGATES = frozenset(_REDUCTIONS)


def range_reducer(name: str, argument: SqlType) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator over (list of `argument`): what the aggregate gives, NULL without a value that is not NULL."""
    form, reduction = BY_OID[argument.oid], _REDUCTIONS[name]

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        return pa.array([_reduced(group, form, reduction) for group in columns[0].to_pylist()], pa.binary())

    return evaluate


def _reduced(
    group: Sequence[bytes | None] | None, form: RangeType, reduction: Callable[[Sequence[Cuts]], Cuts]
) -> bytes | None:
    sets = [cuts_of(form, value) for value in group or () if value is not None]
    return stored(form, reduction(sets)) if sets else None
