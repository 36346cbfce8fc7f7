"""Functions of arrays of any shape, in the shaped form (`foundation.shaped_arrays`): rules and words of PostgreSQL's
arrayfuncs.c and array_userfuncs.c.

Most of them move elements and look at none. These work on places: an element is its place in the elements of all
arguments, a result is taken from there at once, so every element type comes through as it is. Per row in Python, about
2 us and 0.1 us an element; arrays in the plain form have kernels of their own (`implementations_array`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    ArraySubscriptError,
    DataException,
    FeatureNotSupported,
    NullValueNotAllowed,
    ProgramLimitExceeded,
)
from foundation.shaped_arrays import (
    DIMENSIONS_MAX,
    EMPTY,
    ITEMS_MAX,
    ShapedArray,
    items_of,
    shaped_column,
    shaped_values,
    with_items,
)
from foundation.sqltypes import SqlType, arrow_type, element_type, is_shaped, plain_oid, plain_type
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_compare import element_order
from planner.functions.rowwise import row_values

_MISMATCH = "multidimensional arrays must have array expressions with matching dimensions"


def item_oid(array_oid: int) -> int:
    """The element type of either form of an array type."""
    element = element_type(SqlType(plain_oid(array_oid)))
    return element.oid if element else 0


# -- elements moved by their places


def _moving(function: Callable[..., Any], kinds: str) -> Kernel:
    """A kernel of a function that moves elements.

    Args:
        kinds: a letter an argument, the last one repeated: `a` an array, `e` an element, `v` a value as it is. Arrays and
            elements are handed over as places; a NULL array is None, a NULL element has a place.
    """

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        repeated = kinds + kinds[-1] * (len(arguments) - len(kinds))
        element = element_type(plain_type(site.result_type)) or site.result_type
        places = Places(arrow_type(element))
        columns = [
            places.values(argument.spread(row_count), kind) for argument, kind in zip(arguments, repeated)
        ]
        return places.taken([function(*row) for row in zip(*columns)], site.result_type)

    return kernel


class Places:
    """The elements of all arguments of a call, one behind the other; an element is known by its place among them."""

    def __init__(self, arrow: pa.DataType) -> None:
        self._arrow = arrow
        self._parts: list[pa.Array] = []
        self._count = 0

    def values(self, column: pa.Array, kind: str) -> list[Any]:
        """An argument's values row by row, elements replaced by their places."""
        if kind == "v":
            values: list[Any] = column.to_pylist()
            return values
        if kind == "e":
            return list(self._added(column))
        return shaped_values(column, self.of_lists(items_of(column)))

    def of_lists(self, lists: pa.Array) -> list[range | None]:
        """The places of the elements of each list of a column; None for NULL."""
        places = self._added(lists.flatten())
        ends = list(accumulate(pc.list_value_length(lists).fill_null(0).to_pylist(), initial=0))
        valid = lists.is_valid().to_pylist()
        return [places[a:b] if is_valid else None for (a, b), is_valid in zip(pairwise(ends), valid)]

    def _added(self, elements: pa.Array) -> range:
        start = self._count
        self._parts.append(elements if elements.type == self._arrow else elements.cast(self._arrow))
        self._count += len(elements)
        return range(start, self._count)

    def taken(self, results: list[Any], sql_type: SqlType) -> pa.Array:
        """A column of the results: arrays of places, for either form of the type, or single ones."""
        pool = pa.concat_arrays([pa.nulls(0, self._arrow), *self._parts])
        if not is_shaped(sql_type) and element_type(sql_type) is None:
            return pool.take(pa.array(results, pa.int64()))
        places = [place for result in results if result is not None for place in result.items]
        lengths = [0 if result is None else len(result.items) for result in results]
        offsets = pa.array([0, *accumulate(lengths)], pa.int32())
        mask = pa.array([result is None for result in results], pa.bool_())
        lists = pa.ListArray.from_arrays(offsets, pool.take(pa.array(places, pa.int64())), mask=mask)
        if not is_shaped(sql_type):
            return lists
        return shaped_column(lists, [None if result is None else result.shape for result in results])


