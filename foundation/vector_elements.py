"""The elements of vectors: how Arrow stores them, what NumPy takes them for, and how a float32 becomes one.

  type      Arrow     NumPy      rounding of a float32          text and arithmetic
  vector    float32   float32    none                           float32
  halfvec   float16   float16    to the nearest, ties to even   the float32 it equals
  int8vec   int8      int8       to the nearest, ties to even   the float32 it equals
  bf16vec   uint16    bfloat16   to the nearest, ties to even   the float32 it equals

Arrow has no bfloat16. Its bits are the upper half of a float32, so a column of them is a view away from both. But Arrow takes them
for integers: whoever wants Python's values of a column that may be of bf16vec asks `python_value`, not `as_py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import BF16VEC, HALFVEC, INT8VEC, VECTOR, SqlType, arrow_type

Numbers = npt.NDArray[Any]
"""Elements as NumPy computes with them."""

_INT8 = np.iinfo(np.int8)


@dataclass(frozen=True, slots=True)
class VectorElement:
    """The elements of one vector type. `dtype` is NumPy's view of what `arrow` stores."""

    sql_type: SqlType
    arrow: pa.DataType
    dtype: np.dtype[Any]

    @property
    def wire_dtype(self) -> np.dtype[Any]:
        """What the binary form has, most significant byte first."""
        return _bits(self.dtype).newbyteorder(">")

    def narrowed(self, numbers: npt.NDArray[np.floating[Any]]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Floats rounded to elements, and which finite ones no element can hold.

        Infinity and NaN stay where the type has them; in an int8vec they mean nothing, and callers refuse them.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            if self.dtype != np.int8:
                elements = numbers.astype(self.dtype, copy=False)
                return elements, np.isinf(elements) & ~np.isinf(numbers)
            whole = np.rint(numbers)
            is_lost = (whole < _INT8.min) | (whole > _INT8.max)
            return whole.astype(np.int8), is_lost & np.isfinite(numbers)


def _element(sql_type: SqlType, dtype: Any) -> VectorElement:
    return VectorElement(sql_type, arrow_type(sql_type).value_type, np.dtype(dtype))


VECTOR_ELEMENTS: dict[int, VectorElement] = {
    element.sql_type.oid: element
    for element in (
        _element(VECTOR, np.float32),
        _element(HALFVEC, np.float16),
        _element(INT8VEC, np.int8),
        _element(BF16VEC, ml_dtypes.bfloat16),
    )
}
"""The elements by the OID of their vectors' type."""

_OF_ARROW = {element.arrow: element for element in VECTOR_ELEMENTS.values()}
_OF_DTYPE = {element.dtype: element for element in VECTOR_ELEMENTS.values()}


def element_of(column_type: pa.DataType) -> VectorElement:
    """The elements of a column of vectors, by the column's Arrow type."""
    return _OF_ARROW[column_type.value_type]


def vector_numbers(values: pa.Array) -> Numbers:
    """(n,) stored elements -> (n,) numbers, zero-copy, validity ignored."""
    dtype = _OF_ARROW[values.type].dtype
    buffer = values.buffers()[1]
    if buffer is None:
        return np.zeros(len(values), dtype=dtype)
    return np.frombuffer(buffer, dtype=dtype)[values.offset : values.offset + len(values)]


def stored_numbers(numbers: Numbers) -> pa.Array:
    """(n,) numbers -> (n,) stored elements; the inverse of `vector_numbers`."""
    element = _OF_DTYPE[numbers.dtype]
    return pa.array(np.ascontiguousarray(numbers).view(element.arrow.to_pandas_dtype()))


def python_value(scalar: pa.Scalar) -> Any:
    """`scalar.as_py()`, but of a vector whose elements are bits to Arrow, or a list of such vectors, the numbers."""
    element = getattr(scalar.type, "value_type", None)
    if element is None or not scalar.is_valid:
        return scalar.as_py()
    if element == VECTOR_ELEMENTS[BF16VEC.oid].arrow:
        return vector_numbers(scalar.values).tolist()
    return [python_value(item) for item in scalar.values] if pa.types.is_nested(element) else scalar.as_py()


def from_wire(data: npt.NDArray[Any], dtype: np.dtype[Any]) -> Numbers:
    """Numbers from their binary form, in the shape it comes in."""
    return data.astype(_bits(dtype)).view(dtype)


def to_wire(numbers: Numbers) -> npt.NDArray[Any]:
    """Numbers in their binary form."""
    bits = _bits(numbers.dtype)
    return np.ascontiguousarray(numbers).view(bits).astype(bits.newbyteorder(">"))


def _bits(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A dtype of the same bytes whose order NumPy can turn round; bfloat16 has none."""
    return np.dtype(np.uint16) if dtype == ml_dtypes.bfloat16 else dtype
