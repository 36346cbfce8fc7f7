"""Which statements are so short that a server may run them where nobody else can run meanwhile.

A few rows of values into one table, and the commands around them: their work is bounded by the size of their message,
whatever the data is. What turns out to have to wait (for a lock, for a large commit) raises WouldBlock and runs
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from planner import bound
from planner.evaluate import is_native
from sqlfront import parser

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

_ROWS_MAX = 8
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


def _is_plain(expression: bound.Expression) -> bool:
    if isinstance(expression, bound.Call) and expression.function.name not in _CALLS:
        return False
    if not isinstance(expression, bound.Constant | bound.Parameter | bound.CastExpression | bound.Call):
        return False
    return is_native(expression) and all(map(_is_plain, _children(expression)))


def _children(expression: bound.Expression) -> Iterable[bound.Expression]:
    return (child for child in bound.child_nodes(expression) if isinstance(child, bound.Expression))


def _row_expressions(statement: bound.Insert) -> Iterator[bound.Expression]:
    """What is computed of rows: generated columns, CHECK constraints, ON CONFLICT, RETURNING."""
    if statement.rules is not None:
        yield from (expression for _, expression in statement.rules.generated)
        yield from (check.condition for check in statement.rules.checks)
        yield from (key.expression for key in statement.rules.index_keys)
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
