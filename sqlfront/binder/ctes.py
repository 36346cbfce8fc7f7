"""Binding of WITH, recursive items included."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import DatatypeMismatch, FeatureNotSupported
from foundation.sqltypes import BOOL, format_type
from planner.bound import (
    Aggregate,
    Constant,
    Cte,
    Delete,
    Insert,
    Query,
    RelationColumn,
    Select,
    SetOperation,
    SetOperator,
    Target,
    Update,
    output_columns,
    walk,
)
from sqlfront.binder.environment import (
    QUERY_NODES,
    Clause,
    Environment,
    QueryFindings,
    VisibleCte,
)
from sqlfront.binder.errors import DuplicateAlias, InvalidColumnReference, InvalidRecursion
from sqlfront.binder.scope import Scope
from sqlfront.parser.nodes import position_of


def bind_with(environment: Environment, node: exp.Expr) -> tuple[Environment, tuple[Cte, ...]]:
    """The environment in which the items are visible, and the items in order.

    Raises:
        DuplicateAlias: 42712 `WITH query name "x" specified more than once`.
        InvalidRecursion: 42P19, a recursive item of another form than `start UNION [ALL] step`.
        FeatureNotSupported: 0A000, a data change in WITH below the top of the statement.
    """
    bound: list[Cte] = []
    names: set[str] = set()
    for item in node.expressions:
        name = str(item.args["alias"].this.this)
        if name in names:
            raise DuplicateAlias(
                f'WITH query name "{name}" specified more than once', position=position_of(item)
            )
        names.add(name)
    for item in node.expressions:
        name = str(item.args["alias"].this.this)
        if not isinstance(item.this, QUERY_NODES):
            environment, cte = _bind_change(environment, node, item, name)
        elif node.args.get("recursive") and _mentions(item.this, name):
            environment, cte = _bind_recursive(environment, item, name)
        else:
            environment, cte = _bind_plain(environment, item, name)
        bound.append(cte)
    return environment, tuple(bound)


def _clause_position(node: exp.Expr) -> int | None:
    return position_of(node.expressions[0].this if node.expressions else node.args["expression"])


def _mentions(query: exp.Expr, name: str) -> bool:
    return any(
        isinstance(table, exp.Table) and table.args.get("db") is None and table.this.this == name
        for table in query.find_all(exp.Table)
    )


def _inner(environment: Environment) -> Environment:
    return replace(
        environment,
        scope=Scope(parent=environment.scope.parent),
        clause=Clause.SELECT_LIST,
        findings=QueryFindings(),
    )


def _columns(item: exp.Expr, query: Query, name: str) -> tuple[RelationColumn, ...]:
    columns = output_columns(query)
    given = item.args["alias"].args.get("columns") or []
    if len(given) > len(columns):
        raise InvalidColumnReference(
            f'WITH query "{name}" has {len(columns)} columns available but {len(given)} columns specified',
            position=position_of(item),
        )
    renamed = [replace(column, name=str(new.this)) for column, new in zip(columns, given)]
    return (*renamed, *columns[len(given) :])


def _bind_plain(environment: Environment, item: exp.Expr, name: str) -> tuple[Environment, Cte]:
    # Queries nest in everything, so what they nest in takes them late.
    from sqlfront.binder.queries import bind_query_node, query_origins

    query = bind_query_node(_inner(environment), item.this)
    columns = _columns(item, query, name)
    cte = Cte(
        environment.state.next_cte_id(), name, query, columns, is_materialized=item.args.get("materialized")
    )
    visible = VisibleCte(cte.cte_id, name, columns, query_origins(query))
    return replace(environment, ctes=(*environment.ctes, visible)), cte


def _bind_change(
    environment: Environment, with_: exp.Expr, item: exp.Expr, name: str
) -> tuple[Environment, Cte]:
    """INSERT, UPDATE or DELETE."""
    from sqlfront.binder.changes import bind_delete, bind_update
    from sqlfront.binder.inserts import bind_insert

    if not isinstance(item.this, exp.Insert | exp.Update | exp.Delete):
        raise FeatureNotSupported(
            f"{item.this.key.upper()} not supported in WITH query", position=position_of(item.this)
        )
    if with_ is not environment.state.top_with:
        raise FeatureNotSupported(
            "WITH clause containing a data-modifying statement must be at the top level",
            position=position_of(item),
        )
    if with_.args.get("recursive") and _mentions(item.this, name):
        raise InvalidRecursion(
            f'recursive query "{name}" must not contain data-modifying statements', position=position_of(item)
        )
    inner = _inner(environment)
    change: Insert | Update | Delete
    if isinstance(item.this, exp.Insert):
        change = bind_insert(inner, item.this)
    elif isinstance(item.this, exp.Update):
        change = bind_update(inner, item.this)
    else:
        change = bind_delete(inner, item.this)
    nothing = Select(
        tuple(Target(Constant(None, t.expression.sql_type), t.name) for t in change.returning),
        where=Constant(False, BOOL),
    )
    columns = _columns(item, nothing, name)
    cte = Cte(environment.state.next_cte_id(), name, nothing, columns, change=change)
    origins = tuple((target.table_oid, target.attnum) for target in change.returning)
    visible = VisibleCte(cte.cte_id, name, columns, origins, has_rows=bool(change.returning))
    return replace(environment, ctes=(*environment.ctes, visible)), cte


def _bind_recursive(environment: Environment, item: exp.Expr, name: str) -> tuple[Environment, Cte]:
    """start UNION [ALL] step: the step sees the start's columns under the item's name."""
    from sqlfront.binder.queries import bind_query_node, settle_query, unify

    union = item.this
    while isinstance(union, exp.Subquery):
        union = union.this
    if not isinstance(union, exp.Union) or _mentions(union.this, name):
        raise InvalidRecursion(
            f'recursive query "{name}" does not have the form non-recursive-term UNION [ALL] recursive-term',
            position=position_of(item),
        )
    for clause, shown in (("order", "ORDER BY"), ("limit", "LIMIT"), ("offset", "OFFSET")):
        if union.args.get(clause) is not None:
            raise FeatureNotSupported(
                f"{shown} in a recursive query is not implemented",
                position=_clause_position(union.args[clause]),
            )
    outer = environment
    if union.args.get("with_") is not None:
        raise FeatureNotSupported(
            "WITH inside a recursive query is not supported", position=position_of(union)
        )
    start = settle_query(environment, bind_query_node(_inner(outer), union.this, settles=False))
    columns = _columns(item, start, name)
    cte_id = environment.state.next_cte_id()
    visible = VisibleCte(cte_id, name, columns)
    environment = replace(environment, ctes=(*environment.ctes, visible))
    inner = _inner(environment)
    step = bind_query_node(inner, union.args["expression"], settles=False)
    if inner.findings.has_aggregates:
        aggregate = next((node for node in walk(step) if isinstance(node, Aggregate)), None)
        raise InvalidRecursion(
            "aggregate functions are not allowed in a recursive query's recursive term",
            position=environment.state.position_of(aggregate) if aggregate is not None else None,
        )
    left, right = unify(environment, "UNION", (start, step))
    _check_types(environment, name, start, left)
    query = SetOperation(SetOperator.UNION, not union.args.get("distinct"), left, right)
    return environment, Cte(cte_id, name, query, columns, True, item.args.get("materialized"))


def _check_types(environment: Environment, name: str, start: Query, overall: Query) -> None:
    from sqlfront.binder.queries import column_position

    for number, (before, after) in enumerate(zip(output_columns(start), output_columns(overall)), 1):
        if before.type != after.type:
            raise DatatypeMismatch(
                f'recursive query "{name}" column {number} has type {format_type(before.type)} in '
                f"non-recursive term but type {format_type(after.type)} overall",
                hint="Cast the output of the non-recursive term to the correct type.",
                position=column_position(environment, start, number - 1),
            )
