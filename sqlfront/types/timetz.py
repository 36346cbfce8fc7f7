"""timetz: a time of day in a zone; `04:05:06-08`, and in binary int64 microseconds and int32 seconds west.

A value is the stored form, 12 bytes (`foundation.timetz`).
"""

from __future__ import annotations

import struct
import time as clock
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DatetimeFieldOverflow, InvalidDatetimeFormat, InvalidTimeZoneDisplacement
from foundation.sqltypes import TIMETZ
from foundation.timetz import pack_timetz, timetz_parts, unpack_timetz
from sqlfront.types.calendar import DAY_US, SECOND_US
from sqlfront.types.codec import Codec, check_width
from sqlfront.types.columns import fixed_cells, mask_of
from sqlfront.types.context import CodecContext
from sqlfront.types.datetime_input import read_clock
from sqlfront.types.datetime_text import clock_text, time_texts
from sqlfront.types.time_zones import local_offset, offset_text, session_zone, utc_offset

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_WIRE = struct.Struct("!qi")
_WIRE_COLUMN = np.dtype([("local_us", ">i8"), ("west_s", ">i4")])
_DISPLACEMENT_MAX_S = 16 * 3600
"""PostgreSQL's limit of zone displacements (MAX_TZDISP_HOUR), exclusive."""


class TimetzCodec(Codec):
    binary_bytes = 12

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        reading = read_clock(text, context, self.type_name)
        zone = reading.zone
        if isinstance(zone, int):
            return pack_timetz(reading.clock_us, -zone)
        if zone is UTC:
            return pack_timetz(reading.clock_us, 0)
        if zone is not None and reading.days is None and not _is_fixed(zone):
            # Whether it is summer there depends on the day, which the text does not say.
            raise InvalidDatetimeFormat(f'invalid input syntax for type {self.type_name}: "{text}"')
        if zone is None:
            zone = session_zone(context.time_zone)
        days = reading.days
        if days is None:
            now = clock.time_ns() // 1000
            days = (now + utc_offset(zone, now) * SECOND_US) // DAY_US
        return pack_timetz(reading.clock_us, -local_offset(zone, days * DAY_US + reading.clock_us))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        local_us, west_s = unpack_timetz(value)
        return clock_text(local_us) + offset_text(-west_s)

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        check_width(data, 12)
        local_us, west_s = _WIRE.unpack(data)
        if not 0 <= local_us <= DAY_US:
            raise DatetimeFieldOverflow("time out of range")
        if not -_DISPLACEMENT_MAX_S < west_s < _DISPLACEMENT_MAX_S:
            raise InvalidTimeZoneDisplacement("time zone displacement out of range")
        return pack_timetz(local_us, west_s)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return _WIRE.pack(*unpack_timetz(value))

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        local_us, west_s = timetz_parts(column)
        distinct, which = np.unique(west_s, return_inverse=True)
        zones = pa.array([offset_text(-west) for west in distinct.tolist()], pa.utf8())
        clocks = time_texts(local_us, mask_of(column))
        return pc.binary_join_element_wise(clocks, zones.take(pa.array(which.reshape(-1))), "")

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        cells = np.empty(len(column), _WIRE_COLUMN)
        cells["local_us"], cells["west_s"] = timetz_parts(column)
        return fixed_cells(cells.view(np.uint8).reshape(-1, 12), mask_of(column))


def _is_fixed(zone: Any) -> bool:
    """Whether a zone has one offset for all days."""
    return zone.utcoffset(None) is not None


def register(types: TypeRegistry) -> None:
    types.add(TIMETZ.oid, TimetzCodec)
