"""Early refusal: what can be known to be unsupported from the tree alone."""

from __future__ import annotations

from foundation.errors import FeatureNotSupported
from planner import bound
from planner.relational.aggregates import AGGREGATES
from planner.relational.ordered_sets import ORDERED_SETS
from planner.relational.windows import WINDOW_FUNCTIONS


def check_supported(query: bound.Query) -> None:
    """Check every aggregate and window function of a query by name.

    Raises:
        FeatureNotSupported: 0A000, naming the function.
    """
    for node in bound.walk(query):
        if isinstance(node, bound.Aggregate):
            known = ORDERED_SETS if node.within_group else AGGREGATES
            if node.function.name not in known:
                raise FeatureNotSupported(f"aggregate function {node.function.name} is not supported")
        elif isinstance(node, bound.WindowCall) and node.function.name not in AGGREGATES | WINDOW_FUNCTIONS:
            raise FeatureNotSupported(f"window function {node.function.name} is not supported")
