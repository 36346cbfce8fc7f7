"""Prints a query's or expression's tree as PostgreSQL text that parses into the same tree.

Parentheses of the source are nodes (`Paren`), so none are added. Used where text must be made from a tree, and
by the tests, which compare PostgreSQL's own parse of the printed and of the original text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from sqlfront.parser.keywords import KEYWORDS, UNRESERVED
from sqlfront.parser.nodes import (
    ArraySubquery,
    Assignment,
    ColumnDefinition,
    Default,
    FunctionTable,
    InfixOperator,
    JoinTree,
    PrefixOperator,
    ValueFunction,
    type_name_of,
)


def to_sql(node: exp.Expr) -> str:
    """SQL text of a tree that this parser built."""
    return _PRINTERS[type(node)](node)


def quote_identifier(name: str) -> str:
    """A name as SQL text, quoted only where needed. As quote_ident()."""
    is_plain = (
        name.isascii()
        and name.replace("_", "a").isalnum()
        and name == name.lower()
        and not name[0].isdigit()
        and KEYWORDS.get(name, UNRESERVED) == UNRESERVED
    )
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A string constant; backslashes are plain characters in it."""
    return "'" + text.replace("'", "''") + "'"


def _list(nodes: Iterable[exp.Expr]) -> str:
    return ", ".join(to_sql(node) for node in nodes)


def _optional(node: exp.Expr | None, prefix: str = " ") -> str:
    return "" if node is None else prefix + to_sql(node)


# -- expressions


def _literal(node: Any) -> str:
    text = str(node.this)
    return quote_literal(text) if node.is_string else text


def _column(node: Any) -> str:
    parts = [node.args.get(name) for name in ("catalog", "db", "table", "this")]
    return ".".join(to_sql(part) for part in parts if part is not None)


def _binary(symbol: str) -> Callable[[Any], str]:
    return lambda node: f"{to_sql(node.this)} {symbol} {to_sql(node.expression)}"


def _infix(node: Any) -> str:
    operator, schema = node.args["operator"], node.args.get("schema")
    if schema is not None:
        operator = f"OPERATOR({quote_identifier(schema)}.{operator})"
    return f"{to_sql(node.this)} {operator} {to_sql(node.expression)}"


def _prefix(node: Any) -> str:
    operator, schema = node.args["operator"], node.args.get("schema")
    if schema is not None:
        operator = f"OPERATOR({quote_identifier(schema)}.{operator})"
    return f"{operator} {to_sql(node.this)}"


def _not(node: Any) -> str:
    """NOT LIKE, NOT IN, NOT BETWEEN and IS NOT are Not around the positive form; plain NOT stands in front."""
    inner = node.this
    if not node.meta.get("is_infix"):
        return f"NOT {to_sql(inner)}"
    if isinstance(inner, exp.Is):
        return f"{to_sql(inner.this)} IS NOT {to_sql(inner.expression)}"
    if isinstance(inner, exp.Between):
        return _between(inner, "NOT ")
    if isinstance(inner, exp.In):
        return _in(inner, "NOT ")
    if isinstance(inner, exp.Escape) and isinstance(inner.this, exp.Like | exp.ILike | exp.SimilarTo):
        return f"{_like(inner.this, 'NOT ')} ESCAPE {to_sql(inner.expression)}"
    if isinstance(inner, exp.Like | exp.ILike | exp.SimilarTo):
        return _like(inner, "NOT ")
    return f"NOT {to_sql(inner)}"


def _like(node: Any, negation: str = "") -> str:
    word = {exp.Like: "LIKE", exp.ILike: "ILIKE", exp.SimilarTo: "SIMILAR TO"}[type(node)]
    return f"{to_sql(node.this)} {negation}{word} {to_sql(node.expression)}"


def _between(node: Any, negation: str = "") -> str:
    symmetric = "SYMMETRIC " if node.args.get("symmetric") else ""
    low, high = to_sql(node.args["low"]), to_sql(node.args["high"])
    return f"{to_sql(node.this)} {negation}BETWEEN {symmetric}{low} AND {high}"


def _in(node: Any, negation: str = "") -> str:
    query = node.args.get("query")
    values = to_sql(query) if query is not None else f"({_list(node.expressions)})"
    return f"{to_sql(node.this)} {negation}IN {values}"


