"""CREATE DOMAIN and ALTER DOMAIN. https://www.postgresql.org/docs/15/sql-createdomain.html

A constraint is kept as the text that PostgreSQL prints of it, as a table's CHECK is. ALTER DOMAIN looks at the stored values
of all columns of the domain, and of domains over it, before it asks more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from foundation.errors import (
    CheckViolation,
    DatatypeMismatch,
    DuplicateObject,
    FeatureNotSupported,
    NotNullViolation,
    UndefinedObject,
)
from foundation.sqltypes import TYPES
from planner.bound import BoundCheck, BoundDomain
from planner.evaluate import domain_failure, is_native
from sqlfront.binder import bind_domain_condition, bound_domain, domains_below, keep_domain_condition
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.columns import PSEUDO_CATEGORIES, checked_default
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import creation_schema, usable_type
from sqlfront.commands.naming import free_constraint_name
from sqlfront.commands.stored_rows import visible_rows
from sqlfront.commands.types import check_type_name_free, owned_type, shown_type
from sqlfront.parser import (
    AddDomainConstraint,
    AlterDomainStatement,
    ConstraintDefinition,
    CreateDomainStatement,
    DropDomainConstraint,
    QualifiedName,
    SetDomainDefault,
    SetDomainNotNull,
    ValidateDomainConstraint,
)
from storage.catalog import Column, Table, replaced
from storage.type_objects import DomainConstraint, DomainType
from storage.user_types import unused_type_oids


def execute_create_domain(statement: CreateDomainStatement, context: CommandContext) -> CommandResult:
    """CREATE DOMAIN.

    Raises:
        DuplicateObject: 42710, the name is taken. DatatypeMismatch: 42804, a pseudo-type, a collation of what has none.
        UndefinedObject: 42704, a type or collation. InvalidObjectDefinition: 42P17. FeatureNotSupported: 0A000.
    """
    schema = creation_schema(context, statement.name)
    specification = statement.specification
    base = usable_type(context, specification.type)
    check_type_name_free(context, schema, statement.name.name)
    if TYPES[base.oid].category in PSEUDO_CATEGORIES:
        shown = specification.type.spelled().removeprefix("pg_catalog.")
        raise DatatypeMismatch(
            f'"{shown}" is not a valid base type for a domain', position=specification.type.position
        )
    kept_collation(specification.collation, base)
    below = context.catalog.get(base.domain_oid)
    oid, array_oid = unused_type_oids(context.catalog, 2)
    domain = DomainType(
        oid, statement.name.name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        array_oid=array_oid, base=base, not_null=specification.not_null is True,
        default_sql=below.default_sql if isinstance(below, DomainType) else None,
    )  # fmt: skip
    domain = with_default_acl(context, domain)
    if specification.default is not None:
        default = checked_default(context, _as_column(domain), specification.default)
        domain = replaced(domain, default_sql=default)
    context.transaction.put(domain)
    for constraint in specification.constraints:
        domain = _with_constraint(context, domain, constraint, is_new=True)
        context.transaction.put(domain)
    return CommandResult("CREATE DOMAIN")


def _as_column(domain: DomainType) -> Column:
    return Column(1, domain.name, domain.base.without_domain())


def execute_alter_domain(statement: AlterDomainStatement, context: CommandContext) -> CommandResult:
    """ALTER DOMAIN.

    Raises:
        UndefinedObject: 42704, a domain or constraint. WrongObjectType: 42809. DuplicateObject: 42710.
        NotNullViolation: 23502, CheckViolation: 23514, where stored values do not fit. FeatureNotSupported: 0A000.
    """
    domain = owned_type(context, "DOMAIN", statement.name)
    assert isinstance(domain, DomainType), "looked up as a domain"
    changed = _ACTIONS[type(statement.action)](context, domain, statement.action)
    context.transaction.put(changed)
    return CommandResult("ALTER DOMAIN")


def _set_default(context: CommandContext, domain: DomainType, action: SetDomainDefault) -> DomainType:
    default = None if action.default is None else checked_default(context, _as_column(domain), action.default)
    return replaced(domain, default_sql=default)


def _set_not_null(context: CommandContext, domain: DomainType, action: SetDomainNotNull) -> DomainType:
    changed = replaced(domain, not_null=action.not_null)
    if action.not_null and not domain.not_null:
        rules = BoundDomain(domain.oid, domain.name, "", "", not_null=True, checks=())
        for table, column in _stored_violations(context, domain, rules):
            raise NotNullViolation(
                f'column "{column.name}" of table "{table.name}" contains null values',
                table=table.name,
                column=column.name,
            )
    return changed


def _add_constraint(context: CommandContext, domain: DomainType, action: AddDomainConstraint) -> DomainType:
    return _with_constraint(context, domain, action.constraint)


def _with_constraint(
    context: CommandContext, domain: DomainType, constraint: ConstraintDefinition, *, is_new: bool = False
) -> DomainType:
    """The domain with one more CHECK, which the stored values satisfy unless it is NOT VALID."""
    if constraint.is_no_inherit:
        raise InvalidObjectDefinition(
            "check constraints for domains cannot be marked NO INHERIT", position=constraint.position
        )
    assert constraint.expression is not None, "the grammar gives CHECK an expression"
    name = constraint.name
    if name is None:
        parts = (domain.name, None, "check")
        name = free_constraint_name(context.catalog, context.database_oid, domain.schema_oid, parts)
    _check_name_unused(context, domain, name, '"{}"')
    kept = keep_domain_condition(context.bind_context(), domain, constraint.expression)
    (oid,) = unused_type_oids(context.catalog, 1)
    added = DomainConstraint(oid, name, kept, is_validated=not constraint.is_not_valid)
    if not is_native(bind_domain_condition(context.bind_context(), domain, kept)):
        raise FeatureNotSupported(
            "a domain constraint that only the relational engine can evaluate is not supported"
        )
    if added.is_validated and not is_new:
        _check_stored_values(context, domain, added)
    return _with(domain, (*domain.constraints, added))


def _with(domain: DomainType, constraints: tuple[DomainConstraint, ...]) -> DomainType:
    by_name = sorted(constraints, key=lambda constraint: constraint.name.encode())
    return replaced(domain, constraints=tuple(by_name))


def _check_name_unused(context: CommandContext, domain: DomainType, name: str, quoting: str = "{}") -> None:
    if any(other.name == name for other in domain.constraints):
        shown = quoting.format(domain.name) if quoting != "{}" else shown_type(context, domain)
        raise DuplicateObject(f'constraint "{name}" for domain {shown} already exists')


def _drop_constraint(context: CommandContext, domain: DomainType, action: DropDomainConstraint) -> DomainType:
    remaining = tuple(other for other in domain.constraints if other.name != action.name)
    if len(remaining) == len(domain.constraints):
        missing = f'constraint "{action.name}" of domain "{domain.name}" does not exist'
        if not action.if_exists:
            raise UndefinedObject(missing)
        context.notice(f"{missing}, skipping")
    return _with(domain, remaining)


def _validate(context: CommandContext, domain: DomainType, action: ValidateDomainConstraint) -> DomainType:
    found = next((other for other in domain.constraints if other.name == action.name), None)
    if found is None:
        raise UndefinedObject(f'constraint "{action.name}" of domain "{domain.name}" does not exist')
    if found.is_validated:
        return domain
    _check_stored_values(context, domain, found)
    return _replaced_constraint(domain, found, replace(found, is_validated=True))


def _replaced_constraint(domain: DomainType, old: DomainConstraint, new: DomainConstraint) -> DomainType:
    return _with(domain, tuple(new if other is old else other for other in domain.constraints))


def rename_domain_constraint(
    context: CommandContext, domain_name: QualifiedName, name: str, new_name: str
) -> None:
    """ALTER DOMAIN ... RENAME CONSTRAINT. Raises UndefinedObject (42704), DuplicateObject (42710)."""
    domain = owned_type(context, "DOMAIN", domain_name)
    assert isinstance(domain, DomainType), "looked up as a domain"
    found = next((other for other in domain.constraints if other.name == name), None)
    if found is None:
        shown = shown_type(context, domain)
        raise UndefinedObject(f'constraint "{name}" for domain {shown} does not exist')
    _check_name_unused(context, domain, new_name)
    context.transaction.put(_replaced_constraint(domain, found, replace(found, name=new_name)))


_ACTIONS: dict[type, Callable[[CommandContext, DomainType, Any], DomainType]] = {
    SetDomainDefault: _set_default,
    SetDomainNotNull: _set_not_null,
    AddDomainConstraint: _add_constraint,
    DropDomainConstraint: _drop_constraint,
    ValidateDomainConstraint: _validate,
}


# -- stored values


def columns_of_domain(context: CommandContext, oid: int) -> Iterator[tuple[Table, Column]]:
    """The columns of a domain and of domains over it."""
    binding = context.bind_context()
    for table in context.catalog.objects(Table, context.database_oid):
        for column in table.live_columns():
            levels = domains_below(binding, column.type.domain_oid)
            if any(level.oid == oid for level in levels):
                yield table, column


def _stored_violations(
    context: CommandContext, domain: DomainType, rules: BoundDomain
) -> Iterator[tuple[Table, Column]]:
    """Columns with a stored value that the rules do not allow."""
    execution = context.execution_context()
    for table, column in columns_of_domain(context, domain.oid):
        if any(domain_failure(rules, values, execution) for values in _stored_values(context, table, column)):
            yield table, column


def _stored_values(context: CommandContext, table: Table, column: Column) -> Iterator[pa.Array]:
    context.transaction.expect_unchanged(table.oid)
    for _, batch in visible_rows(context, table, [column.attnum]):
        yield batch.column(0)


def _check_stored_values(context: CommandContext, domain: DomainType, constraint: DomainConstraint) -> None:
    """Raises CheckViolation (23514)."""
    condition = bind_domain_condition(context.bind_context(), domain, constraint.expression_sql)
    check = BoundCheck(constraint.name, condition)
    rules = BoundDomain(domain.oid, domain.name, "", "", not_null=False, checks=(check,))
    for table, column in _stored_violations(context, domain, rules):
        raise CheckViolation(
            f'column "{column.name}" of table "{table.name}" contains values that violate the new constraint',
            table=table.name,
            column=column.name,
        )


def check_column_domain(context: CommandContext, table: Table, attnum: int) -> None:
    """Look at the stored values of a column that has just got its domain.

    Raises:
        NotNullViolation: 23502, CheckViolation: 23514, as for a new row.
    """
    column = table.column_at(attnum)
    if not column.type.domain_oid:
        return
    rules = bound_domain(context.bind_context(), column.type.domain_oid)
    execution = context.execution_context()
    for values in () if rules.is_free else _stored_values(context, table, column):
        failure = domain_failure(rules, values, execution)
        if failure is not None:
            raise failure.error
