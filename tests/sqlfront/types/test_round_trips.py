"""Goal: what a codec prints it reads back, column and single value agree, whatever the values.

Method: seeded random and adversarial columns with NULLs, slices and empty ones; the functions for one value are
the oracle of the vectorised ones. No server is needed.
"""

from __future__ import annotations

import math
import random
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import (
    CharacterNotInRepertoire,
    DataException,
    FeatureNotSupported,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    QuiverError,
    StatementTooComplex,
    UndefinedTable,
)
from foundation.settings import SettingValues
from foundation.sqltypes import (
    BF16VEC,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    HALFVEC,
    INT2,
    INT4,
    INT8,
    INT8VEC,
    JSONB,
    NUMERIC,
    REGCLASS,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TYPES,
    UUID,
    VECTOR,
    SqlType,
    arrow_type,
    numeric_typmod,
)
from foundation.vector_elements import VECTOR_ELEMENTS
from sqlfront.backend import Format, ResultColumn
from sqlfront.protocol.response import DataRow
from sqlfront.types import (
    CodecContext,
    array_of_values,
    binary_array,
    coerce_typmod,
    decode_parameter,
    decode_text,
    encode_data_rows,
    encode_text,
    frame_rows,
    parse_binary_array,
    parse_text_array,
    parse_utf8_array,
    python_values,
    text_array,
)
from sqlfront.types.registry import codec_for

BFLOAT16 = VECTOR_ELEMENTS[BF16VEC.oid].dtype
CONTEXT = CodecContext()


def _random_values(sql_type: SqlType, count: int, seed: int) -> list[Any]:
    rng = random.Random(seed)
    makers: dict[int, Any] = {
        INT4.oid: lambda: rng.randrange(-(2**31), 2**31),
        INT8.oid: lambda: rng.randrange(-(2**63), 2**63) >> rng.randrange(64),
        FLOAT4.oid: lambda: struct.unpack("f", rng.randbytes(4))[0],
        FLOAT8.oid: lambda: struct.unpack("d", rng.randbytes(8))[0],
        TEXT.oid: lambda: "".join(rng.choices('aé€😀"\\{},\n NUL', k=rng.randrange(9))),
        BYTEA.oid: lambda: rng.randbytes(rng.randrange(9)),
        UUID.oid: lambda: rng.randbytes(16),
        DATE.oid: lambda: rng.choice([date(2024, 2, 29), 2**31 - 1, -(2**31), rng.randrange(-800_000, 3_000_000)]),
        TIME.oid: lambda: rng.choice([time(1, 2, 3, 4), 86_400_000_000, rng.randrange(86_400_000_000)]),
        TIMESTAMP.oid: lambda: rng.choice([datetime(2024, 1, 5), rng.randrange(-(10**17), 10**18)]),
        TIMESTAMPTZ.oid: lambda: rng.choice([datetime(2024, 1, 5, tzinfo=UTC), rng.randrange(-(10**17), 10**18)]),
        NUMERIC.oid: lambda: rng.choice(["NaN", "-Infinity", "1.50", str(rng.randrange(10**40)), "-0.0001"]),
        JSONB.oid: lambda: rng.choice(["null", '{"a": [1, 2.50]}', '"x"']),
        VECTOR.oid: lambda: np.array([rng.gauss(0, 1) * 10.0 ** rng.randrange(-9, 9) for _ in range(rng.randrange(1, 5))], np.float32),
        HALFVEC.oid: lambda: np.array([rng.gauss(0, 1) for _ in range(3)], np.float16),
        INT8VEC.oid: lambda: np.array([rng.randrange(-128, 128) for _ in range(rng.randrange(1, 5))], np.int8),
        BF16VEC.oid: lambda: np.array([rng.gauss(0, 1) * 10.0 ** rng.randrange(-9, 30) for _ in range(rng.randrange(1, 5))], BFLOAT16),
    }  # fmt: skip
    return [None if rng.random() < 0.1 else makers[sql_type.oid]() for _ in range(count)]


SCALARS = [INT4, INT8, FLOAT4, FLOAT8, TEXT, BYTEA, UUID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, NUMERIC, JSONB, VECTOR, HALFVEC, INT8VEC, BF16VEC]  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("sql_type", SCALARS, ids=[TYPES[t.oid].name for t in SCALARS])
def test_columns_agree_with_values_and_come_back(sql_type: SqlType, zone: str) -> None:
    context = CodecContext(time_zone=zone)
    codec = codec_for(sql_type)
    for seed, count in enumerate([0, 1, 3, 200]):
        values = _random_values(sql_type, count, seed)
        column = array_of_values(values, sql_type)
        assert column.type == arrow_type(sql_type)
        texts = text_array(column, sql_type, context)
        assert texts.to_pylist() == [None if v is None else encode_text(sql_type, v, context) for v in values]
        raws = binary_array(column, sql_type, context)
        assert raws.to_pylist() == [None if v is None else codec.encode_binary(v, context) for v in values]
        assert _same(parse_text_array(texts, sql_type, context), column)
        assert _same(parse_binary_array(raws.cast(pa.binary()), sql_type, context), column)
        assert _same(array_of_values(python_values(column, sql_type), sql_type), column)
        if count > 2:
            assert text_array(column.slice(1, 2), sql_type, context).equals(texts.slice(1, 2))
            assert binary_array(column.slice(1, 2), sql_type, context).to_pylist() == raws.to_pylist()[1:3]


