"""Paths that look at one member of a document only, so that the rest need not be parsed.

`$.lang == "en"` over a document is `$ == "en"` over its member `lang`, which `json_members` cuts out of the text.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.functions.json_path.items import Item, JsonPath, Kind
from planner.functions.json_path.parser import parse_json_path
from planner.functions.json_path.printer import stored_text
from planner.functions.json_path.steps import uses


@lru_cache(maxsize=1024)
def leading_member(text: str) -> tuple[str, str] | None:
    """The name of the member and the path over it; None when the path may look elsewhere.

    Holds in lax mode for documents that are objects: every `$` is followed by the name, and no id of keyvalue() tells where
    in the document an object lies.
    """
    path = parse_json_path(text)
    names: set[str | None] = set()
    shortened = _shortened(path.first, names)
    name = names.pop() if len(names) == 1 else None
    if not path.is_lax or name is None or uses(path.first, Kind.KEYVALUE):
        return None
    return name, stored_text(JsonPath(shortened, is_lax=True))


def _shortened(item: Item, names: set[str | None]) -> Item:
    """The chain without the names behind `$`, which are collected; None stands for a `$` without one."""
    following = item.following
    if item.kind is Kind.ROOT:
        is_member = following is not None and following.kind is Kind.KEY
        names.add(following.value if is_member and following is not None else None)
        following = following.following if is_member and following is not None else following
    operands = tuple(None if operand is None else _shortened(operand, names) for operand in item.operands)
    return replace(
        item, operands=operands, following=None if following is None else _shortened(following, names)
    )
