"""Sort keys: direction, place of NULLs, and whether a type can be sorted at all."""

from __future__ import annotations

from sqlglot import exp

from planner.bound import Expression, SortKey
from sqlfront.binder.calls import check_sortable
from sqlfront.binder.environment import unsupported
from sqlfront.parser.nodes import position_of


def make_sort_key(expression: Expression, ordered: exp.Expr) -> SortKey:
    """A sort key with PostgreSQL's default place of NULLs.

    Raises:
        UndefinedFunction: 42883, values of this type have no order.
        FeatureNotSupported: 0A000, USING with another operator than < and >.
    """
    position = position_of(ordered.this)
    check_sortable(expression.sql_type, position)
    operator = ordered.args.get("operator")
    if operator not in (None, "<", ">"):
        raise unsupported(ordered, f"ORDER BY USING {operator}")
    is_descending = bool(ordered.args.get("desc")) or operator == ">"
    nulls_first = ordered.args.get("nulls_first")
    return SortKey(expression, is_descending, is_descending if nulls_first is None else bool(nulls_first))
