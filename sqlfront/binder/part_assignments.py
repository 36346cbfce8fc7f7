"""Assignment to a part of a column: `SET a[1] = x`, `SET a[1:2] = y`, `SET j['k'] = z`, `SET c.f = v`, and parts of parts.

The column's new value is an expression over its old one: an array or document with the part put in its place, a row with another
field. Several parts of one column are put in one after the other. transformAssignmentIndirection in PostgreSQL's
parse_target.c; https://www.postgresql.org/docs/16/arrays.html#ARRAYS-MODIFYING
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from foundation.errors import DatatypeMismatch, FeatureNotSupported, ProgramLimitExceeded, UndefinedColumn
from foundation.row_types import row_shape
from foundation.shaped_arrays import DIMENSIONS_MAX
from foundation.sqltypes import INT4, JSONB, TEXT, UNKNOWN, SqlType, element_type, is_shaped, plain_type
from planner.bound import Call, Constant, Expression, RowLiteral
from planner.functions.shaped_functions import (
    ARRAY_ITEM,
    ARRAY_SET_ITEM,
    ARRAY_SET_SLICE,
    JSONB_SET_PART,
)
from planner.functions.signature import CastContext
from sqlfront.binder.array_shapes import narrowed, widened
from sqlfront.binder.coerce import coerce
from sqlfront.binder.environment import Environment, bind_node
from sqlfront.binder.row_values import fields_of
from sqlfront.binder.subscripts import array_slice, subscript
from sqlfront.binder.type_rules import conversion, is_array_type, type_name
from sqlfront.parser.nodes import position_of


@dataclass(frozen=True, slots=True)
class AssignedPart:
    """What is put into a part of a column: its value, None for DEFAULT, and where that stands; the column's name."""

    value: Expression | None
    position: int | None
    column: str


def is_part(node: exp.Expr) -> bool:
    """Whether a target names a part of a column."""
    return not isinstance(node, exp.Identifier)


def with_part(environment: Environment, base: Expression, node: exp.Expr, part: AssignedPart) -> Expression:
    """A column's value with one of its parts changed.

    Args:
        base: the column's value so far, of its type.
        node: the target as it was parsed, brackets and fields around the column's name.

    Raises:
        DatatypeMismatch: 42804, the value is of another type, or the column has no such parts. UndefinedColumn: 42703.
        FeatureNotSupported: 0A000, DEFAULT for a part.
    """
    steps: list[exp.Expr] = []
    while not isinstance(node, exp.Identifier):
        steps.insert(0, node)
        node = node.this
    return _changed(environment, base, steps, part)


def _changed(
    environment: Environment, base: Expression, steps: Sequence[exp.Expr], part: AssignedPart
) -> Expression:
    first = steps[0]
    if isinstance(first, exp.Dot):
        return _with_field(environment, base, steps, part)
    count = next((i for i, step in enumerate(steps) if not isinstance(step, exp.Bracket)), len(steps))
    indexes = [index for step in steps[:count] for index in step.expressions]
    if base.sql_type.oid == JSONB.oid and count == len(steps):
        return _with_member(environment, base, indexes, part)
    if not is_array_type(base.sql_type.oid):
        raise DatatypeMismatch(
            f"cannot subscript type {type_name(base.sql_type)} because it does not support subscripting",
            position=position_of(first),
        )
    if len(indexes) > DIMENSIONS_MAX:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({len(indexes)}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        )
    changed = _with_items(environment, widened(base), indexes, steps[count:], part)
    return changed if is_shaped(base.sql_type) else narrowed(changed)


def _with_items(
    environment: Environment,
    array: Expression,
    indexes: Sequence[exp.Expr],
    further: Sequence[exp.Expr],
    part: AssignedPart,
) -> Expression:
    """An array in the shaped form with another element, or other elements."""
    plain = plain_type(array.sql_type)
    item_type = element_type(plain)
    assert item_type is not None, "an array"
    if any(isinstance(index, exp.Slice) for index in indexes):
        given, bounds = array_slice(environment, indexes)
        items = _subscripted_value(environment, part, array.sql_type)
        return Call(ARRAY_SET_SLICE, (array, items, Constant(given, TEXT), *bounds), array.sql_type)
    subscripts = tuple(subscript(environment, index) for index in indexes)
    if further:
        item = _changed(environment, Call(ARRAY_ITEM, (array, *subscripts), item_type), further, part)
    else:
        item = _subscripted_value(environment, part, item_type)
    return Call(ARRAY_SET_ITEM, (array, item, *subscripts), array.sql_type)


def _subscripted_value(environment: Environment, part: AssignedPart, target: SqlType) -> Expression:
    words = f'subscripted assignment to "{part.column}" requires type {type_name(target)}'
    return _value(environment, part, target, words, "an array element")


def _value(
    environment: Environment, part: AssignedPart, target: SqlType, words: str, kind: str
) -> Expression:
    """The value converted by assignment. Raises 42804 in these words."""
    if part.value is None:
        raise FeatureNotSupported(f"cannot set {kind} to DEFAULT", position=part.position)
    source = part.value.sql_type
    if source != UNKNOWN and conversion(source.oid, target.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f"{words} but expression is of type {type_name(source)}",
            hint="You will need to rewrite or cast the expression.",
            position=part.position,
        )
    return coerce(environment.context, part.value, target, how=CastContext.ASSIGNMENT, position=part.position)


def _with_field(
    environment: Environment, base: Expression, steps: Sequence[exp.Expr], part: AssignedPart
) -> Expression:
    """A row with another field; a row that is NULL becomes one whose other fields are."""
    name, sql_type = str(steps[0].args["expression"].this), base.sql_type
    shape = row_shape(sql_type)
    position = position_of(steps[0])
    if shape is None:
        raise DatatypeMismatch(
            f'cannot assign to field "{name}" of column "{part.column}" because its type {type_name(sql_type)}'
            " is not a composite type",
            position=position,
        )
    if name not in shape.names:
        raise UndefinedColumn(
            f'cannot assign to field "{name}" of column "{part.column}" because there is no such column in data type'
            f" {type_name(sql_type)}",
            position=position,
        )
    place = shape.names.index(name)
    fields, target = list(fields_of(base)), shape.types[place]
    if len(steps) > 1:
        fields[place] = _changed(environment, fields[place], steps[1:], part)
    else:
        words = f'subfield "{name}" is of type {type_name(target)}'
        fields[place] = _value(environment, part, target, words, "a subfield")
    return RowLiteral(tuple(fields), sql_type)


def _with_member(
    environment: Environment, base: Expression, indexes: Sequence[exp.Expr], part: AssignedPart
) -> Expression:
    """A document with another member or element."""
    value = _subscripted_value(environment, part, JSONB)
    return Call(JSONB_SET_PART, (base, value, *(_key(environment, index) for index in indexes)), JSONB)


def _key(environment: Environment, node: exp.Expr) -> Expression:
    """A subscript of jsonb, as text or int4. Raises DatatypeMismatch (42804)."""
    if isinstance(node, exp.Slice):
        raise DatatypeMismatch("jsonb subscript does not support slices", position=position_of(node))
    key = bind_node(environment, node)
    source = key.sql_type
    for target in (INT4, TEXT):
        is_reached = conversion(source.oid, target.oid, CastContext.IMPLICIT) is not None
        if is_reached or (source == UNKNOWN and target == TEXT):
            return coerce(environment.context, key, target, position=position_of(node))
    raise DatatypeMismatch(
        f"subscript type {type_name(source)} is not supported",
        hint="jsonb subscript must be coercible to either integer or text.",
        position=position_of(node),
    )
