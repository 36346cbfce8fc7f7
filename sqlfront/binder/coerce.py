"""Conversion of bound expressions to a type: implicit, by assignment, explicit.

An UNKNOWN literal is read by the target's input function, an UNKNOWN parameter takes the target as its type, a
value of another type is wrapped in a `CastExpression`. https://www.postgresql.org/docs/15/typeconv.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foundation.errors import ArrayShapeNotSupported, CannotCoerce, DatatypeMismatch, FeatureNotSupported
from foundation.row_types import is_row_type, row_shape
from foundation.sqltypes import (
    BOOL,
    INT2,
    INT4,
    INT8,
    RECORD,
    TEXT,
    UNKNOWN,
    SqlType,
    is_shaped,
    plain_oid,
    plain_type,
    shaped_type,
)
from planner.bound import CastExpression, Constant, Expression, Parameter
from planner.functions.signature import ANY, CastContext
from sqlfront.binder.array_shapes import in_one_form, narrowed, widened
from sqlfront.binder.context import BindContext
from sqlfront.binder.domains import as_domain
from sqlfront.binder.errors import AmbiguousParameter
from sqlfront.binder.literals import typed_constant
from sqlfront.binder.row_values import as_row_type, check_same_width, fields_of, known_shape
from sqlfront.binder.type_rules import common_type, conversion, element_oid, mismatched_pair, type_name

INTERNAL_OID = 2281
"""The type of what only PostgreSQL's own code passes around."""
_WIDENINGS = frozenset(((INT2, INT4), (INT2, INT8), (INT4, INT8)))
"""Conversions that leave a constant's value as it is."""


def coerce(
    context: BindContext,
    expression: Expression,
    target: SqlType,
    *,
    how: CastContext = CastContext.IMPLICIT,
    position: int | None = None,
) -> Expression:
    """Convert an expression to a type known to be reachable; the type's length rules are applied too.

    Raises:
        CannotCoerce: 42846 `cannot cast type x to y`.
        InvalidTextRepresentation: 22P02 and its kin for literals.
        AmbiguousParameter: 42P08, a parameter was given two types.
        FeatureNotSupported: 0A000, a literal or parameter as an `internal` argument.
    """
    if target.domain_oid:
        return _to_domain(context, expression, target, how, position)
    source = expression.sql_type.without_domain()
    is_explicit = how is CastContext.EXPLICIT
    if source == UNKNOWN:
        if target.oid == INTERNAL_OID:
            raise FeatureNotSupported("cannot accept a value of type internal", position=position)
        if isinstance(expression, Constant):
            return _literal(context, expression, target, how, position)
        if isinstance(expression, Parameter):
            expression = _settle_parameter(context, expression, target, is_explicit, position)
            source = expression.sql_type
            if source == target:
                return expression
        else:
            return CastExpression(expression, target, is_explicit)
    if source == target:
        return expression
    if target == RECORD and is_row_type(source.oid):
        return expression
    if row_shape(target) is not None and row_shape(source) is not None:
        return _to_row_type(context, expression, target, how, position)
    if is_shaped(source) or is_shaped(target):
        return _to_shape(context, expression, target, how, position)
    if source.oid == target.oid:
        return _change_typmod(expression, target, is_explicit)
    if isinstance(expression, Constant) and (source, target) in _WIDENINGS:
        return Constant(expression.value, target)
    if conversion(source.oid, target.oid, how) is None:
        raise CannotCoerce(
            f"cannot cast type {type_name(expression.sql_type)} to {type_name(target)}",
            position=position,
        )
    return CastExpression(expression, target, is_explicit)


def _literal(
    context: BindContext, literal: Constant, target: SqlType, how: CastContext, position: int | None
) -> Expression:
    """A literal read by its type; of an array in the form that its text asks for, but for what stores the plain one."""
    is_explicit = how is CastContext.EXPLICIT
    try:
        return typed_constant(context, literal.value, target, explicit=is_explicit, position=position)
    except ArrayShapeNotSupported:
        shaped = shaped_type(target)
    constant = typed_constant(context, literal.value, shaped, explicit=is_explicit, position=position)
    return narrowed(constant) if how is CastContext.ASSIGNMENT else constant


