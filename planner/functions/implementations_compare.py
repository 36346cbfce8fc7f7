"""Comparison of columns in PostgreSQL's order: the kernels behind =, <>, <, <=, >, >= of every type.

Where Arrow's order is not PostgreSQL's, values are first turned into keys whose natural order is:
  float4, float8    NaN equals NaN and is greater than everything; -0 equals 0
  numeric           by value, whatever the scale ('1.0' = '1'); NaN greatest, then Infinity
  char(n)           without trailing blanks
  text family       by bytes (collation C.UTF-8), which is Arrow's order
  bit               bytes, then length
  timetz, inet ...  the stored bytes (`sqltypes.BYTE_ORDERED`), as for uuid
  numrange          the stored bytes without the display scales, as nummultirange
  dense vectors     element by element, then by dimension (pgvector's vector_cmp): keys of bytes
  sparsevec         the same, elements that are not stored being zero (sparsevec_cmp)
  tsquery           nodes, weights and prefixes left aside: keys of bytes
  arrays            element by element, then by length, then by shape; NULL elements equal each other and are greatest
`order_keys` is also what sorting uses.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.enum_types import is_enum
from foundation.ranges import SCALED, without_scales
from foundation.shaped_arrays import items_of, shapes_of
from foundation.sqltypes import (
    BIT,
    BOOL,
    BPCHAR,
    BYTE_ORDERED,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    JSONB,
    MONEY,
    NAME,
    NUMERIC,
    OID,
    SHAPED,
    SPARSEVEC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TSQUERY,
    TYPES,
    UUID,
    VARBIT,
    VARCHAR,
    VECTOR_TYPES,
    SqlType,
    arrow_type,
    element_type,
    is_vector,
    plain_oid,
)
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_sparse import sparse_order_keys
from planner.functions.vector_columns import vector_order_keys
from planner.text_search.tsqueries import order_key as query_order_key
from planner.text_search.tsqueries import order_keys as query_order_keys

_ARROW_KERNELS: dict[str, Callable[..., Any]] = {
    "eq": pc.equal, "ne": pc.not_equal, "lt": pc.less, "le": pc.less_equal, "gt": pc.greater,
    "ge": pc.greater_equal,
}  # fmt: skip
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt,
    "ge": operator.ge,
}  # fmt: skip
SUFFIX_OF_OPERATOR = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NUMERIC_KEY = pa.decimal256(76, 30)
_NUMERIC_KEY_CHARACTERS_MAX = 76
_BIT_LENGTH_BYTES = 4
_FLOATS = (FLOAT4.oid, FLOAT8.oid)

FloatArray = npt.NDArray[np.float64]


def compare(suffix: str, left: Datum, right: Datum, types: tuple[int, int], site: CallSite) -> pa.Array:
    """(n,) bool, NULL where either side is; `suffix` is eq, ne, lt, le, gt or ge, `types` both sides' OIDs."""
    if left.is_null_constant() or right.is_null_constant():
        return pa.nulls(row_count_of((left, right)), pa.bool_())
    left_oid, right_oid = types
    if left_oid in _FLOATS or right_oid in _FLOATS:
        return _compare_floats(suffix, left, right)
    if _is_array(left_oid):
        return _compare_lists(suffix, left, right, left_oid)
    if left_oid == JSONB.oid:
        from planner.functions.implementations_json import compare_jsonb

        return compare_jsonb(suffix, left, right)
    if left_oid != right_oid and {left_oid, right_oid} & {DATE.oid, TIMESTAMP.oid, TIMESTAMPTZ.oid}:
        from planner.functions.implementations_time import common_instants

        left, right = common_instants(left, right, types, site)
        left_oid = right_oid = TIMESTAMP.oid
    if left_oid == SPARSEVEC.oid and suffix in ("eq", "ne"):
        # A sparse vector has one stored form.
        return _arrow_compare(suffix, left, right)
    if NUMERIC.oid in types:
        left_keys, right_keys = _numeric_keys(left, right)
    elif left_oid in (BIT.oid, VARBIT.oid):
        left_keys, right_keys = _bit_pair_keys(left), _bit_pair_keys(right)
    else:
        left_keys, right_keys = _keys(left, left_oid), _keys(right, right_oid)
    return _arrow_compare(suffix, left_keys, right_keys)


def comparison_kernel(suffix: str) -> Kernel:
    """The kernel of a comparison function such as int4eq."""

    def kernel(arguments: Any, site: CallSite) -> pa.Array:
        left, right = arguments
        types = site.argument_types
        return compare(suffix, left, right, (types[0], types[1]), site)

    return kernel


