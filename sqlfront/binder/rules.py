"""A table's generated columns, domains, CHECK constraints and index expressions as bound expressions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.bound import BoundCheck, BoundDomain, BoundIndexKey, Expression, TableRules
from sqlfront.binder.context import BindContext
from sqlfront.binder.domains import bound_domain
from sqlfront.binder.environment import Clause
from sqlfront.binder.relations import table_columns
from storage.catalog import CheckConstraint, Column, Index, Table

ROW_RELATION_ID = 1
"""The relation whose columns are the row at hand; see `bind_table_expression`."""


def table_rules(context: BindContext, table: Table) -> TableRules | None:
    """What every new row of a table gets and must satisfy; None for a table without such rules."""
    generated = tuple(
        (column.attnum, bound_generation(context, table, column))
        for column in table.live_columns()
        if column.generated_sql is not None
    )
    checks = tuple(
        bound_check(context, table, constraint)
        for constraint in sorted(context.catalog.constraints_of(table.oid), key=lambda c: c.name.encode())
        if isinstance(constraint, CheckConstraint)
    )
    index_keys = _index_keys(table, context.catalog.indexes_of(table.oid))
    domains = domains_of(context, table.live_columns())
    is_bare = not (generated or checks or index_keys or domains)
    return None if is_bare else replace(rules_of(table, generated, checks, index_keys), domains=domains)


def domains_of(context: BindContext, columns: Iterable[Column]) -> tuple[tuple[int, BoundDomain], ...]:
    """(attnum, domain) of the columns whose type is a domain that not every value is of."""
    found = ((c.attnum, bound_domain(context, c.type.domain_oid)) for c in columns if c.type.domain_oid)
    return tuple((attnum, domain) for attnum, domain in found if not domain.is_free)


def _index_keys(table: Table, indexes: Iterable[Index]) -> tuple[BoundIndexKey, ...]:
    from sqlfront.binder.index_expressions import bound_index_keys

    return bound_index_keys(table, indexes)


def rules_of(
    table: Table,
    generated: tuple[tuple[int, Expression], ...] = (),
    checks: tuple[BoundCheck, ...] = (),
    index_keys: tuple[BoundIndexKey, ...] = (),
) -> TableRules:
    """Rules made of expressions that `bound_check`, `bound_generation` and `bound_index_keys` have bound."""
    return TableRules(ROW_RELATION_ID, table_columns(table), generated, checks, index_keys)


def bound_check(context: BindContext, table: Table, constraint: CheckConstraint) -> BoundCheck:
    """A CHECK constraint with its condition bound."""
    from sqlfront.binder.binding import bind_table_expression

    condition = bind_table_expression(constraint.expression_sql, context, table, Clause.CHECK)
    return BoundCheck(constraint.name, condition)


def bound_generation(context: BindContext, table: Table, column: Column) -> Expression:
    """A stored generated column's expression, cast to the column's type."""
    from sqlfront.binder.binding import bind_generation

    assert column.generated_sql is not None, "not a generated column"
    return bind_generation(column.generated_sql, context, table, column)
