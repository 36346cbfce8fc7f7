"""Functions of arrays in the plain form, one dimension from 1; `implementations_shaped` has the others. Elements compare as their type does; NULL elements never match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import ArraySubscriptError, NullValueNotAllowed
from foundation.sqltypes import SHAPED, TEXT, SqlType, arrow_type, element_type, is_shaped
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_compare import element_order, is_hashed
from planner.functions.implementations_shaped import shaped_kernels
from planner.functions.rowwise import row_kernel, row_values


def element_oid(array_oid: int) -> int:
    element = element_type(SqlType(array_oid))
    return element.oid if element else TEXT.oid


def _keys(items: list[Any], oid: int) -> set[Any]:
    return {element_order(item, oid) for item in items if item is not None}


def _contains(left: list[Any], right: list[Any], oid: int) -> bool:
    return None not in right and _keys(right, oid) <= _keys(left, oid)


def _contained(left: list[Any], right: list[Any], oid: int) -> bool:
    return _contains(right, left, oid)


def _overlaps(left: list[Any], right: list[Any], oid: int) -> bool:
    return not _keys(left, oid).isdisjoint(_keys(right, oid))


@dataclass(frozen=True, slots=True)
class _Elements:
    """The elements of all rows of a column of arrays, each with its row."""

    values: pa.Array
    rows: npt.NDArray[np.int64]
    row_count: int

    @classmethod
    def of(cls, lists: pa.ListArray) -> _Elements:
        rows = np.asarray(pc.list_parent_indices(lists)).astype(np.int64)
        return cls(lists.flatten(), rows, len(lists))

    def counts(self, is_counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """(row_count,) how many elements of a row are counted."""
        return np.bincount(self.rows[is_counted], minlength=self.row_count)


def _has_all(elements: _Elements, members: pa.Array) -> npt.NDArray[np.bool_]:
    wanted = pc.unique(members)
    if wanted.null_count:
        return np.zeros(elements.row_count, dtype=np.bool_)
    number = np.asarray(pc.index_in(elements.values, value_set=wanted).fill_null(-1)).astype(np.int64)
    is_wanted = number >= 0
    pairs = np.unique(elements.rows[is_wanted] * len(wanted) + number[is_wanted])
    found = np.bincount(pairs // max(len(wanted), 1), minlength=elements.row_count)
    return np.equal(found, len(wanted))


def _has_only(elements: _Elements, members: pa.Array) -> npt.NDArray[np.bool_]:
    is_other = ~np.asarray(pc.is_in(elements.values, value_set=members.drop_null()))
    return np.equal(elements.counts(is_other), 0)


def _has_any(elements: _Elements, members: pa.Array) -> npt.NDArray[np.bool_]:
    is_member = np.asarray(pc.is_in(elements.values, value_set=members.drop_null()))
    return np.greater(elements.counts(is_member), 0)


_ListTest = Callable[[list[Any], list[Any], int], bool]
_ElementsTest = Callable[[_Elements, pa.Array], npt.NDArray[np.bool_]]


def _set_test(test: _ListTest, with_right: _ElementsTest, with_left: _ElementsTest) -> Kernel:
    """A kernel of two arrays.

    `test(left, right, oid)` decides one row by Python lists; `with_right` all rows where the right side is one constant,
    and `with_left` where the left one is.
    """

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        oid = element_oid(site.argument_types[0])
        left, right = arguments
        if left.is_constant is not right.is_constant and is_hashed(oid, oid):
            column, constant = (left, right) if right.is_constant else (right, left)
            members = constant.array.flatten().cast(column.array.type.value_type)
            decide = with_right if right.is_constant else with_left
            is_null = np.asarray(column.array.is_null())
            return pa.array(decide(_Elements.of(column.array), members), pa.bool_(), mask=is_null)
        lefts, rights = row_values(arguments, row_count_of(arguments))
        return pa.array(
            [None if a is None or b is None else test(a, b, oid) for a, b in zip(lefts, rights)], pa.bool_()
        )

    return kernel


def _cardinality(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return contiguous(pc.list_value_length(arguments[0].array))


def _length(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """The length, or the upper bound, of the dimension 1; NULL for others and for an empty array."""
    lists, dimension = (argument.operand() for argument in arguments)
    lengths = pc.list_value_length(lists)
    is_there = pc.and_(pc.equal(dimension, 1), pc.greater(lengths, 0))
    found = pc.if_else(is_there, lengths, pa.scalar(None, pa.int32()))
    return pa.array([found.as_py()], pa.int32()) if isinstance(found, pa.Scalar) else contiguous(found)


def _with_lists(function: Any) -> Kernel:
    """A kernel that sees NULL arrays and elements; `function(oid, *values)` with the element type of the first array."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        columns = row_values([_with_numbers(argument) for argument in arguments], row_count)
        array_oid = next((t for t in site.argument_types if element_type(SqlType(t))), TEXT.oid)
        oid = element_oid(array_oid)
        rows = [function(oid, *row) for row in zip(*columns)]
        target = arrow_type(site.result_type)
        return pa.array(rows, _number_type(target)).cast(target)

    return kernel


