"""Plans as trees of properties, as EXPLAIN (FORMAT JSON | YAML | XML) shows them: keys and values are those of PostgreSQL's explain.c.

The text of a plan is what its nodes print; the tree is read from that text, so no node says anything twice. A header such as
`Index Scan using i on t a  (cost=0.00..1.00 rows=1 width=8)` becomes "Node Type", "Index Name", "Relation Name", "Alias" and costs,
a line below it, `Filter: (x = 1)`, a property, nodes below it its "Plans". What is not known is left out, not made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = "str | bool | Number | list[Value] | dict[str, Value]"
Properties: TypeAlias = dict[str, Value]

_NODE = re.compile(r"(?P<indent> *)(?P<arrow>->  )?(?P<text>.*)")
_FIGURES = re.compile(r"\s+\((?P<kind>cost|actual|rows)[= ](?P<rest>[^()]*)\)")
_SUBPLAN = re.compile(r"(?:(?:InitPlan|SubPlan) \d+.*|CTE \S+)")
_SUMMARY = re.compile(r"(Planning Time|Execution Time): ([\d.]+) ms")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LISTS = frozenset(("Sort Key", "Group Key", "Presorted Key", "Output"))
_ARROW_COLUMNS = 4
_SCAN = re.compile(
    r"(?P<type>\w+(?: Only)? Scan)(?P<backward> Backward)?(?: using (?P<index>\S+))? on (?P<name>\S+)(?: (?P<alias>\S+))?"
)
_CHANGE = re.compile(r"(?P<operation>Insert|Update|Delete|Merge) on (?P<name>\S+)(?: (?P<alias>\S+))?")
_JOIN = re.compile(
    r"(?P<type>Hash|Merge)(?: (?P<join>\w+))? Join|(?P<loop>Nested Loop)(?: (?P<kind>\w+) Join)?"
)
_AGGREGATES = {"Aggregate": "Plain", "GroupAggregate": "Sorted", "HashAggregate": "Hashed"}
_NAME_KEYS = {"CTE Scan": "CTE Name", "Function Scan": "Function Name"}
_BEFORE_RELATION = ("Node Type", "Strategy", "Partial Mode", "Operation")
"""What stands before a node's relation to its parent."""
_ENGINE = re.compile(r"Relational Query \((?P<engine>\w+)\)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed: costs keep their two digits."""

    text: str


@dataclass(slots=True)
class _Node:
    """A node as it is read: the column of its header, its header and what stands below it."""

    column: int
    header: Properties
    below: Properties = field(default_factory=dict)
    children: list[_Node] = field(default_factory=list)
    subplan: str = ""
    """What the next children are, where a line said that they are a sub-plan."""


def explained_tree(lines: Sequence[str]) -> Properties:
    """ "Plan", and with a summary "Planning Time", "Triggers" and "Execution Time", of the lines of a plan."""
    root: _Node | None = None
    path: list[_Node] = []
    summary: Properties = {}
    for line in lines:
        timed = _SUMMARY.fullmatch(line)
        if timed is not None:
            summary[timed.group(1)] = Number(timed.group(2))
            continue
        match = _NODE.fullmatch(line)
        assert match is not None, "any line is some text"
        column, text = len(match.group("indent")), match.group("text")
        if root is None:
            root = _Node(0, _header(text))
            path = [root]
            continue
        while len(path) > 1 and column <= path[-1].column:
            path.pop()
        if match.group("arrow"):
            node = _Node(column + _ARROW_COLUMNS - 1, _header(text), subplan="")
            _add_child(path[-1], node)
            path.append(node)
        elif _SUBPLAN.fullmatch(text):
            path[-1].subplan = text
        else:
            _add_property(path[-1].below, text)
    assert root is not None, "a plan has a node"
    if "Execution Time" in summary:
        summary = {
            "Planning Time": summary["Planning Time"],
            "Triggers": [],
            "Execution Time": summary["Execution Time"],
        }
    return {"Plan": _properties(root), **summary}


def _add_child(parent: _Node, node: _Node) -> None:
    if parent.subplan:
        kind_of_plan = parent.subplan.partition(" ")[0].replace("CTE", "InitPlan")
        relation: Properties = {"Parent Relationship": kind_of_plan, "Subplan Name": parent.subplan}
        parent.subplan = ""
    else:
        outer = any(child.header.get("Parent Relationship") == "Outer" for child in parent.children)
        relation = {
            "Parent Relationship": "Member"
            if parent.header["Node Type"] == "Append"
            else "Inner"
            if outer
            else "Outer"
        }
    kind = {key: node.header.pop(key) for key in _BEFORE_RELATION if key in node.header}
    node.header = {**kind, **relation, **node.header}
    parent.children.append(node)


def _properties(node: _Node) -> Properties:
    plans: Properties = {"Plans": [_properties(child) for child in node.children]} if node.children else {}
    return {**node.header, **node.below, **plans}


def _header(text: str) -> Properties:
    """What the first line of a node says."""
    figures: Properties = {}
    for found in _FIGURES.finditer(text):
        figures |= _figures(found.group("kind"), found.group(0).strip(" ()"))
    return {**_kind(_FIGURES.sub("", text).strip()), **figures}


def _figures(kind: str, text: str) -> Properties:
    """`cost=0.00..1.00 rows=1 width=8`, `actual time=0.1..0.2 rows=1 loops=1`, `rows=3`."""
    found: Properties = {}
    what = "Actual" if kind == "actual" else "Plan"
    for name, value in re.findall(r"(\w+)=([\d.]+)", text):
        if name in ("cost", "time"):
            low, _, high = value.partition("..")
            keys = (
                ("Startup Cost", "Total Cost")
                if name == "cost"
                else ("Actual Startup Time", "Actual Total Time")
            )
            found |= {key: Number(number) for key, number in zip(keys if high else keys[1:], (low, high))}
        else:
            found[f"{what} {name.capitalize()}"] = Number(value)
    return found


def _kind(text: str) -> Properties:
    """The type of a node and what it works on."""
    common: Properties = {"Parallel Aware": False, "Async Capable": False}
    engine, scan, change, join = (p.fullmatch(text) for p in (_ENGINE, _SCAN, _CHANGE, _JOIN))
    if engine is not None:
        return {"Node Type": "Custom Scan", **common, "Custom Plan Provider": engine.group("engine")}
    if change is not None:
        on = {"Operation": change.group("operation"), **common, **_relation("Relation Name", change)}
        return {"Node Type": "ModifyTable", **on}
    if scan is not None:
        kind = scan.group("type")
        of_index: Properties = {}
        if scan.group("index"):
            direction = "Backward" if scan.group("backward") else "Forward"
            of_index = {"Scan Direction": direction, "Index Name": scan.group("index")}
        key = _NAME_KEYS.get(kind, "Relation Name")
        return {"Node Type": kind, **common, **of_index, **_relation(key, scan)}
    if text in _AGGREGATES:
        return {"Node Type": "Aggregate", "Strategy": _AGGREGATES[text], "Partial Mode": "Simple", **common}
    if join is not None:
        name = join.group("loop") or f"{join.group('type')} Join"
        return {"Node Type": name, **common, "Join Type": join.group("join") or join.group("kind") or "Inner"}
    return {"Node Type": text, **common}


def _relation(key: str, match: re.Match[str]) -> Properties:
    *schema, name = match.group("name").split(".")
    of_schema: Properties = {"Schema": schema[-1]} if schema else {}
    return {key: name, **of_schema, "Alias": match.group("alias") or name}


def _add_property(properties: Properties, text: str) -> None:
    """`Sort Key: a, b`; a line that only names something says that it is so."""
    key, colon, value = text.strip().partition(": ")
    if not colon:
        properties[key.rstrip(":")] = True
    elif key in _LISTS:
        properties[key] = list(_parts(value))
    else:
        properties[key] = Number(value) if _NUMBER.fullmatch(value) else value


def _parts(text: str) -> list[str]:
    """What commas outside of parentheses, brackets and quotes separate."""
    parts, depth, start, is_quoted = [], 0, 0, False
    for position, character in enumerate(text):
        if character == "'":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and not depth:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]
