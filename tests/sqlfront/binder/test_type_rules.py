"""Goal: conversions, common types and polymorphic types follow the manual's chapter 10.

Method: its examples and the corners: UNKNOWN, arrays, categories that meet, order of the arguments.
"""

from __future__ import annotations

import pytest

from foundation.sqltypes import (
    BOOL,
    DATE,
    FLOAT4,
    FLOAT8,
    HALFVEC,
    INT2,
    INT4,
    INT8,
    JSON,
    NUMERIC,
    TEXT,
    TIMESTAMPTZ,
    UNKNOWN,
    VARCHAR,
    VECTOR,
    SqlType,
)
from planner.functions.signature import ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYELEMENT, CastContext
from sqlfront.binder.type_rules import can_convert, common_type, conversion, resolve_polymorphic, type_name

INT4_ARRAY, FLOAT4_ARRAY, TEXT_ARRAY = 1007, 1021, 1009


@pytest.mark.parametrize(
    ("source", "target", "implicit", "assignment", "explicit"),
    [
        (INT4.oid, INT8.oid, True, True, True),
        (INT8.oid, INT4.oid, False, True, True),
        (INT4.oid, TEXT.oid, False, True, True),
        (TEXT.oid, INT4.oid, False, False, True),
        (INT4.oid, BOOL.oid, False, False, True),
        (DATE.oid, INT4.oid, False, False, False),
        (VARCHAR.oid, TEXT.oid, True, True, True),
        (VECTOR.oid, HALFVEC.oid, True, True, True),
        (INT4_ARRAY, VECTOR.oid, False, True, True),
        (VECTOR.oid, FLOAT4_ARRAY, True, True, True),
        (INT4_ARRAY, FLOAT4_ARRAY, True, True, True),
        (INT4_ARRAY, TEXT_ARRAY, False, True, True),
    ],
)
def test_conversions(source: int, target: int, implicit: bool, assignment: bool, explicit: bool) -> None:
    found = [conversion(source, target, context) is not None for context in CastContext]
    assert found == [implicit, assignment, explicit]


def test_unknown_converts_to_everything() -> None:
    assert all(can_convert(UNKNOWN.oid, oid) for oid in (INT4.oid, TEXT_ARRAY, VECTOR.oid, JSON.oid))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((INT4, FLOAT8), FLOAT8),
        ((INT4, NUMERIC), NUMERIC),
        ((NUMERIC, INT4), NUMERIC),
        ((FLOAT4, INT8), FLOAT4),
        ((INT2, UNKNOWN), INT2),
        ((UNKNOWN, UNKNOWN), TEXT),
        ((DATE, TIMESTAMPTZ), TIMESTAMPTZ),
        ((TEXT, VARCHAR), TEXT),
        ((VARCHAR, VARCHAR), VARCHAR),
        ((INT4, TEXT), None),
        ((INT4, BOOL), None),
    ],
)
def test_common_types(types: tuple[SqlType, ...], expected: SqlType | None) -> None:
    found = common_type([t.oid for t in types])
    assert found == (expected.oid if expected else None)


def test_polymorphic_types_agree() -> None:
    match = resolve_polymorphic([INT4_ARRAY, INT4.oid], [ANYARRAY, ANYELEMENT])
    assert match is not None
    assert (match.concrete(ANYELEMENT), match.concrete(ANYARRAY)) == (INT4.oid, INT4_ARRAY)
    assert resolve_polymorphic([INT4_ARRAY, TEXT.oid], [ANYARRAY, ANYELEMENT]) is None
    assert resolve_polymorphic([UNKNOWN.oid], [ANYELEMENT]) is None
    assert resolve_polymorphic([UNKNOWN.oid], [ANYELEMENT], lenient=True) is not None


def test_compatible_types_widen() -> None:
    match = resolve_polymorphic([INT4_ARRAY, NUMERIC.oid], [ANYCOMPATIBLEARRAY, ANYCOMPATIBLE])
    assert match is not None
    assert (match.concrete(ANYCOMPATIBLE), match.concrete(ANYCOMPATIBLEARRAY)) == (NUMERIC.oid, 1231)
    assert resolve_polymorphic([INT4_ARRAY, TEXT.oid], [ANYCOMPATIBLEARRAY, ANYCOMPATIBLE]) is None


def test_names_in_messages() -> None:
    assert type_name(SqlType(1042, 9)) == "character"
    assert type_name(SqlType(1009)) == "text[]"
