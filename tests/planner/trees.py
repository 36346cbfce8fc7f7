"""Short ways to write bound trees by hand, and an execution context without a session, for planner tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from foundation import sqltypes
from foundation.cancel import CancelToken
from foundation.memory import MemoryBudget
from foundation.ranges import BY_MULTIRANGE, BY_RANGE
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType, arrow_type, element_type
from planner import bound
from planner.evaluate import Frame
from planner.functions.signature import (
    ANY,
    ANYARRAY,
    ANYCOMPATIBLE,
    ANYCOMPATIBLEARRAY,
    ANYELEMENT,
    ANYMULTIRANGE,
    ANYRANGE,
    Function,
)
from planner.functions.signatures import functions_named, operator_function, operators_named
from planner.services import ExecutionContext

RELATION = 1
_POLYMORPHIC = {ANY, ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYELEMENT}
_ARRAYS = {ANYARRAY, ANYCOMPATIBLEARRAY}


class RecordingSession:
    """Session services that answer nothing and remember notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def virtual_relation(self, schema: str, name: str) -> pa.Table:
        raise KeyError(name)

    def call_function(
        self, function: Function, arguments: Sequence[pa.Array], row_count: int
    ) -> pa.Array | None:
        if function.name == "current_user":
            return pa.array(["postgres"] * row_count)
        return None

    def table_rules(self, table_oid: int) -> None:
        return None

    def column_defaults(self, table_oid: int) -> tuple[()]:
        return ()

    def notice(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        self.notices.append(message)


class PlainCodecs:
    """Text forms by Arrow's casts: enough for integers, floats, text and bool."""

    def to_text(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        return column.cast(pa.utf8())

    def from_text(self, strings: pa.Array, sql_type: SqlType) -> pa.Array:
        return strings.cast(arrow_type(sql_type))

    def coerce_typmod(
        self, column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool
    ) -> pa.Array:
        return column


def make_context(
    *parameters: Any, settings: dict[str, str] | None = None, **services: Any
) -> ExecutionContext:
    """A context; `services` may give storage, transaction, codecs and session."""
    values = SettingValues()
    for name, text in (settings or {}).items():
        values.set(name, text)
    return ExecutionContext(
        storage=services.get("storage"),  # type: ignore[arg-type]
        transaction=services.get("transaction"),  # type: ignore[arg-type]
        settings=values,
        cancel_token=CancelToken(),
        memory=services.get("memory", MemoryBudget(1 << 30)),
        codecs=services.get("codecs", PlainCodecs()),
        session=services.get("session", RecordingSession()),
        parameters=parameters,
        statement_time_us=1_700_000_000_000_000,
        transaction_time_us=1_700_000_000_000_000,
    )


def const(value: Any, sql_type: SqlType) -> bound.Constant:
    return bound.Constant(value, sql_type)


def integer(value: int | None) -> bound.Constant:
    return bound.Constant(value, sqltypes.INT4)


def text(value: str | None) -> bound.Constant:
    return bound.Constant(value, sqltypes.TEXT)


def param(index: int, sql_type: SqlType) -> bound.Parameter:
    return bound.Parameter(index, sql_type)


def col(position: int, sql_type: SqlType, name: str = "c", relation: int = RELATION) -> bound.ColumnRef:
    return bound.ColumnRef(relation, position, name, sql_type)


def op(name: str, *arguments: bound.Expression) -> bound.Call:
    """An operator call; the overload whose types match the arguments'."""
    types = tuple(argument.sql_type.oid for argument in arguments)
    for operator in operators_named(name):
        declared = (operator.left_type, operator.right_type) if operator.left_type else (operator.right_type,)
        if len(declared) == len(types) and _accepts(declared, types):
            function = operator_function(operator)
            return bound.Call(function, arguments, _result_type(function, arguments), name)
    raise LookupError(f"{name}{types}")


def fn(name: str, *arguments: bound.Expression) -> bound.Call:
    """A function call; the overload whose types match the arguments'."""
    types = tuple(argument.sql_type.oid for argument in arguments)
    for function in functions_named(name):
        declared = function.argument_types
        if function.is_variadic or (
            len(declared) - function.default_count <= len(types) <= len(declared)
            and _accepts(declared, types)
        ):
            return bound.Call(function, arguments, _result_type(function, arguments))
    raise LookupError(f"{name}{types}")


def _accepts(declared: Sequence[int], given: Sequence[int]) -> bool:
    return all(
        a == b
        or (a == ANYRANGE and b in BY_RANGE)
        or (a == ANYMULTIRANGE and b in BY_MULTIRANGE)
        or (a in _ARRAYS and element_type(SqlType(b)) is not None)
        or (a in _POLYMORPHIC and a not in _ARRAYS and element_type(SqlType(b)) is None)
        for a, b in zip(declared, given)
    )


def _result_type(function: Function, arguments: Sequence[bound.Expression]) -> SqlType:
    if function.result_type in _POLYMORPHIC:
        return arguments[0].sql_type.without_typmod()
    return SqlType(function.result_type)


def all_of(*arguments: bound.Expression) -> bound.BoolExpression:
    return bound.BoolExpression(bound.BoolOperator.AND, arguments)


def any_of(*arguments: bound.Expression) -> bound.BoolExpression:
    return bound.BoolExpression(bound.BoolOperator.OR, arguments)


def cast(argument: bound.Expression, target: SqlType, *, explicit: bool = True) -> bound.CastExpression:
    return bound.CastExpression(argument, target, explicit)


def frame_of(**columns: tuple[list[Any], SqlType]) -> Frame:
    """A frame of relation 1 whose columns are in the order given."""
    arrays = {
        (RELATION, position): pa.array(values, arrow_type(sql_type))
        for position, (values, sql_type) in enumerate(columns.values())
    }
    return Frame(len(next(iter(arrays.values()))), arrays)
