"""Binding of UPDATE and DELETE. https://www.postgresql.org/docs/15/sql-update.html"""

from __future__ import annotations

from sqlglot import exp

from planner.bound import Cte, Delete, Update
from sqlfront.binder.assignments import bind_assignments
from sqlfront.binder.changed_views import both
from sqlfront.binder.ctes import bind_with
from sqlfront.binder.dml_targets import bind_returning, change_target, target_rules
from sqlfront.binder.environment import Clause, Environment
from sqlfront.binder.relations import bind_from
from sqlfront.binder.row_markers import with_row_markers
from sqlfront.binder.select import bind_condition


def bind_update(environment: Environment, node: exp.Expr) -> Update:
    """Bind an UPDATE. As in PostgreSQL, WHERE and RETURNING are looked at before SET.

    Raises:
        UndefinedColumn: 42703; DatatypeMismatch: 42804; GeneratedAlways: 428C9.
        SyntaxErrorInStatement: 42601, a column assigned twice or a row of the wrong width.
    """
    ctes: tuple[Cte, ...] = ()
    if node.args.get("with_") is not None:
        environment, ctes = bind_with(environment, node.args["with_"])
    target = change_target(environment, node.this)
    environment.scope.add(target.item)
    from_node = node.args.get("from_")
    from_ = bind_from(environment, from_node.expressions) if from_node is not None else None
    where = bind_condition(environment, node.args.get("where"), Clause.WHERE)
    returning = bind_returning(environment, node)
    assignments = bind_assignments(environment, target, node.expressions)
    rules = target_rules(environment, target)
    where = both(target.condition, where)
    from_ = with_row_markers(environment, from_)
    return Update(target.scan, assignments, from_, where, returning, ctes, rules)


def bind_delete(environment: Environment, node: exp.Expr) -> Delete:
    """Bind a DELETE."""
    ctes: tuple[Cte, ...] = ()
    if node.args.get("with_") is not None:
        environment, ctes = bind_with(environment, node.args["with_"])
    target = change_target(environment, node.this)
    environment.scope.add(target.item)
    using = node.args.get("using")
    relation = bind_from(environment, using) if using else None
    where = bind_condition(environment, node.args.get("where"), Clause.WHERE)
    where = both(target.condition, where)
    returning = bind_returning(environment, node)
    return Delete(target.scan, with_row_markers(environment, relation), where, returning, ctes)
