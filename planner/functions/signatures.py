"""Look-up of functions, operators and casts by name or type.

The tables are PostgreSQL's own (`signatures_functions`, `signatures_operators`, `signatures_casts`,
`signatures_type_functions`, `signatures_unsupported`), read from
a server by `generate_signatures`, `signatures_vectors` and `signatures_own`; this module turns rows into descriptors on first use. That a function is
listed says that it binds, not that it can be evaluated: the planner refuses what it has no implementation for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from planner.functions.signature import (
    Cast,
    CastContext,
    CastMethod,
    Function,
    FunctionKind,
    Operator,
    Volatility,
)
from planner.functions.signatures_casts import CASTS
from planner.functions.signatures_functions import FUNCTIONS
from planner.functions.signatures_operators import OPERATORS
from planner.functions.signatures_own import OWN_FUNCTIONS
from planner.functions.signatures_type_functions import TYPE_FUNCTIONS
from planner.functions.signatures_unsupported import UNSUPPORTED
from planner.functions.signatures_vectors import vector_casts, vector_functions, vector_operators


@cache
def _rows_by_name() -> dict[str, list[tuple[Any, ...]]]:
    by_name: dict[str, list[tuple[Any, ...]]] = {}
    for row in (*FUNCTIONS, *vector_functions(), *OWN_FUNCTIONS):
        by_name.setdefault(row[0], []).append(row)
    return by_name


@cache
def functions_named(name: str) -> tuple[Function, ...]:
    """All overloads of a function name, in OID order; () when there is none. Schemas are not looked at."""
    return tuple(_function(row) for row in _rows_by_name().get(name, ()))


def all_functions() -> Iterator[Function]:
    """Every function, by name; for pg_proc."""
    for name in _rows_by_name():
        yield from functions_named(name)


@cache
def operators_named(name: str) -> tuple[Operator, ...]:
    """All overloads of an operator name, prefix ones too; () when there is none."""
    return tuple(operator for operator in all_operators() if operator.name == name)


@cache
def all_operators() -> tuple[Operator, ...]:
    """Every operator; for pg_operator."""
    return tuple(Operator(*row) for row in (*OPERATORS, *vector_operators()))


@cache
def operator_of_oid(oid: int) -> Operator:
    """The operator that has an OID of pg_operator. Raises StopIteration where none has."""
    return next(operator for operator in all_operators() if operator.oid == oid)


@cache
def operator_function(operator: Operator) -> Function:
    """The function behind an operator; its argument types are the operator's own."""
    types = (operator.left_type, operator.right_type) if operator.left_type else (operator.right_type,)
    named = functions_named(operator.function)
    exact = next((f for f in named if f.argument_types == types), None)
    if exact is not None:
        return exact
    return Function(operator.function, types, operator.result_type, schema=operator.schema)


def type_functions_named(name: str) -> tuple[tuple[str, int], ...]:
    """(argument types as written, OID) of PostgreSQL's input and output functions: they have OIDs but cannot be called."""
    return tuple((arguments, oid) for known, arguments, oid in TYPE_FUNCTIONS if known == name)


@cache
def is_unsupported_function(name: str) -> bool:
    """Whether PostgreSQL or pgvector has functions of this name and we have none."""
    return ("f", name) in _unsupported()


@cache
def is_unsupported_operator(name: str) -> bool:
    """Whether PostgreSQL or pgvector has operators of this name and we have none."""
    return ("o", name) in _unsupported()


@cache
def _unsupported() -> frozenset[tuple[str, ...]]:
    return frozenset(UNSUPPORTED)


@cache
def _casts() -> dict[tuple[int, int], Cast]:
    return {
        (row[0], row[1]): Cast(row[0], row[1], CastContext(row[2]), CastMethod(row[3]))
        for row in (*CASTS, *vector_casts())
    }


def find_cast(source: int, target: int) -> Cast | None:
    """The row of pg_cast from one type OID to another; None where there is none.

    Conversions through the text form and of arrays by element are rules, not rows: the binder knows them.
    """
    return _casts().get((source, target))


def _function(row: tuple[Any, ...]) -> Function:
    (name, arguments, result, kind, volatility, is_strict, is_variadic, columns, schema, names, defaults,
     is_ordered_set, oid) = row  # fmt: skip
    return Function(
        name=name,
        argument_types=arguments,
        result_type=result,
        kind=FunctionKind(kind),
        volatility=Volatility(volatility),
        is_strict=is_strict,
        is_variadic=is_variadic,
        default_count=len(defaults),
        result_columns=columns,
        schema=schema,
        argument_names=names,
        default_sql=defaults,
        is_ordered_set=is_ordered_set,
        oid=oid,
    )
