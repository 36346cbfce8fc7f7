"""Index expressions and predicates when the table changes: existing rows, new column names, new column types."""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import DatatypeMismatch, InvalidParameterValue
from planner.dml import evaluate_index_keys
from sqlfront.binder import (
    Clause,
    bound_index_keys,
    keep_index_expression,
    key_type,
    predicate_attnums,
    renamed_condition,
    rules_of,
)
from sqlfront.commands.context import CommandContext
from sqlfront.commands.operator_classes import OWN_FAMILIES, VECTOR_FAMILIES, is_default_class, resolve_class
from sqlfront.commands.stored_rows import visible_rows
from sqlfront.parser import parse_expression
from storage.catalog import Index, IndexKey, Table, replaced


def read_attnums(table: Table, index: Index) -> frozenset[int]:
    """Columns that an index needs: those of its keys, of their expressions, of its predicate and of INCLUDE."""
    needed = (*index.read_attnums(), *predicate_attnums(table, index), *index.included)
    return frozenset(attnum for attnum in needed if attnum)


def check_stored_rows(context: CommandContext, table: Table, index: Index) -> None:
    """Evaluate the expressions of an index over the rows that are there. Raises what they raise."""
    keys = bound_index_keys(table, (index,))
    if not keys:
        return
    context.transaction.expect_unchanged(table.oid)
    rules = rules_of(table, index_keys=keys)
    for _, batch in visible_rows(context, table, sorted(read_attnums(table, index))):
        evaluate_index_keys(rules, table, batch, context.execution_context())


def rename_in_indexes(context: CommandContext, table: Table, renamed: Table) -> None:
    """Let the expressions and predicates of indexes call the columns by their names in `renamed`."""
    for index in context.catalog.indexes_of(table.oid):
        keys = tuple(_renamed_key(context, key, table, renamed) for key in index.keys)
        predicate = index.predicate_sql
        if predicate is not None:
            predicate = renamed_condition(context.bind_context(), table, renamed, predicate, Clause.PREDICATE)
        changed = replaced(index, keys=keys, predicate_sql=predicate)
        if changed != index:
            context.transaction.put(changed)


def _renamed_key(context: CommandContext, key: IndexKey, table: Table, renamed: Table) -> IndexKey:
    if key.expression_sql is None:
        return key
    sql = renamed_condition(context.bind_context(), table, renamed, key.expression_sql, Clause.INDEX)
    return replace(key, expression_sql=sql)


def retyped_key(
    context: CommandContext, family: str, key: IndexKey, table: Table, changed: Table
) -> IndexKey:
    """An index key of `table` over `changed`, one of whose columns has another type.

    Raises:
        UndefinedObject: 42704, DatatypeMismatch: 42804, no operator class for the type of the values.
        InvalidParameterValue: 22023, an expression's values have no dimensions. What binding it raises.
    """
    known_type = key_type(table, key)
    if key.expression_sql is not None:
        kept = keep_index_expression(context.bind_context(), changed, parse_expression(key.expression_sql))
        key = replace(
            key, attnum=kept.attnum, expression_sql=kept.sql or None, expression_attnums=kept.attnums
        )
        if family in VECTOR_FAMILIES and kept.type.typmod < 1:
            raise InvalidParameterValue("column does not have dimensions")
    sql_type = key_type(changed, key)
    if is_default_class(family, key.operator_class, known_type):
        # PostgreSQL makes the index from its definition's text, which leaves the default class out.
        return replace(key, operator_class=resolve_class(family, None, sql_type).name)
    try:
        name = resolve_class(family, key.operator_class, sql_type).name
    except DatatypeMismatch:
        if family not in OWN_FAMILIES:
            raise
        name = resolve_class(family, None, sql_type).name
    return replace(key, operator_class=name)
