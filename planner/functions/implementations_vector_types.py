"""What pgvector's types, casts and aggregates are made of, callable by name: input, output, typmod, casts, states.

The state of avg is float8[]: the number of vectors, then the sum of each element (pgvector/pgvector:src/vector.c,
`vector_accum`, `vector_combine`, `vector_avg`; halfvec.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    ArraySubscriptError,
    DataException,
    InternalError,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NullValueNotAllowed,
    NumericValueOutOfRange,
)
from foundation.sparse import SPARSE_DIMENSIONS_MAX
from foundation.sqltypes import DENSE_VECTOR_TYPES, SPARSEVEC, TYPES, VECTOR_TYPES, SqlType, arrow_type
from foundation.vector_elements import VECTOR_ELEMENTS, Numbers, vector_numbers
from planner.functions.datum import CallSite, Kernel
from planner.functions.rowwise import null_free_kernel, row_kernel
from planner.functions.signatures_vectors import INT8VEC_SUM
from planner.functions.vector_columns import vector_array
from planner.functions.vector_conversions import (
    VECTOR_DIMENSIONS_MAX,
    check_dimensions,
    check_finite,
    convert_vectors,
)


def _converted(column: pa.Array, source: SqlType, dimensions: int, site: CallSite) -> pa.Array:
    return convert_vectors(column, source, site.result_type, site.context.codecs, dimensions=dimensions)


def _cast(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    """A cast function: (value, typmod, is explicit). Row by row only where the typmod differs between rows."""
    values, typmods, _ = columns
    source = SqlType(site.argument_types[0])
    if len(values) == 0:
        return _converted(values, source, -1, site)
    if pc.count_distinct(typmods).as_py() == 1:
        return _converted(values, source, typmods[0].as_py(), site)
    parts = [_converted(values.slice(i, 1), source, typmods[i].as_py(), site) for i in range(len(values))]
    return pa.concat_arrays(parts)


def _input(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    """An input function: (text, type OID, typmod)."""
    texts, _, typmods = columns
    parsed = site.context.codecs.from_text(texts, site.result_type)
    return _cast([parsed, typmods, typmods], _site_of(site, site.result_type.oid))


def _site_of(site: CallSite, source_oid: int) -> CallSite:
    """The call as one of the cast function of a type to itself."""
    return CallSite(site.context, site.row_count, site.result_type, (source_oid,))


def _output(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    return site.context.codecs.to_text(columns[0], SqlType(site.argument_types[0]))


def _send(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    return site.context.codecs.to_binary(columns[0], SqlType(site.argument_types[0]))


def _typmod_reader(sql_type: SqlType) -> Kernel:
    name = TYPES[sql_type.oid].name
    maximum = SPARSE_DIMENSIONS_MAX if sql_type.oid == SPARSEVEC.oid else VECTOR_DIMENSIONS_MAX

    def read(modifiers: list[str | None]) -> int:
        if not modifiers:
            raise ArraySubscriptError("typmod array must be one-dimensional")
        numbers = [_integer(text) for text in modifiers]
        if len(numbers) != 1:
            raise InvalidParameterValue("invalid type modifier")
        if numbers[0] < 1:
            raise InvalidParameterValue(f"dimensions for type {name} must be at least 1")
        if numbers[0] > maximum:
            raise InvalidParameterValue(f"dimensions for type {name} cannot exceed {maximum}")
        return numbers[0]

    return row_kernel(read)


def _integer(text: str | None) -> int:
    if text is None:
        raise NullValueNotAllowed("typmod array must not contain nulls")
    try:
        number = int(text)
    except ValueError:
        raise InvalidTextRepresentation(f'invalid input syntax for type integer: "{text}"') from None
    if not -(2**31) <= number < 2**31:
        raise NumericValueOutOfRange(f'value "{text}" is out of range for type integer')
    return number


# ---------------------------------------------------------------------------------------------------------
# States of avg


def _state(values: list[float | None], caller: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not values or None in values:
        raise InternalError(f"{caller}: expected state array")
    return np.array(values, np.float64)


def _check_expected(dimensions: int, found: int) -> None:
    if dimensions != found:
        raise DataException(f"expected {dimensions} dimensions, not {found}")


def _check_overflow(sums: Any) -> None:
    if np.isinf(sums).any():
        raise NumericValueOutOfRange("value out of range: overflow")


def _accumulator(caller: str) -> Kernel:
    def accumulate(values: list[float | None], vector: Numbers) -> list[float]:
        state = _state(values, caller)
        if len(state) == 1:
            return [float(state[0]) + 1.0, *vector.tolist()]
        _check_expected(len(state) - 1, len(vector))
        with np.errstate(over="ignore"):
            sums = state[1:] + vector
        _check_overflow(sums)
        return [float(state[0]) + 1.0, *sums.tolist()]

    def accumulated(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
        states, vectors = columns
        rows = zip(states.to_pylist(), vectors, strict=True)
        results = [accumulate(state, vector_numbers(v.values).astype(np.float64)) for state, v in rows]
        return pa.array(results, arrow_type(site.result_type))

    return null_free_kernel(accumulated)


def _combine(first: list[float | None], second: list[float | None]) -> list[float]:
    # pgvector uses the one function for both types, so its name is in the message of both.
    a, b = (_state(values, "vector_combine") for values in (first, second))
    if a[0] == 0 or b[0] == 0:
        kept: list[float] = (b if a[0] == 0 else a).tolist()
        return kept
    _check_expected(len(a) - 1, len(b) - 1)
    with np.errstate(all="ignore"):
        sums = a[1:] + b[1:]
    _check_overflow(sums)
    return [float(a[0] + b[0]), *sums.tolist()]


def _final(function: str, *, is_average: bool) -> Kernel:
    """avg, or sum, of a state as a vector of the function's result type."""

    def final(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
        kind = site.result_type.without_typmod()
        parts = [final_of(values, kind) for values in columns[0].to_pylist()]
        return pa.concat_arrays(parts) if parts else pa.nulls(0, arrow_type(kind))

    def final_of(values: list[float | None], sql_type: SqlType) -> pa.Array:
        state = _state(values, function)
        if state[0] == 0:
            return vector_array(np.zeros((1, 0)), sql_type, np.zeros(1, np.bool_))
        check_dimensions(np.array([len(state) - 1]), sql_type, -1)
        with np.errstate(all="ignore"):
            floats = (state[1:] / (state[0] if is_average else 1.0)).astype(np.float32)
        numbers, _ = VECTOR_ELEMENTS[sql_type.oid].narrowed(floats)
        check_finite(numbers, TYPES[sql_type.oid].name)
        return vector_array(numbers.reshape(1, -1), sql_type)

    return null_free_kernel(final)


def vector_type_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    cast = null_free_kernel(_cast)
    names = [TYPES[sql_type.oid].name for sql_type in VECTOR_TYPES]
    kernels: dict[str, Kernel] = {f"{a}_to_{b}": cast for a in names for b in names if a != b}
    for sql_type, name in zip(VECTOR_TYPES, names):
        kernels |= {
            name: cast, f"array_to_{name}": cast, f"{name}_in": null_free_kernel(_input),
            f"{name}_out": null_free_kernel(_output), f"{name}_send": null_free_kernel(_send),
            f"{name}_typmod_in": _typmod_reader(sql_type),
        }  # fmt: skip
    for name in names[: len(DENSE_VECTOR_TYPES)]:
        kernels |= {
            f"{name}_to_float4": cast, f"{name}_accum": _accumulator(f"{name}_accum"),
            f"{name}_combine": row_kernel(_combine), f"{name}_avg": _final(f"{name}_avg", is_average=True),
        }  # fmt: skip
    return {**kernels, INT8VEC_SUM[0]: _final(INT8VEC_SUM[0], is_average=False)}
