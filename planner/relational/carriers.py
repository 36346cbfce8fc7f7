"""Carriers: which DuckDB type a PostgreSQL type travels as, and the Arrow conversions on both ends.

  oid and its kin     UINTEGER             uuid, bit, varbit   BLOB (their order is the order of the bytes)
                                           timetz, inet ...    BLOB, likewise (`sqltypes.BYTE_ORDERED`)
                                           numrange            BLOB (ordered by keys: rules/comparison.py)
                                           sparsevec, tsquery  BLOB (ordered by keys: rules/comparison.py)
  json, jsonb         VARCHAR              vector, halfvec, int8vec, bf16vec
                                           FLOAT[] (DuckDB has no float16)
  numeric             DECIMAL or VARCHAR   arrays              lists of the element's carrier
  arrays of any shape  STRUCT(items, shape), which orders as they do
  enum                 BIGINT, the position of its label
  composite, record    VARCHAR, the text of the row
All others have the DuckDB type of the same name. Infinite dates and timestamps: Arrow columns hold the type's
smallest and largest integer, DuckDB's smallest is one higher.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.enum_types import is_enum
from foundation.ranges import SCALED
from foundation.shaped_arrays import items_of, with_items
from foundation.sqltypes import (
    BF16VEC,
    BYTE_ORDERED,
    NUMERIC,
    SqlType,
    arrow_type,
    element_type,
    is_shaped,
    is_vector,
    plain_type,
)
from foundation.vector_elements import VECTOR_ELEMENTS, stored_numbers, vector_numbers
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed

_CARRIERS: dict[int, str] = {
    16: "BOOLEAN", 17: "BLOB", 20: "BIGINT", 790: "BIGINT", 21: "SMALLINT", 23: "INTEGER", 700: "FLOAT", 701: "DOUBLE",
    24: "UINTEGER", 26: "UINTEGER", 28: "UINTEGER", 29: "UINTEGER", 2202: "UINTEGER", 2203: "UINTEGER",
    2204: "UINTEGER", 2205: "UINTEGER", 2206: "UINTEGER", 3734: "UINTEGER", 3769: "UINTEGER", 4089: "UINTEGER", 4096: "UINTEGER",
    22: "SMALLINT[]", 30: "UINTEGER[]", 1082: "DATE", 1083: "TIME", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ",
    1186: "INTERVAL", 1560: "BLOB", 1562: "BLOB", 2950: "BLOB", 3615: "BLOB", 16389: "BLOB", **dict.fromkeys(BYTE_ORDERED | SCALED, "BLOB"),
}  # fmt: skip

_INT64_MIN = -(2**63)
_INT32_MIN = -(2**31)


def carrier(sql_type: SqlType, form: DecimalForm | None = None) -> str:
    """The DuckDB type of a value: `form` for a numeric in decimal form, else by the type alone."""
    if form is not None:
        return form.sql
    if is_vector(sql_type):
        return "FLOAT[]"
    fixed = _CARRIERS.get(sql_type.oid)
    if fixed is not None:
        return fixed
    if sql_type.oid == NUMERIC.oid:
        return "VARCHAR"
    if is_enum(sql_type.oid):
        return "BIGINT"
    if is_shaped(sql_type):
        return f"STRUCT(items {carrier(plain_type(sql_type))}, shape INTEGER[])"
    element = element_type(sql_type)
    return f"{carrier(element)}[]" if element is not None else "VARCHAR"


def decimal_form(sql_type: SqlType) -> DecimalForm | None:
    """The decimal form of a numeric type with a typmod that decimal128 holds."""
    arrow = arrow_type(sql_type)
    return DecimalForm(arrow.precision, arrow.scale) if pa.types.is_decimal128(arrow) else None


def converted(value: Printed, form: DecimalForm | None) -> str:
    """SQL of a value in the given form of its type (only numeric has two).

    DuckDB prints a DECIMAL that has no integer digits without the zero before the point, PostgreSQL does not.
    """
    if value.decimal == form:
        return value.sql
    sql = value.sql
    own = value.decimal
    if form is None and own is not None and own.integer_digits == 0 and own.precision < DECIMAL_DIGITS_MAX:
        sql = f"CAST({sql} AS {DecimalForm(own.precision + 1, own.scale).sql})"
    return f"CAST({sql} AS {carrier(value.type, form)})"


def to_carrier(column: pa.Array | pa.ChunkedArray, sql_type: SqlType) -> Any:
    """(n,) column of `arrow_type(sql_type)` -> (n,) column DuckDB reads as the carrier.

    numeric stays as it is: decimal128 is read as DECIMAL, utf8 as VARCHAR.
    """
    column = with_floats(column, sql_type)
    if is_vector(sql_type):
        return column.cast(pa.list_(pa.float32()))
    if is_shaped(sql_type):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        pieces = [with_items(piece, to_carrier(items_of(piece), plain_type(sql_type))) for piece in chunks]
        return pa.chunked_array(pieces) if pieces else column
    element = element_type(sql_type)
    if element is not None:
        if is_vector(element):
            return column.cast(pa.list_(pa.list_(pa.float32())))
        if pa.types.is_decimal(arrow_type(element)):
            return column.cast(pa.list_(pa.utf8()))
        if _has_infinity(arrow_type(element)) and isinstance(column, pa.ListArray):
            return _relisted(column, to_carrier(column.flatten(), element))
    arrow = column.type
    if pa.types.is_fixed_size_binary(arrow):
        return column.cast(pa.binary())
    if pa.types.is_date32(arrow):
        return _shift_infinity(column, pa.int32(), _INT32_MIN, _INT32_MIN + 1)
    if pa.types.is_timestamp(arrow):
        return _shift_infinity(column, pa.int64(), _INT64_MIN, _INT64_MIN + 1)
    return column


def with_floats(column: pa.Array | pa.ChunkedArray, sql_type: SqlType) -> Any:
    """The column, or lists of values of the type, with floats in place of numbers that are bits to Arrow."""
    if not _is_bfloat16(sql_type):
        return column
    return _with_leaves(column, lambda bits: pa.array(vector_numbers(bits).astype(np.float32)))


def from_carrier(column: pa.Array, sql_type: SqlType) -> pa.Array:
    """(n,) column as DuckDB returned it -> (n,) column of `arrow_type(sql_type)`."""
    if is_shaped(sql_type):
        return with_items(column, from_carrier(items_of(column), plain_type(sql_type)))
    if _is_bfloat16(sql_type):
        dtype = VECTOR_ELEMENTS[BF16VEC.oid].dtype
        column = _with_leaves(column, lambda floats: stored_numbers(np.asarray(floats).astype(dtype)))
    wanted = arrow_type(sql_type)
    element = element_type(sql_type)
    if element is not None and _has_infinity(arrow_type(element)):
        return _relisted(column, from_carrier(column.flatten(), element))
    if column.type == wanted and not _has_infinity(wanted):
        return column
    if pa.types.is_date32(wanted):
        return _shift_infinity(column, pa.int32(), _INT32_MIN + 1, _INT32_MIN)
    if pa.types.is_timestamp(wanted):
        if column.type != wanted:
            column = column.cast(pa.int64()).cast(wanted)
        return _shift_infinity(column, pa.int64(), _INT64_MIN + 1, _INT64_MIN)
    if pa.types.is_fixed_size_list(wanted):
        return _fixed_lists(column, wanted)
    return column.cast(wanted)


def _has_infinity(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_date32(arrow) or pa.types.is_timestamp(arrow))


def _is_bfloat16(sql_type: SqlType) -> bool:
    """Whether values, or elements of an array, are vectors whose stored numbers are bits to Arrow."""
    return (element_type(sql_type) or sql_type).oid == BF16VEC.oid


def _with_leaves(column: pa.Array | pa.ChunkedArray, convert: Callable[[pa.Array], pa.Array]) -> Any:
    """Lists, or lists of lists, as lists of the same lengths over other numbers."""
    if isinstance(column, pa.ChunkedArray):
        chunks = column.chunks or [pa.nulls(0, column.type)]
        return pa.chunked_array([_with_leaves(chunk, convert) for chunk in chunks])
    if not pa.types.is_nested(column.type):
        return convert(column)
    return _relisted(column, _with_leaves(column.flatten(), convert))


def _relisted(lists: pa.ListArray, values: pa.Array) -> pa.Array:
    """Lists of the same lengths over other values, those `lists.flatten()` gives one by one."""
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=lists.is_null())


def _fixed_lists(column: pa.Array, wanted: pa.FixedSizeListType) -> pa.Array:
    """list<float32> -> fixed_size_list; a NULL takes `size` zeros of room, as storage keeps it."""
    if column.null_count == 0:
        values = column.flatten().cast(wanted.value_type)
        return pa.FixedSizeListArray.from_arrays(values, type=wanted)
    return pa.array(column.to_pylist(), pa.list_(pa.float32(), wanted.list_size)).cast(wanted)


def _shift_infinity(column: Any, integer: pa.DataType, source: int, target: int) -> Any:
    """Replace one integer value of a date or timestamp column; without that value nothing is copied."""
    smallest = pc.min(column)
    if not smallest.is_valid or smallest.cast(integer).as_py() != source:
        return column
    plain = column.cast(integer)
    moved = pc.if_else(pc.equal(plain, pa.scalar(source, integer)), pa.scalar(target, integer), plain)
    return moved.cast(column.type)
