"""Goal: overloads are chosen by PostgreSQL's algorithm.

Method: choices that a PostgreSQL made, one for each step of the algorithm; the exhaustive comparison is in
test_differential.
"""

from __future__ import annotations

import pytest

from foundation.sqltypes import FLOAT8, INT2, INT4, INT8, JSONB, NUMERIC, TEXT, UNKNOWN, VARCHAR, VECTOR
from sqlfront.binder.overloads import choose_binary_operator, choose_function, choose_prefix_operator

SCHEMAS = ("pg_catalog", "public")


@pytest.mark.parametrize(
    ("name", "left", "right", "function"),
    [
        ("+", INT4, INT4, "int4pl"),
        ("+", INT4, UNKNOWN, "int4pl"),
        ("+", INT2, INT8, "int28pl"),
        ("*", INT4, NUMERIC, "numeric_mul"),
        ("*", FLOAT8, NUMERIC, "float8mul"),
        ("||", UNKNOWN, UNKNOWN, "textcat"),
        ("||", TEXT, INT4, "textanycat"),
        ("=", VARCHAR, UNKNOWN, "texteq"),
        ("->", JSONB, UNKNOWN, "jsonb_object_field"),
        ("->", JSONB, INT4, "jsonb_array_element"),
        ("<->", VECTOR, UNKNOWN, "l2_distance"),
    ],
)
def test_operators(name: str, left: object, right: object, function: str) -> None:
    choice = choose_binary_operator(name, SCHEMAS, left.oid, right.oid)  # type: ignore[attr-defined]
    assert choice.chosen is not None
    assert choice.chosen.overload.function == function


@pytest.mark.parametrize(("name", "left", "right"), [("+", UNKNOWN, UNKNOWN), ("<->", UNKNOWN, UNKNOWN)])
def test_ambiguous_operators(name: str, left: object, right: object) -> None:
    assert choose_binary_operator(name, SCHEMAS, left.oid, right.oid).is_ambiguous  # type: ignore[attr-defined]


def test_operators_outside_the_search_path_are_not_seen() -> None:
    choice = choose_binary_operator("<->", ("pg_catalog",), VECTOR.oid, VECTOR.oid)
    assert choice.chosen is None
    assert not choice.is_ambiguous


def test_prefix_operators() -> None:
    choice = choose_prefix_operator("-", SCHEMAS, NUMERIC.oid)
    assert choice.chosen is not None
    assert choice.chosen.overload.function == "numeric_uminus"
    assert choose_prefix_operator("-", SCHEMAS, TEXT.oid).chosen is None


@pytest.mark.parametrize(
    ("name", "arguments", "chosen"),
    [
        ("abs", (UNKNOWN,), (FLOAT8.oid,)),
        ("round", (INT4,), (FLOAT8.oid,)),
        ("round", (NUMERIC, INT4), (NUMERIC.oid, INT4.oid)),
        ("concat", (UNKNOWN, INT4), (2276, 2276)),
        ("max", (VARCHAR,), (TEXT.oid,)),
        ("jsonb_set", (JSONB, UNKNOWN, UNKNOWN), (JSONB.oid, 1009, JSONB.oid)),
    ],
)
def test_functions(name: str, arguments: tuple[object, ...], chosen: tuple[int, ...]) -> None:
    choice = choose_function(name, SCHEMAS, tuple(a.oid for a in arguments))  # type: ignore[attr-defined]
    assert choice.chosen is not None
    assert choice.chosen.types == chosen


def test_no_function_takes_these_arguments() -> None:
    assert choose_function("round", SCHEMAS, (FLOAT8.oid, INT4.oid)).chosen is None
    assert choose_function("nosuch", SCHEMAS, ()).chosen is None
