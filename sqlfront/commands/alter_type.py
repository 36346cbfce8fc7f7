"""ALTER TABLE ... ALTER COLUMN ... TYPE. https://www.postgresql.org/docs/15/sql-altertable.html

The new values are computed from the stored rows. Where they are the stored values bit by bit (varchar to text, a
length that all values fit) only the catalog changes. Otherwise the table is written anew with new row versions.
What refers to the column follows: the default is converted, conditions are bound over the new type and the rows
looked at again, indexes are made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from foundation.errors import DatatypeMismatch, FeatureNotSupported, InvalidParameterValue
from foundation.sqltypes import SqlType, arrow_type, element_type, format_type, is_shaped, shaped_type
from planner.bound import Expression
from planner.dml import read_attnums, row_values
from planner.dml.rows import assigned
from planner.services import ExecutionContext
from sqlfront.binder import bind_conversion, bind_expression, keep_predicate, key_type, rules_of
from sqlfront.commands.check_constraints import keep_over_new_type
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.columns import INTEGER_OIDS
from sqlfront.commands.context import CommandContext
from sqlfront.commands.dependencies import with_column
from sqlfront.commands.domains import check_column_domain
from sqlfront.commands.errors import InvalidColumnDefinition
from sqlfront.commands.exclusion_constraints import check_excluded, with_operator_for
from sqlfront.commands.generated_columns import generated_from
from sqlfront.commands.index_expressions import check_stored_rows, retyped_key
from sqlfront.commands.index_expressions import read_attnums as index_attnums
from sqlfront.commands.lookup import find_column, usable_type
from sqlfront.commands.pgvector_limits import check_index_dimensions, check_sparse_rows
from sqlfront.commands.same_storage import is_same_storage
from sqlfront.commands.sequences import owned_sequences, retype_sequence
from sqlfront.commands.stored_rows import null_values, visible_rows
from sqlfront.commands.views import check_no_views
from sqlfront.parser import AlterColumnType, parse_expression
from storage.catalog import Column, ForeignKey, Index, MaterializedView, Table, replaced


@dataclass(frozen=True, slots=True)
class _Conversion:
    """How the new values of a column come from a row; `expression` is not cast to the new typmod's length yet."""

    table: Table
    column: Column
    target: SqlType
    expression: Expression
    execution: ExecutionContext

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """(n,) values of the new type. Raises what the conversion raises: 22P02, 22003, 22001, 22000, ..."""
        found = row_values(rules_of(self.table), self.table, batch, self.expression, self.execution)
        return assigned(found, self.expression.sql_type, self.target, self.execution)


def alter_type(context: CommandContext, table: Table, action: AlterColumnType) -> None:
    """Change a column's type.

    Raises:
        UndefinedColumn: 42703. UndefinedObject: 42704, a type, a collation, or no operator class for an index.
        DatatypeMismatch: 42804, no automatic conversion, or a collation of a type that has none. FeatureNotSupported: 0A000, a generated column reads it.
        NotNullViolation: 23502, CheckViolation: 23514, UniqueViolation: 23505, where the new values do not fit.
    """
    column = find_column(table, action.column)
    target = usable_type(context, action.type)
    if is_shaped(column.type) and element_type(target) is not None:
        target = shaped_type(target)  # The values keep their shapes, however the type is written.
    if column.generated_sql is not None and action.using is not None:
        raise InvalidColumnDefinition(
            "cannot specify USING when altering type of generated column",
            detail=f'Column "{column.name}" is a generated column.',
        )
    if column.identity and target.oid not in INTEGER_OIDS:
        raise InvalidParameterValue("identity column type must be smallint, integer, or bigint")
    check_no_views(context, table, column)
    expression = bind_conversion(
        context.bind_context(), table, column, target, action.using.tree if action.using is not None else None
    )
    readers = generated_from(context, table, column.attnum)
    if readers:
        raise FeatureNotSupported(
            "cannot alter type of a column used by a generated column",
            detail=f'Column "{column.name}" is used by generated column "{readers[0].name}".',
        )
    changed = replace(
        column,
        type=target,
        default_sql=_default(context, column, target),
        missing_value=None,
        collation=kept_collation(action.collation, target),
    )
    conversion = _Conversion(table, column, target, expression, context.execution_context())
    _change(context, conversion, with_column(table, changed))
    if column.identity:
        for sequence in owned_sequences(context, table.oid, column.attnum):
            context.transaction.put(retype_sequence(context, sequence, target))


def widen_array(context: CommandContext, table: Table, column: Column) -> None:
    """Give a column of arrays the form that holds any shape. The values stay, and so does all that is said of the type.

    Raises:
        FeatureNotSupported: 0A000, a materialized view, a generated column or a foreign key reads it, or it is of a domain.
    """
    if column.type.domain_oid or generated_from(context, table, column.attnum):
        raise FeatureNotSupported("cannot alter type of a column used by a generated column, or of a domain")
    if _is_stored_by_views(context, table.oid, {column.attnum}):
        raise FeatureNotSupported("cannot alter type of a column used by a materialized view")
    target = shaped_type(column.type)
    expression = bind_conversion(context.bind_context(), table, column, target, None)
    conversion = _Conversion(table, column, target, expression, context.execution_context())
    _change(context, conversion, with_column(table, replace(column, type=target, missing_value=None)))


