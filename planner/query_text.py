"""Bound queries as text, in the layout of PostgreSQL's pg_get_viewdef().

 SELECT d.id,
    d.title
   FROM (docs d
     JOIN authors a ON ((a.id = d.author_id)));

Follows src/backend/utils/adt/ruleutils.c, whose functions and indentation this repeats: `*` is spread out, relations are
named, constants are cast. A relation whose name is taken by one before or around it is called d_1. What the tree does not
keep is written another way that means the same: named windows stand where they are used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from foundation.errors import FeatureNotSupported
from foundation.row_types import row_shape
from foundation.sqltypes import (
    BIT,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    RECORD,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
)
from planner import bound
from planner.expression_text import ExpressionPrinter
from planner.functions.quoting import quote_ident
from planner.functions.signature import FunctionKind
from planner.services import Codecs

_CLAUSE = 8
_JOIN = 4
_ITEM = 4
_INDENT_MAX = 40
_UNCALLED = frozenset(
    ("current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
     "current_user", "localtime", "localtimestamp", "session_user", "user")
)  # fmt: skip
"""Functions that SQL writes without parentheses."""


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation as it is called. `is_visible`: its bare name finds it; `columns` are those of `*`."""

    schema: str
    name: str
    columns: tuple[str, ...]
    is_visible: bool = False


class RelationNames(Protocol):
    """What relations are called, stored ones and computed ones."""

    def relation_name(self, scan: bound.TableScan | bound.VirtualScan | bound.SubqueryScan) -> RelationName:
        """The name of the table, computed relation or view that is scanned."""


@dataclass(frozen=True, slots=True)
class QueryStyle:
    """How a query is laid out.

    `finish` is applied to each whole expression and drops the parentheses that are not wanted; with `is_pretty` joins have
    none. Several columns share a line of up to `wrap_column` letters. `is_explicit`: columns are always qualified and
    ORDER BY names output columns by number, for the queries whose names mean several things.
    """

    is_pretty: bool = False
    wrap_column: int = 0
    is_explicit: bool = False
    finish: Callable[[str], str] = str


