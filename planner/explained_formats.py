"""Trees of properties printed as EXPLAIN (FORMAT JSON | YAML | XML) does: layout and quoting of PostgreSQL's explain.c.

https://www.postgresql.org/docs/16/sql-explain.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from planner.explained_tree import Number, Properties, Value, explained_tree

_XML_NAMESPACE = "http://www.postgresql.org/2009/explain"
_ITEM_TAGS = {
    "Plans": "Plan",
    "Sort Key": "Item",
    "Group Key": "Item",
    "Presorted Key": "Item",
    "Output": "Item",
}
_UTILITY = "Utility Statement"


def formatted_plan(lines: Sequence[str], format: str) -> str:
    """The lines of a plan in one of the formats json, yaml and xml; no lines are a statement without a plan."""
    return _FORMATS[format](explained_tree(lines) if lines else None)


def _json(tree: Properties | None) -> str:
    inner = json.dumps(_UTILITY) if tree is None else _json_value(tree, 1)
    return f"[\n  {inner}\n]"


def _json_value(value: Value, level: int) -> str:
    indent = "  " * (level + 1)
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        members = (
            f"{indent}{json.dumps(key)}: {_json_value(item, level + 1)}" for key, item in value.items()
        )
        return "{\n" + ",\n".join(members) + "\n" + indent[2:] + "}"
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value) and value:
            return "[" + ", ".join(json.dumps(item, ensure_ascii=False) for item in value) + "]"
        items = ",\n".join(indent + _json_value(item, level + 1) for item in value)
        return "[\n" + (items + "\n" if items else "") + indent[2:] + "]"
    return json.dumps(value, ensure_ascii=False)


def _yaml(tree: Properties | None) -> str:
    return f"- {json.dumps(_UTILITY)}" if tree is None else "- " + _yaml_members(tree, 1)


def _yaml_members(properties: Properties, level: int) -> str:
    separator = "\n" + "  " * level
    return separator.join(f"{key}: {_yaml_value(value, level + 1)}" for key, value in properties.items())


def _yaml_value(value: Value, level: int) -> str:
    indent = "\n" + "  " * level
    if isinstance(value, dict):
        return indent + _yaml_members(value, level)
    if isinstance(value, list):
        return "".join(
            f"{indent}- {_yaml_members(item, level + 1) if isinstance(item, dict) else _yaml_value(item, level)}"
            for item in value
        )
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _xml(tree: Properties | None) -> str:
    inner = (
        ["  <Utility-Statement/>"] if tree is None else ["  <Query>", *_xml_members(tree, 2), "  </Query>"]
    )
    return "\n".join([f'<explain xmlns="{_XML_NAMESPACE}">', *inner, "</explain>"])


def _xml_members(properties: Properties, level: int) -> list[str]:
    return [line for key, value in properties.items() for line in _xml_element(key, value, level)]


def _xml_element(key: str, value: Value, level: int) -> list[str]:
    tag, indent = re.sub(r"[^-\w.]", "-", key), "  " * level
    if isinstance(value, dict):
        return [f"{indent}<{tag}>", *_xml_members(value, level + 1), f"{indent}</{tag}>"]
    if isinstance(value, list):
        items = [
            line for item in value for line in _xml_element(_ITEM_TAGS.get(key, "Item"), item, level + 1)
        ]
        return [f"{indent}<{tag}>", *items, f"{indent}</{tag}>"]
    text = (
        value.text if isinstance(value, Number) else str(value).lower() if isinstance(value, bool) else value
    )
    return [f"{indent}<{tag}>{escape(text)}</{tag}>"]


_FORMATS: dict[str, Callable[[Properties | None], str]] = {"json": _json, "yaml": _yaml, "xml": _xml}
