"""Rebuilding expressions: replace some nodes of a frozen tree, keep the rest as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from foundation.sqltypes import SqlType
from planner.bound import BoundDomain, ColumnRef, Constant, Parameter, QueryResult
from planner.functions.signature import Function

_T = TypeVar("_T")
_LEAVES = (Constant, QueryResult, Parameter, ColumnRef)


def rewrite(node: _T, change: Callable[[Any], Any]) -> _T:
    """A copy of the tree in which every node for which `change` returns something else is that.

    `change` is called from the root down and returns None to descend into the node.
    """
    changed = change(node)
    if changed is not None:
        return changed  # type: ignore[no-any-return]
    if isinstance(node, _LEAVES):
        return node
    updates: dict[str, Any] = {}
    for spec in fields(node):  # type: ignore[arg-type]
        value = getattr(node, spec.name)
        rebuilt = _rewrite_value(value, change)
        if rebuilt is not value:
            updates[spec.name] = rebuilt
    return replace(node, **updates) if updates else node  # type: ignore[type-var]


def _rewrite_value(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        items = tuple(_rewrite_value(item, change) for item in value)
        return items if any(a is not b for a, b in zip(items, value)) else value
    if is_dataclass(value) and not isinstance(value, SqlType | Function | BoundDomain | type):
        return rewrite(value, change)
    return value
