"""INSERT INTO t (a[1], a[2], c.x) VALUES ...: a column that is listed by its parts gets one value, made of theirs.

The statement's tree is changed before it is bound: the column is listed once, and stands in each row of VALUES with the parts and
their values. A part that nothing is said of is NULL, whatever the column's default.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from foundation.errors import DuplicateColumn, SyntaxErrorInStatement
from planner.bound import Constant, Expression
from sqlfront.binder.dml_targets import ChangeTarget, find_target_column
from sqlfront.binder.environment import Environment, bind_node, binds, place_of, unsupported
from sqlfront.binder.part_assignments import AssignedPart, is_part, with_part
from sqlfront.parser.nodes import ColumnParts, Default, position_of
from storage.catalog import Column


def joined_parts(target: ChangeTarget, node: exp.Expr) -> exp.Expr:
    """An INSERT whose list of columns names no parts.

    Raises:
        UndefinedColumn: 42703. DuplicateColumn: 42701, a column by itself and by a part. SyntaxErrorInStatement: 42601.
        FeatureNotSupported: 0A000, parts that a query gives.
    """
    named = node.args.get("columns") or []
    if not any(map(is_part, named)):
        return node
    values = node.args.get("expression")
    if not isinstance(values, exp.Values):
        raise unsupported(named[0], "a part of a column as the target of a query")
    columns = [find_target_column(target, item) for item in named]
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        others = places.setdefault(column.name, [])
        others.append(place)
        if len(others) > 1 and not all(is_part(named[other]) for other in others):
            raise DuplicateColumn(
                f'column "{column.name}" specified more than once', position=position_of(named[place])
            )
    rows = [_joined_row(row, named, columns, list(places.values())) for row in values.expressions]
    joined = node.copy()
    joined.set("columns", [exp.to_identifier(name, quoted=True) for name in places])
    joined.set("expression", exp.Values(expressions=rows))
    return joined


def _joined_row(
    row: exp.Expr, named: Sequence[exp.Expr], columns: Sequence[Column], places: Sequence[list[int]]
) -> exp.Tuple:
    """A row with one value for each column."""
    values = row.expressions
    if len(values) != len(named):
        more, fewer = "expressions", "target columns"
        if len(values) < len(named):
            more, fewer = fewer, more
        raise SyntaxErrorInStatement(f"INSERT has more {more} than {fewer}", position=position_of(values[0]))
    items = []
    for of_column in places:
        first = of_column[0]
        if not is_part(named[first]):
            items.append(values[first])
            continue
        parts = ColumnParts(expressions=[exp.Tuple(expressions=[named[i], values[i]]) for i in of_column])
        parts.meta["column"] = columns[first]
        items.append(parts)
    return exp.Tuple(expressions=items)


@binds(ColumnParts)
def bind_parts(environment: Environment, node: exp.Expr) -> Expression:
    """The value of a column of which parts are given."""
    column: Column = node.meta["column"]
    value: Expression = Constant(None, column.type.without_domain())
    for pair in node.expressions:
        named, written = pair.expressions
        given = None if isinstance(written, Default) else bind_node(environment, written)
        value = with_part(environment, value, named, AssignedPart(given, place_of(written), column.name))
    return value
