"""Changes of rows through a view: a view of one table's columns stands for the table, others are refused.

As view_query_is_auto_updatable() and rewriteTargetView() do it in PostgreSQL's rewriteHandler.c.
https://www.postgresql.org/docs/15/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from foundation.errors import ObjectNotInPrerequisiteState
from planner import bound
from planner.evaluate.rewriting import rewrite
from planner.functions.signature import FunctionKind
from sqlfront.binder.environment import Clause, Environment, QueryFindings
from sqlfront.binder.scope import NamespaceColumn, Scope
from storage.catalog import View

_CHANGES: dict[type[exp.Expr], tuple[str, str, str]] = {
    exp.Insert: ("insert into", "inserting into", "INSERT"),
    exp.Update: ("update", "updating", "UPDATE"),
    exp.Delete: ("delete from", "deleting from", "DELETE"),
}


@dataclass(frozen=True, slots=True)
class ViewOfTable:
    """The table behind a view: what each column of the view is over `scan`, and which rows the view shows."""

    scan: bound.TableScan
    columns: tuple[NamespaceColumn, ...]
    condition: bound.Expression | None


def table_behind(environment: Environment, view: View, node: exp.Expr) -> ViewOfTable:
    """The table that a change of a view changes; `node` names the view in the statement.

    Raises:
        ObjectNotInPrerequisiteState: 55000, a view that is no plain selection of one table's rows, with the reason.
    """
    # Queries nest in everything, so what they nest in takes them late.
    from sqlfront.binder.queries import bind_query_node
    from sqlfront.binder.views import parsed_view

    inner = replace(
        environment, scope=Scope(), clause=Clause.SELECT_LIST, findings=QueryFindings(), inside="", ctes=()
    )
    query = bind_query_node(inner, parsed_view(view))
    flat = _flat(query)
    if isinstance(flat, str):
        verb, doing, event = change_words(node)
        raise ObjectNotInPrerequisiteState(
            f'cannot {verb} view "{view.name}"',
            detail=f"Views {flat} are not automatically updatable.",
            hint=f"To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON"
            f" {event} DO INSTEAD rule.",
        )
    assert isinstance(flat.from_, bound.TableScan), "a flat query reads a table"
    columns = tuple(
        NamespaceColumn(column.name, target.expression, view.oid, column.attnum)
        for column, target in zip(view.columns, flat.targets, strict=True)
    )
    return ViewOfTable(flat.from_, columns, flat.where)


def change_words(node: exp.Expr) -> tuple[str, str, str]:
    """How messages name the change whose target `node` is."""
    words = next((words for kind, words in _CHANGES.items() if isinstance(node.parent, kind)), None)
    return words or _CHANGES[exp.Update]


def is_changeable(query: bound.Query) -> bool:
    """Whether rows can be changed through a view of this query."""
    return not isinstance(_flat(query), str)


def changeable_columns(query: bound.Query) -> set[str]:
    """Names of the columns of a view of this query that can be changed."""
    flat = _flat(query)
    if isinstance(flat, str):
        return set()
    return {target.name for target in flat.targets if isinstance(target.expression, bound.ColumnRef)}


def _flat(query: bound.Query) -> bound.Select | str:
    """The query over the stored table that it selects from, through other views; or the reason why it is none."""
    reason = _obstacle(query)
    if reason is not None:
        return reason
    assert isinstance(query, bound.Select), "set operations and VALUES are obstacles"
    scan = query.from_
    if isinstance(scan, bound.TableScan):
        return query
    assert isinstance(scan, bound.SubqueryScan), "other relations are obstacles"
    below = _flat(scan.query)
    if isinstance(below, str):
        return below

    def change(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id:
            return below.targets[node.position].expression
        return None

    above = rewrite(replace(query, from_=None), change)
    return replace(above, from_=below.from_, where=both(below.where, above.where))


def both(left: bound.Expression | None, right: bound.Expression | None) -> bound.Expression | None:
    """Two conditions as one, either of which may be missing."""
    parts = tuple(part for part in (left, right) if part is not None)
    if len(parts) < 2:
        return parts[0] if parts else None
    return bound.BoolExpression(bound.BoolOperator.AND, parts)


def _obstacle(query: bound.Query) -> str | None:
    if isinstance(query, bound.SetOperation):
        return "containing UNION, INTERSECT, or EXCEPT"
    if isinstance(query, bound.Values):
        return "that do not select from a single table or view"
    clauses = {
        "containing DISTINCT": query.is_distinct or query.distinct_on,
        "containing GROUP BY": query.group_by,
        "containing HAVING": query.having is not None,
        "containing WITH": query.ctes,
        "containing LIMIT or OFFSET": query.limit is not None or query.offset is not None,
        "that return aggregate functions": _has_target(query, bound.Aggregate),
        "that return window functions": _has_target(query, bound.WindowCall),
        "that return set-returning functions": any(_is_set(t.expression) for t in query.targets),
        "that do not select from a single table or view": not _reads_one(query.from_),
    }
    return next((reason for reason, applies in clauses.items() if applies), None)


def _has_target(query: bound.Select, kind: type[bound.Expression]) -> bool:
    return any(isinstance(node, kind) for target in query.targets for node in bound.walk(target.expression))


def _is_set(expression: bound.Expression) -> bool:
    calls = (node for node in bound.walk(expression) if isinstance(node, bound.Call))
    return any(call.function.kind is FunctionKind.SET for call in calls)


def _reads_one(relation: bound.Relation | None) -> bool:
    is_view = isinstance(relation, bound.SubqueryScan) and bool(relation.view_oid)
    return is_view or isinstance(relation, bound.TableScan)
