"""jsonpath: read and printed by the planner, stored as text that reads back as the same path.

The binary form is a version byte 1 and the text. https://www.postgresql.org/docs/16/datatype-json.html#DATATYPE-JSONPATH
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation.errors import InternalError
from foundation.sqltypes import JSONPATH
from planner.functions.json_path.printer import displayed_json_path, stored_json_path
from sqlfront.types.codec import Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.text import decode_utf8, invalid_bytes

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

JSONPATH_VERSION = b"\1"


class JsonPathCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> str:
        if "\0" in text:
            raise invalid_bytes(b"\0")
        return stored_json_path(text)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return displayed_json_path(str(value))

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        if not data:
            raise InsufficientData("no data left in message")
        if data[:1] != JSONPATH_VERSION:
            raise InternalError(f"unsupported jsonpath version number: {data[0]}")
        return stored_json_path(decode_utf8(data[1:]))

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return JSONPATH_VERSION + displayed_json_path(str(value)).encode("utf-8")


def register(types: TypeRegistry) -> None:
    types.add(JSONPATH.oid, JsonPathCodec)
