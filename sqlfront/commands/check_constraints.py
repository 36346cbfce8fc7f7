"""CHECK constraints: adding one, and looking at the rows that are there already.

https://www.postgresql.org/docs/15/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS
"""

from __future__ import annotations

from foundation.bitset import offsets_from_bits
from foundation.errors import CheckViolation, DuplicateObject, QuiverError
from planner.dml import first_violation
from sqlfront.binder import Clause, KeptExpression, bound_check, keep_condition, renamed_condition, rules_of
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.naming import free_constraint_name
from sqlfront.parser import ConstraintDefinition, parse_expression
from storage.catalog import CheckConstraint, Table, replaced


def add_check(
    context: CommandContext, table: Table, constraint: ConstraintDefinition, *, is_new_table: bool = False
) -> None:
    """Add a CHECK constraint. A new table's is valid whatever was said: there are no rows.

    Raises:
        InvalidTableDefinition: 42P16, NO INHERIT of a partitioned table. DuplicateObject: 42710. CheckViolation: 23514 `check constraint "c" of relation "t" is violated by some row`.
        QuiverError: what binding raises: 42703, 42804, 42803, 0A000 for a sub-query, ...
    """
    assert constraint.expression is not None, "the grammar gives CHECK an expression"
    if constraint.is_no_inherit and table.partition_key is not None:
        raise InvalidTableDefinition(f'cannot add NO INHERIT constraint to partitioned table "{table.name}"')
    kept = keep_condition(context.bind_context(), table, constraint.expression, Clause.CHECK)
    is_validated = is_new_table or not constraint.is_not_valid
    check = CheckConstraint(
        context.storage.allocate_oid(), _name(context, table, constraint, kept, is_new_table=is_new_table),
        context.database_oid, table.owner_oid, table_oid=table.oid, expression_sql=kept.sql,
        attnums=kept.attnums, is_validated=is_validated, is_no_inherit=constraint.is_no_inherit,
    )  # fmt: skip
    if is_validated and not is_new_table:
        check_existing_rows(context, table, check)
    context.transaction.put(check)


def _name(
    context: CommandContext,
    table: Table,
    constraint: ConstraintDefinition,
    kept: KeptExpression,
    *,
    is_new_table: bool,
) -> str:
    """`t_a_check` for a condition over one column, else `t_check`; or the name that was given."""
    catalog = context.catalog
    if constraint.name is None:
        column = table.column_at(kept.attnums[0]).name if len(kept.attnums) == 1 else None
        return free_constraint_name(
            catalog, context.database_oid, table.schema_oid, (table.name, column, "check")
        )
    taken = {c.name for c in catalog.constraints_of(table.oid)}
    if is_new_table and constraint.name in taken:
        raise DuplicateObject(f'check constraint "{constraint.name}" already exists')
    taken |= {index.name for index in catalog.indexes_of(table.oid) if index.constraint_oid}
    if constraint.name in taken:
        raise DuplicateObject(f'constraint "{constraint.name}" for relation "{table.name}" already exists')
    return constraint.name


def validate_check(context: CommandContext, table: Table, check: CheckConstraint) -> None:
    """VALIDATE CONSTRAINT. Raises CheckViolation (23514) when a row violates it."""
    if not check.is_validated:
        check_existing_rows(context, table, check)
        context.transaction.put(replaced(check, is_validated=True))


def check_existing_rows(context: CommandContext, table: Table, check: CheckConstraint) -> None:
    """Raises CheckViolation (23514) when a visible row violates a constraint."""
    context.transaction.expect_unchanged(table.oid)
    rules = rules_of(table, checks=(bound_check(context.bind_context(), table, check),))
    execution = context.execution_context()
    for segment in context.transaction.table_view(table.oid).segments:
        offsets = offsets_from_bits(segment.visible_bits, segment.row_count)
        rows = segment.take(list(check.attnums), offsets)
        if first_violation(rules, table, rows, execution) is not None:
            raise CheckViolation(
                f'check constraint "{check.name}" of relation "{table.name}" is violated by some row',
                table=table.name,
                schema_oid=table.schema_oid,
                constraint=check.name,
            )


def drop_checks_of_column(context: CommandContext, table: Table, attnum: int) -> None:
    """A CHECK goes with any of the columns it reads."""
    for constraint in context.catalog.constraints_of(table.oid):
        if isinstance(constraint, CheckConstraint) and attnum in constraint.attnums:
            context.transaction.drop(constraint.oid)


def rename_in_checks(context: CommandContext, table: Table, renamed: Table, attnum: int) -> None:
    """Let the conditions that read a column call it by its name in `renamed`."""
    for check in context.catalog.constraints_of(table.oid):
        if isinstance(check, CheckConstraint) and attnum in check.attnums:
            binding = context.bind_context()
            sql = renamed_condition(binding, table, renamed, check.expression_sql, Clause.CHECK)
            context.transaction.put(replaced(check, expression_sql=sql))


def keep_over_new_type(context: CommandContext, table: Table, changed: Table, attnum: int) -> None:
    """Bind the conditions that read a column whose type has changed anew, and look at the rows again.

    Raises:
        CheckViolation: 23514. UndefinedFunction: 42883, when a condition has no operator for the type.
    """
    for check in context.catalog.constraints_of(table.oid):
        if isinstance(check, CheckConstraint) and attnum in check.attnums:
            written = parse_expression(check.expression_sql)
            try:
                kept = keep_condition(context.bind_context(), changed, written, Clause.CHECK)
            except QuiverError as error:
                error.position = None  # it counts in the kept text, not in the statement
                raise
            renewed = replaced(check, expression_sql=kept.sql)
            if check.is_validated:
                check_existing_rows(context, changed, renewed)
            context.transaction.put(renewed)
