"""Binding of ORDER BY, GROUP BY items, DISTINCT ON items, LIMIT and OFFSET.

A bare name in ORDER BY is an output column if there is one of that name, in GROUP BY an input column if there
is one; an integer is a position in the select list; anything else is an expression over the input.
https://www.postgresql.org/docs/15/queries-order.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement, UndefinedColumn
from foundation.sqltypes import UNKNOWN
from planner.bound import ColumnRef, Expression, OutputRef, RelationColumn, SortKey, Target, walk
from sqlfront.binder.coerce import coerce_to_count, settle
from sqlfront.binder.environment import Clause, Environment, bind_node, place_of, unsupported
from sqlfront.binder.errors import AmbiguousColumn, InvalidColumnReference
from sqlfront.binder.sort_keys import make_sort_key
from sqlfront.parser.nodes import position_of


def bare(node: exp.Expr) -> exp.Expr:
    """The expression inside parentheses."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def bind_target_reference(
    environment: Environment, node: exp.Expr, targets: Sequence[Target], clause: Clause
) -> Expression | int:
    """An item of ORDER BY, GROUP BY or DISTINCT ON: the position of a target, or an expression of its own.

    Raises:
        InvalidColumnReference: 42P10 `ORDER BY position 9 is not in select list`.
        SyntaxErrorInStatement: 42601 `non-integer constant in ORDER BY`.
        AmbiguousColumn: 42702 `ORDER BY "x" is ambiguous`.
    """
    word, node = clause.value, bare(node)
    if (
        isinstance(node, exp.Column)
        and node.args.get("table") is None
        and not isinstance(node.this, exp.Star)
    ):
        position = _named_target(environment, node, targets, clause)
        if position is not None:
            return position
    if isinstance(node, exp.Literal | exp.Null | exp.Boolean):
        if not _is_position(node):
            raise SyntaxErrorInStatement(f"non-integer constant in {word}", position=position_of(node))
        number = int(str(node.this))
        if not 1 <= number <= len(targets):
            raise InvalidColumnReference(
                f"{word} position {number} is not in select list", position=position_of(node)
            )
        return number - 1
    bound = bind_node(environment.at(clause), node)
    for index, target in enumerate(targets):
        if target.expression == bound:
            return index
    return settle(environment.context, bound)


def _is_position(node: exp.Expr) -> bool:
    """Whether a literal is an integer as the grammar has them: larger ones are numerics."""
    if not isinstance(node, exp.Literal) or node.args["is_string"]:
        return False
    text = str(node.this)
    return text.removeprefix("-").isdigit() and -(2**31) <= int(text) < 2**31


def _named_target(
    environment: Environment, node: exp.Expr, targets: Sequence[Target], clause: Clause
) -> int | None:
    name = str(node.this.this)
    if clause is Clause.GROUP_BY and any(
        item.is_open and item.named(name) for item in environment.scope.items
    ):
        return None
    found = [index for index, target in enumerate(targets) if target.name == name]
    if any(targets[index].expression != targets[found[0]].expression for index in found[1:]):
        raise AmbiguousColumn(f'{clause.value} "{name}" is ambiguous', position=position_of(node))
    return found[0] if found else None


def bind_order(environment: Environment, node: exp.Expr | None, targets: list[Target]) -> tuple[SortKey, ...]:
    """ORDER BY of a SELECT: OutputRefs where an item means a target, expressions over the input elsewhere."""
    keys: list[SortKey] = []
    for ordered in node.expressions if node is not None else ():
        found = bind_target_reference(environment, ordered.this, targets, Clause.ORDER_BY)
        expression = output_reference(environment, targets, found) if isinstance(found, int) else found
        key = make_sort_key(expression, ordered)
        if all(key.expression != other.expression for other in keys):
            keys.append(key)
    return tuple(keys)


def output_reference(environment: Environment, targets: list[Target], position: int) -> OutputRef:
    """A reference to a target; one that is still UNKNOWN becomes text by being sorted on."""
    targets[position] = settled_target(environment, targets[position])
    return OutputRef(position, targets[position].expression.sql_type)


def settled_target(environment: Environment, target: Target) -> Target:
    """The target as text where it is still UNKNOWN."""
    expression = target.expression
    if expression.sql_type != UNKNOWN:
        return target
    position = environment.state.position_of(expression)
    return replace(target, expression=settle(environment.context, expression, position))


def bind_output_order(
    environment: Environment, node: exp.Expr, columns: Sequence[RelationColumn], *, is_set_operation: bool
) -> tuple[SortKey, ...]:
    """ORDER BY of a set operation or VALUES: output names and positions only.

    Raises:
        FeatureNotSupported: 0A000 `invalid UNION/INTERSECT/EXCEPT ORDER BY clause`.
    """
    order = node.args.get("order")
    keys = []
    for ordered in order.expressions if order is not None else ():
        position = _output_position(ordered.this, columns, is_set_operation)
        keys.append(make_sort_key(OutputRef(position, columns[position].type), ordered))
    return tuple(keys)


def _output_position(node: exp.Expr, columns: Sequence[RelationColumn], is_set_operation: bool) -> int:
    node = bare(node)
    place = position_of(node)
    if isinstance(node, exp.Column) and node.args.get("table") is None:
        name = str(node.this.this)
        found = [index for index, column in enumerate(columns) if column.name == name]
        if len(found) > 1:
            raise AmbiguousColumn(f'ORDER BY "{name}" is ambiguous', position=place)
        if not found:
            raise UndefinedColumn(f'column "{name}" does not exist', position=place)
        return found[0]
    if isinstance(node, exp.Literal):
        if not _is_position(node):
            raise SyntaxErrorInStatement("non-integer constant in ORDER BY", position=place)
        number = int(str(node.this))
        if not 1 <= number <= len(columns):
            raise InvalidColumnReference(f"ORDER BY position {number} is not in select list", position=place)
        return number - 1
    if not is_set_operation:
        raise unsupported(node, "an expression in ORDER BY of VALUES")
    raise FeatureNotSupported(
        "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
        detail="Only result column names can be used, not expressions or functions.",
        hint="Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
        position=place_of(node),
    )


def bind_limits(environment: Environment, node: exp.Expr) -> tuple[Expression | None, Expression | None]:
    """LIMIT and OFFSET as int8 expressions; LIMIT ALL and LIMIT NULL are none.

    Raises:
        InvalidColumnReference: 42P10, a column of this query in LIMIT.
        DatatypeMismatch: 42804; FeatureNotSupported: 0A000, WITH TIES.
    """
    bound: list[Expression | None] = []
    # PostgreSQL looks at OFFSET before LIMIT, which decides the numbers' types in errors only.
    for key, clause in (("limit", Clause.LIMIT), ("offset", Clause.OFFSET)):
        part = node.args.get(key)
        value = part.args["expression"] if part is not None else None
        if part is not None and part.args.get("with_ties") and not isinstance(node, exp.Select):
            raise unsupported(part, "FETCH FIRST ... WITH TIES of a set operation or VALUES")
        if value is None or isinstance(value, exp.Var | exp.Null):
            bound.append(None)
            continue
        expression = bind_node(environment.at(clause), value)
        expression = coerce_to_count(environment.context, expression, clause.value, position_of(value))
        own = environment.scope.relation_ids()
        if any(isinstance(n, ColumnRef) and n.relation_id in own for n in walk(expression)):
            raise InvalidColumnReference(
                f"argument of {clause.value} must not contain variables", position=position_of(value)
            )
        bound.append(expression)
    return bound[0], bound[1]
