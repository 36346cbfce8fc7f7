"""Why the rows of a view cannot be changed through it, as view_query_is_auto_updatable() in rewriteHandler.c says it."""

from __future__ import annotations

from sqlglot import exp

from foundation.errors import FeatureNotSupported, ObjectNotInPrerequisiteState, QuiverError
from planner import bound
from planner.functions.signature import FunctionKind
from sqlfront.binder.environment import Environment
from sqlfront.parser.nodes import position_of
from storage.catalog import View

_CHANGES: dict[type[exp.Expr], tuple[str, str, str]] = {
    exp.Insert: ("insert into", "inserting into", "INSERT"),
    exp.Update: ("update", "updating", "UPDATE"),
    exp.Delete: ("delete from", "deleting from", "DELETE"),
}


def view_change_error(environment: Environment, view: View, node: exp.Expr) -> QuiverError:
    """The error of a statement that changes a view.

    55000 for a view that PostgreSQL cannot change either, with its reason; 0A000 for the others.
    """
    # Views are bound by what changes them, too.
    from sqlfront.binder.views import bind_view

    words = next((words for kind, words in _CHANGES.items() if isinstance(node.parent, kind)), None)
    verb, doing, event = words or _CHANGES[exp.Update]
    reason = _obstacle(bind_view(environment.context, view))
    if reason is None:
        return FeatureNotSupported(
            f"{event} of the rows of a view is not supported", position=position_of(node)
        )
    return ObjectNotInPrerequisiteState(
        f'cannot {verb} view "{view.name}"',
        detail=f"Views {reason} are not automatically updatable.",
        hint=f"To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON {event}"
        " DO INSTEAD rule.",
    )


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
