"""Domains: their rules as bound expressions, and values that become values of a domain.

https://www.postgresql.org/docs/15/sql-createdomain.html. What a table stores is checked with the table's rules
(`planner.dml.rules`); here are casts. A condition reads the value as `VALUE`: it is bound over a relation of one column.
"""

from __future__ import annotations

from foundation.sqltypes import SqlType
from planner.bound import BoundCheck, BoundDomain, DomainCheck, Expression
from planner.functions.quoting import quote_ident
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause
from sqlfront.parser import SqlExpression
from sqlfront.parser.typenames import TypeName
from storage.catalog import Column, Schema, Table
from storage.type_objects import DomainType, UserType

VALUE_NAME = "value"


def as_domain(context: BindContext, expression: Expression, target: SqlType) -> Expression:
    """A value of the domain's base type as one of the domain."""
    return DomainCheck(expression, target, bound_domain(context, target.domain_oid))


def domains_below(context: BindContext, oid: int) -> list[DomainType]:
    """A domain and those that it is over, the lowest first."""
    found: list[DomainType] = []
    while oid:
        domain = context.catalog.get(oid)
        assert isinstance(domain, DomainType), "a domain that is used cannot be dropped"
        found.insert(0, domain)
        oid = domain.base.domain_oid
    return found


def bound_domain(context: BindContext, oid: int) -> BoundDomain:
    """A domain's rules; constraints of the domains below come first, those of one domain by name."""
    levels = domains_below(context, oid)
    domain = levels[-1]
    checks = [
        BoundCheck(constraint.name, bind_domain_condition(context, level, constraint.expression_sql))
        for level in levels
        for constraint in level.constraints
    ]
    schema = context.catalog.get(domain.schema_oid)
    schema_name = schema.name if isinstance(schema, Schema) else "public"
    not_null = any(level.not_null for level in levels)
    return BoundDomain(oid, domain.name, schema_name, shown_type(context, domain), not_null, tuple(checks))


def domain_default(context: BindContext, sql_type: SqlType) -> str | None:
    """The default that a column of this type has when it has none of its own, as SQL text."""
    domain = context.catalog.get(sql_type.domain_oid)
    return domain.default_sql if isinstance(domain, DomainType) else None


def value_table(domain: DomainType) -> Table:
    """The relation that conditions of a domain are about: one row, one column `value`."""
    column = Column(1, VALUE_NAME, domain.base)
    return Table(domain.oid, domain.name, domain.database_oid, domain.owner_oid, columns=(column,))


def bind_domain_condition(
    context: BindContext, domain: DomainType, condition: SqlExpression | str
) -> Expression:
    """A CHECK of a domain, over the column (VALUE_RELATION, 0). Raises what binding a table's CHECK raises."""
    from sqlfront.binder.binding import bind_table_expression

    tree = condition if isinstance(condition, str) else condition.tree
    return bind_table_expression(tree, context, value_table(domain), Clause.CHECK)


def shown_type(context: BindContext, found: UserType) -> str:
    """The type as messages name it: with its schema when the search path does not find it."""
    from sqlfront.binder.type_names import find_type_object

    bare = TypeName(found.name)
    visible = find_type_object(context.catalog, context.database_oid, context.search_path, bare)
    if visible is not None and visible.oid == found.oid:
        return quote_ident(found.name)
    schema = context.catalog.get(found.schema_oid)
    name = quote_ident(found.name)
    return f"{quote_ident(schema.name)}.{name}" if isinstance(schema, Schema) else name
