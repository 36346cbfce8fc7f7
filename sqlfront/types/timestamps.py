"""date, time, timestamp, timestamptz: ISO text in the session's zone; integers since 2000-01-01 in binary.

A value is a datetime object, or an int (days, or microseconds, since 1970-01-01 UTC) where Python's datetime
cannot hold it: years outside 1 to 9999, infinity (the type's largest and smallest integer), 24:00:00.
PostgreSQL's range ends at the year 294276; ours in January 294247, where int64 microseconds since 1970 end.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DatetimeFieldOverflow
from foundation.sqltypes import DATE, TIME, TIMESTAMP, TIMESTAMPTZ
from sqlfront.types import datetime_input
from sqlfront.types.calendar import DAY_US, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US, SECOND_US
from sqlfront.types.codec import Codec, check_width
from sqlfront.types.columns import array_of_numbers, cells_matrix, fixed_cells, mask_of, numbers_of
from sqlfront.types.context import CodecContext
from sqlfront.types.datetime_text import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    END_PLAIN_DAY,
    FIRST_PLAIN_DAY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    clock_text,
    date_text,
    date_texts,
    time_texts,
    timestamp_text,
    timestamp_texts,
)
from sqlfront.types.time_zones import offset_text, session_zone, utc_offset, utc_offsets

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)$"
_MICROSECOND = timedelta(microseconds=1)


class _IntegerTimeCodec(Codec):
    """What the four types share: an integer that Arrow and PostgreSQL count from different days."""

    width = 8
    infinity = TIMESTAMP_INFINITY
    minus_infinity = TIMESTAMP_MINUS_INFINITY
    epoch_shift = 0
    """What Arrow's integer has over PostgreSQL's."""
    first_plain = FIRST_PLAIN_DAY * DAY_US
    end_plain = END_PLAIN_DAY * DAY_US

    def to_integer(self, value: Any) -> int:
        raise NotImplementedError

    def to_value(self, number: int) -> Any:
        raise NotImplementedError

    def parse(self, text: str, context: CodecContext) -> int:
        raise NotImplementedError

    def print(self, number: int, context: CodecContext) -> str:
        raise NotImplementedError

    def check_range(self, number: int) -> int:
        """The integer from binary input, checked. Raises DatetimeFieldOverflow (22008)."""
        return number

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(f"i{self.width}")

    def decode_text(self, text: str, context: CodecContext) -> Any:
        return self.to_value(self.parse(text, context))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return self.print(self.to_integer(value), context)

    def decode_binary(self, data: bytes, context: CodecContext) -> Any:
        check_width(data, self.width)
        return self.to_value(self._from_wire(int.from_bytes(data, "big", signed=True)))

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        number = self.to_integer(value)
        if number not in (self.infinity, self.minus_infinity):
            number -= self.epoch_shift
        return number.to_bytes(self.width, "big", signed=True)

    def _from_wire(self, number: int) -> int:
        if number in (self.infinity, self.minus_infinity):
            return number
        return self.check_range(number + self.epoch_shift)

    def values(self, column: pa.Array) -> list[Any]:
        # Integers: to_pylist() of the column itself would fail beyond the year 9999.
        integers = pa.int32() if self.width == 4 else pa.int64()
        numbers: list[Any] = column.view(integers).to_pylist()
        return numbers

    def python_values(self, column: pa.Array) -> list[Any]:
        return [None if number is None else self.to_value(number) for number in self.values(column)]

    def array(self, values: list[Any]) -> pa.Array:
        integers = pa.int32() if self.width == 4 else pa.int64()
        numbers = [None if v is None else self.to_integer(v) for v in values]
        return pa.array(numbers, integers).view(self.arrow_type)

    def integers(self, column: pa.Array) -> npt.NDArray[np.int64]:
        return numbers_of(column, self.dtype).astype(np.int64, copy=False)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        texts = self.plain_texts(self.integers(column), column, context)
        return super().text_column(column, context) if texts is None else texts

    def plain_texts(
        self, integers: npt.NDArray[np.int64], column: pa.Array, context: CodecContext
    ) -> pa.Array | None:
        """The column's text if all its values have the common layout."""
        raise NotImplementedError

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        column = self.cast_plain(strings, context)
        if column is not None:
            integers = self.integers(column.drop_null())
            # Arrow knows a year 0; PostgreSQL does not.
            if len(integers) == 0 or integers.min() >= self.first_plain:
                return column
        return super().parse_text_column(strings, context)

    def cast_plain(self, strings: pa.Array, context: CodecContext) -> pa.Array | None:
        """The column read by Arrow, None when something in it is not plain ISO 8601."""
        try:
            return pc.cast(strings, self.arrow_type)
        except pa.ArrowInvalid:
            return None

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        numbers = numbers_of(column, self.dtype)
        if self.epoch_shift:
            finite = (numbers != self.infinity) & (numbers != self.minus_infinity)
            numbers = np.where(finite, numbers - self.dtype.type(self.epoch_shift), numbers)
        swapped = numbers.astype(self.dtype.newbyteorder(">"))
        return fixed_cells(swapped.view(np.uint8).reshape(-1, self.width), mask_of(column))

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(cells, self.width)
        if matrix is None:
            return super().parse_binary_column(cells, context)
        wire = np.ascontiguousarray(matrix).view(self.dtype.newbyteorder(">"))[:, 0].astype(np.int64)
        if len(wire) and not self.first_plain - self.epoch_shift <= wire.min() <= wire.max() < (
            self.end_plain - self.epoch_shift
        ):
            return super().parse_binary_column(cells, context)
        numbers = (wire + self.epoch_shift).astype(self.dtype)
        return array_of_numbers(numbers, self.arrow_type, mask_of(cells))