def _cast(node: Any) -> str:
    return f"CAST({to_sql(node.this)} AS {to_sql(node.to)})"


def _call(node: Any) -> str:
    syntax = node.meta.get("sql_syntax")
    if syntax is not None:
        return _SYNTAXES[syntax](node, [to_sql(argument) for argument in node.expressions])
    name = "GROUPING" if node.name == "grouping" else quote_identifier(node.name)
    return f"{name}({_arguments(node.expressions)})"


def _arguments(arguments: list[Any]) -> str:
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        return f"DISTINCT {_list(arguments[0].expressions)}"
    return _list(arguments)


def _order(node: Any) -> str:
    inner = node.args.get("this")
    if inner is None:
        return f"ORDER BY {_list(node.expressions)}"
    text = _arguments([inner])
    return f"{text} ORDER BY {_list(node.expressions)}"


_SYNTAXES: dict[str, Callable[[Any, list[str]], str]] = {
    "extract": lambda node, a: f"EXTRACT({quote_identifier(str(node.expressions[0].this))} FROM {a[1]})",
    "position": lambda node, a: f"POSITION({a[1]} IN {a[0]})",
    "substring": lambda node, a: f"SUBSTRING({a[0]} FROM {a[1]}" + (f" FOR {a[2]})" if len(a) > 2 else ")"),
    "substring_for": lambda node, a: f"SUBSTRING({a[0]} FOR {a[2]})",
    "overlay": lambda node, a: (
        f"OVERLAY({a[0]} PLACING {a[1]} FROM {a[2]}" + (f" FOR {a[3]})" if len(a) > 3 else ")")
    ),
    "trim": lambda node, a: (
        f"TRIM({ {'btrim': 'BOTH', 'ltrim': 'LEADING', 'rtrim': 'TRAILING'}[node.name] } FROM {', '.join(a)})"
    ),
    "normalize": lambda node, a: f"NORMALIZE({a[0]}" + (f", {a[1][1:-1]})" if len(a) > 1 else ")"),
    "collation_for": lambda node, a: f"COLLATION FOR ({a[0]})",
}


def _variadic_class(word: str) -> Callable[[Any], str]:
    return lambda node: f"{word}({_list([node.this, *node.expressions])})"


def _value_function(node: Any) -> str:
    precision = node.args.get("expression")
    name = str(node.this).upper()
    return name + (f"({to_sql(precision)})" if precision is not None else "")


def _case(node: Any) -> str:
    branches = " ".join(f"WHEN {to_sql(b.this)} THEN {to_sql(b.args['true'])}" for b in node.args["ifs"])
    return f"CASE{_optional(node.this)} {branches}{_optional(node.args.get('default'), ' ELSE ')} END"


def _tuple(node: Any) -> str:
    return ("ROW" if node.meta.get("is_row") else "") + f"({_list(node.expressions)})"


def _array(node: Any) -> str:
    return f"ARRAY{_array_body(node)}"


def _array_body(node: Any) -> str:
    items = (
        _array_body(item) if isinstance(item, exp.Array) and "start" not in item.meta else to_sql(item)
        for item in node.expressions
    )
    return "[" + ", ".join(items) + "]"


def _slice(node: Any) -> str:
    return f"{_optional(node.args.get('this'), '')}:{_optional(node.args.get('expression'), '')}"


def _window(node: Any) -> str:
    name = node.args.get("alias")
    if node.meta.get("is_reference"):
        return f"{to_sql(node.this)} OVER {to_sql(name)}"
    return f"{to_sql(node.this)} OVER {_window_body(node)}"


def _window_body(node: Any) -> str:
    parts = [to_sql(node.args["alias"])] if node.args.get("alias") is not None else []
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {_list(node.args['partition_by'])}")
    if node.args.get("order") is not None:
        parts.append(to_sql(node.args["order"]))
    if node.args.get("spec") is not None:
        parts.append(_frame(node.args["spec"]))
    return f"({' '.join(parts)})"


def _frame(node: Any) -> str:
    start = _bound(node.args["start"], node.args.get("start_side"))
    text = f"{node.args['kind']} {start}"
    if node.args.get("end") is not None:
        text = (
            f"{node.args['kind']} BETWEEN {start} AND {_bound(node.args['end'], node.args.get('end_side'))}"
        )
    exclude = f" EXCLUDE {node.args['exclude']}" if node.args.get("exclude") else ""
    return text + exclude


