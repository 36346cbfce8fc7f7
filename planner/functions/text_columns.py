"""Text functions of a column and constants, by Arrow's kernels where these mean what PostgreSQL means.

Arrow counts characters as PostgreSQL does, but its case mapping knows more than C.UTF-8's and it finds bytes, not
characters: both agree for ASCII, and a text that is not is left to the function of one row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from planner.errors import SubstringError
from planner.functions.datum import CallSite, Datum, Kernel, contiguous
from planner.functions.rowwise import row_kernel

ColumnFunction = Callable[..., pa.Array | pa.ChunkedArray]
"""A column of text and the values of the other arguments, none of them NULL."""


def column_kernel(columns: ColumnFunction, rows: Callable[..., Any], *, needs_ascii: bool = False) -> Kernel:
    """A strict kernel: `columns` where the first argument is a column and the others are constants, else `rows`.

    `needs_ascii`: texts with other characters go to `rows`.
    """
    by_row = row_kernel(rows)

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        texts, *others = arguments
        if texts.is_constant or not all(other.is_constant for other in others):
            return by_row(arguments, site)
        values = [other.array[0].as_py() for other in others]
        is_other = np.asarray(pc.invert(pc.string_is_ascii(texts.array)).fill_null(False))
        if not needs_ascii or not is_other.any():
            return contiguous(columns(texts.array, *values))
        found = contiguous(columns(texts.array, *values))
        replaced = by_row([Datum(texts.array.filter(pa.array(is_other))), *others], site)
        return contiguous(pc.replace_with_mask(found, pa.array(is_other), replaced))

    return kernel


def substring(texts: pa.Array, start: int, length: int | None = None) -> pa.Array:
    """Raises SubstringError (22011) for a negative length."""
    first = max(start - 1, 0)
    if length is None:
        return pc.utf8_slice_codeunits(texts, first)
    if length < 0 and texts.null_count < len(texts):
        raise SubstringError("negative substring length not allowed")
    return pc.utf8_slice_codeunits(texts, first, max(start - 1 + length, first))


def left(texts: pa.Array, count: int) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, count)


def right(texts: pa.Array, count: int) -> pa.Array:
    if count == 0:
        return pc.utf8_slice_codeunits(texts, 0, 0)
    return pc.utf8_slice_codeunits(texts, -count)


def position(texts: pa.Array, part: str) -> pa.Array:
    return pc.add(pc.find_substring(texts, part), 1).cast(pa.int32())


def starts_with(texts: pa.Array, prefix: str) -> pa.Array:
    return pc.starts_with(texts, prefix)


def replace(texts: pa.Array, old: str, new: str) -> pa.Array:
    return pc.replace_substring(texts, old, new) if old else texts


def lower(texts: pa.Array) -> pa.Array:
    return pc.ascii_lower(texts)


def upper(texts: pa.Array) -> pa.Array:
    return pc.ascii_upper(texts)