class QueryPrinter(ExpressionPrinter):
    """Prints one query. Raises FeatureNotSupported (0A000) for what has no text: FOR UPDATE."""

    def __init__(
        self,
        codecs: Codecs,
        names: RelationNames,
        style: QueryStyle | None = None,
        searched: Collection[str] | None = None,
    ) -> None:
        super().__init__(codecs, is_folded=False, searched=searched)
        self._relations = names
        self._style = style or QueryStyle()
        self._aliases: dict[int, str] = {}
        self._taken: list[set[str]] = []
        self._ctes: dict[int, bound.Cte] = {}
        self._indent = 0
        self._has_bare_columns = False
        self._is_recursive = False

    def query_text(self, query: bound.Query) -> str:
        """The query's text, without a semicolon."""
        return _without_trailing_spaces(self._query(query, shows_names=True))

    # -- layout

    def _break(self, text: str, before: int = -_CLAUSE, after: int = _CLAUSE, plus: int = 0) -> str:
        """`text` on a line of its own (appendContextKeyword)."""
        self._indent = max(self._indent + before, 0)
        amount = self._indent
        if amount >= _INDENT_MAX:
            amount = (_INDENT_MAX + (amount - _INDENT_MAX) // (_CLAUSE // 2)) % _INDENT_MAX
        self._indent = max(self._indent + after, 0)
        return "\n" + " " * (amount + plus) + text

    def _whole(self, expression: bound.Expression) -> str:
        return self._style.finish(self.print(expression))

    # -- queries

    def _query(self, query: bound.Query, *, shows_names: bool) -> str:
        """get_query_def: a query with relations of its own; the indentation is as it was afterwards."""
        indent, had_bare = self._indent, self._has_bare_columns
        names = self._name_relations(query)
        self._taken.append(names)
        is_single = isinstance(query, bound.Select) and not isinstance(query.from_, bound.Join)
        self._has_bare_columns = len(self._taken) == 1 and is_single and not self._style.is_explicit
        try:
            text = self._with(query.ctes) if query.ctes else ""
            if isinstance(query, bound.SetOperation):
                text += self._set_operation(query, shows_names=shows_names)
            else:
                text += self._basic(query, shows_names=shows_names)
            return text + self._tail(query)
        finally:
            self._taken.pop()
            self._indent, self._has_bare_columns = indent, had_bare

    def _name_relations(self, query: bound.Query) -> set[str]:
        names: set[str] = set()
        for item in from_items(query.from_) if isinstance(query, bound.Select) else ():
            outer = set().union(names, *self._taken)
            alias, number = item.alias, 0
            while alias in outer:
                number += 1
                alias = f"{item.alias}_{number}"
            self._aliases[item.relation_id] = alias
            names.add(alias)
        return names

    def _with(self, ctes: Sequence[bound.Cte]) -> str:
        self._indent += _CLAUSE
        word = "WITH RECURSIVE" if any(cte.is_recursive for cte in ctes) else "WITH"
        items = []
        for cte in ctes:
            self._ctes[cte.cte_id] = cte
            named = [column.name for column in cte.columns]
            has_list = named != [column.name for column in bound.output_columns(cte.query)]
            text = quote_ident(cte.name) + (_name_list(named) if has_list else "") + " AS "
            if cte.is_materialized is not None:
                text += "MATERIALIZED " if cte.is_materialized else "NOT MATERIALIZED "
            self._is_recursive = cte.is_recursive
            text += "(" + self._break("", 0, 0) + self._query(cte.query, shows_names=True)
            self._is_recursive = False
            items.append(text + self._break("", 0, 0) + ")")
        self._indent -= _CLAUSE
        return f" {word} {', '.join(items)}" + self._break("", 0, 0)

    def _set_operation(self, node: bound.SetOperation, *, shows_names: bool) -> str:
        """get_setop_query: parentheses where the operator changes."""
        text, deeper = "", 0
        left = node.left
        is_alike = isinstance(left, bound.SetOperation) and (left.operator, left.is_all) == (
            node.operator,
            node.is_all,
        )
        if isinstance(left, bound.SetOperation) and _is_bare(left):
            deeper = 0 if is_alike else _CLAUSE
            text += "" if is_alike else "(" + self._break("", deeper, 0)
            text += self._set_operation(left, shows_names=shows_names)
        else:
            text += self._side(left, shows_names=shows_names)
        text += self._break(") " if deeper else "", -deeper, 0)
        text += f"{node.operator.value} {'ALL ' if node.is_all else ''}"
        right = node.right if self._is_recursive else _with_names_of(node.left, node.right)
        if not (isinstance(right, bound.SetOperation) and _is_bare(right)):
            return text + self._break("", 0, 0) + self._side(right, shows_names=False)
        text += "(" + self._break("", _CLAUSE, 0) + self._set_operation(right, shows_names=False)
        self._indent -= _CLAUSE
        return text + self._break(")", 0, 0)

    def _side(self, query: bound.Query, *, shows_names: bool) -> str:
        text = self._query(query, shows_names=shows_names)
        return text if _is_bare(query) else f"({text})"

    def _basic(self, query: bound.Select | bound.Values, *, shows_names: bool) -> str:
        self._indent += _CLAUSE
        if isinstance(query, bound.Values):
            rows = ", ".join("(" + ",".join(self._whole(item) for item in row) + ")" for row in query.rows)
            return f" VALUES {rows}"
        if query.locks:
            raise FeatureNotSupported("FOR UPDATE in a kept query is not supported")
        text = " SELECT"
        if query.distinct_on:
            text += f" DISTINCT ON ({', '.join(self._sort_item(e, query) for e in query.distinct_on)})"
        elif query.is_distinct:
            text += " DISTINCT"
        text = self._targets(query, text, shows_names=shows_names)
        if query.from_ is not None:
            text += self._break(" FROM ", plus=2) + self._from(query.from_)
        if query.where is not None:
            text += self._break(" WHERE ", plus=1) + self._whole(query.where)
        if query.group_by:
            text += self._break(" GROUP BY ", plus=1) + self._grouping_sets(query)
        if query.having is not None:
            text += self._break(" HAVING ") + self._whole(query.having)
        return text

    def _targets(self, query: bound.Select, text: str, *, shows_names: bool) -> str:
        was_multiline = False
        for number, target in enumerate(query.targets):
            item = self._target(target, shows_names=shows_names)
            separator = ", " if number else " "
            if item.startswith("\n"):
                separator = separator.rstrip()
            elif number:
                line = text.rpartition("\n")[2] + separator
                if len(line) + len(item) > self._style.wrap_column or was_multiline:
                    separator = "," + self._break("", plus=_ITEM)
            was_multiline = "\n" in item[1:]
            text += separator + item
        return text

    def _target(self, target: bound.Target, *, shows_names: bool) -> str:
        expression = target.expression
        text = self._whole(expression)
        known = "?column?" if not shows_names else None
        if isinstance(expression, bound.ColumnRef):
            known = expression.name
        if isinstance(expression, bound.RowLiteral) and self._whole_row(expression) is not None:
            text += "::record"  # By itself it would be all the columns.
        return text if known == target.name else f"{text} AS {quote_ident(target.name)}"

    def _tail(self, query: bound.Query) -> str:
        text = ""
        if query.order_by:
            text += self._break(" ORDER BY ", plus=1) + self._order(query.order_by, query)
        if query.offset is not None:
            text += self._break(" OFFSET ") + self._count(query.offset)
        if query.limit is not None:
            text += self._break(" LIMIT ") + self._count(query.limit)
        return text

    def _count(self, expression: bound.Expression) -> str:
        if isinstance(expression, bound.Constant) and isinstance(expression.value, int):
            return str(expression.value)
        if isinstance(expression, bound.CastExpression) and not expression.is_explicit:
            expression = expression.argument
        text = self._whole(expression)
        return text if text.startswith("(") else f"({text})"

    # -- sorting and grouping

    def _order(self, keys: Sequence[bound.SortKey], query: bound.Query | None = None) -> str:
        return ", ".join(self._sort_item(key.expression, query) + _direction(key) for key in keys)

    def _sort_item(self, expression: bound.Expression, query: bound.Query | None) -> str:
        """get_rule_sortgroupclause: nothing that could be taken for an output column, a number or ROLLUP."""
        if isinstance(expression, bound.OutputRef):
            if self._style.is_explicit or not isinstance(query, bound.Select):
                return str(expression.position + 1)
            expression = query.targets[expression.position].expression
        if isinstance(expression, bound.Constant):
            text = self.print(expression)
            return text if "::" in text else f"{text}::{self._type_name(expression.type)}"
        text = self._whole(expression)
        if isinstance(expression, bound.ColumnRef):
            targets = query.targets if isinstance(query, bound.Select) else ()
            is_taken = any(t.name == expression.name and t.expression != expression for t in targets)
            alias = quote_ident(self._aliases[expression.relation_id])
            return f"{alias}.{quote_ident(expression.name)}" if is_taken else text
        return f"({text})" if self._style.is_pretty or _is_call(expression) else text

    def _grouping_sets(self, query: bound.Select) -> str:
        sets = [tuple(self._sort_item(e, query) for e in item.expressions) for item in query.group_by]
        if len(sets) == 1:
            return ", ".join(sets[0]) or "()"
        whole = sets[0]
        if sets == [whole[:length] for length in range(len(whole), -1, -1)]:
            return f"ROLLUP({', '.join(whole)})"
        return f"GROUPING SETS ({', '.join('(' + ', '.join(item) + ')' for item in sets)})"

    # -- FROM

    def _from(self, relation: bound.Relation) -> str:
        """get_from_clause: the comma list."""
        parts: list[bound.Relation] = []
        while isinstance(relation, bound.Join) and relation.is_comma:
            parts.insert(0, relation.right)
            relation = relation.left
        text = self._from_item(relation)
        for part in parts:
            text += ","
            item = self._from_item(part)
            line = text.rpartition("\n")[2]
            if len(line) + 1 + len(item) > self._style.wrap_column:
                text += self._break("", plus=_ITEM) + item
            else:
                text += " " + item
        return text

    def _from_item(self, relation: bound.Relation) -> str:
        if isinstance(relation, bound.Join):
            return self._join(relation)
        text, known, real = self._source(relation)
        alias = self._aliases[relation.relation_id]
        columns = [column.name for column in relation.columns if column.attnum >= 0]
        is_function = isinstance(relation, bound.FunctionScan)
        is_renamed = columns != list(real)
        if alias != known or is_renamed or is_function:
            text += f" {quote_ident(alias)}"
        if isinstance(relation, bound.FunctionScan) and _has_definitions(relation):
            typed = ", ".join(f"{quote_ident(c.name)} {self._type_name(c.type)}" for c in relation.columns)
            return f"{text} ({typed})" if alias == known else f"{text}({typed})"
        return text + _name_list(columns) if is_renamed or is_function else text

    def _source(self, relation: Any) -> tuple[str, str | None, Sequence[str]]:
        """A relation's text, the name it has without an alias, and the names of its columns."""
        match relation:
            case bound.TableScan(is_only=True):
                text, known, names = self._named_relation(relation)
                return f"ONLY {text}", known, names
            case bound.TableScan() | bound.VirtualScan():
                return self._named_relation(relation)
            case bound.SubqueryScan(view_oid=oid) if oid:
                return self._named_relation(relation)
            case bound.CteScan(cte_id=cte_id):
                cte = self._ctes[cte_id]
                return quote_ident(cte.name), cte.name, [column.name for column in cte.columns]
            case bound.SubqueryScan(query=query):
                lateral = "LATERAL " if relation.is_lateral else ""
                names = [column.name for column in bound.output_columns(query)]
                return f"{lateral}({self._query(query, shows_names=True)})", None, names
            case _:
                return self._function_source(relation), None, ()

    def _named_relation(self, scan: Any) -> tuple[str, str, Sequence[str]]:
        found = self._relations.relation_name(scan)
        is_bare = found.is_visible and all(cte.name != found.name for cte in self._ctes.values())
        text = quote_ident(found.name)
        return text if is_bare else f"{quote_ident(found.schema)}.{text}", found.name, found.columns

    def _function_source(self, scan: bound.FunctionScan) -> str:
        calls = [self._whole(call) for call in scan.calls]
        own = {self._aliases[node.relation_id] for node in bound.walk(scan.calls[0]) if _is_column(node)}
        text = "LATERAL " if own & self._taken[-1] else ""
        if len(calls) == 1 and not (_has_definitions(scan) and scan.with_ordinality):
            text += calls[0]
        elif all(isinstance(c, bound.Call) and c.function.name == "unnest" for c in scan.calls):
            arguments = [a for call in scan.calls if isinstance(call, bound.Call) for a in call.arguments]
            text += f"UNNEST({self.list(arguments)})"
        elif _has_definitions(scan):
            raise FeatureNotSupported(
                "ROWS FROM with a column definition list in a kept query is not supported"
            )
        else:
            text += f"ROWS FROM({', '.join(calls)})"
        return text + (" WITH ORDINALITY" if scan.with_ordinality else "")

    def _join(self, join: bound.Join) -> str:
        is_pretty = self._style.is_pretty
        text = ("" if is_pretty else "(") + self._from_item(join.left)
        is_crossed = join.condition is None and join.kind in (bound.JoinKind.CROSS, bound.JoinKind.INNER)
        word = "CROSS JOIN" if is_crossed else _JOIN_WORDS[join.kind]
        text += self._break(f" {word} ", plus=_JOIN)
        right = self._from_item(join.right)
        text += f"({right})" if is_pretty and isinstance(join.right, bound.Join) else right
        if join.condition is not None:
            names = _shared_names(join)
            if names:
                text += f" USING ({', '.join(quote_ident(name) for name in names)})"
            else:
                condition = self._whole(join.condition)
                text += f" ON {condition}" if is_pretty else f" ON ({condition})"
        elif not is_crossed:
            text += " ON TRUE"
        return text if is_pretty else text + ")"

    # -- expressions

    def print(self, expression: bound.Expression) -> str:
        own = _QUERY_PRINTERS.get(type(expression))
        return own(self, expression) if own is not None else super().print(expression)

    def _row(self, node: bound.RowLiteral) -> str:
        alias = self._whole_row(node)
        return f"{quote_ident(alias)}.*" if alias is not None else super()._row(node)

    def _whole_row(self, node: bound.RowLiteral) -> str | None:
        """The alias of the relation whose columns a row has, all of them and in their order, under their names."""
        shape, columns = row_shape(node.type), [item for item in node.items if _is_column(item)]
        relations = {column.relation_id for column in columns if isinstance(column, bound.ColumnRef)}
        if shape is None or len(relations) != 1 or len(columns) != len(node.items):
            return None
        named = [(c.position, c.name) for c in columns if isinstance(c, bound.ColumnRef)]
        return self._aliases.get(relations.pop()) if named == list(enumerate(shape.names)) else None

    def _constant(self, node: bound.Constant) -> str:
        text = super()._constant(node)
        # The type's bare name is bit(1), which would cut the constant.
        return f'{text[:-3]}"bit"' if node.type == BIT else text

    def _column(self, node: bound.ColumnRef) -> str:
        name = quote_ident(node.name)
        if self._has_bare_columns and len(self._taken) == 1:
            return name
        return f"{quote_ident(self._aliases[node.relation_id])}.{name}"

    def _call(self, node: bound.Call) -> str:
        if not node.arguments and node.operator is None and node.function.name in _UNCALLED:
            return node.function.name.upper()
        return super()._call(node)

    def _case(self, node: bound.Case) -> str:
        text = self._break("CASE", 0, _ITEM)
        branches = node.branches
        operand = _operand(node)
        if operand is not None:
            text += " " + self.print(operand)
            branches = tuple((c.arguments[1], r) for c, r in branches if isinstance(c, bound.Call))
        for condition, result in branches:
            text += self._break("WHEN ", 0, 0)
            text += f"{self._whole(condition)} THEN {self._whole(result)}"
        default = node.default if node.default is not None else bound.Constant(None, node.type)
        text += self._break("ELSE ", 0, 0) + self._whole(default)
        return text + self._break("END", -_ITEM, 0)

    def _subquery(self, node: bound.Subquery) -> str:
        query = self._query(node.query, shows_names=False)
        match node.kind:
            case bound.SubqueryKind.SCALAR:
                return f"({query})"
            case bound.SubqueryKind.ARRAY:
                return f"ARRAY({query})"
            case bound.SubqueryKind.EXISTS:
                return f"(EXISTS ({query}))"
        assert node.left is not None, "ANY and ALL have a left side"
        left = node.left
        text = f"({self.list(left.items)})" if isinstance(left, bound.RowLiteral) else self.print(left)
        if node.kind is bound.SubqueryKind.ALL:
            return f"({text} {node.operator} ALL ({query}))"
        return f"({text} IN ({query}))" if node.operator == "=" else f"({text} {node.operator} ANY ({query}))"

    def _aggregate(self, node: bound.Aggregate) -> str:
        arguments = self.list(node.arguments)
        if not arguments and not node.within_group:
            arguments = "*"
        text = f"{self._function_name(node.function)}({'DISTINCT ' if node.is_distinct else ''}{arguments}"
        text += f" ORDER BY {self._order(node.order_by)})" if node.order_by else ")"
        if node.within_group:
            text += f" WITHIN GROUP (ORDER BY {self._order(node.within_group)})"
        return text + self._filter(node.filter)

    def _filter(self, condition: bound.Expression | None) -> str:
        return "" if condition is None else f" FILTER (WHERE {self._whole(condition)})"

    def _window(self, node: bound.WindowCall) -> str:
        arguments = self.list(node.arguments)
        if not arguments and node.function.kind is FunctionKind.AGGREGATE:
            arguments = "*"
        parts = []
        if node.partition_by:
            parts.append("PARTITION BY " + ", ".join(self._sort_item(e, None) for e in node.partition_by))
        if node.order_by:
            parts.append("ORDER BY " + self._order(node.order_by))
        parts += [self._frame(node.frame)] if node.frame is not None else []
        text = f"{self._function_name(node.function)}({arguments}){self._filter(node.filter)}"
        return f"{text} OVER ({' '.join(parts)})"

    def _frame(self, frame: bound.WindowFrame) -> str:
        sides = [frame.start, frame.end] if frame.is_between else [frame.start]
        show = self.print if frame.mode is bound.FrameMode.RANGE else self._count
        bounds = [
            side.edge.value if side.offset is None else f"{show(side.offset)} {side.edge.value}"
            for side in sides
        ]
        text = f"{frame.mode.value} {'BETWEEN ' if frame.is_between else ''}{' AND '.join(bounds)}"
        return f"{text} EXCLUDE {frame.exclusion}" if frame.exclusion else text

    def _grouping(self, node: bound.Grouping) -> str:
        return f"GROUPING({self.list(node.arguments)})"


_QUERY_PRINTERS: dict[type, Callable[[QueryPrinter, Any], str]] = {
    bound.RowLiteral: QueryPrinter._row,
    bound.Constant: QueryPrinter._constant, bound.ColumnRef: QueryPrinter._column, bound.Call: QueryPrinter._call, bound.Case: QueryPrinter._case,
    bound.Subquery: QueryPrinter._subquery, bound.Aggregate: QueryPrinter._aggregate,
    bound.WindowCall: QueryPrinter._window, bound.Grouping: QueryPrinter._grouping,
}  # fmt: skip

_JOIN_WORDS = {
    bound.JoinKind.INNER: "JOIN", bound.JoinKind.LEFT: "LEFT JOIN", bound.JoinKind.RIGHT: "RIGHT JOIN",
    bound.JoinKind.FULL: "FULL JOIN", bound.JoinKind.CROSS: "CROSS JOIN",
}  # fmt: skip


def from_items(relation: bound.Relation | None) -> Iterator[Any]:
    """The relations of one FROM, joins taken apart, from left to right."""
    if isinstance(relation, bound.Join):
        yield from from_items(relation.left)
        yield from from_items(relation.right)
    elif relation is not None:
        yield relation


def with_output_names(query: bound.Query, names: Sequence[str]) -> bound.Query:
    """The query with its output columns called `names`."""
    if isinstance(query, bound.Select):
        targets = tuple(replace(target, name=name) for target, name in zip(query.targets, names, strict=True))
        return replace(query, targets=targets)
    if isinstance(query, bound.SetOperation):
        return replace(query, left=with_output_names(query.left, names))
    if [column.name for column in query.columns] == list(names):
        return query
    raise FeatureNotSupported("VALUES with other column names in a kept query is not supported")


def _with_names_of(left: bound.Query, right: bound.Query) -> bound.Query:
    """The right side of a set operation; its columns have the names of the whole, except in VALUES."""
    if isinstance(right, bound.SetOperation):
        return replace(right, left=_with_names_of(left, right.left))
    names = [column.name for column in bound.output_columns(left)]
    return with_output_names(right, names) if isinstance(right, bound.Select) else right


def _is_bare(query: bound.Query) -> bool:
    """Whether a query has none of the clauses that stand around a set operation."""
    return not (query.ctes or query.order_by or query.limit is not None or query.offset is not None)


def _shared_names(join: bound.Join) -> tuple[str, ...]:
    """The names of USING, where both sides' columns have them still."""
    condition = join.condition
    parts = condition.arguments if isinstance(condition, bound.BoolExpression) else (condition,)
    for part, name in zip(parts, join.using):
        columns = {node.name for node in bound.walk(part) if _is_column(node)}
        if columns != {name}:
            return ()
    return join.using


def _operand(node: bound.Case) -> bound.Expression | None:
    """The operand of the simple form, `CASE operand WHEN value`."""
    first = node.branches[0][0]
    return first.arguments[0] if node.is_simple and isinstance(first, bound.Call) else None


def _is_call(expression: bound.Expression) -> bool:
    """Whether PostgreSQL has a function call here, which could be taken for ROLLUP or CUBE."""
    if isinstance(expression, bound.CastExpression):
        return {expression.type.oid, expression.argument.sql_type.oid} <= _CONVERTED_BY_FUNCTIONS
    is_function = isinstance(expression, bound.Call) and expression.operator is None
    return is_function or isinstance(expression, bound.Aggregate | bound.WindowCall)


_CONVERTED_BY_FUNCTIONS = {
    known.oid
    for known in (INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL)
}
"""Types between which a cast is a function call."""


def _direction(key: bound.SortKey) -> str:
    if key.is_descending:
        return " DESC" if key.nulls_first else " DESC NULLS LAST"
    return " NULLS FIRST" if key.nulls_first else ""


def _has_definitions(scan: bound.FunctionScan) -> bool:
    """Whether the columns of a call are defined beside it, `AS t(a int)`."""
    return any(
        isinstance(call, bound.Call) and call.sql_type == RECORD and len(call.function.result_columns) < 2
        for call in scan.calls
    )


def _is_column(node: object) -> bool:
    return isinstance(node, bound.ColumnRef)


def _name_list(names: Sequence[str]) -> str:
    return "(" + ", ".join(quote_ident(name) for name in names) + ")"


_PIECES = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")| +(?=\n)""")


def _without_trailing_spaces(text: str) -> str:
    """No line ends with spaces, except inside constants and quoted names."""
    return _PIECES.sub(lambda match: match[1] or "", text)
