"""EXCLUDE constraints: indexes with a constraint OID, each of whose keys has an operator.

Nothing is kept for them but the catalog entry; `planner.dml.exclusions` judges rows.
https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-EXCLUDE
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import DuplicateTable, FeatureNotSupported, WrongObjectType
from foundation.sqltypes import SqlType, format_type
from planner.bound import Constant
from planner.dml import check_rows_apart
from planner.functions.implementations import kernel_of
from planner.functions.signature import Operator
from planner.functions.signatures import operator_function, operator_of_oid
from sqlfront.binder import KeptExpression, choose_operator, index_column_names, keep_predicate, key_type
from sqlfront.commands.context import CommandContext
from sqlfront.commands.create_index import index_keys
from sqlfront.commands.index_expressions import check_stored_rows
from sqlfront.commands.key_constraints import key_column
from sqlfront.commands.naming import free_relation_name, joined_columns
from sqlfront.commands.operator_classes import GIN, VECTOR_FAMILIES
from sqlfront.parser import ConstraintDefinition, CreateIndexStatement, ExclusionOperator, QualifiedName
from storage.catalog import Index, IndexKey, Table

_COMMUTATIVE = frozenset(("=", "<>", "&&", "-|-", "+", "*", "&", "|", "#"))
_MEMBERS = {
    "range_ops": ("=", "&&", "-|-"),
    "multirange_ops": ("=", "&&", "-|-"),
    "inet_ops": ("=", "<>", "&&"),
}
"""Operator class of gist or spgist -> commutative operators of its family; all other classes have = alone."""
_FAMILIES = {
    **dict.fromkeys(("int2_ops", "int4_ops", "int8_ops"), "integer_ops"), "varchar_ops": "text_ops",
    **dict.fromkeys(("date_ops", "timestamp_ops", "timestamptz_ops"), "datetime_ops"),
    **dict.fromkeys(("float4_ops", "float8_ops"), "float_ops"),
}  # fmt: skip
"""Operator class -> its family, where that has another name."""


def add_exclusion(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> Table:
    """Add an EXCLUDE constraint to a table that is in the transaction's catalog.

    Raises:
        ExclusionViolation: 23P01, existing rows do not fit. WrongObjectType: 42809, an operator that cannot exclude.
        FeatureNotSupported: 0A000, an access method that cannot, a partitioned table. DuplicateTable: 42P07.
        QuiverError: what CREATE INDEX raises for the keys, and for the predicate.
    """
    if table.partition_key is not None:
        raise FeatureNotSupported(
            "exclusion constraints are not supported on partitioned tables", position=constraint.position
        )
    keys = _keys(context, table, constraint)
    predicate = KeptExpression("", ())
    if constraint.where is not None:
        predicate = keep_predicate(context.bind_context(), table, constraint.where)
    included = tuple(key_column(table, constraint, name).attnum for name in constraint.include)
    index = Index(
        context.storage.allocate_oid(), _name(context, table, constraint, keys, included), context.database_oid,
        table.owner_oid, schema_oid=table.schema_oid, table_oid=table.oid, family=constraint.method, keys=keys,
        constraint_oid=context.storage.allocate_oid(), predicate_sql=predicate.sql or None,
        predicate_attnums=predicate.attnums, is_deferrable=bool(constraint.is_deferrable),
        is_initially_deferred=constraint.is_initially_deferred, included=included,
        options=tuple((option.name, "true" if option.value is None else option.value) for option in constraint.options),
    )  # fmt: skip
    context.transaction.put(index)
    check_stored_rows(context, table, index)
    check_excluded(context, index)
    return table


def check_excluded(context: CommandContext, index: Index) -> None:
    """Judge the rows that are there. Raises ExclusionViolation (23P01)."""
    if index.is_exclusion:
        context.transaction.expect_unchanged(index.table_oid)
        check_rows_apart(index, context.execution_context())


def _keys(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> tuple[IndexKey, ...]:
    statement = CreateIndexStatement(
        QualifiedName(table.name), constraint.elements, method=constraint.method, options=constraint.options
    )
    for element in constraint.elements:
        if element.column is not None:
            key_column(table, constraint, element.column)
    if constraint.method in (GIN, *VECTOR_FAMILIES):
        raise FeatureNotSupported(
            f'access method "{constraint.method}" does not support exclusion constraints'
        )
    plain, _ = index_keys(context, table, statement)
    operators = zip(plain, constraint.operators, strict=True)
    return tuple(_with_operator(context, table, key, operator) for key, operator in operators)


def _with_operator(
    context: CommandContext, table: Table, key: IndexKey, written: ExclusionOperator
) -> IndexKey:
    operator = excluding_operator(context, written, key_type(table, key))
    shown = f"{operator.name}({','.join(format_type(SqlType(oid)) for oid in (operator.left_type, operator.right_type))})"
    if operator.name not in _COMMUTATIVE:
        raise WrongObjectType(
            f"operator {shown} is not commutative",
            detail="Only commutative operators can be used in exclusion constraints.",
        )
    if operator.name not in _MEMBERS.get(key.operator_class, ("=",)):
        family = _FAMILIES.get(key.operator_class, key.operator_class)
        raise WrongObjectType(
            f'operator {shown} is not a member of operator family "{family}"',
            detail="The exclusion operator must be related to the index operator class for the constraint.",
        )
    return replace(key, exclusion_operator=operator.oid)


def with_operator_for(context: CommandContext, table: Table, key: IndexKey) -> IndexKey:
    """A key of an EXCLUDE constraint with the operator of the same name for its type; others as they are."""
    if not key.exclusion_operator:
        return key
    written = ExclusionOperator(operator_of_oid(key.exclusion_operator).name)
    return _with_operator(context, table, key, written)


def excluding_operator(context: CommandContext, written: ExclusionOperator, sql_type: SqlType) -> Operator:
    """The operator between two values of a type.

    Raises:
        UndefinedFunction: 42883. FeatureNotSupported: 0A000, one that is only evaluated by the relational engine.
    """
    operands = Constant(None, sql_type), Constant(None, sql_type)
    bound = context.bind_context()
    chosen = choose_operator(bound, written.name, operands, schema=written.schema)
    if kernel_of(operator_function(chosen.overload)) is None:
        raise FeatureNotSupported(f"operator {written.name} in an exclusion constraint is not supported")
    return chosen.overload


def _name(
    context: CommandContext,
    table: Table,
    constraint: ConstraintDefinition,
    keys: tuple[IndexKey, ...],
    included: tuple[int, ...],
) -> str:
    if constraint.name is None:
        columns = joined_columns(index_column_names(table, keys, included))
        parts = (table.name, columns, "excl")
        return free_relation_name(context.catalog, context.database_oid, table.schema_oid, parts)
    if context.catalog.find_relation(context.database_oid, table.schema_oid, constraint.name) is not None:
        raise DuplicateTable(f'relation "{constraint.name}" already exists')
    return constraint.name
