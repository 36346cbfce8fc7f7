"""Rebuilding expressions: replace some nodes of a frozen tree, keep the rest as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from planner.bound import FIELD_NAMES, IS_NODE

_T = TypeVar("_T")


def rewrite(node: _T, change: Callable[[Any], Any]) -> _T:
    """A copy of the tree in which every node for which `change` returns something else is that.

    `change` is called from the root down and returns None to descend into the node.
    """
    changed = change(node)
    if changed is not None:
        return changed  # type: ignore[no-any-return]
    updates: dict[str, Any] = {}
    for name in FIELD_NAMES[type(node)]:
        value = getattr(node, name)
        rebuilt = _rewrite_value(value, change)
        if rebuilt is not value:
            updates[name] = rebuilt
    return replace(node, **updates) if updates else node  # type: ignore[type-var]


def _rewrite_value(value: Any, change: Callable[[Any], Any]) -> Any:
    if type(value) is tuple:
        items = tuple(_rewrite_value(item, change) for item in value)
        return items if any(a is not b for a, b in zip(items, value)) else value
    if IS_NODE[type(value)]:
        return rewrite(value, change)
    return value
