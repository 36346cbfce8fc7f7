"""Functions without a name in SQL, by which bound trees say what PostgreSQL's syntax says of arrays of any shape.

They are calls, so they are evaluated, folded and handed to DuckDB as other functions are; where a tree is printed,
`expression_text` writes the syntax they stand for. Their kernels are in `implementations_shaped`.
"""

from __future__ import annotations

from planner.functions.signature import ANYARRAY, ANYELEMENT, Function

_INT4, _TEXT = 23, 25

ARRAY_ITEMS = Function("array_items", (ANYARRAY,), ANYARRAY)
"""The elements of an array of any shape as a plain array: what unnest(), = ANY and @> look at. Not seen in SQL."""
ARRAY_STACK = Function("array_stack", (ANYARRAY,), ANYARRAY, is_strict=False, is_variadic=True)
"""ARRAY[a, b] of arrays: an array of one more dimension."""
ARRAY_ITEM = Function("array_item", (ANYARRAY, _INT4), ANYELEMENT, is_variadic=True)
"""a[1][2]."""
ARRAY_SLICE = Function("array_slice", (ANYARRAY, _TEXT, _INT4), ANYARRAY, is_variadic=True)
"""a[1:2][:3]: the array, two letters a dimension that say which bounds are there (`lu-u`), the bounds that are."""
