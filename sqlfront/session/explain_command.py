"""EXPLAIN [ANALYZE] of a query or data change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation.errors import FeatureNotSupported
from sqlfront.parser import ExplainStatement, ParsedStatement, QueryStatement
from sqlfront.session.outcome import Outcome, text_rows

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_explain(session: LocalSession, node: ExplainStatement) -> Outcome:
    """One text row a line of the plan; ANALYZE runs the statement for real, writes included.

    Raises:
        FeatureNotSupported: 0A000, another format than text, or a statement that has no plan.
    """
    if node.format != "text":
        raise FeatureNotSupported(f"EXPLAIN (FORMAT {node.format.upper()}) is not supported")
    if not isinstance(node.inner, QueryStatement):
        raise FeatureNotSupported("EXPLAIN of this statement is not supported")
    statement = session.prepare_nested(ParsedStatement(node.inner_text, 0, node.inner))
    transaction = session.open_transaction_for(statement)
    assert statement.cached is not None
    entry = statement.cached
    if node.analyze and entry.kind.value != "SELECT":
        session.block.check_writable(entry.kind.value)
    lines = entry.plan.explain(
        session.execution_context(transaction),
        analyze=node.analyze,
        verbose=node.verbose,
        costs=node.costs,
        timing=node.timing is not False,
        summary=node.analyze if node.summary is None else node.summary,
    )
    return text_rows(("QUERY PLAN",), [(line,) for line in lines], "EXPLAIN")
