"""EXISTS asks for a row, not for its values: the select list of its sub-query is taken away, and with it what it reads.

As PostgreSQL's simplify_EXISTS_query() does (src/backend/optimizer/plan/subselect.c). A list that decides how many rows there
are, by an aggregate, a function that returns a set, DISTINCT or an order with a limit, stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner import bound
from planner.evaluate.rewriting import rewrite
from planner.pulled_up import is_plain


def without_exists_lists(query: bound.Query) -> bound.Query:
    """The query with no more in the select lists of its EXISTS than needs to be there."""

    def change(node: Any) -> Any:
        if not isinstance(node, bound.Subquery) or node.kind is not bound.SubqueryKind.EXISTS:
            return None
        inner = node.query
        if not isinstance(inner, bound.Select) or not inner.targets or not is_plain(inner):
            return None
        return replace(node, query=without_exists_lists(replace(inner, targets=())))

    return rewrite(query, change)