class DateCodec(_IntegerTimeCodec):
    width = 4
    infinity = DATE_INFINITY
    minus_infinity = DATE_MINUS_INFINITY
    epoch_shift = POSTGRES_EPOCH_DAYS
    first_plain = FIRST_PLAIN_DAY
    end_plain = END_PLAIN_DAY

    def to_integer(self, value: Any) -> int:
        return value.toordinal() - 719_163 if isinstance(value, date) else int(value)

    def to_value(self, number: int) -> Any:
        if FIRST_PLAIN_DAY <= number < END_PLAIN_DAY:
            return date.fromordinal(number + 719_163)
        return number

    def parse(self, text: str, context: CodecContext) -> int:
        return datetime_input.parse_date(text, context)

    def print(self, number: int, context: CodecContext) -> str:
        return date_text(number)

    def check_range(self, number: int) -> int:
        if not datetime_input.FIRST_DAY <= number < datetime_input.END_DAY:
            raise DatetimeFieldOverflow("date out of range")
        return number

    def plain_texts(
        self, integers: npt.NDArray[np.int64], column: pa.Array, context: CodecContext
    ) -> pa.Array | None:
        return date_texts(integers, mask_of(column))


class TimeCodec(_IntegerTimeCodec):
    first_plain = 0
    end_plain = DAY_US + 1

    def to_integer(self, value: Any) -> int:
        if isinstance(value, time):
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return seconds * SECOND_US + value.microsecond
        return int(value)

    def to_value(self, number: int) -> Any:
        if number >= DAY_US:
            return number
        return (_EPOCH + timedelta(microseconds=number)).time()

    def parse(self, text: str, context: CodecContext) -> int:
        return datetime_input.parse_time(text, context)

    def print(self, number: int, context: CodecContext) -> str:
        return clock_text(number)

    def check_range(self, number: int) -> int:
        if not 0 <= number <= DAY_US:
            raise DatetimeFieldOverflow("time out of range")
        return number

    def _from_wire(self, number: int) -> int:
        return self.check_range(number)

    def cast_plain(self, strings: pa.Array, context: CodecContext) -> pa.Array | None:
        # Arrow has no cast to a time of day, and reads a bare hour as one.
        if pc.all(pc.match_substring(strings, ":")).as_py() is False:
            return None
        stamps = pc.binary_join_element_wise("1970-01-01", strings, " ")
        try:
            return pc.cast(stamps, pa.timestamp("us")).view(pa.int64()).view(self.arrow_type)
        except pa.ArrowInvalid:
            return None

    def plain_texts(
        self, integers: npt.NDArray[np.int64], column: pa.Array, context: CodecContext
    ) -> pa.Array | None:
        return time_texts(integers, mask_of(column))


class TimestampCodec(_IntegerTimeCodec):
    epoch_shift = POSTGRES_EPOCH_US

    def to_integer(self, value: Any) -> int:
        return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else int(value)

    def to_value(self, number: int) -> Any:
        if self.first_plain <= number < self.end_plain:
            return _EPOCH + timedelta(microseconds=number)
        return number

    def parse(self, text: str, context: CodecContext) -> int:
        return datetime_input.parse_timestamp(text, context)

    def print(self, number: int, context: CodecContext) -> str:
        return timestamp_text(number)

    def check_range(self, number: int) -> int:
        if not datetime_input.FIRST_US <= number < datetime_input.END_US:
            raise DatetimeFieldOverflow("timestamp out of range")
        return number

    def plain_texts(
        self, integers: npt.NDArray[np.int64], column: pa.Array, context: CodecContext
    ) -> pa.Array | None:
        return timestamp_texts(integers, mask_of(column))


class TimestamptzCodec(TimestampCodec):
    def to_integer(self, value: Any) -> int:
        return (value - _EPOCH_UTC) // _MICROSECOND if isinstance(value, datetime) else int(value)

    def to_value(self, number: int) -> Any:
        if self.first_plain <= number < self.end_plain:
            return _EPOCH_UTC + timedelta(microseconds=number)
        return number

    def parse(self, text: str, context: CodecContext) -> int:
        return datetime_input.parse_timestamptz(text, context)

    def cast_plain(self, strings: pa.Array, context: CodecContext) -> pa.Array | None:
        # Arrow takes offsets of up to 24 hours, PostgreSQL less than 16.
        if pc.all(pc.match_substring_regex(strings, _PLAIN_ZONE)).as_py() is False:
            return None
        return super().cast_plain(strings, context)

    def print(self, number: int, context: CodecContext) -> str:
        if number in (self.infinity, self.minus_infinity):
            return timestamp_text(number)
        offset = utc_offset(session_zone(context.time_zone), number)
        return timestamp_text(number + offset * SECOND_US, offset_text(offset))

    def plain_texts(
        self, integers: npt.NDArray[np.int64], column: pa.Array, context: CodecContext
    ) -> pa.Array | None:
        valid = mask_of(column)
        if valid is not None:
            integers = np.where(valid, integers, 0)
        if len(integers) and not self.first_plain + DAY_US <= integers.min() <= integers.max() < (
            self.end_plain - DAY_US
        ):
            return None
        offsets = utc_offsets(session_zone(context.time_zone), integers)
        texts = timestamp_texts(integers + offsets * SECOND_US, valid)
        distinct, which = np.unique(offsets, return_inverse=True)
        suffixes = pa.array([offset_text(offset) for offset in distinct.tolist()], pa.utf8())
        return pc.binary_join_element_wise(texts, suffixes.take(pa.array(which)), "")


def register(types: TypeRegistry) -> None:
    types.add(DATE.oid, DateCodec)
    types.add(TIME.oid, TimeCodec)
    types.add(TIMESTAMP.oid, TimestampCodec)
    types.add(TIMESTAMPTZ.oid, TimestamptzCodec)
