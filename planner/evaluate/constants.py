"""One Python value of an SQL type as a one-element Arrow array, and back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation import vector_elements
from foundation.shaped_arrays import ShapedArray, from_stored, shaped_column
from foundation.sqltypes import (
    SqlType,
    arrow_type,
    element_type,
    is_shaped,
    is_vector,
    plain_type,
)
from planner import bound
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.vector_columns import vector_array


def constant_array(value: Any, sql_type: SqlType) -> pa.Array:
    """(1,) array of `arrow_type(sql_type)`.

    Args:
        value: the codecs' Python value (module docstring of `foundation.sqltypes` names the forms); None = NULL.
    """
    target = arrow_type(sql_type)
    if value is None:
        return pa.nulls(1, target)
    if is_vector(sql_type):
        return vector_array(np.asarray(value).reshape(1, -1), sql_type)
    if isinstance(value, ShapedArray):
        return shaped_column(constant_array(value.items, plain_type(sql_type)), [value.shape])
    element_sql = element_type(sql_type)
    if element_sql is not None:
        items = [None if item is None else _stored(item, arrow_type(element_sql)) for item in value]
        if is_vector(element_sql):
            dtype = vector_elements.VECTOR_ELEMENTS[element_sql.oid].dtype
            items = [
                None if item is None else vector_elements.stored_numbers(np.asarray(item, dtype)).to_pylist()
                for item in items
            ]
        return pa.array([items], target)
    return pa.array([_stored(value, target)], target)


def constant_list(items: Sequence[bound.Expression]) -> pa.Array | None:
    """All values of a list of literals of one type as one column; None when it is anything else.

    An IN list of 10,000 literals is one array, not 10,000.
    """
    if not items:
        return None
    first = items[0].sql_type
    if is_vector(first) or element_type(first) is not None or is_shaped(first):
        return None
    target = arrow_type(first)
    values = []
    for item in items:
        if not isinstance(item, bound.Constant) or item.type != first:
            return None
        values.append(None if item.value is None else _stored(item.value, target))
    return pa.array(values, target)


def _stored(value: Any, target: pa.DataType) -> Any:
    """The value in the form pa.array takes for the target."""
    if pa.types.is_decimal(target):
        number = value if isinstance(value, Decimal) else Decimal(value)
        return number.quantize(Decimal(1).scaleb(-target.scale))
    if isinstance(value, Decimal):
        return numeric_text(value)
    if pa.types.is_string(target) and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def python_values(column: pa.Array, sql_type: SqlType) -> list[Any]:
    """`python_value` of every element."""
    return [python_value(column.slice(row, 1), sql_type) for row in range(len(column))]


def python_value(array: pa.Array, sql_type: SqlType) -> Any:
    """The Python value of a one-element array, in the form `Constant.value` and parameters have."""
    scalar = array[0]
    if not scalar.is_valid:
        return None
    if is_vector(sql_type):
        return vector_elements.vector_numbers(scalar.values)
    if is_shaped(sql_type):
        return from_stored(scalar.as_py())
    if pa.types.is_timestamp(array.type):
        # Infinity has no datetime; microseconds are accepted everywhere.
        return array.cast(pa.int64())[0].as_py()
    if pa.types.is_date32(array.type):
        return array.cast(pa.int32())[0].as_py()
    return vector_elements.python_value(scalar)