def _bound(value: Any, side: str | None) -> str:
    text: str = value if isinstance(value, str) else to_sql(value)
    return text + (f" {side}" if side else "")


def _ordered(node: Any) -> str:
    text = to_sql(node.this)
    if node.args.get("operator"):
        text += f" USING {node.args['operator']}"
    elif node.args.get("desc"):
        text += " DESC"
    elif node.meta.get("said_asc"):
        text += " ASC"
    nulls_first = node.args.get("nulls_first")
    if node.args.get("operator_class"):
        text += f" {node.args['operator_class']}"
    return text + ("" if nulls_first is None else f" NULLS {'FIRST' if nulls_first else 'LAST'}")


# -- queries


def _select(node: Any) -> str:
    distinct = node.args.get("distinct")
    text = "SELECT"
    if distinct is not None:
        on = distinct.args.get("on")
        text += " DISTINCT" + (f" ON ({_list(on.expressions)})" if on is not None else "")
    text += f" {_list(node.expressions)}" if node.expressions else ""
    text += _optional(node.args.get("from_")) + _optional(node.args.get("where"))
    text += _optional(node.args.get("group")) + _optional(node.args.get("having"))
    windows = node.args.get("windows")
    if windows:
        text += " WINDOW " + ", ".join(f"{to_sql(w.this)} AS {_window_body(w)}" for w in windows)
    return _with(node) + text + _tail(node)


def _with(node: Any) -> str:
    with_ = node.args.get("with_")
    return "" if with_ is None else to_sql(with_) + " "


def _tail(node: Any) -> str:
    text = _optional(node.args.get("order")) + _optional(node.args.get("limit"))
    text += _optional(node.args.get("offset"))
    return text + "".join(f" {to_sql(lock)}" for lock in node.args.get("locks") or ())


def _set_operation(node: Any) -> str:
    word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(node)]
    all_ = "" if node.args.get("distinct") else " ALL"
    left, right = _operand(node.this), _operand(node.expression)
    return f"{_with(node)}{left} {word}{all_} {right}{_tail(node)}"


def _operand(node: Any) -> str:
    """One side of a set operation; nested ones keep their own grouping by parentheses."""
    if isinstance(node, exp.SetOperation):
        return f"({to_sql(node)})"
    return to_sql(node)


def _subquery(node: Any) -> str:
    lateral = "LATERAL " if node.args.get("lateral") else ""
    return f"{_with(node)}{lateral}({to_sql(node.this)}){_optional(node.args.get('alias'))}{_tail(node)}"


def _values(node: Any) -> str:
    return f"{_with(node)}VALUES {_list(node.expressions)}{_tail(node)}"


def _limit(node: Any) -> str:
    if node.args.get("with_ties"):
        return f"FETCH FIRST ({to_sql(node.expression)}) ROWS WITH TIES"
    return f"LIMIT {to_sql(node.expression)}"


def _lock(node: Any) -> str:
    word = "UPDATE" if node.args.get("update") else "SHARE"
    if node.args.get("key"):
        word = "NO KEY UPDATE" if node.args.get("update") else "KEY SHARE"
    wait = {None: "", True: " NOWAIT", False: " SKIP LOCKED"}[node.args.get("wait")]
    tables = f" OF {_list(node.expressions)}" if node.expressions else ""
    return f"FOR {word}{tables}{wait}"


def _cte(node: Any) -> str:
    materialized = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[
        node.args.get("materialized")
    ]
    alias = node.args["alias"]
    columns = alias.args.get("columns")
    listed = f" ({_list(columns)})" if columns else ""
    return f"{to_sql(alias.this)}{listed} AS {materialized}({to_sql(node.this)})"


def _group(node: Any) -> str:
    return f"GROUP BY {'DISTINCT ' if node.args.get('distinct') else ''}{_list(node.expressions)}"


# -- from items


def _table(node: Any) -> str:
    parts = [node.args.get(name) for name in ("catalog", "db", "this")]
    name = ".".join(to_sql(part) for part in parts if part is not None)
    text = ("ONLY " if node.args.get("only") else "") + name + _optional(node.args.get("alias"))
    sample = node.args.get("sample")
    if sample is None:
        return text
    seed = sample.args.get("seed")
    repeatable = f" REPEATABLE ({to_sql(seed)})" if seed is not None else ""
    return f"{text} TABLESAMPLE {sample.args['method']} ({_list(sample.expressions)}){repeatable}"