def _same(left: pa.Array, right: pa.Array) -> bool:
    """Equal, NaN included; compared by text, which is exact."""
    return repr(left.to_pylist() if left.type.id not in _UNSAFE else left.view(_UNSAFE[left.type.id]).to_pylist()) == repr(
        right.to_pylist() if right.type.id not in _UNSAFE else right.view(_UNSAFE[right.type.id]).to_pylist()
    )  # fmt: skip


_UNSAFE = {
    pa.date32().id: pa.int32(),
    pa.time64("us").id: pa.int64(),
    pa.timestamp("us").id: pa.int64(),
}


@pytest.mark.parametrize("sql_type", SCALARS, ids=[TYPES[t.oid].name for t in SCALARS])
def test_arrays_come_back(sql_type: SqlType) -> None:
    array_type = SqlType(TYPES[sql_type.oid].array_oid)
    values = [None, [], *[_random_values(sql_type, n, n) for n in (1, 2, 5)], [None]]
    column = array_of_values(values, array_type)
    texts, raws = text_array(column, array_type, CONTEXT), binary_array(column, array_type, CONTEXT)
    codec = codec_for(array_type)
    assert texts.to_pylist() == [None if v is None else encode_text(array_type, v, CONTEXT) for v in values]
    assert raws.to_pylist() == [None if v is None else codec.encode_binary(v, CONTEXT) for v in values]
    again = parse_text_array(texts, array_type, CONTEXT)
    assert text_array(again, array_type, CONTEXT).equals(texts)
    received = parse_binary_array(raws, array_type, CONTEXT)
    assert text_array(received.slice(2), array_type, CONTEXT).equals(texts.slice(2))


@pytest.mark.parametrize("count", [0, 1, 5, 300])
@pytest.mark.parametrize("format", list(Format))
def test_data_rows_are_those_of_single_messages(count: int, format: Format) -> None:
    types = [INT8, TEXT, SqlType(VECTOR.oid, 3), FLOAT8, BYTEA]
    values = [_random_values(t, count, i) if t.oid != VECTOR.oid else [np.ones(3, np.float32)] * count for i, t in enumerate(types)]  # fmt: skip
    batch = pa.RecordBatch.from_arrays(
        [array_of_values(v, t) for v, t in zip(values, types, strict=True)], names=list("abcde")
    )
    columns = [ResultColumn(name, t) for name, t in zip("abcde", types, strict=True)]
    expected = b""
    for row in zip(*values, strict=True):
        cells = []
        for value, sql_type in zip(row, types, strict=True):
            codec = codec_for(sql_type)
            text = None if value is None else codec.encode_text(value, CONTEXT).encode()
            cells.append(
                text if format is Format.TEXT or value is None else codec.encode_binary(value, CONTEXT)
            )
        expected += DataRow(tuple(cells)).encode()
    assert encode_data_rows(batch, columns, [format] * 5, CONTEXT) == expected
    if count > 2:
        tail = encode_data_rows(batch.slice(1), columns, [format] * 5, CONTEXT)
        assert expected.endswith(tail)
    fixed = encode_data_rows(batch.select([2]), columns[2:3], [Format.BINARY], CONTEXT)
    assert len(fixed) == count * (1 + 4 + 2 + 4 + 16)


@pytest.mark.parametrize("count", [1, 7, 300])
def test_rows_of_numbers(count: int) -> None:
    types = (INT2, INT8, FLOAT4, INT4, FLOAT8)
    generator = np.random.default_rng(5)
    arrays = [
        pa.array((generator.standard_normal(count) * 1000).astype(arrow_type(kind).to_pandas_dtype()))
        for kind in types
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=[f"c{i}" for i in range(len(types))])
    columns = [ResultColumn("c", kind) for kind in types]
    cells = [codec_for(kind).binary_column(array, CONTEXT) for kind, array in zip(types, arrays)]
    expected = frame_rows(b"D", cells, count)
    assert encode_data_rows(batch, columns, [Format.BINARY] * 5, CONTEXT) == expected
    tail = encode_data_rows(batch.slice(1), columns, [Format.BINARY] * 5, CONTEXT)
    assert expected.endswith(tail) and len(tail) == len(expected) * (count - 1) // count


def test_rows_without_columns() -> None:
    batch = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    assert encode_data_rows(batch, [], [], CONTEXT) == DataRow(()).encode() * 2


