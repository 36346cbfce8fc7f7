"""Functions without a name in SQL, by which bound trees say what PostgreSQL's syntax says of arrays of any shape.

They are calls, so they are evaluated, folded and handed to DuckDB as other functions are; where a tree is printed,
`expression_text` writes the syntax they stand for. Their kernels are in `implementations_shaped`.
"""

from __future__ import annotations

from planner.functions.signature import ANYARRAY, ANYELEMENT, Function

_INT4, _TEXT, _JSONB = 23, 25, 3802

ARRAY_ITEMS = Function("array_items", (ANYARRAY,), ANYARRAY)
"""The elements of an array of any shape as a plain array: what unnest(), = ANY and @> look at. Not seen in SQL."""
ARRAY_STACK = Function("array_stack", (ANYARRAY,), ANYARRAY, is_strict=False, is_variadic=True)
"""ARRAY[a, b] of arrays: an array of one more dimension."""
ARRAY_ITEM = Function("array_item", (ANYARRAY, _INT4), ANYELEMENT, is_variadic=True)
"""a[1][2]."""
ARRAY_SLICE = Function("array_slice", (ANYARRAY, _TEXT, _INT4), ANYARRAY, is_variadic=True)
"""a[1:2][:3]: the array, two letters a dimension that say which bounds are there (`lu-u`), the bounds that are."""
ARRAY_SET_ITEM = Function(
    "array_set_item", (ANYARRAY, ANYELEMENT, _INT4), ANYARRAY, is_strict=False, is_variadic=True
)
"""SET a[1][2] = x: the array, the new element, the subscripts."""
ARRAY_SET_SLICE = Function(
    "array_set_slice", (ANYARRAY, ANYARRAY, _TEXT, _INT4), ANYARRAY, is_strict=False, is_variadic=True
)
"""SET a[1:2] = x: the array, the new elements, then as ARRAY_SLICE."""
JSONB_SET_PART = Function(
    "jsonb_set_part", (_JSONB, _JSONB, ANYELEMENT), _JSONB, is_strict=False, is_variadic=True
)
"""SET j['k'][0] = x: the document, the new value, the keys and places that lead to it."""