def _to_shape(
    context: BindContext, expression: Expression, target: SqlType, how: CastContext, position: int | None
) -> Expression:
    """An array of one form to a type of the other, or from the shaped form to any type."""
    source = expression.sql_type
    if is_shaped(source) and not element_oid(target.oid):
        if conversion(source.oid, target.oid, how) is None:
            raise CannotCoerce(
                f"cannot cast type {type_name(source)} to {type_name(target)}", position=position
            )
        return CastExpression(expression, target, how is CastContext.EXPLICIT)
    if not is_shaped(source):
        return widened(coerce(context, expression, plain_type(target), how=how, position=position))
    if how is CastContext.ASSIGNMENT and not is_shaped(target):
        plain = narrowed(expression)
        return coerce(context, plain, target, how=how, position=position)
    if conversion(source.oid, target.oid, how) is None:
        raise CannotCoerce(f"cannot cast type {type_name(source)} to {type_name(target)}", position=position)
    shaped = shaped_type(target)
    if source == shaped:
        return expression
    return CastExpression(expression, shaped, how is CastContext.EXPLICIT)


def _to_row_type(
    context: BindContext, expression: Expression, target: SqlType, how: CastContext, position: int | None
) -> Expression:
    """A record as a value of a composite type or a table's row type: each field converted. Raises CannotCoerce (42846)."""
    if expression.sql_type.oid != RECORD.oid:
        raise CannotCoerce(
            f"cannot cast type {type_name(expression.sql_type)} to {type_name(target)}", position=position
        )
    check_same_width(expression, target, position)
    fields = [
        coerce(context, field, sql_type, how=how, position=position)
        for field, sql_type in zip(fields_of(expression), known_shape(target, position).types, strict=True)
    ]
    return as_row_type(expression, fields, target)


def _to_domain(
    context: BindContext, expression: Expression, target: SqlType, how: CastContext, position: int | None
) -> Expression:
    """An assigned value is one of the type below: what a column stores is checked with its table's rules."""
    if expression.sql_type.domain_oid == target.domain_oid:
        return expression
    source = expression.sql_type
    if source != UNKNOWN and conversion(source.oid, target.oid, how) is None:
        raise CannotCoerce(f"cannot cast type {type_name(source)} to {type_name(target)}", position=position)
    value = coerce(context, expression, target.without_domain(), how=how, position=position)
    return as_domain(context, value, target) if how is CastContext.EXPLICIT else value


def _settle_parameter(
    context: BindContext, parameter: Parameter, target: SqlType, is_explicit: bool, position: int | None
) -> Expression:
    known = context.parameter(parameter.index)
    if known == UNKNOWN:
        context.infer_parameter(parameter.index, target)
        known = target.without_typmod()
    if known.oid != target.oid:
        raise AmbiguousParameter(
            f"inconsistent types deduced for parameter ${parameter.index + 1}",
            detail=f"{type_name(known)} versus {type_name(target)}",
            position=position,
        )
    settled = replace(parameter, type=known)
    return settled if target == known else CastExpression(settled, target, is_explicit)


def _change_typmod(expression: Expression, target: SqlType, is_explicit: bool) -> Expression:
    """Another length of the same type. Going to no length is a relabelling, kept so that types stay exact."""
    if isinstance(expression, Constant) and expression.value is None:
        return Constant(None, target)
    return CastExpression(expression, target, is_explicit)


def coerce_argument(
    context: BindContext, expression: Expression, oid: int, position: int | None = None
) -> Expression:
    """Convert an argument to a declared type; typmods pass through unchanged, as PostgreSQL lets them.

    "any" takes everything but gives an UNKNOWN literal the type text; an UNKNOWN parameter stays so.
    """
    source = expression.sql_type
    if oid == ANY:
        return settle(context, expression) if isinstance(expression, Constant) else expression
    if plain_oid(source.oid) == oid and source != UNKNOWN:
        return expression
    return coerce(context, expression, SqlType(oid), position=position)


def settle(context: BindContext, expression: Expression, position: int | None = None) -> Expression:
    """Make what is still UNKNOWN text: an output column, an argument of "any"."""
    if expression.sql_type != UNKNOWN:
        return expression
    return coerce(context, expression, TEXT, position=position)