def _alias(node: Any) -> str:
    name, columns = node.args.get("this"), node.args.get("columns")
    text = "AS" + (f" {to_sql(name)}" if name is not None else "")
    return text + (f" ({_list(columns)})" if columns else "")


def _join(node: Any) -> str:
    kind = node.args["kind"]
    natural = "NATURAL " if node.args.get("natural") else ""
    right = node.expression
    shown = (
        f"({to_sql(right)})"
        if isinstance(right, JoinTree) and not right.meta.get("parenthesized")
        else to_sql(right)
    )
    text = f"{to_sql(node.this)} {natural}{kind} JOIN {shown}"
    if node.args.get("on") is not None:
        text += f" ON {to_sql(node.args['on'])}"
    elif node.args.get("using"):
        text += f" USING ({_list(node.args['using'])})"
    if node.meta.get("parenthesized"):
        text = f"({text})" + _optional(node.args.get("alias"))
    return text


def _function_table(node: Any) -> str:
    calls = _list(node.expressions)
    text = ("LATERAL " if node.args.get("lateral") else "") + (
        f"ROWS FROM ({calls})" if node.args.get("rows_from") else calls
    )
    text += " WITH ORDINALITY" if node.args.get("ordinality") else ""
    return text + _optional(node.args.get("alias"))


# -- DML


def _insert(node: Any) -> str:
    text = f"{_with(node)}INSERT INTO {to_sql(node.this)}"
    if node.args.get("columns"):
        text += f" ({_list(node.args['columns'])})"
    if node.args.get("overriding"):
        text += f" OVERRIDING {node.args['overriding']} VALUE"
    source = node.args.get("expression")
    text += " DEFAULT VALUES" if source is None else f" {to_sql(source)}"
    return text + _optional(node.args.get("conflict")) + _optional(node.args.get("returning"))


def _on_conflict(node: Any) -> str:
    text = "ON CONFLICT"
    if node.args.get("constraint") is not None:
        text += f" ON CONSTRAINT {to_sql(node.args['constraint'])}"
    elif node.expressions:
        text += f" ({_list(node.expressions)})" + _optional(node.args.get("index_where"), " WHERE ")
    if node.args["action"] == "NOTHING":
        return text + " DO NOTHING"
    return f"{text} DO UPDATE SET {_list(node.args['assignments'])}{_optional(node.args.get('where'))}"


def _assignment(node: Any) -> str:
    targets = _list(node.this)
    if len(node.this) > 1 or node.meta.get("is_list"):
        targets = f"({targets})"
    return f"{targets} = {to_sql(node.expression)}"


def _update(node: Any) -> str:
    text = f"{_with(node)}UPDATE {to_sql(node.this)} SET {_list(node.expressions)}"
    text += _optional(node.args.get("from_")) + _optional(node.args.get("where"))
    return text + _optional(node.args.get("returning"))


def _delete(node: Any) -> str:
    text = f"{_with(node)}DELETE FROM {to_sql(node.this)}"
    if node.args.get("using"):
        text += f" USING {_list(node.args['using'])}"
    return text + _optional(node.args.get("where")) + _optional(node.args.get("returning"))