def positions_kernel(suffix: str) -> Kernel:
    """The kernel of a comparison of enums, whose positions order as they do."""

    def kernel(arguments: Any, site: CallSite) -> pa.Array:
        left, right = arguments
        if left.is_null_constant() or right.is_null_constant():
            return pa.nulls(row_count_of((left, right)), pa.bool_())
        return _arrow_compare(suffix, left, right)

    return kernel


def _element_oid(oid: int) -> int:
    element = element_type(SqlType(oid))
    return element.oid if element else 0


def _is_array(oid: int) -> bool:
    return bool(oid & SHAPED or _element_oid(oid))


def three_way(arguments: Any, site: CallSite) -> pa.Array:
    """The kernel of vector_cmp and its kin: (n,) int32 below, at or above 0."""
    left, right = (_keys(argument, site.argument_types[0]) for argument in arguments)
    is_below, is_above = (_arrow_compare(suffix, left, right) for suffix in ("lt", "gt"))
    return contiguous(pc.subtract(is_above.cast(pa.int32()), is_below.cast(pa.int32())))


def _arrow_compare(suffix: str, left: Datum, right: Datum) -> pa.Array:
    result = _ARROW_KERNELS[suffix](left.operand(), right.operand())
    return pa.array([result.as_py()], pa.bool_()) if isinstance(result, pa.Scalar) else contiguous(result)


def _keys(datum: Datum, oid: int) -> Datum:
    """The column in a form whose Arrow order is PostgreSQL's."""
    array = datum.array
    if oid == BPCHAR.oid:
        array = pc.utf8_rtrim(array, " ")
    elif pa.types.is_fixed_size_binary(array.type):
        array = array.cast(pa.binary())
    elif oid in SCALED:
        array = range_values(array)
    elif oid in (BIT.oid, VARBIT.oid):
        array = _bit_keys(array)
    elif is_vector(SqlType(oid)):
        array = vector_order_keys(array)
    elif oid == SPARSEVEC.oid:
        array = sparse_order_keys(array)
    elif oid == TSQUERY.oid:
        array = query_order_keys(array)
    elif pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    elif pa.types.is_uint32(array.type):
        array = array.cast(pa.int64())
    return Datum(contiguous(array), datum.is_constant)


def range_values(array: pa.Array) -> pa.Array:
    """(numrange, or nummultirange) -> binary without display scales: equal, and of one order, as the values are."""
    return pa.array([None if v is None else without_scales(v) for v in array.to_pylist()], pa.binary())


