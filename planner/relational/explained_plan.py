"""EXPLAIN of a relational query: DuckDB's plan in PostgreSQL's form, with the client's names and what was done before it.

    ->  Sort  (rows=5) (actual time=0.012 rows=4)
          Sort Key: o1 DESC
          ->  HashAggregate  (rows=5) (actual time=0.310 rows=4)
                Group Key: n.n_name
                ->  Hash Join  (rows=22958) (actual time=1.204 rows=7243)
                      Hash Cond: l.l_suppkey = s.s_suppkey
                      ->  Seq Scan on lineitem l  (rows=91033 of 600572)
                            Partners: (l.l_orderkey = o.o_orderkey)

Registered columns are named by relation and position (`column_name`), so every mention of one is found in DuckDB's text. A scan
says how many rows it gives to DuckDB, which is known before; `rows` of other nodes is DuckDB's estimate. The time of a node
is its own, in milliseconds, without those below it. What DuckDB projects is left out, and filled in where it is referred to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TITLES = {
    "HASH_GROUP_BY": "HashAggregate", "PERFECT_HASH_GROUP_BY": "HashAggregate", "PARTITIONED_AGGREGATE": "HashAggregate",
    "UNGROUPED_AGGREGATE": "Aggregate", "ORDER_BY": "Sort", "TOP_N": "Top-N Sort", "LIMIT": "Limit",
    "STREAMING_LIMIT": "Limit", "FILTER": "Filter", "WINDOW": "WindowAgg", "STREAMING_WINDOW": "WindowAgg", "UNION": "Append",
    "CROSS_PRODUCT": "Nested Loop", "NESTED_LOOP_JOIN": "Nested Loop", "BLOCKWISE_NL_JOIN": "Nested Loop", "HASH_JOIN": "Hash",
    "PIECEWISE_MERGE_JOIN": "Merge", "IE_JOIN": "Range", "RIGHT_DELIM_JOIN": "Dependent", "LEFT_DELIM_JOIN": "Dependent",
    "DELIM_SCAN": "Scan of Outer Values", "UNNEST": "ProjectSet", "CTE_SCAN": "CTE Scan", "CTE": "CTE",
    "RECURSIVE_CTE": "Recursive Union", "RECURSIVE_CTE_SCAN": "WorkTable Scan", "COLUMN_DATA_SCAN": "Values Scan",
    "DUMMY_SCAN": "Result", "EMPTY_RESULT": "Result (no rows)", "RANGE": "Function Scan on generate_series",
}  # fmt: skip
_JOINS = frozenset(
    ("HASH_JOIN", "NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN", "RIGHT_DELIM_JOIN",
     "LEFT_DELIM_JOIN", "CROSS_PRODUCT")
)  # fmt: skip
_LABELS = {
    "Conditions": "Join Cond", "Groups": "Group Key", "Expression": "Filter", "Order By": "Sort Key", "Top": "Limit",
    "Projections": "Output", "Filters": "Filter",
}  # fmt: skip
_HIDDEN = frozenset(("Estimated Cardinality", "Join Type", "Function", "CTE Index", "Delim Index"))
_WITHOUT_OUTPUT = frozenset(("RESULT_COLLECTOR", "EXPLAIN_ANALYZE"))
_SCANS = frozenset(("PYTHON_ARROW_SCAN", "TABLE_SCAN", "ARROW_SCAN"))
_COLUMN = re.compile(r"\br(\d+)(?:c(\d+)|visible)\b")
_REFERENCE = re.compile(r"#(\d+)\b")
_SLOT_CALL = re.compile(r"\bquiver_\d+\(\d+(?:, )?")
_SLOT_CALL_SHOWN = "python("


@dataclass(frozen=True, slots=True)
class ScanShown:
    """How a relation that DuckDB scans is shown; `rows` says how many rows it has, as text."""

    title: str
    properties: tuple[str, ...] = ()
    rows: str = ""


@dataclass(frozen=True, slots=True)
class PlanNames:
    """What the client calls things: `column_of` names a relation's column, `scans` are the relations by id."""

    column_of: Callable[[int, int], str]
    scans: Mapping[int, ScanShown]


@dataclass(slots=True)
class _Node:
    title: str
    numbers: str = ""
    properties: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)
    outputs: list[str] | None = None
    """What its columns are, where that is known."""
    is_shown: bool = True


def plan_lines(plan: str, names: PlanNames, *, costs: bool, timing: bool) -> list[str]:
    """The lines of a plan from DuckDB's EXPLAIN (FORMAT json), with ANALYZE or without."""
    document = json.loads(plan)
    roots = document["operator"] if isinstance(document, dict) else document
    reader = _PlanReader(names, costs=costs, timing=timing)
    lines: list[str] = []
    for root in roots:
        _render(reader.node(root), 1, lines)
    return lines


