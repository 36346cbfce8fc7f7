"""Which statements are so short that a server may run them where nobody else can run meanwhile.

A few rows of values into one table, a row by its key, and the commands around them: their work is bounded by the size of
their message and of one row, whatever the data is. What turns out to have to wait (for a lock, for a large commit) raises
WouldBlock and runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from planner import NativePlan, Plan, bound
from planner.access_paths import finds_one_row
from planner.evaluate import is_native
from planner.nodes import Limit, Result, SeqScan
from sqlfront import parser

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession
    from storage.catalog import Catalog

_ROWS_MAX = 8
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_CALLS = frozenset(
    {
        "clock_timestamp",
        "gen_random_uuid",
        "nextval",
        "now",
        "random",
        "statement_timestamp",
        "transaction_timestamp",
    }
)
"""Functions that take no longer for any argument; others may, `repeat` or `pg_sleep`."""


def is_short_query(statement: bound.BoundStatement) -> bool:
    """Whether a planned statement inserts a few rows of constants and parameters, and computes little beside."""
    if not isinstance(statement, bound.Insert) or statement.ctes:
        return False
    source = statement.source
    if not isinstance(source, bound.Values) or len(source.rows) > _ROWS_MAX:
        return False
    if source.order_by or source.limit is not None or source.offset is not None or source.ctes:
        return False
    values = [item for row in source.rows for item in row]
    values += [expression for _, expression in statement.defaults]
    return all(map(_is_plain, values)) and all(map(is_native, _row_expressions(statement)))


def is_short_plan(plan: Plan, catalog: Catalog) -> bool:
    """Whether a SELECT finds a row by a unique key, or reads no table, and computes little beside.

    Args:
        catalog: what the plan was made for.
    """
    if not isinstance(plan, NativePlan) or plan.has_subqueries:
        return False
    node = plan.node.source if isinstance(plan.node, Limit) else plan.node
    if isinstance(node, SeqScan):
        if not finds_one_row(node, catalog):
            return False
    elif not isinstance(node, Result):
        return False
    expressions = [target.expression for target in plan.targets]
    if node.filter is not None:
        expressions.append(node.filter)
    return all(map(_is_quick, expressions))


def _is_quick(expression: bound.Expression) -> bool:
    """Whether it compares and shows columns and values, no more."""
    if isinstance(expression, bound.ColumnRef):
        return True
    if isinstance(expression, bound.Call) and expression.operator in _COMPARISONS:
        return all(map(_is_quick, expression.arguments))
    if isinstance(expression, bound.BoolExpression):
        return all(map(_is_quick, expression.arguments))
    if isinstance(expression, bound.CastExpression):
        return is_native(expression) and _is_quick(expression.argument)
    return _is_plain(expression)


def _is_plain(expression: bound.Expression) -> bool:
    if isinstance(expression, bound.Call) and expression.function.name not in _CALLS:
        return False
    if not isinstance(expression, bound.Constant | bound.Parameter | bound.CastExpression | bound.Call):
        return False
    return is_native(expression) and all(map(_is_plain, _children(expression)))


def _children(expression: bound.Expression) -> Iterable[bound.Expression]:
    return (child for child in bound.child_nodes(expression) if isinstance(child, bound.Expression))


def _row_expressions(statement: bound.Insert) -> Iterator[bound.Expression]:
    """What is computed of rows: generated columns, CHECK constraints, domains, ON CONFLICT, RETURNING."""
    if statement.rules is not None:
        yield from (expression for _, expression in statement.rules.generated)
        yield from (check.condition for check in statement.rules.checks)
        yield from (key.expression for key in statement.rules.index_keys)
        yield from (check.condition for _, domain in statement.rules.domains for check in domain.checks)
    conflict = statement.on_conflict
    if conflict is not None:
        yield from (expression for _, expression in conflict.assignments or ())
        if conflict.where is not None:
            yield conflict.where
    yield from (target.expression for target in statement.returning)


def is_short_command(session: LocalSession, node: parser.Statement) -> bool:
    """BEGIN and savepoints, and COMMIT where no cursor has to be read to its end first."""
    if isinstance(node, parser.CommitStatement):
        return not node.chain and not session.cursors.has_holdable
    return isinstance(node, parser.BeginStatement | parser.SavepointStatement | parser.ReleaseStatement)
