"""The binder: syntax trees of `sqlfront.parser` become typed trees of `planner.bound`."""

from sqlfront.binder import (
    columns,
    constants,
    functions,
    predicates,
    special_forms,
    subqueries,
)
from sqlfront.binder.binding import bind_conversion, bind_expression, bind_query, bind_table_expression
from sqlfront.binder.calls import choose_operator
from sqlfront.binder.changed_views import changeable_columns, check_option, not_updatable, own_obstacle
from sqlfront.binder.context import BindContext, VirtualRelation, VirtualRelations
from sqlfront.binder.defaults import bound_default, column_defaults
from sqlfront.binder.domains import bind_domain_condition, bound_domain, domains_below
from sqlfront.binder.environment import Clause
from sqlfront.binder.index_expressions import (
    KeptIndexExpressions,
    KeptKey,
    bound_index_keys,
    index_column_names,
    index_rules,
    keep_index_expression,
    key_text,
    key_type,
)
from sqlfront.binder.index_predicates import index_predicate, keep_predicate, predicate_attnums
from sqlfront.binder.kept_expressions import (
    KeptExpression,
    generation_inputs,
    keep_condition,
    keep_default,
    keep_domain_condition,
    keep_generation,
    renamed_condition,
    renamed_generation,
    shown_condition,
)
from sqlfront.binder.row_locks import lock_name
from sqlfront.binder.rules import bound_check, bound_generation, rules_of, table_rules
from sqlfront.binder.views import KeptQuery, bind_view, keep_query, renamed_view, view_text

# Modules whose import registers how their syntax nodes are bound.
BINDING_MODULES = (columns, constants, functions, predicates, special_forms, subqueries)

__all__ = [
    "BINDING_MODULES",
    "BindContext",
    "Clause",
    "KeptExpression",
    "KeptIndexExpressions",
    "KeptKey",
    "KeptQuery",
    "VirtualRelation",
    "VirtualRelations",
    "bind_conversion",
    "bind_domain_condition",
    "bind_expression",
    "bind_query",
    "bind_table_expression",
    "bind_view",
    "bound_check",
    "bound_default",
    "bound_domain",
    "bound_generation",
    "bound_index_keys",
    "changeable_columns",
    "check_option",
    "choose_operator",
    "column_defaults",
    "domains_below",
    "generation_inputs",
    "index_column_names",
    "index_predicate",
    "index_rules",
    "keep_condition",
    "keep_default",
    "keep_domain_condition",
    "keep_generation",
    "keep_index_expression",
    "keep_predicate",
    "keep_query",
    "key_text",
    "key_type",
    "lock_name",
    "not_updatable",
    "own_obstacle",
    "predicate_attnums",
    "renamed_condition",
    "renamed_generation",
    "renamed_view",
    "rules_of",
    "shown_condition",
    "table_rules",
    "view_text",
]