def _append(array: ShapedArray | None, item: int) -> ShapedArray:
    return _extended(array, [item], at_end=True)


def _prepend(item: int, array: ShapedArray | None) -> ShapedArray:
    return _extended(array, [item], at_end=False)


def _extended(array: ShapedArray | None, item: list[int], *, at_end: bool) -> ShapedArray:
    if array is None or not array.lengths:
        return ShapedArray.of(item, (1,), (1,))
    if len(array.lengths) > 1:
        raise DataException("argument must be empty or one-dimensional array")
    items = array.items + item if at_end else item + array.items
    return ShapedArray.of(items, (len(items),), array.lower_bounds)


def _cat(left: ShapedArray | None, right: ShapedArray | None) -> ShapedArray | None:
    if left is None or right is None:
        return left if right is None else right
    if not right.lengths or not left.lengths:
        return left if not right.lengths else right
    depths = len(left.lengths), len(right.lengths)
    if abs(depths[0] - depths[1]) > 1:
        raise _incompatible(
            f"Arrays of {depths[0]} and {depths[1]} dimensions are not compatible for concatenation."
        )
    items = left.items + right.items
    if depths[0] == depths[1]:
        if _inner(left) != _inner(right):
            raise _incompatible(
                "Arrays with differing element dimensions are not compatible for concatenation."
            )
        return ShapedArray.of(
            items, (left.lengths[0] + right.lengths[0], *left.lengths[1:]), left.lower_bounds
        )
    outer, element = (left, right) if depths[0] > depths[1] else (right, left)
    if _inner(outer) != (element.lengths, element.lower_bounds):
        raise _incompatible("Arrays with differing dimensions are not compatible for concatenation.")
    return ShapedArray.of(items, (outer.lengths[0] + 1, *outer.lengths[1:]), outer.lower_bounds)