def coerce_assignment(
    context: BindContext,
    expression: Expression,
    target: SqlType,
    column: str,
    position: int | None = None,
) -> Expression:
    """Convert a value for a column.

    Raises:
        DatatypeMismatch: 42804 `column "x" is of type integer but expression is of type text`.
    """
    source = expression.sql_type
    if source != UNKNOWN and conversion(source.oid, target.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f'column "{column}" is of type {type_name(target)} but expression is of type {type_name(source)}',
            hint="You will need to rewrite or cast the expression.",
            position=position,
        )
    return coerce(context, expression, target, how=CastContext.ASSIGNMENT, position=position)


def coerce_default(
    context: BindContext,
    expression: Expression,
    target: SqlType,
    column: str,
    position: int | None = None,
) -> Expression:
    """Convert a default or generation expression for its column.

    Raises:
        DatatypeMismatch: 42804 `column "x" is of type integer but default expression is of type text`, which is
            said of both.
    """
    source = expression.sql_type
    if source != UNKNOWN and conversion(source.oid, target.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f'column "{column}" is of type {type_name(target)} '
            f"but default expression is of type {type_name(source)}",
            hint="You will need to rewrite or cast the expression.",
        )
    return coerce(context, expression, target, how=CastContext.ASSIGNMENT, position=position)


def coerce_to_boolean(
    context: BindContext, expression: Expression, construct: str, position: int | None
) -> Expression:
    """The argument of WHERE, AND, NOT, ...

    Raises:
        DatatypeMismatch: 42804 `argument of WHERE must be type boolean, not type integer`.
    """
    source = expression.sql_type
    if source == BOOL:
        return expression
    if source != UNKNOWN and conversion(source.oid, BOOL.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f"argument of {construct} must be type boolean, not type {type_name(source)}",
            position=position,
        )
    return coerce(context, expression, BOOL, how=CastContext.ASSIGNMENT, position=position)


def coerce_to_count(
    context: BindContext, expression: Expression, construct: str, position: int | None
) -> Expression:
    """The argument of LIMIT and OFFSET: int8.

    Raises:
        DatatypeMismatch: 42804 `argument of LIMIT must be type bigint, not type text`.
    """
    source = expression.sql_type
    if source != UNKNOWN and conversion(source.oid, INT8.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f"argument of {construct} must be type bigint, not type {type_name(source)}",
            position=position,
        )
    return coerce(context, expression, INT8, how=CastContext.ASSIGNMENT, position=position)


def coerce_to_common(
    context: BindContext,
    expressions: Sequence[Expression],
    construct: str,
    positions: Sequence[int | None],
    labels: Sequence[str] = (),
) -> tuple[tuple[Expression, ...], SqlType]:
    """Bring the parts of a CASE, UNION column, VALUES column, ARRAY to one type.

    Args:
        construct: what brings them together, for the message.
        labels: what each part is called when it cannot be converted; `construct` without them.

    Returns:
        The converted parts, and the type with the typmod they share (-1 when they differ).

    Raises:
        DatatypeMismatch: 42804 `CASE types integer and text cannot be matched`.
    """
    oids = [expression.sql_type.oid for expression in expressions]
    oid = common_type(oids)
    if oid is None:
        first, second = mismatched_pair(oids)
        at = next((p for o, p in zip(oids, positions) if o == second), None)
        raise DatatypeMismatch(
            f"{construct} types {type_name(SqlType(first))} and {type_name(SqlType(second))} cannot be matched",
            position=at,
        )
    converted = []
    for expression, position, label in zip(expressions, positions, labels or [construct] * len(oids)):
        source = expression.sql_type
        if source != UNKNOWN and conversion(source.oid, oid, CastContext.IMPLICIT) is None:
            raise CannotCoerce(
                f"{label} could not convert type {type_name(source)} to {type_name(SqlType(oid))}",
                position=position,
            )
        converted.append(coerce_argument(context, expression, oid, position))
    parts = in_one_form(converted)
    types = {expression.sql_type for expression in parts}
    if len(types) == 1:
        return parts, types.pop()
    typmods = {expression.sql_type.typmod for expression in parts}
    typmod = typmods.pop() if len(typmods) == 1 else -1
    return parts, SqlType(parts[0].sql_type.oid if is_shaped(parts[0].sql_type) else oid, typmod)
