"""Goal: type descriptors say what PostgreSQL says. Method: its format_type() answers, and Arrow round trips."""

import pyarrow as pa
import pytest

from foundation import sqltypes
from foundation.sqltypes import SqlType, arrow_type, format_type, numeric_precision_scale, numeric_typmod


@pytest.mark.parametrize(
    ("oid", "typmod", "shown"),
    [
        (23, -1, "integer"),
        (1043, 24, "character varying(20)"),
        (1042, 5, "character(1)"),
        (1042, -1, "bpchar"),
        (1700, numeric_typmod(10, 2), "numeric(10,2)"),
        (1231, numeric_typmod(10, 2), "numeric(10,2)[]"),
        (1114, 3, "timestamp(3) without time zone"),
        (16385, 384, "vector(384)"),
        (16386, -1, "vector[]"),
        (18, -1, '"char"'),
        (1560, 8, "bit(8)"),
        (999999, -1, "???"),
    ],
)
def test_format_type(oid: int, typmod: int, shown: str) -> None:
    assert format_type(SqlType(oid, typmod)) == shown


@pytest.mark.parametrize(("precision", "scale"), [(10, 2), (38, 0), (5, -3), (1000, 1000)])
def test_numeric_typmods_round_trip(precision: int, scale: int) -> None:
    assert numeric_precision_scale(numeric_typmod(precision, scale)) == (precision, scale)


def test_every_type_is_stored_by_an_arrow_type() -> None:
    for oid in sqltypes.TYPES:
        assert isinstance(arrow_type(SqlType(oid)), pa.DataType), oid


def test_array_types_point_at_their_elements() -> None:
    for info in sqltypes.TYPES.values():
        if info.array_oid:
            assert sqltypes.TYPES[info.array_oid].element_oid == info.oid
    element = sqltypes.element_type(SqlType(1007))
    assert element == sqltypes.INT4
    assert sqltypes.array_type(sqltypes.INT4) == SqlType(1007)
    assert sqltypes.element_type(sqltypes.INT4) is None


def test_vectors_are_contiguous_lists() -> None:
    assert arrow_type(SqlType(16385, 3)) == pa.list_(pa.float32(), 3)
    assert arrow_type(SqlType(16387, 3)) == pa.list_(pa.float16(), 3)
    assert arrow_type(SqlType(1700, numeric_typmod(39, 2))) == pa.utf8()