def test_shortest_float_digits_at_the_border_of_an_interval() -> None:
    assert encode_text(FLOAT8, 1e23, CONTEXT) == "9.999999999999999e+22"
    assert encode_text(FLOAT4, 840559232.0, CONTEXT) == "8.4055923e+08"
    assert encode_text(FLOAT8, -0.0, CONTEXT) == "-0"
    assert math.isnan(decode_text(FLOAT8, "nan", CONTEXT))


def test_single_rounding_of_float4_text() -> None:
    # To double precision both are 1 + 1.5 * 2**-23, half-way between two singles.
    half_way = "1.000000178813934326171875"
    above, below = half_way + "0000000000000001", half_way[:-1] + "4999999999999999"
    for texts in ([above, below], [f" {above}", below]):
        column = parse_text_array(pa.array(texts), FLOAT4, CONTEXT)
        assert column.to_pylist() == [1 + 2**-22, 1 + 2**-23]


def test_vector_columns_of_one_dimension() -> None:
    target = SqlType(VECTOR.oid, 2)
    column = parse_text_array(pa.array(["[1,2]", None, "[3, 4]"]), target, CONTEXT)
    assert column.type == pa.list_(pa.float32(), 2)
    assert column.to_pylist() == [[1, 2], None, [3, 4]]
    back = coerce_typmod(column, target, VECTOR, explicit=True)
    assert back.type == pa.list_(pa.float32())
    assert back.to_pylist() == column.to_pylist()
    assert coerce_typmod(column.slice(1), target, VECTOR, explicit=True).to_pylist() == [None, [3, 4]]
    with pytest.raises(DataException, match="expected 2 dimensions, not 3"):
        parse_text_array(pa.array(["[1,2]", "[1,2,3]"]), target, CONTEXT)


def test_numeric_storage_forms() -> None:
    target = SqlType(NUMERIC.oid, numeric_typmod(12, 8))
    column = array_of_values(["1.5", Decimal("-0.000000005"), None, 7], target)
    assert column.type == pa.decimal128(12, 8)
    assert text_array(column, target, CONTEXT).to_pylist() == [
        "1.50000000",
        "-0.00000001",
        None,
        "7.00000000",
    ]
    assert coerce_typmod(column, target, NUMERIC, explicit=False).to_pylist()[1] == "-0.00000001"
    with pytest.raises(NumericValueOutOfRange, match="numeric field overflow"):
        array_of_values(["10000"], target)
    with pytest.raises(FeatureNotSupported, match=r"NaN is not supported in columns of type numeric\(12,8\)"):
        array_of_values(["NaN"], target)


def test_bytes_that_are_no_text() -> None:
    for raw, shown in (
        (b"\xff", "0xff"),
        (b"a\xc3(", "0xc3 0x28"),
        (b"x\0y", "0x00"),
        (b"\xf0\x9f", "0xf0 0x9f"),
    ):
        with pytest.raises(
            CharacterNotInRepertoire, match=f'invalid byte sequence for encoding "UTF8": {shown}$'
        ):
            decode_parameter(TEXT, Format.TEXT, raw, CONTEXT)
        with pytest.raises(CharacterNotInRepertoire, match=f"{shown}$"):
            parse_utf8_array(pa.array([b"fine", raw]), TEXT, CONTEXT)


def test_what_is_not_supported_says_so() -> None:
    for text in ("{{1},{2}}", "[0:1]={1,2}"):
        with pytest.raises(FeatureNotSupported):
            decode_text(SqlType(1007), text, CONTEXT)
    with pytest.raises(StatementTooComplex):
        decode_text(JSONB, "[" * 100_000, CONTEXT)


def test_settings_and_names() -> None:
    settings = SettingValues()
    settings.set("TimeZone", "America/New_York")
    assert encode_text(TIMESTAMPTZ, datetime(2024, 7, 5, tzinfo=UTC), settings) == "2024-07-04 20:00:00-04"
    context = CodecContext(
        reg_names=lambda type_oid, oid: "docs" if oid == 20001 else None,
        reg_oids=lambda type_oid, name: 20001 if name == "docs" else None,
    )
    column = pa.array([20001, 5, 0, None], pa.uint32())
    assert text_array(column, REGCLASS, context).to_pylist() == ["docs", "5", "-", None]
    assert decode_text(REGCLASS, "docs", context) == 20001
    with pytest.raises(UndefinedTable, match='relation "x" does not exist'):
        decode_text(REGCLASS, "x", context)


def test_the_first_bad_value_is_named() -> None:
    with pytest.raises(InvalidTextRepresentation, match='invalid input syntax for type integer: "b"'):
        parse_text_array(pa.array(["1", "b", "c"]), INT4, CONTEXT)


def test_random_bytes_end_in_a_value_or_an_error() -> None:
    rng = random.Random(3)
    for oid in TYPES:
        for _ in range(40):
            raw = rng.randbytes(rng.randrange(24))
            for format in Format:
                try:
                    decode_parameter(SqlType(oid), format, raw, CONTEXT)
                except QuiverError:
                    continue