def rows_and_seconds(plan: str) -> tuple[int, float]:
    """How many rows the query of an analyzed plan had, and how long it ran."""
    document = json.loads(plan)
    node = document["operator"][0]
    while node["type"] in _WITHOUT_OUTPUT:
        node = node["children"][0]
    return int(node["intermediate_rows"]), float(document["query"]["total_time"])


def _render(node: _Node, depth: int, lines: list[str]) -> None:
    if not node.is_shown:
        for child in node.children:
            _render(child, depth, lines)
        return
    lines.append(" " * (6 * depth - 4) + "->  " + node.title + node.numbers)
    lines += [" " * (6 * depth + 2) + text for text in node.properties]
    for child in node.children:
        _render(child, depth + 1, lines)


class _PlanReader:
    def __init__(self, names: PlanNames, *, costs: bool, timing: bool) -> None:
        self._names, self._costs, self._timing = names, costs, timing

    def node(self, plan: Mapping[str, Any]) -> _Node:
        kind, info = plan.get("name") or plan["type"], plan.get("extra_info", {})
        children = [self.node(child) for child in plan.get("children", ())]
        below = _outputs_below(children)
        texts = {key: [self._named(text, below) for text in _listed(value)] for key, value in info.items()}
        if kind in _SCANS:
            return self._scan(plan, info)
        node = _Node(_title(kind, info), self._numbers(plan), children=children)
        if kind in _WITHOUT_OUTPUT or kind == "PROJECTION" or texts.get("Expression") == [""]:
            node.is_shown = False
        node.outputs = _outputs(kind, texts, below)
        for key, listed in texts.items():
            if key not in _HIDDEN and kind != "PROJECTION" and any(listed):
                node.properties.append(f"{_label(kind, key)}: {', '.join(text for text in listed if text)}")
        return node

    def _scan(self, plan: Mapping[str, Any], info: Mapping[str, Any]) -> _Node:
        columns = _listed(info.get("Projections", ""))
        found = _COLUMN.search(" ".join(columns))
        shown = self._names.scans.get(int(found.group(1))) if found is not None else None
        if shown is None:
            shown = ScanShown(f"Scan of {_words(info.get('Function', 'rows'))}" if found is None else "Scan")
        rows = f"  (rows={shown.rows})" if self._costs and shown.rows else ""
        node = _Node(shown.title, rows + self._actual(plan), list(shown.properties))
        node.properties += [
            f"Filter: {self._named(text, None)}" for text in _listed(info.get("Filters", "")) if text
        ]
        node.outputs = [self._named(column, None) for column in columns]
        return node

    def _named(self, text: str, below: Sequence[str] | None) -> str:
        """DuckDB's text of an expression with the client's names, and without what only we have put in."""
        one_line = " ".join(text.split())
        if below is not None:
            one_line = _REFERENCE.sub(
                lambda m: below[int(m[1])] if int(m[1]) < len(below) else m[0], one_line
            )
        one_line = _SLOT_CALL.sub(_SLOT_CALL_SHOWN, one_line)
        return _COLUMN.sub(lambda m: self._names.column_of(int(m[1]), int(m[2])) if m[2] else "", one_line)

    def _numbers(self, plan: Mapping[str, Any]) -> str:
        estimate = plan.get("extra_info", {}).get("Estimated Cardinality")
        return (f"  (rows={estimate})" if self._costs and estimate is not None else "") + self._actual(plan)

    def _actual(self, plan: Mapping[str, Any]) -> str:
        if "intermediate_rows" not in plan:
            return ""
        spent = f"time={plan['timing'] * 1000:.3f} " if self._timing else ""
        return f" (actual {spent}rows={plan['intermediate_rows']})"


def _title(kind: str, info: Mapping[str, Any]) -> str:
    title = _TITLES.get(kind, _words(kind))
    if kind not in _JOINS:
        return title
    side = str(info.get("Join Type", "INNER")).title()
    words = [title, *([] if side == "Inner" else [side])]
    return " ".join(words if title == "Nested Loop" and side == "Inner" else [*words, "Join"])


def _label(kind: str, key: str) -> str:
    if key == "Conditions" and kind == "HASH_JOIN":
        return "Hash Cond"
    return "Window" if key == "Projections" and kind.endswith("WINDOW") else _LABELS.get(key, key)


def _words(name: str) -> str:
    return name.replace("_", " ").title()


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _outputs_below(children: Sequence[_Node]) -> list[str] | None:
    """What the columns of a node's input are; a join's order of columns is not in its plan."""
    return children[0].outputs if len(children) == 1 else None


def _outputs(kind: str, texts: Mapping[str, list[str]], below: list[str] | None) -> list[str] | None:
    if kind == "PROJECTION":
        return texts.get("Projections")
    if kind.endswith(("GROUP_BY", "AGGREGATE")):
        return [*texts.get("Groups", []), *texts.get("Aggregates", [])]
    return (
        below
        if kind in ("FILTER", "ORDER_BY", "TOP_N", "LIMIT", "STREAMING_LIMIT", *_WITHOUT_OUTPUT)
        else None
    )
