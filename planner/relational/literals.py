"""Values as DuckDB literals. Every literal carries its type, so DuckDB never has to guess one."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import (
    NUMERIC,
    SqlType,
    arrow_type,
    element_type,
    is_shaped,
    is_vector,
    plain_type,
)
from foundation.vector_elements import vector_numbers
from planner.relational.carriers import carrier, decimal_form
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed, quote_text

_PLAIN_NUMBER = re.compile(r"[-+]?(\d*)(?:\.(\d*))?$")
_DATE_INFINITY = 2**31 - 1
_TIMESTAMP_INFINITY = 2**63 - 1


def print_value(value: Any, sql_type: SqlType) -> Printed:
    """A Python value of `sql_type` as a literal; None prints as a typed NULL."""
    if sql_type.oid == NUMERIC.oid:
        return _numeric(value, sql_type)
    if value is None:
        return Printed(f"CAST(NULL AS {carrier(sql_type)})", sql_type)
    if is_vector(sql_type):
        return Printed(_vector(value), sql_type)
    return Printed(print_scalar(pa.array([_plain(value)], arrow_type(sql_type))[0], sql_type), sql_type)


def print_scalar(scalar: pa.Scalar, sql_type: SqlType) -> str:
    """An Arrow scalar of `arrow_type(sql_type)` as DuckDB SQL of the type's carrier."""
    if not scalar.is_valid:
        return f"CAST(NULL AS {carrier(sql_type)})"
    if is_shaped(sql_type):
        items = print_scalar(scalar["items"], plain_type(sql_type))
        return f"{{'items': {items}, 'shape': CAST({scalar['shape'].as_py()} AS INTEGER[])}}"
    element = element_type(sql_type)
    if element is not None:
        items = ", ".join(print_scalar(item, element) for item in scalar.values)
        return f"CAST([{items}] AS {carrier(sql_type)})"
    if is_vector(sql_type):
        return _vector(vector_numbers(scalar.values))
    arrow = scalar.type
    if pa.types.is_boolean(arrow):
        return "TRUE" if scalar.as_py() else "FALSE"
    if pa.types.is_integer(arrow):
        return f"CAST({scalar.as_py()} AS {carrier(sql_type)})"
    if pa.types.is_floating(arrow):
        return f"CAST('{_float_text(scalar.as_py())}' AS {carrier(sql_type)})"
    if pa.types.is_decimal(arrow):
        return f"CAST('{scalar.as_py():f}' AS {carrier(sql_type, decimal_form(sql_type))})"
    if pa.types.is_binary(arrow) or pa.types.is_fixed_size_binary(arrow):
        return f"from_hex('{scalar.as_py().hex()}')"
    if pa.types.is_string(arrow):
        return _text(scalar.as_py())
    return _temporal(scalar)


def _text(value: str) -> str:
    return f"CAST({quote_text(value)} AS VARCHAR)"


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _vector(value: Any) -> str:
    numbers = np.asarray(value, dtype=np.float32).tolist()
    return f"CAST('[{', '.join(map(repr, numbers))}]' AS FLOAT[])"


def _temporal(scalar: pa.Scalar) -> str:
    arrow = scalar.type
    if pa.types.is_date32(arrow):
        days = scalar.cast(pa.int32()).as_py()
        if days >= _DATE_INFINITY or days <= -_DATE_INFINITY:
            return f"CAST('{'-' if days < 0 else ''}infinity' AS DATE)"
        return f"CAST(CAST('1970-01-01' AS DATE) + CAST({days} AS INTEGER) AS DATE)"
    if pa.types.is_timestamp(arrow):
        name = "TIMESTAMPTZ" if arrow.tz else "TIMESTAMP"
        micros = scalar.cast(pa.int64()).as_py()
        if micros >= _TIMESTAMP_INFINITY or micros <= -_TIMESTAMP_INFINITY:
            return f"CAST('{'-' if micros < 0 else ''}infinity' AS {name})"
        return f"make_{name.lower()}(CAST({micros} AS BIGINT))"
    if pa.types.is_time64(arrow):
        return (
            f"(CAST('00:00:00' AS TIME) + to_microseconds(CAST({scalar.cast(pa.int64()).as_py()} AS BIGINT)))"
        )
    months, days, nanoseconds = scalar.as_py()
    return f"(to_months({months}) + to_days({days}) + to_microseconds(CAST({nanoseconds // 1000} AS BIGINT)))"


def numeric_literal_form(text: str) -> DecimalForm | None:
    """The decimal form of a numeric in canonical text, None when only the text form holds it."""
    match = _PLAIN_NUMBER.match(text)
    if match is None:
        return None
    digits, fraction = (match.group(1) or "").lstrip("0"), match.group(2) or ""
    precision = max(1, len(digits) + len(fraction))
    return DecimalForm(precision, len(fraction)) if precision <= DECIMAL_DIGITS_MAX else None


def _numeric(value: Any, sql_type: SqlType) -> Printed:
    form = decimal_form(sql_type)
    if value is None:
        form = form or DecimalForm(1, 0)
        return Printed(f"CAST(NULL AS {form.sql})", sql_type, form)
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    form = form or numeric_literal_form(text)
    if form is None:
        return Printed(_text(text), sql_type)
    return Printed(f"CAST('{text}' AS {form.sql})", sql_type, form)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
