"""f(a, VARIADIC array) as f(a, element, element, ...): once for the rows of each length of the array."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import arrow_type, element_type
from planner import bound

SpreadEvaluator = Callable[[bound.Call, list[pa.Array], int], pa.Array]
"""(call over columns of relation 0, these columns, their length) -> (length,) values."""

_NULL_IS_EMPTY = "format"
"""The function that takes a NULL array for one without elements; others give NULL for it."""


def spread_call(node: bound.VariadicCall, columns: Sequence[pa.Array], evaluate: SpreadEvaluator) -> pa.Array:
    """The call's values.

    Args:
        columns: (n,) arguments of the call, the last one of arrays.

    Returns:
        (n,) values. Raises what the function raises.
    """
    *fixed, lists = columns
    element = element_type(node.arguments[-1].sql_type)
    assert element is not None
    lengths = (
        pc.list_value_length(lists).fill_null(0 if node.function.name == _NULL_IS_EMPTY else -1).to_numpy()
    )
    types = [argument.sql_type for argument in node.arguments[:-1]]
    values, places = [], []
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        places.append(rows)
        if length < 0:
            values.append(pa.nulls(len(rows), arrow_type(node.type)))
            continue
        chosen = pa.array(rows)
        items = lists.take(chosen)
        arguments = [column.take(chosen) for column in fixed]
        arguments += [pc.list_element(items, position) for position in range(length)]
        references = tuple(
            bound.ColumnRef(0, place, "", sql_type)
            for place, sql_type in enumerate((*types, *[element] * length))
        )
        values.append(evaluate(bound.Call(node.function, references, node.type), arguments, len(rows)))
    if not values:
        return pa.nulls(0, arrow_type(node.type))
    order = np.argsort(np.concatenate(places))
    return pa.concat_arrays(values).take(pa.array(order))
