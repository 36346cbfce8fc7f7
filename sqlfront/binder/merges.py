"""Binding of MERGE. https://www.postgresql.org/docs/15/sql-merge.html"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from planner.bound import Cte, Expression, Merge, MergeAction, MergeClause
from sqlfront.binder.assignments import bind_assignments
from sqlfront.binder.catalog_names import readable_relation
from sqlfront.binder.coerce import coerce_to_boolean
from sqlfront.binder.ctes import bind_with
from sqlfront.binder.dml_targets import ChangeTarget, change_target
from sqlfront.binder.environment import Clause, Environment, QueryFindings, bind_node, place_of
from sqlfront.binder.errors import DuplicateAlias
from sqlfront.binder.inserts import bind_merged_row
from sqlfront.binder.relations import bind_from, table_parts
from sqlfront.binder.row_markers import with_row_markers
from sqlfront.binder.rules import table_rules
from sqlfront.binder.scope import Scope
from sqlfront.parser.nodes import position_of
from storage.catalog import AnyView


def bind_merge(environment: Environment, node: exp.Expr) -> Merge:
    """Bind a MERGE.

    Raises:
        SyntaxErrorInStatement: 42601, a clause behind one of its kind without a condition.
        FeatureNotSupported: 0A000, a view.
        DuplicateAlias: 42712, one name for target and source. DatatypeMismatch: 42804, a condition that is no boolean.
        QuiverError: as `bind_insert` and `bind_update`; 42P01 for the target's columns in WHEN NOT MATCHED.
    """
    whens = node.args["whens"].expressions
    _check_reachable(whens)
    ctes: tuple[Cte, ...] = ()
    if node.args.get("with_") is not None:
        environment, ctes = bind_with(environment, node.args["with_"])
    found = readable_relation(environment.context, table_parts(node.this), position_of(node.this))
    if isinstance(found, AnyView):
        raise FeatureNotSupported(
            f'cannot execute MERGE on relation "{found.name}"',
            detail=f"This operation is not supported for {found.kind}s.",
        )
    change = change_target(environment, node.this)
    target = change.item
    source_scope = Scope(parent=environment.scope.parent)
    source = bind_from(replace(environment, scope=source_scope), [node.args["using"]])
    assert source is not None, "the grammar gives USING a relation"
    if any(item.is_named and item.alias == target.alias for item in source_scope.items):
        raise DuplicateAlias(
            f'name "{target.alias}" specified more than once',
            detail="The name is used both as MERGE target table and data source.",
        )
    hidden = replace(target, is_named=False, is_open=False)
    both = replace(environment, scope=Scope([target, *source_scope.items], environment.scope.parent))
    unmatched = replace(environment, scope=Scope([hidden, *source_scope.items], environment.scope.parent))
    on = _condition(both, node.args["on"], Clause.JOIN, "JOIN/ON")
    clauses = tuple(_clause(both if when.args["matched"] else unmatched, change, when) for when in whens)
    source = with_row_markers(environment, source) or source
    return Merge(change.scan, source, on, clauses, ctes, table_rules(environment.context, change.table))


def _check_reachable(whens: list[exp.When]) -> None:
    closed: set[bool] = set()
    for when in whens:
        if when.args["matched"] in closed:
            raise SyntaxErrorInStatement("unreachable WHEN clause specified after unconditional WHEN clause")
        if when.args.get("condition") is None:
            closed.add(when.args["matched"])


def _condition(environment: Environment, node: exp.Expr, clause: Clause, word: str) -> Expression:
    inner = replace(environment.at(clause), findings=QueryFindings())
    return coerce_to_boolean(environment.context, bind_node(inner, node), word, place_of(node))


def _clause(environment: Environment, change: ChangeTarget, when: exp.When) -> MergeClause:
    condition = None
    if when.args.get("condition") is not None:
        condition = _condition(environment, when.args["condition"], Clause.MERGE_WHEN, "WHEN")
    inner = replace(environment, findings=QueryFindings())
    action, then = MergeAction.NOTHING, when.args.get("then")
    values: tuple[tuple[int, Expression], ...] = ()
    if isinstance(then, exp.Insert):
        action, values = MergeAction.INSERT, bind_merged_row(inner, change, then)
    elif isinstance(then, exp.Update):
        action, values = MergeAction.UPDATE, bind_assignments(inner, change, then.expressions)
    elif isinstance(then, exp.Delete):
        action = MergeAction.DELETE
    return MergeClause(when.args["matched"], action, condition, values)
