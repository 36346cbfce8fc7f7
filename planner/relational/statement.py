"""One statement on DuckDB: its cursor, its registered tables, and the Arrow functions that call back into us.

What DuckDB cannot do as PostgreSQL does it, we do: a *slot* is a Python evaluator over Arrow columns, and a slot
call is printed as `quiver_n(token, arguments...)`. The DuckDB function depends only on the carriers of arguments
and result, so a few dozen serve every statement; the token (statement number and slot number) finds the
evaluator, its constants, parameters and session. Equal expressions share a slot, so that GROUP BY and the select
list print the same text.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foundation.errors import InternalError
from foundation.sqltypes import SqlType
from planner import bound
from planner.evaluate import Frame, evaluate
from planner.functions.signature import Volatility
from planner.relational.carriers import (
    carrier,
    converted,
    decimal_form,
    from_carrier,
    to_carrier,
    with_floats,
)
from planner.relational.engine import Engine, engine
from planner.relational.engine_cursor import EngineCursor
from planner.relational.printed import Printed
from planner.services import ExecutionContext

Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]
"""(argument columns of arrow_type, row count) -> column of the result's arrow_type."""

ARGUMENT_RELATION = -1
"""Relation id under which the arguments of an evaluated expression are columns."""

_SLOT_BITS = 20
_numbers = itertools.count(1)
_running: dict[int, RelationalStatement] = {}
_function_names: dict[tuple[tuple[str, ...], str, bool], str] = {}
_names_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Slot:
    evaluate: Evaluator
    argument_types: tuple[SqlType, ...]
    result_type: SqlType
    returns_lists: bool
    """Lists are returned as the evaluator made them, but for numbers that Arrow does not know."""


class RelationalStatement:
    """State of one run. `close` must be called; it frees the cursor and everything registered on it."""

    def __init__(self, context: ExecutionContext, *, expects_short_numbers: bool = False) -> None:
        self.context = context
        self.expects_short_numbers = expects_short_numbers
        """A product of numerics is taken to have 38 digits at most, whatever its types would allow, and a compared number to
        have 18 before the point and 20 behind it."""
        self.has_expectations = False
        """That was printed: DuckDB fails where the expectation does, and the statement is to be run without."""
        self.has_volatile_calls = False
        self.engine: Engine = engine()
        self.cursor = EngineCursor(self.engine.cursor())
        self.number = next(_numbers)
        self.callback_error: BaseException | None = None
        """What an evaluator raised; DuckDB only passes its text on."""
        self._slots: list[_Slot] = []
        self._slot_of: dict[Hashable, int] = {}
        _running[self.number] = self

    def register_table(self, table: pa.Table) -> str:
        """Make an Arrow table readable by this statement; returns its name."""
        return self.cursor.register(table)

    def slot_call(
        self,
        key: Hashable,
        evaluate: Evaluator,
        arguments: Sequence[Printed],
        result_type: SqlType,
        *,
        is_volatile: bool = False,
        returns_lists: bool = False,
    ) -> Printed:
        """Print a call of an evaluator. Calls with equal keys and arguments print equally.

        With `returns_lists` each row's result is a list of values of `result_type`.
        """
        self.has_volatile_calls |= is_volatile
        argument_sql = [as_plain(argument) for argument in arguments]
        carriers = (
            "BIGINT",
            *(carrier(argument.type, decimal_form(argument.type)) for argument in arguments),
        )
        types = tuple(argument.type for argument in arguments)
        number = self._slot_of.get((key, types))
        if number is None:
            number = self._slot_of[key, types] = len(self._slots)
            self._slots.append(_Slot(evaluate, types, result_type, returns_lists))
        result_carrier = carrier(result_type, decimal_form(result_type)) + ("[]" if returns_lists else "")
        name = _function_name(carriers, result_carrier, is_volatile)
        self.engine.ensure_function(name, _run_slot, carriers, result_carrier, is_volatile=is_volatile)
        token = self.number << _SLOT_BITS | number
        sql = f"{name}({', '.join([str(token), *argument_sql])})"
        return Printed(sql, result_type, decimal_form(result_type))

    def run_slot(self, number: int, columns: Sequence[Any], row_count: int) -> Any:
        slot = self._slots[number]
        try:
            arguments = [
                from_carrier(_contiguous(column), sql_type)
                for column, sql_type in zip(columns, slot.argument_types, strict=True)
            ]
            result = _contiguous(slot.evaluate(arguments, row_count))
            convert = with_floats if slot.returns_lists else to_carrier
            return convert(result, slot.result_type)
        except BaseException as error:
            self.callback_error = error
            raise

    def close(self) -> None:
        _running.pop(self.number, None)
        self.cursor.close()


def _run_slot(tokens: Any, *columns: Any) -> Any:
    token = tokens[0].as_py()
    statement = _running.get(token >> _SLOT_BITS)
    if statement is None:
        raise InternalError("statement is no longer running")
    return statement.run_slot(token & ((1 << _SLOT_BITS) - 1), columns, len(tokens))


def _contiguous(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _function_name(carriers: tuple[str, ...], result: str, is_volatile: bool) -> str:
    with _names_lock:
        key = (carriers, result, is_volatile)
        return _function_names.setdefault(key, f"quiver_{len(_function_names)}")


def as_plain(value: Printed) -> str:
    """SQL of a value converted to the carrier of its own SqlType."""
    return converted(value, decimal_form(value.type))


def evaluator_of(template: bound.Expression, context: ExecutionContext) -> Evaluator:
    """An evaluator of a bound expression over its lifted arguments (columns of ARGUMENT_RELATION)."""

    def evaluate_template(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        frame = Frame(row_count, {(ARGUMENT_RELATION, i): column for i, column in enumerate(columns)})
        return evaluate(template, frame, context)

    return evaluate_template


def is_volatile(expression: bound.Expression) -> bool:
    """Whether any function below must be evaluated anew for every row."""
    return any(
        node.function.volatility is Volatility.VOLATILE
        for node in bound.walk(expression)
        if isinstance(node, bound.Call)
    )
