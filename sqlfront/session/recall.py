"""quiver_recall(): the query text of its argument, bound as if the session had sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation.errors import InvalidParameterValue
from planner import bound
from planner.recall import measure_recall
from sqlfront.binder import bind_query
from sqlfront.parser import parse_script
from sqlfront.parser.statements import QueryStatement
from sqlfront.privileges.statements import check_statement
from sqlfront.session.query_locks import only_reads, table_locks, take_locks
from storage import Transaction

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def recall_of(session: LocalSession, transaction: Transaction, text: str) -> tuple[Any, ...]:
    """The row of quiver_recall(text), in the snapshot of the calling statement.

    Raises:
        InvalidParameterValue: 22023, the text is not one query that only reads.
        QuiverError: what is wrong with the query.
    """
    statements = parse_script(text)
    node = statements[0].node if len(statements) == 1 else None
    if not isinstance(node, QueryStatement):
        raise _not_a_query()
    context = session.bind_context()
    context.allows_parameters = False
    query = bind_query(node.expression, context)
    check_statement(query, context.notes, session.roles.rights)
    locks = table_locks(query)
    if isinstance(query, bound.Insert | bound.Update | bound.Delete | bound.Merge) or not only_reads(locks):
        raise _not_a_query()
    take_locks(transaction, locks)
    return measure_recall(query, session.execution_context(transaction)).as_row()


def _not_a_query() -> InvalidParameterValue:
    return InvalidParameterValue(
        "quiver_recall measures one query", detail="Its argument must be a single SELECT without row locks."
    )