_PRINTERS: dict[type[Any], Callable[[Any], str]] = {
    exp.Identifier: lambda node: quote_identifier(node.this),
    exp.Star: lambda node: "*",
    exp.Literal: _literal,
    exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
    exp.Null: lambda node: "NULL",
    exp.Var: lambda node: str(node.this),
    exp.BitString: lambda node: f"B'{node.this}'",
    exp.HexString: lambda node: f"X'{node.this}'",
    exp.Parameter: lambda node: f"${node.this.this}",
    exp.Column: _column,
    exp.Dot: lambda node: f"{to_sql(node.this)}.{to_sql(node.expression)}",
    exp.Bracket: lambda node: f"{to_sql(node.this)}[{_list(node.expressions)}]",
    exp.Slice: _slice,
    exp.DataType: lambda node: type_name_of(node).spelled(),
    exp.Cast: _cast,
    exp.Add: _binary("+"), exp.Sub: _binary("-"), exp.Mul: _binary("*"), exp.Div: _binary("/"),
    exp.Mod: _binary("%"), exp.Pow: _binary("^"), exp.DPipe: _binary("||"),
    exp.EQ: _binary("="), exp.NEQ: _binary("<>"), exp.LT: _binary("<"), exp.GT: _binary(">"),
    exp.LTE: _binary("<="), exp.GTE: _binary(">="), exp.And: _binary("AND"), exp.Or: _binary("OR"),
    exp.NullSafeEQ: _binary("IS NOT DISTINCT FROM"), exp.NullSafeNEQ: _binary("IS DISTINCT FROM"),
    exp.Is: _binary("IS"), exp.AtTimeZone: lambda node: f"{to_sql(node.this)} AT TIME ZONE {to_sql(node.args['zone'])}",
    exp.Collate: _binary("COLLATE"), exp.Escape: _binary("ESCAPE"), exp.Overlaps: _binary("OVERLAPS"),
    exp.Neg: lambda node: f"- {to_sql(node.this)}",
    InfixOperator: _infix, PrefixOperator: _prefix, ValueFunction: _value_function,
    exp.Not: _not, exp.Like: _like, exp.ILike: _like, exp.SimilarTo: _like, exp.Between: _between, exp.In: _in,
    exp.Any: lambda node: f"ANY ({to_sql(node.this)})", exp.All: lambda node: f"ALL ({to_sql(node.this)})",
    exp.Exists: lambda node: f"EXISTS ({to_sql(node.this)})",
    ArraySubquery: lambda node: f"ARRAY({to_sql(node.this)})",
    exp.Array: _array, exp.Paren: lambda node: f"({to_sql(node.this)})", exp.Tuple: _tuple, exp.Case: _case,
    exp.Anonymous: _call, exp.Coalesce: _variadic_class("COALESCE"), exp.Greatest: _variadic_class("GREATEST"),
    exp.Least: _variadic_class("LEAST"),
    exp.Nullif: lambda node: f"NULLIF({to_sql(node.this)}, {to_sql(node.expression)})",
    exp.Kwarg: lambda node: f"{to_sql(node.this)} => {to_sql(node.expression)}",
    exp.Variadic: lambda node: f"VARIADIC {to_sql(node.this)}", exp.Distinct: lambda node: _arguments([node]),
    exp.Order: _order, exp.Ordered: _ordered,
    exp.WithinGroup: lambda node: f"{to_sql(node.this)} WITHIN GROUP ({to_sql(node.expression)})",
    exp.Filter: lambda node: f"{to_sql(node.this)} FILTER ({to_sql(node.expression)})",
    exp.Window: _window,
    exp.Alias: lambda node: f"{to_sql(node.this)} AS {to_sql(node.args['alias'])}",
    Default: lambda node: "DEFAULT",
    exp.Select: _select, exp.Union: _set_operation, exp.Except: _set_operation, exp.Intersect: _set_operation,
    exp.Subquery: _subquery, exp.Values: _values, exp.CTE: _cte,
    exp.With: lambda node: f"WITH {'RECURSIVE ' if node.args.get('recursive') else ''}{_list(node.expressions)}",
    exp.From: lambda node: f"FROM {_list(node.expressions)}", exp.Where: lambda node: f"WHERE {to_sql(node.this)}",
    exp.Having: lambda node: f"HAVING {to_sql(node.this)}", exp.Group: _group,
    exp.GroupingSets: lambda node: f"GROUPING SETS ({_list(node.expressions)})",
    exp.Rollup: lambda node: f"ROLLUP ({_list(node.expressions)})",
    exp.Cube: lambda node: f"CUBE ({_list(node.expressions)})",
    exp.Limit: _limit, exp.Offset: lambda node: f"OFFSET {to_sql(node.expression)}", exp.Lock: _lock,
    exp.Table: _table, exp.TableAlias: _alias, JoinTree: _join, FunctionTable: _function_table,
    ColumnDefinition: lambda node: f"{to_sql(node.this)} {to_sql(node.args['kind'])}",
    exp.Insert: _insert, exp.Update: _update, exp.Delete: _delete, exp.OnConflict: _on_conflict,
    Assignment: _assignment, exp.Returning: lambda node: f"RETURNING {_list(node.expressions)}",
}  # fmt: skip
