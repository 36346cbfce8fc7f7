"""What an index over expressions or with a predicate takes from a row, as whoever knows SQL text binds it.

The text is in the catalog. It is bound without a session, because background work builds indexes too; the server
lends the function that does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foundation.errors import FeatureNotSupported
from planner.evaluate.row_expressions import BoundPredicate, BoundRowExpression
from storage.catalog import Index, Table


@dataclass(frozen=True, slots=True)
class IndexRules:
    """The expression of the one key, None when it is a column; and the predicate, None for an index over all rows."""

    expression: BoundRowExpression | None = None
    predicate: BoundPredicate | None = None


BindIndexRules = Callable[[Table, Index], IndexRules]


def _unbound(table: Table, index: Index) -> IndexRules:
    raise FeatureNotSupported("indexes on expressions and partial indexes are not supported")


_binder: list[BindIndexRules] = [_unbound]


def configure_index_rules(bind: BindIndexRules) -> None:
    """Lend the planner the function that binds an index's texts. Once a process, before a storage is opened.

    Args:
        bind: called with a table and an index of it; its answers are the same for the same arguments.
    """
    _binder[0] = bind


def rules_of(table: Table, index: Index) -> IndexRules:
    """The rules of a vector index. Raises FeatureNotSupported (0A000) when nobody can bind them."""
    if index.predicate_sql is None and index.keys[0].attnum:
        return IndexRules()
    return _binder[0](table, index)
