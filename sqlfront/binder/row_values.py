"""Values of row types: ROW(...), whole rows of FROM, composite columns; their fields, conversion and comparison.

https://www.postgresql.org/docs/15/rowtypes.html. A row whose fields are written down is a `RowLiteral`; of any other value
the fields are `FieldSelect`s.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.errors import CannotCoerce, DatatypeMismatch, FeatureNotSupported, UndefinedColumn
from foundation.row_types import RowShape, is_row_type, record_type, row_shape
from foundation.sqltypes import RECORD, UNKNOWN, SqlType
from planner.bound import (
    BoolExpression,
    BoolOperator,
    Case,
    Constant,
    Expression,
    FieldSelect,
    IsNull,
    RowComparison,
    RowLiteral,
)
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Environment
from sqlfront.binder.row_markers import row_marker
from sqlfront.binder.scope import NamespaceItem
from sqlfront.binder.type_names import row_type_of
from sqlfront.binder.type_rules import type_name
from storage.catalog import Table

ROW_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


def known_shape(sql_type: SqlType, position: int | None) -> RowShape:
    """The fields of a row type. Raises FeatureNotSupported (0A000) for a record of which nothing is known."""
    shape = row_shape(sql_type)
    if shape is None:
        raise FeatureNotSupported("a record without known fields is not supported", position=position)
    return shape


def fields_of(expression: Expression, position: int | None = None) -> tuple[Expression, ...]:
    """Each field of a value of a row type."""
    shape = known_shape(expression.sql_type, position)
    if isinstance(expression, RowLiteral):
        return expression.items
    return tuple(
        FieldSelect(expression, place, sql_type, name)
        for place, (name, sql_type) in enumerate(zip(shape.names, shape.types, strict=True))
    )


def selected_field(expression: Expression, name: str, position: int | None) -> Expression:
    """(row).name.

    Raises:
        UndefinedColumn: 42703 `column "x" not found in data type addr`.
    """
    shape = known_shape(expression.sql_type, position)
    if name not in shape.names:
        if expression.sql_type.oid == RECORD.oid and not shape.type_oid:
            raise UndefinedColumn(
                f'could not identify column "{name}" in record data type', position=position
            )
        shown = type_name(expression.sql_type)
        raise UndefinedColumn(f'column "{name}" not found in data type {shown}', position=position)
    return fields_of(expression)[shape.names.index(name)]


def whole_row(environment: Environment, item: NamespaceItem, position: int | None) -> Expression:
    """A FROM item as one value: a record of its columns, of the row type of the table that it is.

    NULL where an outer join found no row. Raises FeatureNotSupported (0A000) for a join with an alias on such a side.
    """
    columns = list(item.visible_columns())
    own = RowShape(
        tuple(column.name for column in columns), tuple(column.expression.sql_type for column in columns)
    )
    row = RowLiteral(
        tuple(column.expression for column in columns), _table_row_type(environment.context, item, own)
    )
    if not item.is_nullable:
        return row
    marker = row_marker(environment, item)
    if marker is None:
        raise FeatureNotSupported(
            f'a whole-row reference to "{item.alias}" on the nullable side of an outer join is not supported',
            position=position,
        )
    return Case(((IsNull(marker), Constant(None, row.type)),), row, row.type)


def _table_row_type(context: BindContext, item: NamespaceItem, own: RowShape) -> SqlType:
    """The row type of the table that an item is, if it has all of its columns under their own names."""
    oids = {column.table_oid for column in item.columns if column.is_system}
    found = context.catalog.get(oids.pop()) if len(oids) == 1 else None
    if isinstance(found, Table):
        named = row_type_of(found)
        shape = known_shape(named, None)
        if (shape.names, shape.types) == (own.names, own.types):
            return named
    return record_type(own)


def as_row_type(expression: Expression, fields: Sequence[Expression], target: SqlType) -> Expression:
    """A row of converted fields as a value of a row type; NULL stays NULL."""
    row = RowLiteral(tuple(fields), target)
    if isinstance(expression, RowLiteral):
        return row
    return Case(((IsNull(expression), Constant(None, target)),), row, target)


def check_same_width(expression: Expression, target: SqlType, position: int | None) -> None:
    """Raises CannotCoerce (42846) when a row has not as many fields as a composite type."""
    given, wanted = (known_shape(kind, position).types for kind in (expression.sql_type, target))
    if len(given) != len(wanted):
        word = "few" if len(given) < len(wanted) else "many"
        raise CannotCoerce(
            f"cannot cast type {type_name(expression.sql_type)} to {type_name(target)}",
            detail=f"Input has too {word} columns.",
            position=position,
        )


def row_null_test(expression: Expression, *, is_negated: bool) -> Expression:
    """IS [NOT] NULL of a row: every field is, or is not. A field that is a row counts as a value of its own."""
    if row_shape(expression.sql_type) is None:
        return IsNull(expression, is_negated)
    tests = [IsNull(field, is_negated) for field in fields_of(expression)]
    if not tests:
        return IsNull(expression, is_negated)
    return tests[0] if len(tests) == 1 else BoolExpression(BoolOperator.AND, tuple(tests))


def compared_rows(name: str, left: Expression, right: Expression, position: int | None) -> Expression:
    """`left op right` of two values of row types.

    Raises:
        DatatypeMismatch: 42804, rows of different widths, or fields of different types.
    """
    types = known_shape(left.sql_type, position).types, known_shape(right.sql_type, position).types
    if len(types[0]) != len(types[1]):
        raise DatatypeMismatch(
            "cannot compare record types with different numbers of columns", position=position
        )
    for number, (a, b) in enumerate(zip(*types, strict=True), 1):
        if a.oid != b.oid:
            raise DatatypeMismatch(
                f"cannot compare dissimilar column types {type_name(a)} and {type_name(b)} at record column {number}",
                position=position,
            )
    return RowComparison(name, left, right)


def is_row_value(expression: Expression) -> bool:
    return is_row_type(expression.sql_type.oid)


def are_rows_compared(name: str, operands: Sequence[Expression]) -> bool:
    """Whether an operator compares two rows, of which one may be a literal without a type yet."""
    if name not in ROW_COMPARISONS or not any(map(is_row_value, operands)):
        return False
    return all(is_row_value(operand) or operand.sql_type == UNKNOWN for operand in operands)