def _is_stored_by_views(context: CommandContext, oid: int, attnums: set[int]) -> bool:
    """Whether a materialized view reads columns of a relation, itself or through views, all of whose columns count."""
    for view in context.catalog.views_over(oid):
        if attnums.isdisjoint(dict(view.references)[oid]):
            continue
        own = {column.attnum for column in view.live_columns()}
        if isinstance(view, MaterializedView) or _is_stored_by_views(context, view.oid, own):
            return True
    return False


def _default(context: CommandContext, column: Column, target: SqlType) -> str | None:
    """The default's text, which must convert by assignment. Raises DatatypeMismatch (42804)."""
    if column.default_sql is None:
        return None
    try:
        bind_expression(column.default_sql, context.bind_context(), target, column_name=column.name)
    except DatatypeMismatch:
        raise DatatypeMismatch(
            f'default for column "{column.name}" cannot be cast automatically to type {format_type(target)}'
        ) from None
    return column.default_sql


def _change(context: CommandContext, conversion: _Conversion, changed: Table) -> None:
    """Put the changed table, its rows where they differ, and what hangs on the column."""
    transaction, table, attnum = context.transaction, conversion.table, conversion.column.attnum
    indexes = [i for i in context.catalog.indexes_of(table.oid) if attnum in index_attnums(table, i)]
    retyped = [_retyped_index(context, index, table, changed) for index in indexes]
    for index in retyped:
        for key in index.keys:
            check_index_dimensions(context.settings, index.family, key_type(changed, key))
    has_expressions = any(
        index.predicate_sql is not None or key.expression_sql is not None
        for index in retyped
        for key in index.keys
    )
    # Equal values under another operator class have another order, and other keys: what is built over them would be wrong.
    if _is_unchanged(context, conversion) and not has_expressions and retyped == indexes:
        if conversion.column.missing_value is not None:
            column = replace(changed.column_at(attnum), missing_value=conversion.column.missing_value)
            changed = with_column(changed, column)
        transaction.put(changed)
    else:
        _write_anew(context, conversion, changed, retyped)
    for index in retyped:
        check_stored_rows(context, changed, index)
        check_sparse_rows(context, changed, index)
        check_excluded(context, index)
    keep_over_new_type(context, table, changed, attnum)
    check_column_domain(context, changed, attnum)
    reads_itself = read_attnums(rules_of(table), conversion.expression) == {attnum}
    if not reads_itself or not is_same_storage(conversion.expression, conversion.target, context.settings):
        context.rewritten_oids.add(table.oid)


def _is_unchanged(context: CommandContext, conversion: _Conversion) -> bool:
    """Whether every new value is the stored one; also raises for one that cannot be converted."""
    is_same = bool(arrow_type(conversion.column.type) == arrow_type(conversion.target))
    attnum = conversion.column.attnum
    read = read_attnums(rules_of(conversion.table), conversion.expression)
    context.transaction.expect_unchanged(conversion.table.oid)
    for _, batch in visible_rows(context, conversion.table, sorted({attnum, *read})):
        values = conversion.values(batch)
        if conversion.column.not_null and values.null_count:
            raise null_values(conversion.table, conversion.column)
        is_same = is_same and bool(values.equals(batch.column(str(attnum))))
    return is_same


def _write_anew(
    context: CommandContext, conversion: _Conversion, changed: Table, indexes: list[Index]
) -> None:
    """Every visible row as a new version of the changed table; the indexes are filled from those."""
    transaction, table = context.transaction, conversion.table
    _check_no_references(context, table, conversion.column)
    attnums = [column.attnum for column in table.live_columns()]
    name = str(conversion.column.attnum)
    rows = list(visible_rows(context, table, attnums))
    for index in indexes:
        transaction.drop(index.oid)
    transaction.truncate(table.oid)
    transaction.put(changed)
    for _, batch in rows:
        place = batch.schema.get_field_index(name)
        values = conversion.values(batch)
        arrays = [*batch.columns[:place], values, *batch.columns[place + 1 :]]
        transaction.insert(table.oid, pa.RecordBatch.from_arrays(arrays, names=batch.schema.names))
    for index in indexes:
        transaction.put(index)


def _check_no_references(context: CommandContext, table: Table, column: Column) -> None:
    """Raises FeatureNotSupported (0A000): the other side of a foreign key would have to change with it."""
    own = [key for key in context.catalog.constraints_of(table.oid) if isinstance(key, ForeignKey)]
    if any(column.attnum in key.attnums for key in own) or any(
        column.attnum in key.referenced_attnums for key in context.catalog.foreign_keys_to(table.oid)
    ):
        raise FeatureNotSupported("ALTER COLUMN TYPE of a foreign key's column is not supported")


def _retyped_index(context: CommandContext, index: Index, table: Table, changed: Table) -> Index:
    """The index with expressions and predicate bound anew, and operator classes that accept its keys' types.

    Raises 42704, 42804, and what binding the predicate over the new type raises: 42883.
    """
    keys = tuple(
        with_operator_for(context, changed, retyped_key(context, index.family, key, table, changed))
        for key in index.keys
    )
    predicate = index.predicate_sql
    if predicate is not None:
        predicate = keep_predicate(context.bind_context(), changed, parse_expression(predicate)).sql
    return replaced(index, keys=keys, predicate_sql=predicate)
