"""Names of output columns, as PostgreSQL's FigureColname chooses them."""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.nodes import ArraySubquery, ValueFunction, type_name_of

NO_NAME = "?column?"

_FIXED: dict[type[exp.Expr], str] = {
    exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least", exp.Nullif: "nullif",
    exp.Array: "array", exp.Tuple: "row", exp.Exists: "exists", ArraySubquery: "array",
    exp.AtTimeZone: "timezone", exp.Overlaps: "overlaps",
}  # fmt: skip


def figure_name(node: exp.Expr) -> str:
    """The name of an output column that has no alias."""
    return _figure(node)[0] or NO_NAME


def _figure(node: exp.Expr | None) -> tuple[str | None, int]:
    """Name and strength: 2 for a name of its own, 1 for that of a type or CASE, 0 for none."""
    while isinstance(node, exp.Paren | exp.Filter | exp.WithinGroup | exp.Collate):
        node = node.this
    if node is None:
        return None, 0
    if isinstance(node, exp.Window):
        return _figure(node.this)
    if isinstance(node, exp.Column):
        return (None, 0) if isinstance(node.this, exp.Star) else (str(node.this.this), 2)
    if isinstance(node, exp.Dot):
        selected = node.args["expression"]
        return (str(selected.this), 2) if isinstance(selected, exp.Identifier) else _figure(selected)
    if isinstance(node, exp.Anonymous | ValueFunction):
        return str(node.this), 2
    if isinstance(node, exp.Bracket):
        return _figure(node.this)
    if type(node) in _FIXED:
        return _FIXED[type(node)], 2
    if isinstance(node, exp.Cast):
        name_of_argument, strength = _figure(node.this)
        if strength > 1:
            return name_of_argument, strength
        target = node.args["to"]
        assert isinstance(target, exp.DataType)
        return type_name_of(target).name, 1
    if isinstance(node, exp.Case):
        name_of_default, strength = _figure(node.args.get("default"))
        return (name_of_default, strength) if strength > 1 else ("case", 1)
    if isinstance(node, exp.Query | exp.Values):
        return _first_column(node)
    return None, 0


def _first_column(query: exp.Expr) -> tuple[str | None, int]:
    """A scalar sub-query is called after its column."""
    while isinstance(query, exp.Subquery | exp.SetOperation):
        query = query.this
    if isinstance(query, exp.Values):
        return "column1", 2
    targets = query.expressions
    if not targets:
        return None, 0
    if isinstance(targets[0], exp.Alias):
        return str(targets[0].args["alias"].this), 2
    return figure_name(targets[0]), 2
