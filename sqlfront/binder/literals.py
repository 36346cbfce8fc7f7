"""Constants: numbers, untyped strings, and their conversion to a type while binding.

A string literal stays UNKNOWN until its surroundings give it a type; then the type's input function reads it
(`sqlfront.types.decode_text`), so `'abc'::int` fails here with 22P02 and the literal's position. Names of
objects (regclass, regtype, ...) become OIDs here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foundation.enum_types import ENUMS
from foundation.errors import (
    FeatureNotSupported,
    InvalidName,
    InvalidTextRepresentation,
    QuiverError,
    UndefinedFunction,
    UndefinedObject,
    UndefinedSchema,
    UndefinedTable,
)
from foundation.row_types import described_type, row_shape
from foundation.sqltypes import (
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    PSEUDO_TYPES,
    RECORD,
    REGCLASS,
    REGNAMESPACE,
    REGOPER,
    REGOPERATOR,
    REGPROC,
    REGPROCEDURE,
    REGROLE,
    REGTYPE,
    UNKNOWN,
    SqlType,
)
from planner.bound import Constant
from planner.functions.signatures import functions_named, operators_named, type_functions_named
from sqlfront.binder.catalog_names import find_relation_oid, named_functions, split_name
from sqlfront.binder.context import BindContext
from sqlfront.binder.errors import AmbiguousFunction, UnsafeNewEnumValue
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.binder.type_rules import type_name
from sqlfront.parser import parse_type
from sqlfront.types import coerce_value, decode_text
from sqlfront.types.intervals import interval_value, parse_interval
from storage.catalog import INFORMATION_SCHEMA_OID, PG_CATALOG_SCHEMA_OID
from storage.function_objects import UserFunction
from storage.type_objects import EnumType

_INT4_MIN, _INT4_MAX = -(2**31), 2**31 - 1
_INT8_MIN, _INT8_MAX = -(2**63), 2**63 - 1
_PSEUDO_TYPES = frozenset((2249, 2276, 2277, 2278, 2283, 2776, 2287))


def number_constant(context: BindContext, text: str) -> Constant:
    """The constant of a number as written: the smallest of int4, int8, numeric that holds it."""
    if text.removeprefix("-").isdigit():
        value = int(text)
        if _INT4_MIN <= value <= _INT4_MAX:
            return Constant(value, INT4)
        if _INT8_MIN <= value <= _INT8_MAX:
            return Constant(value, INT8)
    return Constant(decode_text(NUMERIC, text, context.settings), NUMERIC)


def unknown_constant(text: str | None) -> Constant:
    """A string literal or NULL whose type is still open."""
    return Constant(text, UNKNOWN)


def typed_constant(
    context: BindContext, text: str | None, target: SqlType, *, explicit: bool, position: int | None = None
) -> Constant:
    """Give an UNKNOWN literal its type, length rules included.

    Args:
        explicit: whether too long a value is cut (a cast) or refused (an assignment).

    Raises:
        InvalidTextRepresentation: 22P02 and its kin, at `position`.
        UndefinedTable, UndefinedObject, ...: a name in a reg* literal that does not exist.
    """
    if text is None:
        return Constant(None, target)
    if target.oid in _PSEUDO_TYPES and row_shape(target) is None:
        raise FeatureNotSupported(
            f"input of a literal of type {type_name(target)} is not supported", position=position
        )
    try:
        value = _read(context, text, target)
    except QuiverError as error:
        if error.position is None or target.oid in _NAME_READERS:
            error.position = position
        raise
    # PostgreSQL applies length rules in a function of their own, whose errors carry no position.
    if target.typmod >= 0 and target.oid != RECORD.oid:
        value = coerce_value(value, target, explicit=explicit)
    return Constant(value, target)


def _read(context: BindContext, text: str, target: SqlType) -> Any:
    if target.oid == INTERVAL.oid:
        return interval_value(*parse_interval(text, target.typmod))
    resolve = _NAME_READERS.get(target.oid)
    if resolve is None:
        _check_label_usable(context, text, target.oid)
        is_record = target.oid == RECORD.oid
        return decode_text(target if is_record else target.without_typmod(), text, context.settings)
    if text == "-":
        return 0
    if text.isdigit():
        return int(text)
    return resolve(context, text)


def _check_label_usable(context: BindContext, text: str, oid: int) -> None:
    """Raises UnsafeNewEnumValue (55P04) for a label that this transaction added: it is known once it is committed."""
    enum = context.catalog.get(oid)
    if not isinstance(enum, EnumType) or text in ENUMS[oid].labels:
        return
    if any(label.text == text for label in enum.labels):
        raise UnsafeNewEnumValue(
            f'unsafe use of new value "{text}" of enum type {enum.name}',
            hint="New enum values must be committed before they can be used.",
        )


def _read_class(context: BindContext, text: str) -> int:
    parts = split_name(text)
    oid = find_relation_oid(context, parts)
    if oid is None:
        raise UndefinedTable(f'relation "{".".join(parts)}" does not exist')
    return oid


def _read_type(context: BindContext, text: str) -> int:
    name = parse_type(text)
    if name.schema in (None, "pg_catalog") and not name.dimensions:
        pseudo = next((oid for oid, known in PSEUDO_TYPES.items() if known == name.name), None)
        if pseudo is not None:
            return pseudo
    found = resolve_type_name(context, name)
    return found.domain_oid or described_type(found)[0]


def _single_name(text: str) -> str:
    parts = split_name(text)
    if len(parts) != 1:
        raise InvalidName("invalid name syntax")
    return parts[0]


def _read_namespace(context: BindContext, text: str) -> int:
    name = _single_name(text)
    fixed = {"pg_catalog": PG_CATALOG_SCHEMA_OID, "information_schema": INFORMATION_SCHEMA_OID}
    schema = context.catalog.find_schema(context.database_oid, name)
    oid = fixed.get(name) or (schema.oid if schema else None)
    if oid is None:
        raise UndefinedSchema(f'schema "{name}" does not exist')
    return oid


def _read_role(context: BindContext, text: str) -> int:
    name = _single_name(text)
    role = context.catalog.find_role(name)
    if role is None:
        raise UndefinedObject(f'role "{name}" does not exist')
    return role.oid


def _read_function(context: BindContext, text: str) -> int:
    parts = split_name(text)
    name = parts[-1]
    oids = [function.oid for function in functions_named(name)]
    oids += [oid for _, oid in type_functions_named(name)]
    oids += [found.oid for found in _users_functions(context, parts)]
    if not oids:
        raise UndefinedFunction(f'function "{text}" does not exist')
    if len(oids) > 1:
        raise AmbiguousFunction(f'more than one function named "{text}"')
    return oids[0]


def _read_signature(context: BindContext, text: str) -> int:
    name, _, rest = text.partition("(")
    if not rest.endswith(")"):
        raise _invalid_signature(text)
    types = tuple(_read_type(context, part) for part in rest[:-1].split(",") if part.strip())
    parts = split_name(name)
    name = parts[-1]
    for function in functions_named(name):
        if function.argument_types == types:
            return function.oid
    for own in _users_functions(context, parts):
        if own.input_oids == types:
            return own.oid
    shown = ", ".join(type_name(SqlType(oid)) for oid in types)
    for arguments, oid in type_functions_named(name):
        if arguments == shown:
            return oid
    raise UndefinedFunction(f'function "{text}" does not exist')


def _users_functions(context: BindContext, parts: Sequence[str]) -> list[UserFunction]:
    return named_functions(context.catalog, context.database_oid, context.search_path, parts)


def _invalid_signature(text: str) -> QuiverError:
    return InvalidTextRepresentation("expected a left parenthesis")


def _read_operator(context: BindContext, text: str) -> int:
    found = operators_named(text.rpartition(".")[2])
    if not found:
        raise UndefinedFunction(f"operator does not exist: {text}")
    if len(found) > 1:
        raise AmbiguousFunction(f"more than one operator named {text}")
    return found[0].oid


def _read_operator_signature(context: BindContext, text: str) -> int:
    name, _, rest = text.partition("(")
    if not rest.endswith(")"):
        raise _invalid_signature(text)
    parts = [part.strip() for part in rest[:-1].split(",")]
    types = tuple(0 if part.lower() == "none" else _read_type(context, part) for part in parts)
    for operator in operators_named(name.strip().rpartition(".")[2]):
        if (operator.left_type, operator.right_type) == types:
            return operator.oid
    raise UndefinedFunction(f"operator does not exist: {text}")


_NAME_READERS = {
    REGCLASS.oid: _read_class,
    REGTYPE.oid: _read_type,
    REGNAMESPACE.oid: _read_namespace,
    REGROLE.oid: _read_role,
    REGPROC.oid: _read_function,
    REGPROCEDURE.oid: _read_signature,
    REGOPER.oid: _read_operator,
    REGOPERATOR.oid: _read_operator_signature,
}
