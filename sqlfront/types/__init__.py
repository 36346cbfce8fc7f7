"""Text and binary forms of SQL types: parameters and constants one by one, results and COPY by the column.

Python values of single parameters and constants, by type:
  bool; int (int2, int4, int8, oid and its kin, money in hundredths); float (float4, float8)
  str: text family, numeric (canonical text; Decimal is taken too), json, jsonb (canonical), tid
  bytes: bytea, uuid (16 bytes), bit and varbit (wire form), timetz, inet, cidr, macaddr, macaddr8,
    ranges and multiranges (stored form)
  date, time, datetime (naive for timestamp, aware UTC for timestamptz); int days or microseconds since
  1970-01-01 where those cannot hold the value (infinity, BC, 24:00:00); pyarrow.MonthDayNano for interval
  int: an enum, by the position of its label
  1-D array of float32, float16, int8 or bfloat16: vector, halfvec, int8vec, bf16vec; list: arrays; None: NULL
Columns are Arrow arrays as `foundation.sqltypes` describes them.
"""

from sqlfront.types.context import CodecContext, CodecSettings
from sqlfront.types.conversion import (
    array_of_values,
    binary_array,
    coerce_value,
    decode_parameter,
    decode_parameter_column,
    decode_text,
    encode_text,
    null_array,
    parse_binary_array,
    parse_text_array,
    parse_utf8_array,
    python_values,
    text_array,
)
from sqlfront.types.rows import encode_data_rows, frame_rows
from sqlfront.types.typmod import coerce_typmod

__all__ = [
    "CodecContext",
    "CodecSettings",
    "array_of_values",
    "binary_array",
    "coerce_typmod",
    "coerce_value",
    "decode_parameter",
    "decode_parameter_column",
    "decode_text",
    "encode_data_rows",
    "encode_text",
    "frame_rows",
    "null_array",
    "parse_binary_array",
    "parse_text_array",
    "parse_utf8_array",
    "python_values",
    "text_array",
]
