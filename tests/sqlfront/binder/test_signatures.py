"""Goal: the tables of functions, operators and casts are what their generator prints, and hang together.

Method: run the generator against a PostgreSQL; look up what each operator names.
"""

from __future__ import annotations

import importlib
from typing import Any

import psycopg
import pytest

from planner.functions.generate_signatures import Generator
from planner.functions.signature import CastContext, CastMethod, FunctionKind
from planner.functions.signatures import (
    all_functions,
    all_operators,
    find_cast,
    functions_named,
    is_unsupported_function,
    operator_function,
    operators_named,
)

FIRST_EXTENSION_OID = 16384


def without_extension_oids(rows: Any) -> list[tuple[Any, ...]]:
    """Objects of an extension get other OIDs in each database."""
    return [
        (*row[:-1], 0) if isinstance(row[-1], int) and row[-1] >= FIRST_EXTENSION_OID else row for row in rows
    ]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["functions", "operators", "casts", "type_functions", "unsupported"])
def test_tables_are_current(postgres_uri: str, table: str) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        generated = getattr(Generator(connection), table)()
    module = importlib.import_module(f"planner.functions.signatures_{table}")
    stored = getattr(module, table.upper())
    assert sorted(map(repr, without_extension_oids(generated))) == sorted(
        map(repr, without_extension_oids(stored))
    )


def test_every_operator_has_its_function() -> None:
    for operator in all_operators():
        function = operator_function(operator)
        assert function.result_type == operator.result_type
        assert len(function.argument_types) == (2 if operator.left_type else 1)


def test_defaults_are_at_the_end() -> None:
    for function in all_functions():
        assert function.default_count == len(function.default_sql) <= len(function.argument_types)
        assert len(function.argument_names) in (0, len(function.argument_types))


def test_look_up() -> None:
    assert {f.result_type for f in functions_named("l2_distance")} == {701}
    assert functions_named("nosuch") == ()
    assert len(operators_named("<=>")) == 5
    assert {f.kind for f in functions_named("row_number")} == {FunctionKind.WINDOW}
    cast = find_cast(23, 20)
    assert cast is not None
    assert (cast.context, cast.method) == (CastContext.IMPLICIT, CastMethod.FUNCTION)
    assert find_cast(23, 16385) is None
    assert is_unsupported_function("xmlparse") or is_unsupported_function("ts_stat")
    assert not is_unsupported_function("upper")
