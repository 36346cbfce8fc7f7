"""The codecs as the planner asks for them: `planner.services.Codecs` over the types of this package."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foundation.sqltypes import SqlType
from sqlfront.types.context import DEFAULT_CONTEXT, CodecContext
from sqlfront.types.conversion import parse_text_array, text_array
from sqlfront.types.records import RecordCodec
from sqlfront.types.registry import codec_for
from sqlfront.types.typmod import coerce_typmod


class PostgresCodecs:
    """Implements `planner.services.Codecs`."""

    def __init__(self, context: CodecContext) -> None:
        self._context = context

    def to_text(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        return text_array(column, sql_type, self._context)

    def from_text(self, strings: pa.Array, sql_type: SqlType) -> pa.Array:
        return parse_text_array(strings, sql_type, self._context)

    def to_binary(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        return codec_for(sql_type).binary_column(column, self._context).cast(pa.binary())

    def record_fields(self, records: pa.Array, sql_type: SqlType) -> list[pa.Array]:
        return self._record_codec(sql_type).fields(records, self._context)

    def joined_record(self, fields: Sequence[pa.Array], sql_type: SqlType, row_count: int) -> pa.Array:
        return self._record_codec(sql_type).joined(fields, row_count, DEFAULT_CONTEXT)

    def _record_codec(self, sql_type: SqlType) -> RecordCodec:
        codec = codec_for(sql_type)
        assert isinstance(codec, RecordCodec), "a row type whose fields are known"
        return codec

    def coerce_typmod(
        self, column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool
    ) -> pa.Array:
        return coerce_typmod(column, source, target, explicit=explicit)
