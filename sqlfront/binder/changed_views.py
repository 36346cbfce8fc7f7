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
from sqlfront.binder.environment import Environment
from sqlfront.binder.relations import query_of_view
from sqlfront.binder.scope import NamespaceColumn
from sqlfront.privileges.notes import WrittenView, WrittenViews
from storage.catalog import Catalog, MaterializedView, View

_CHANGES: dict[type[exp.Expr], tuple[str, str, str]] = {
    exp.Insert: ("insert into", "inserting into", "INSERT"),
    exp.Update: ("update", "updating", "UPDATE"),
    exp.Delete: ("delete from", "deleting from", "DELETE"),
}


@dataclass(frozen=True, slots=True)
class ViewOfTable:
    """The table behind a view: what each column of the view is over `scan`, and which rows the view shows.

    `checks` are the conditions that the view and those under it set for new rows, the innermost first.
    """

    scan: bound.TableScan
    columns: tuple[NamespaceColumn, ...]
    condition: bound.Expression | None
    checks: tuple[bound.BoundCheck, ...]


@dataclass(frozen=True, slots=True)
class _Flat:
    """A view's query over the stored table behind it. `conditions` are (OID, WHERE) of all views, the innermost first."""

    query: bound.Select
    conditions: tuple[tuple[int, bound.Expression | None], ...]
    levels: tuple[WrittenView, ...] = ()
    """The views, the outermost first."""


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Why rows are not changed through a view: `Views ... are not automatically updatable.`"""

    view_oid: int
    reason: str


def table_behind(environment: Environment, view: View, node: exp.Expr) -> ViewOfTable:
    """The table that a change of a view changes; `node` names the view in the statement.

    Raises:
        ObjectNotInPrerequisiteState: 55000, a view that is no plain selection of one table's rows, with the reason.
    """
    catalog = environment.context.catalog
    flat = _flat(catalog, query_of_view(environment, view), view.oid)
    if isinstance(flat, _Obstacle):
        verb, doing, event = change_words(node)
        raise ObjectNotInPrerequisiteState(
            f'cannot {verb} view "{_view(catalog, flat.view_oid).name}"',
            detail=not_updatable(flat.reason),
            hint=f"To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON"
            f" {event} DO INSTEAD rule.",
        )
    scan = flat.query.from_
    assert isinstance(scan, bound.TableScan), "a flat query reads a table"
    environment.context.notes.written[scan.relation_id] = WrittenViews(flat.levels, flat.query.where)
    columns = tuple(
        NamespaceColumn(column.name, target.expression, view.oid, column.attnum)
        for column, target in zip(view.columns, flat.query.targets, strict=True)
    )
    return ViewOfTable(scan, columns, flat.query.where, _checks(catalog, flat))


def _checks(catalog: Catalog, flat: _Flat) -> tuple[bound.BoundCheck, ...]:
    """The conditions of WITH CHECK OPTION: a CASCADED one makes those of all views below count. NULL does not pass."""
    found: list[bound.BoundCheck] = []
    is_cascaded = False
    for view_oid, condition in reversed(flat.conditions):
        view = _view(catalog, view_oid)
        option = check_option(view)
        is_cascaded |= option == "cascaded"
        if condition is not None and (option or is_cascaded):
            found.insert(0, bound.BoundCheck(view.name, bound.IsTruth(condition, bound.TruthTest.TRUE)))
    return tuple(found)


def check_option(view: View) -> str:
    """'local', 'cascaded' or '': what WITH CHECK OPTION says of a view."""
    return dict(view.options).get("check_option", "")


def _view(catalog: Catalog, oid: int) -> View:
    view = catalog.get(oid)
    assert isinstance(view, View), "rows are changed through views"
    return view


def not_updatable(reason: str) -> str:
    """What messages say of a view with an obstacle."""
    return f"Views {reason} are not automatically updatable."


def change_words(node: exp.Expr) -> tuple[str, str, str]:
    """How messages name the change whose target `node` is."""
    words = next((words for kind, words in _CHANGES.items() if isinstance(node.parent, kind)), None)
    return words or _CHANGES[exp.Update]


def own_obstacle(catalog: Catalog, query: bound.Query) -> str | None:
    """Why rows cannot be changed through a view of this query, if views that it reads are changeable; None if they can."""
    reason = _obstacle(catalog, query)
    if reason is None and not any(isinstance(c, bound.ColumnRef) for c in _target_expressions(query)):
        reason = "that have no updatable columns"
    return reason


def _target_expressions(query: bound.Query) -> list[bound.Expression]:
    return [target.expression for target in query.targets] if isinstance(query, bound.Select) else []


def changeable_columns(catalog: Catalog, query: bound.Query) -> set[str]:
    """Names of the columns of a view of this query that can be changed; empty where none of its rows can be."""
    flat = _flat(catalog, query, 0)
    if isinstance(flat, _Obstacle):
        return set()
    return {target.name for target in flat.query.targets if isinstance(target.expression, bound.ColumnRef)}


def _flat(catalog: Catalog, query: bound.Query, view_oid: int) -> _Flat | _Obstacle:
    """The query of a view over the stored table that it selects from, through other views; or why there is none."""
    reason = _obstacle(catalog, query)
    if reason is not None:
        return _Obstacle(view_oid, reason)
    assert isinstance(query, bound.Select), "set operations and VALUES are obstacles"
    scan = query.from_
    if isinstance(scan, bound.TableScan):
        return _Flat(query, ((view_oid, query.where),), (_level(catalog, view_oid, query, query.where),))
    assert isinstance(scan, bound.SubqueryScan), "other relations are obstacles"
    flat = _flat(catalog, scan.query, scan.view_oid)
    if isinstance(flat, _Obstacle):
        return flat
    below = flat.query

    def change(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id:
            return below.targets[node.position].expression
        return None

    above = rewrite(replace(query, from_=None), change)
    merged = replace(above, from_=below.from_, where=both(below.where, above.where))
    level = _level(catalog, view_oid, merged, above.where)
    return _Flat(merged, (*flat.conditions, (view_oid, above.where)), (level, *flat.levels))


def _level(
    catalog: Catalog, view_oid: int, query: bound.Select, condition: bound.Expression | None
) -> WrittenView:
    """What a view is over the stored table that `query` selects from; `condition` is the view's own."""
    scan, view = query.from_, catalog.get(view_oid)
    assert isinstance(scan, bound.TableScan), "a flat query reads a table"
    shown = view.live_columns() if isinstance(view, View) else ()
    columns = tuple(
        (column.attnum, scan.columns[target.expression.position].attnum)
        for column, target in zip(shown, query.targets)
        if isinstance(target.expression, bound.ColumnRef)
    )
    nodes = bound.walk(condition) if condition is not None else ()
    read = {
        scan.columns[node.position].attnum
        for node in nodes
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id
    }
    return WrittenView(view_oid, columns, tuple(sorted(read)))


def both(left: bound.Expression | None, right: bound.Expression | None) -> bound.Expression | None:
    """Two conditions as one, either of which may be missing."""
    parts = tuple(part for part in (left, right) if part is not None)
    if len(parts) < 2:
        return parts[0] if parts else None
    return bound.BoolExpression(bound.BoolOperator.AND, parts)


def _obstacle(catalog: Catalog, query: bound.Query) -> str | None:
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
        "that do not select from a single table or view": not _reads_one(catalog, query.from_),
    }
    return next((reason for reason, applies in clauses.items() if applies), None)


def _has_target(query: bound.Select, kind: type[bound.Expression]) -> bool:
    return any(isinstance(node, kind) for target in query.targets for node in bound.walk(target.expression))


def _is_set(expression: bound.Expression) -> bool:
    calls = (node for node in bound.walk(expression) if isinstance(node, bound.Call))
    return any(call.function.kind is FunctionKind.SET for call in calls)


def _reads_one(catalog: Catalog, relation: bound.Relation | None) -> bool:
    if isinstance(relation, bound.TableScan):
        return not isinstance(catalog.get(relation.table_oid), MaterializedView)
    return isinstance(relation, bound.SubqueryScan) and bool(relation.view_oid)
