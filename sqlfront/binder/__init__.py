"""The binder: syntax trees of `sqlfront.parser` become typed trees of `planner.bound`."""

from sqlfront.binder import (
    columns,
    constants,
    functions,
    predicates,
    special_forms,
    subqueries,
)
from sqlfront.binder.binding import bind_expression, bind_query, bind_table_expression
from sqlfront.binder.context import BindContext, VirtualRelation, VirtualRelations
from sqlfront.binder.defaults import bound_default
from sqlfront.binder.environment import Clause

# Modules whose import registers how their syntax nodes are bound.
BINDING_MODULES = (columns, constants, functions, predicates, special_forms, subqueries)

__all__ = [
    "BINDING_MODULES",
    "BindContext",
    "Clause",
    "VirtualRelation",
    "VirtualRelations",
    "bind_expression",
    "bind_query",
    "bind_table_expression",
    "bound_default",
]