def evaluate_range_value(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """`range_values` of the only column."""
    return range_values(columns[0])


def _bit_pair_keys(datum: Datum) -> Datum:
    return Datum(_moved_lengths(datum.array), datum.is_constant)


def _bit_keys(array: pa.Array) -> pa.Array:
    # Wire form is length first; PostgreSQL compares the bytes, then the length. Equal lengths need no change.
    if pc.count_distinct(pc.binary_slice(array.drop_null(), 0, _BIT_LENGTH_BYTES)).as_py() < 2:
        return array
    return _moved_lengths(array)


def evaluate_bit_order(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(bit strings) -> binary order keys, also between strings of different length."""
    return _moved_lengths(columns[0])


def _moved_lengths(array: pa.Array) -> pa.Array:
    values = array.to_pylist()
    keys = [None if v is None else v[_BIT_LENGTH_BYTES:] + v[:_BIT_LENGTH_BYTES] for v in values]
    return pa.array(keys, pa.binary())


def _numeric_keys(left: Datum, right: Datum) -> tuple[Datum, Datum]:
    try:
        return (
            Datum(_exact_numeric(left.array), left.is_constant),
            Datum(_exact_numeric(right.array), right.is_constant),
        )
    except pa.ArrowInvalid:
        values = left.array.to_pylist() + right.array.to_pylist()
        ranks = _decimal_ranks(values)
        keys = pa.array(ranks, pa.int64())
        size = len(left.array)
        return Datum(keys.slice(0, size), left.is_constant), Datum(keys.slice(size), right.is_constant)


def _exact_numeric(array: pa.Array) -> pa.Array:
    """Numeric storage -> decimal256; raises ArrowInvalid for NaN, infinity and values that do not fit."""
    if pa.types.is_integer(array.type):
        array = array.cast(pa.decimal256(20, 0))
    elif pa.types.is_string(array.type):
        longest = pc.max(pc.binary_length(array)).as_py()
        if longest is not None and longest > _NUMERIC_KEY_CHARACTERS_MAX:
            # Arrow's cast wraps around on more digits than decimal256 has.
            raise pa.ArrowInvalid("too many digits for decimal256")
    return contiguous(array.cast(_NUMERIC_KEY))


def decimal_order(value: Any) -> tuple[int, Decimal]:
    """Sort key of one numeric: -Infinity, finite, Infinity, NaN."""
    number = value if isinstance(value, Decimal) else Decimal(value)
    if number.is_nan():
        return (3, Decimal(0))
    if number.is_infinite():
        return (2 if number > 0 else 0, Decimal(0))
    return (1, number)


def _decimal_ranks(values: list[Any]) -> list[int | None]:
    # Per value in Python: only columns with NaN, infinity or more than 46 integer digits come here.
    keys = [None if value is None else decimal_order(value) for value in values]
    order = {key: rank for rank, key in enumerate(sorted({key for key in keys if key is not None}))}
    return [None if key is None else order[key] for key in keys]


def _compare_floats(suffix: str, left: Datum, right: Datum) -> pa.Array:
    left_values, right_values = _as_float64(left), _as_float64(right)
    result = _arrow_compare(suffix, left_values, right_values)
    left_nan, right_nan = _nan_mask(left_values), _nan_mask(right_values)
    if not left_nan.any() and not right_nan.any():
        return result
    either = left_nan | right_nan
    nan_answer = _OPERATORS[suffix](left_nan.astype(np.int8), right_nan.astype(np.int8))
    fixed = np.where(either, nan_answer, np.asarray(result.fill_null(False)))
    valid = np.asarray(result.is_valid())
    return pa.array(fixed, pa.bool_(), mask=~valid)


def _as_float64(datum: Datum) -> Datum:
    array = datum.array
    if not pa.types.is_float64(array.type):
        array = contiguous(array.cast(pa.float64(), safe=False))
    return Datum(array, datum.is_constant)


def _nan_mask(datum: Datum) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_nan(datum.array).fill_null(False))


def list_values(array: pa.Array) -> list[Any]:
    """Python lists of a list column."""
    values: list[Any] = array.to_pylist()
    return values


_HASHED_TYPES = frozenset(
    t.oid
    for t in (
        BOOL, BYTEA, DATE, INT2, INT4, INT8, MONEY, NAME, OID, TEXT, TIME, TIMESTAMP, TIMESTAMPTZ, UUID, VARCHAR
    )
) | BYTE_ORDERED  # fmt: skip
"""Types whose stored values are equal exactly when SQL says so: membership is one hash look-up."""
_TEXT_GROUP = (TEXT.oid, VARCHAR.oid, NAME.oid)


_DAY_NS = 86_400_000_000_000


def is_hashed(left: int, right: int) -> bool:
    """Whether membership of a value of one type in a set of another is one hash look-up."""
    if left in _TEXT_GROUP and right in _TEXT_GROUP:
        return True
    return left == right and (left in _HASHED_TYPES or is_enum(left))


def element_order(value: Any, oid: int) -> tuple[int, Any]:
    """Sort key of one array element; NULL last."""
    if value is None:
        return (2, 0)
    if oid == NUMERIC.oid:
        return (0, decimal_order(value))
    if oid in _FLOATS:
        return (1, 0.0) if value != value else (0, value)
    if oid == INTERVAL.oid:
        # A month is 30 days, a day 24 hours.
        return (0, (value.months * 30 + value.days) * _DAY_NS + value.nanoseconds)
    if oid == SPARSEVEC.oid:
        return (0, sparse_order_keys(pa.array([value], pa.binary()))[0].as_py())
    if is_vector(SqlType(oid)):
        return (0, vector_order_keys(pa.array([value], arrow_type(SqlType(oid))))[0].as_py())
    if oid in SCALED:
        return (0, without_scales(value))
    if oid == TSQUERY.oid:
        return (0, query_order_key(value))
    if oid == BPCHAR.oid:
        return (0, value.rstrip(" ").encode())
    if isinstance(value, str):
        return (0, value.encode())
    return (0, value)


def _list_order(value: list[Any], oid: int) -> list[tuple[int, Any]]:
    return [element_order(item, oid) for item in value]


def _compare_lists(suffix: str, left: Datum, right: Datum, oid: int) -> pa.Array:
    # Per row in Python: comparing whole arrays is rare, and lists of unequal length have no kernel.
    row_count = row_count_of((left, right))
    test = _OPERATORS[suffix]
    keys = []
    for side in (left, right):
        of_side = _array_keys(side.array, oid)
        keys.append(of_side * row_count if side.is_constant else of_side)
    answers = [None if a is None or b is None else test(a, b) for a, b in zip(*keys)]
    return pa.array(answers, pa.bool_())


def _array_keys(array: pa.Array, oid: int) -> list[Any]:
    """Sort keys of a column of arrays in either form, None for NULL."""
    if not oid & SHAPED:
        element = _element_oid(oid)
        return [None if v is None else _list_order(v, element) for v in list_values(array)]
    items = _array_keys(items_of(array), plain_oid(oid))
    return [None if v is None else (v, shape) for v, shape in zip(items, shapes_of(array).to_pylist())]


def order_keys(array: pa.Array, sql_type: SqlType) -> npt.NDArray[np.int64]:
    """(n,) int64 ranks in PostgreSQL's ascending order; equal values share a rank, NULL has rank 0.

    Raises:
        TypeError: the type has no order here (json).
    """
    oid = sql_type.oid
    if oid in _FLOATS:
        return _float_ranks(array)
    if _is_array(oid):
        return _python_ranks(_array_keys(array, oid))
    if oid == JSONB.oid:
        from planner.functions.implementations_json import jsonb_order_keys

        return _python_ranks(jsonb_order_keys(array))
    return _dense_ranks(sortable(array, sql_type))


def sortable(array: pa.Array, sql_type: SqlType) -> pa.Array:
    """The column in a form that Arrow sorts in PostgreSQL's order; NULL stays NULL.

    Of scalar types only: arrays and jsonb have no such form.
    """
    if sql_type.oid in _FLOATS:
        return array  # Arrow puts NaN behind all numbers, and -0 beside 0.
    if sql_type.oid != NUMERIC.oid:
        return _keys(Datum(array), sql_type.oid).array
    try:
        return _exact_numeric(array)
    except pa.ArrowInvalid:
        return pa.array(_decimal_ranks(array.to_pylist()), pa.int64())


def _float_ranks(array: pa.Array) -> npt.NDArray[np.int64]:
    values = np.asarray(array.cast(pa.float64(), safe=False).fill_null(0.0))
    _, inverse = np.unique(values + 0.0, return_inverse=True)
    ranks: npt.NDArray[np.int64] = inverse.astype(np.int64).reshape(-1) + 1
    if array.null_count:
        ranks[np.asarray(array.is_null())] = 0
    return ranks


def _dense_ranks(array: pa.Array) -> npt.NDArray[np.int64]:
    if len(array) == 0:
        return np.zeros(0, dtype=np.int64)
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int32() if pa.types.is_date32(array.type) else pa.int64())
    ranks = np.asarray(pc.rank(array, sort_keys="ascending", tiebreaker="dense"))
    result = ranks.astype(np.int64)
    if array.null_count:
        result[np.asarray(array.is_null())] = 0
    return result


def _python_ranks(keys: list[Any]) -> npt.NDArray[np.int64]:
    # Per value in Python: arrays and jsonb as sort keys; their keys are lists, so sort, then number.
    ranks = np.zeros(len(keys), dtype=np.int64)
    order = sorted((i for i, key in enumerate(keys) if key is not None), key=lambda i: keys[i])
    rank, previous = 0, None
    for i in order:
        if previous is None or keys[i] != keys[previous]:
            rank += 1
        ranks[i] = rank
        previous = i
    return ranks


_VECTOR_BASES = tuple(f"{TYPES[kind.oid].name}_" for kind in VECTOR_TYPES)
_BASES = (
    "bool", "char", "int2", "int4", "int8", "int24", "int42", "int28", "int82", "int48", "int84", "float4",
    "float8", "float48", "float84", "text", "text_", "bpchar", "bytea", "name", "oid", "tid", "xid", "date_",
    "cash_", "time_", "timetz_", "network_", "macaddr_", "macaddr8_", "timestamp_", "timestamptz_", "numeric_", "uuid_", "bit", "varbit", "array_", "jsonb_",
    *_VECTOR_BASES, "range_", "multirange_", "tsvector_", "tsquery_",
)  # fmt: skip


def comparison_kernels() -> dict[str, Kernel]:
    """Kernels by the names of pg_proc."""
    kernels: dict[str, Kernel] = {}
    for suffix in _ARROW_KERNELS:
        kernel = comparison_kernel(suffix)
        for base in _BASES:
            kernels[base + suffix] = kernel
        kernels[f"enum_{suffix}"] = positions_kernel(suffix)
        for left, right in (("name", "text"), ("text", "name")):
            kernels[left + suffix + right] = kernel
        times = ("date", "timestamp", "timestamptz")
        for left in times:
            for right in times:
                kernels[f"{left}_{suffix}_{right}"] = kernel
        kernels[f"text_pattern_{suffix}"] = kernels[f"bpchar_pattern_{suffix}"] = kernel
    for base in (
        *_VECTOR_BASES,
        "tsvector_",
        "tsquery_",
        "cash_",
        "timetz_",
        "network_",
        "macaddr_",
        "macaddr8_",
        "range_",
        "multirange_",
    ):
        kernels[f"{base}cmp"] = three_way
    kernels["xideqint4"] = kernels["xideq"]
    kernels["xidneq"] = kernels["xidneqint4"] = kernels["xidne"]
    return kernels