def _with_numbers(argument: Datum) -> Datum:
    """Dates and times as the integers that they are stored as: Python's have no infinity, and end with the year 9999."""
    return replace(argument, array=argument.array.cast(_number_type(argument.array.type)))


def _number_type(arrow: pa.DataType) -> pa.DataType:
    """The type of these integers; any other type is itself."""
    if pa.types.is_list(arrow):
        return pa.list_(_number_type(arrow.value_type))
    if pa.types.is_date32(arrow):
        return pa.int32()
    return pa.int64() if pa.types.is_timestamp(arrow) or pa.types.is_time64(arrow) else arrow


def _append(_oid: int, items: list[Any] | None, item: Any) -> list[Any]:
    return [*(items or []), item]


def _prepend(_oid: int, item: Any, items: list[Any] | None) -> list[Any]:
    return [item, *(items or [])]


def _cat(_oid: int, left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    if left is None or right is None:
        return left if right is None else right
    return left + right


def _position(oid: int, items: list[Any] | None, item: Any, start: int | None = 1) -> int | None:
    if items is None:
        return None
    if start is None:
        raise NullValueNotAllowed("initial position must not be null")
    key = element_order(item, oid)
    for index in range(max(start, 1) - 1, len(items)):
        if element_order(items[index], oid) == key:
            return index + 1
    return None


def _positions(oid: int, items: list[Any] | None, item: Any) -> list[int] | None:
    if items is None:
        return None
    key = element_order(item, oid)
    return [index + 1 for index, value in enumerate(items) if element_order(value, oid) == key]


def _remove(oid: int, items: list[Any] | None, item: Any) -> list[Any] | None:
    if items is None:
        return None
    key = element_order(item, oid)
    return [value for value in items if element_order(value, oid) != key]


def _replace(oid: int, items: list[Any] | None, old: Any, new: Any) -> list[Any] | None:
    if items is None:
        return None
    key = element_order(old, oid)
    return [new if element_order(value, oid) == key else value for value in items]


def _to_string(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """array_to_string(array, separator [, null text]): elements in their output form."""
    row_count = row_count_of(arguments)
    oid = element_oid(site.argument_types[0])
    arrays, separators, *rest = row_values(arguments, row_count)
    null_texts = rest[0] if rest else [None] * row_count
    results: list[str | None] = []
    for items, separator, null_text in zip(arrays, separators, null_texts):
        if items is None or separator is None:
            results.append(None)
            continue
        column = pa.array(items, arrow_type(SqlType(oid)))
        texts = site.context.codecs.to_text(column, SqlType(oid)).to_pylist()
        shown = [null_text if text is None else text for text in texts]
        results.append(separator.join(text for text in shown if text is not None))
    return pa.array(results, pa.utf8())


def _from_string(text: str, separator: str | None, null_text: str | None = None) -> list[str | None]:
    if text == "":
        return []
    parts: list[str] = (
        list(text) if separator is None else [text] if separator == "" else text.split(separator)
    )
    return [None if part == null_text else part for part in parts]


def _trim(_oid: int, items: list[Any] | None, count: int | None) -> list[Any] | None:
    if items is None or count is None:
        return None
    if not 0 <= count <= len(items):
        raise ArraySubscriptError(f"number of elements to trim must be between 0 and {len(items)}")
    return items[: len(items) - count]


def _by_form(plain: Kernel, shaped: Kernel) -> Kernel:
    """A kernel of both forms: one argument or the result in the shaped form asks for it."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        is_any = is_shaped(site.result_type) or any(oid & SHAPED for oid in site.argument_types)
        return (shaped if is_any else plain)(arguments, site)

    return kernel


def array_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name, of both forms."""
    plain, shaped = _plain_kernels(), shaped_kernels()
    both = {name: _by_form(plain[name], shaped[name]) for name in plain.keys() & shaped.keys()}
    return {**plain, **shaped, **both}


def _plain_kernels() -> dict[str, Kernel]:
    return {
        "arraycontains": _set_test(_contains, _has_all, _has_only),
        "arraycontained": _set_test(_contained, _has_only, _has_all),
        "arrayoverlap": _set_test(_overlaps, _has_any, _has_any),
        "array_length": _length, "array_upper": _length,
        "array_lower": row_kernel(lambda items, dimension: 1 if dimension == 1 and items else None),
        "cardinality": _cardinality, "array_ndims": row_kernel(lambda items: 1 if items else None),
        "array_append": _with_lists(_append), "array_prepend": _with_lists(_prepend), "array_cat": _with_lists(_cat),
        "array_position": _with_lists(_position), "array_positions": _with_lists(_positions),
        "array_remove": _with_lists(_remove), "array_replace": _with_lists(_replace),
        "array_to_string": _to_string, "trim_array": _with_lists(_trim),
        "array_dims": row_kernel(lambda items: f"[1:{len(items)}]" if items else None),
        "string_to_array": _with_lists(lambda _oid, text, separator, null_text=None:
                                       None if text is None else _from_string(text, separator, null_text)),
    }  # fmt: skip
