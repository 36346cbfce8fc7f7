"""Arrays of arrays: array_agg() over arrays and ARRAY(SELECT an array ...).

DuckDB collects values of the shaped form into a list; what goes to our evaluator are the elements of all of them as one list,
and their shapes as another, one behind the other: a shape begins with its number of dimensions, -1 stands for NULL.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foundation.shaped_arrays import EMPTY, ShapedArray
from foundation.sqltypes import INT4, SqlType, array_type, plain_type
from planner.functions.implementations_shaped import Places, accumulated
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed


def print_collected(
    printer: ExpressionPrinter, collected: str, sql_type: SqlType, *, is_query: bool
) -> Printed:
    """One array of those in a list of shaped values.

    Args:
        collected: SQL of the list.
        sql_type: the type of the arrays, and of the result: shaped.
        is_query: of no rows ARRAY() makes an empty array, array_agg() NULL.
    """
    plain, item = plain_type(sql_type), printer.lambda_name()
    nothing = f"CAST([] AS {carrier(plain)})"
    items = f"flatten(list_transform({collected}, lambda {item}: coalesce({item}.items, {nothing})))"
    shapes = f"flatten(list_transform({collected}, lambda {item}: coalesce({item}.shape, [-1])))"
    arguments = [Printed(items, plain), Printed(shapes, array_type(INT4))]

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        places = Places(columns[0].type.value_type)
        rows = zip(places.of_lists(columns[0]), columns[1].to_pylist(), strict=True)
        empty = EMPTY if is_query else None
        results = [accumulated(_arrays(*row)) if row[1] else empty for row in rows]
        return places.taken(results, sql_type)

    return printer.statement.slot_call(("array of arrays", sql_type, is_query), evaluate, arguments, sql_type)


def _arrays(places: range | None, numbers: list[int]) -> list[ShapedArray | None]:
    """The arrays that stand one behind the other, over places of elements."""
    arrays: list[ShapedArray | None] = []
    taken, position = 0, 0
    while position < len(numbers):
        depth = numbers[position]
        position += 1
        if depth < 0:
            arrays.append(None)
            continue
        sizes = tuple(numbers[position : position + 2 * depth])
        position += 2 * depth
        array = ShapedArray.of([], sizes[:depth], sizes[depth:])
        count = array.item_count
        array.items.extend((places or range(0))[taken : taken + count])
        taken += count
        arrays.append(array)
    return arrays