def _inner(array: ShapedArray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return array.lengths[1:], array.lower_bounds[1:]


def _incompatible(detail: str) -> ArraySubscriptError:
    return ArraySubscriptError("cannot concatenate incompatible arrays", detail=detail)


def stacked(arrays: Sequence[ShapedArray | None]) -> ShapedArray:
    """ARRAY[...] of arrays (ExecEvalArrayExpr). Raises ArraySubscriptError (2202E), ProgramLimitExceeded (54000)."""
    filled = [array for array in arrays if array is not None and array.lengths]
    if not filled:
        return EMPTY
    first = filled[0]
    _check_depth(len(first.lengths) + 1)
    is_even = all((a.lengths, a.lower_bounds) == (first.lengths, first.lower_bounds) for a in filled)
    if not is_even or len(filled) < len(arrays):
        raise ArraySubscriptError(_MISMATCH)
    items = [item for array in filled for item in array.items]
    return ShapedArray.of(items, (len(filled), *first.lengths), (1, *first.lower_bounds))


def _check_depth(depth: int) -> None:
    if depth > DIMENSIONS_MAX:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({depth}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        )


def _collected(*arrays: ShapedArray | None) -> ShapedArray:
    return stacked(arrays)


def accumulated(arrays: Sequence[ShapedArray | None]) -> ShapedArray:
    """array_agg() of arrays (accumArrayResultArr). Raises 22004 for NULL, 2202E for arrays that differ in shape."""
    for array in arrays:
        if array is None:
            raise NullValueNotAllowed("cannot accumulate null arrays")
        if not array.lengths:
            raise ArraySubscriptError("cannot accumulate empty arrays")
        first = arrays[0]
        assert first is not None
        if (array.lengths, array.lower_bounds) != (first.lengths, first.lower_bounds):
            raise ArraySubscriptError("cannot accumulate arrays of different dimensionality")
    return stacked(arrays)


def _item(array: ShapedArray | None, *subscripts: int | None) -> int | None:
    if array is None or None in subscripts or len(subscripts) != len(array.lengths):
        return None
    place = 0
    for subscript, length, lower in zip(subscripts, array.lengths, array.lower_bounds):
        if subscript is None or not lower <= subscript < lower + length:
            return None
        place = place * length + subscript - lower
    return int(array.items[place])


def _slice(array: ShapedArray | None, given: str | None, *bounds: int | None) -> ShapedArray | None:
    if array is None or given is None or None in bounds:
        return None
    if len(given) // 2 > len(array.lengths) or not array.lengths:
        return EMPTY
    left = iter(bounds)
    ranges = []
    for number, (lower, upper) in enumerate(zip(array.lower_bounds, array.upper_bounds)):
        marks = given[2 * number : 2 * number + 2] or "--"
        first = max(next(left) or 0, lower) if marks[0] == "l" else lower
        last = min(next(left) or 0, upper) if marks[1] == "u" else upper
        if first > last:
            return EMPTY
        ranges.append(slice(first - lower, last - lower + 1))
    chosen = np.array(array.items).reshape(array.lengths)[tuple(ranges)]
    return ShapedArray.of(chosen.ravel().tolist(), chosen.shape, (1,) * chosen.ndim)


def _trim(array: ShapedArray | None, count: int | None) -> ShapedArray | None:
    if array is None or count is None:
        return None
    length = array.lengths[0] if array.lengths else 0
    if not 0 <= count <= length:
        raise ArraySubscriptError(f"number of elements to trim must be between 0 and {length}")
    return _slice(array, "-u", array.upper_bounds[0] - count) if array.lengths else array


def _set_item(array: ShapedArray | None, item: int | None, *subscripts: int | None) -> ShapedArray:
    """SET a[i] = x (array_set_element): an array of one dimension grows, and what lies between is NULL."""
    places = _known_bounds(subscripts)
    if array is None or not array.lengths:
        return ShapedArray.of([item], (1,) * len(places), places)
    if len(places) != len(array.lengths):
        raise ArraySubscriptError("wrong number of array subscripts")
    if len(places) == 1:
        return _written(array, places[0], [item])
    place = 0
    for subscript, length, lower in zip(places, array.lengths, array.lower_bounds):
        if not lower <= subscript < lower + length:
            raise ArraySubscriptError("array subscript out of range")
        place = place * length + subscript - lower
    items = [*array.items[:place], item, *array.items[place + 1 :]]
    return ShapedArray(items, array.shape)


def _written(array: ShapedArray, first: int, new: Sequence[int | None]) -> ShapedArray:
    """An array of one dimension with elements written from a subscript on."""
    lower, upper = array.lower_bounds[0], array.upper_bounds[0]
    start, end = min(first, lower), max(first + len(new) - 1, upper)
    if end - start + 1 > ITEMS_MAX:
        raise ProgramLimitExceeded(f"array size exceeds the maximum allowed ({ITEMS_MAX})")
    items: list[int | None] = [None] * (end - start + 1)
    items[lower - start : upper - start + 1] = array.items
    items[first - start : first - start + len(new)] = new
    return ShapedArray.of(items, (len(items),), (start,))


def _known_bounds(bounds: Sequence[int | None]) -> tuple[int, ...]:
    if None in bounds:
        raise NullValueNotAllowed("array subscript in assignment must not be null")
    return tuple(bound for bound in bounds if bound is not None)


def _set_slice(
    array: ShapedArray | None, new: ShapedArray | None, given: str, *bounds: int | None
) -> ShapedArray | None:
    """SET a[i:j] = x (array_set_slice): as many elements of x as the slice has, in row-major order."""
    left = iter(_known_bounds(bounds))
    wanted = [
        (next(left) if low == "l" else None, next(left) if high == "u" else None)
        for low, high in zip(given[::2], given[1::2])
    ]
    array = EMPTY if array is None else array
    if new is None:
        return array
    if not array.lengths:
        return _new_slice(new, wanted)
    if len(wanted) > len(array.lengths):
        raise ArraySubscriptError("wrong number of array subscripts")
    whole = list(zip(array.lower_bounds, array.upper_bounds))
    ranges = [
        (lower if low is None else low, upper if high is None else high)
        for (low, high), (lower, upper) in zip(wanted, whole)
    ]
    for (low, high), (lower, upper) in zip(ranges, whole):
        if low > high:
            raise ArraySubscriptError("upper bound cannot be less than lower bound")
        if len(whole) > 1 and (low < lower or high > upper):
            raise ArraySubscriptError("array subscript out of range")
    ranges += whole[len(ranges) :]
    counts = [high - low + 1 for low, high in ranges]
    if prod(counts) > len(new.items):
        raise ArraySubscriptError("source array too small")
    if len(whole) == 1:
        return _written(array, ranges[0][0], new.items[: counts[0]])
    grid = np.array(array.items, dtype=object).reshape(array.lengths)
    parts = tuple(slice(low - lower, high - lower + 1) for (low, high), (lower, _) in zip(ranges, whole))
    grid[parts] = np.array(new.items[: prod(counts)], dtype=object).reshape(counts)
    return ShapedArray(grid.ravel().tolist(), array.shape)


def _new_slice(new: ShapedArray, wanted: Sequence[tuple[int | None, int | None]]) -> ShapedArray:
    """A slice of an array that has no elements yet, which becomes that slice."""
    bounds = [(low, high) for low, high in wanted if low is not None and high is not None]
    if len(bounds) < len(wanted):
        raise ArraySubscriptError(
            "array slice subscript must provide both boundaries",
            detail="When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
        )
    counts = [high - low + 1 for low, high in bounds]
    if any(count < 0 for count in counts):
        raise ProgramLimitExceeded(f"array size exceeds the maximum allowed ({ITEMS_MAX})")
    if prod(counts) > len(new.items):
        raise ArraySubscriptError("source array too small")
    return ShapedArray.of(new.items[: prod(counts)], counts, [low for low, _ in bounds])


def _fill(item: int, lengths: list[int | None] | None, bounds: list[int | None] | None) -> ShapedArray:
    if lengths is None or bounds is None:
        raise NullValueNotAllowed("dimension array or low bound array cannot be null")
    if None in lengths:
        raise NullValueNotAllowed("dimension values cannot be null")
    _check_depth(len(lengths))
    if len(bounds) != len(lengths):
        raise ArraySubscriptError(
            "wrong number of array subscripts",
            detail="Low bound array has different size than dimensions array.",
        )
    if None in bounds:
        raise NullValueNotAllowed("dimension values cannot be null")
    sizes = [length for length in lengths if length is not None]
    if any(size < 0 for size in sizes) or prod(sizes) > ITEMS_MAX:
        raise ProgramLimitExceeded(f"array size exceeds the maximum allowed ({ITEMS_MAX})")
    if not sizes or 0 in sizes:
        return EMPTY
    return ShapedArray.of([item] * prod(sizes), tuple(sizes), tuple(bound or 0 for bound in bounds))


def _fill_from_one(item: int, lengths: list[int | None] | None) -> ShapedArray:
    return _fill(item, lengths, [1] * len(lengths or ()))


def _fill_kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    function = _fill if len(arguments) > 2 else _fill_from_one
    return _moving(function, "ev")(arguments, site)


# -- shapes alone, and elements compared


def _looking(function: Callable[..., Any], *, reads_items: bool = False) -> Kernel:
    """A kernel of `function(oid, array, *values)`; the array has its elements, of type `oid`, only where they are read."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        array = arguments[0].spread(row_count)
        lists = items_of(array).to_pylist() if reads_items else [()] * row_count
        rows = zip(shaped_values(array, lists), *row_values(arguments[1:], row_count))
        oid = item_oid(site.argument_types[0])
        return pa.array([function(oid, *row) for row in rows], arrow_type(site.result_type))

    return kernel


def _of_dimension(choose: Callable[[ShapedArray, int], int]) -> Kernel:
    def of_dimension(_oid: int, array: ShapedArray | None, dimension: int | None) -> int | None:
        if array is None or dimension is None or not 1 <= dimension <= len(array.lengths):
            return None
        return choose(array, dimension - 1)

    return _looking(of_dimension)


def _count_dimensions(_oid: int, array: ShapedArray | None) -> int | None:
    return None if array is None else len(array.lengths) or None


def _dimensions(_oid: int, array: ShapedArray | None) -> str | None:
    if array is None or not array.lengths:
        return None
    return array.bounds_text()


def _position(oid: int, array: ShapedArray | None, item: Any, start: int | None = -(2**31)) -> int | None:
    if array is None:
        return None
    _check_one_dimension(array, "searching for elements in")
    if start is None:
        raise NullValueNotAllowed("initial position must not be null")
    return next((place for place in _places(oid, array, item) if place >= start), None)


def _positions(oid: int, array: ShapedArray | None, item: Any) -> list[int] | None:
    if array is None:
        return None
    _check_one_dimension(array, "searching for elements in")
    return _places(oid, array, item)


def _places(oid: int, array: ShapedArray, item: Any) -> list[int]:
    """The subscripts of the elements that equal one."""
    key = element_order(item, oid)
    lower = array.lower_bounds[0] if array.lengths else 1
    return [lower + index for index, value in enumerate(array.items) if element_order(value, oid) == key]


def _check_one_dimension(array: ShapedArray, what: str) -> None:
    if len(array.lengths) > 1:
        raise FeatureNotSupported(f"{what} multidimensional arrays is not supported")


def _remove(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """array_remove(): a result keeps the lower bound."""
    kept: list[ShapedArray | None] = []
    oid = item_oid(site.argument_types[0])
    row_count = row_count_of(arguments, site.row_count)
    column = arguments[0].spread(row_count)
    arrays = shaped_values(column, items_of(column).to_pylist())
    for array, item in zip(arrays, *row_values(arguments[1:], row_count)):
        if array is None:
            kept.append(None)
            continue
        _check_one_dimension(array, "removing elements from")
        key = element_order(item, oid)
        items = [value for value in array.items if element_order(value, oid) != key]
        kept.append(ShapedArray.of(items, (len(items),), array.lower_bounds) if items else EMPTY)
    lists = [None if array is None else array.items for array in kept]
    remaining = pa.array(lists, arrow_type(plain_type(site.result_type)))
    return shaped_column(remaining, [None if array is None else array.shape for array in kept])


def _replace(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """array_replace(): the shape stays."""
    oid = item_oid(site.argument_types[0])
    row_count = row_count_of(arguments, site.row_count)
    array = arguments[0].spread(row_count)
    _, old, new = row_values(arguments, row_count)
    lists: list[Any] = []
    for items, wanted, other in zip(items_of(array).to_pylist(), old, new):
        key = element_order(wanted, oid)
        lists.append(items and [other if element_order(item, oid) == key else item for item in items])
    return with_items(array, pa.array(lists, arrow_type(plain_type(site.result_type))))


def _items(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return contiguous(items_of(arguments[0].array))


def shaped_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name, for calls with an argument in the shaped form; and those of `shaped_functions`."""
    return {
        "array_items": _items, "array_stack": _moving(_collected, "a"), "array_item": _moving(_item, "av"),
        "array_slice": _moving(_slice, "av"), "array_set_item": _moving(_set_item, "aev"),
        "array_set_slice": _moving(_set_slice, "aav"),
        "array_append": _moving(_append, "ae"), "array_prepend": _moving(_prepend, "ea"),
        "array_cat": _moving(_cat, "a"), "trim_array": _moving(_trim, "av"), "array_fill": _fill_kernel,
        "array_length": _of_dimension(lambda array, index: array.lengths[index]),
        "array_lower": _of_dimension(lambda array, index: array.lower_bounds[index]),
        "array_upper": _of_dimension(lambda array, index: array.upper_bounds[index]),
        "array_ndims": _looking(_count_dimensions), "array_dims": _looking(_dimensions),
        "array_position": _looking(_position, reads_items=True),
        "array_positions": _looking(_positions, reads_items=True),
        "array_remove": _remove, "array_replace": _replace,
    }  # fmt: skip
