"""Which codec serves which OID. Families add themselves; `codec_for` hands out one codec per type."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from foundation.enum_types import is_enum
from foundation.errors import FeatureNotSupported
from foundation.row_types import row_shape
from foundation.sqltypes import RECORD, TYPES, SqlType, is_shaped, plain_oid, plain_type
from sqlfront.types import (
    bits,
    boolean,
    bytea,
    enums,
    floats,
    integers,
    intervals,
    json_paths,
    json_types,
    lists,
    money,
    network,
    numeric,
    oids,
    ranges,
    records,
    shaped_lists,
    sparse,
    text,
    text_search,
    timestamps,
    timetz,
    uuids,
    vectors,
)
from sqlfront.types.codec import Codec

_FAMILIES = (
    boolean, integers, floats, numeric, text, bytea, timestamps, timetz, intervals, uuids, json_types, json_paths, bits, oids,
    vectors, sparse, network, money, ranges, text_search,
)  # fmt: skip


class TypeRegistry:
    """Codec classes by type OID."""

    def __init__(self) -> None:
        self._factories: dict[int, Callable[[SqlType], Codec]] = {}

    def add(self, oid: int, factory: Callable[[SqlType], Codec]) -> None:
        assert oid not in self._factories, f"two codecs for type {oid}"
        self._factories[oid] = factory

    def codec(self, sql_type: SqlType) -> Codec:
        """The codec of a type.

        Raises:
            FeatureNotSupported: 0A000, the type has no text or binary form.
        """
        factory = self._factories.get(sql_type.oid)
        if factory is not None and row_shape(sql_type) is None:
            return factory(sql_type)
        if is_enum(sql_type.oid):
            return enums.EnumCodec(sql_type)
        if row_shape(sql_type) is not None:
            return records.RecordCodec(sql_type, codec_for)
        plain = plain_type(sql_type)
        info = TYPES.get(plain.oid)
        if info is not None and info.element_oid:
            element = codec_for(SqlType(info.element_oid, sql_type.typmod))
            if is_shaped(sql_type):
                return shaped_lists.ShapedListCodec(sql_type, plain, element)
            return lists.list_codec(sql_type, element)
        name = info.sql_name if info else f"with OID {sql_type.oid}"
        raise FeatureNotSupported(f"no input or output function available for type {name}")


_TYPES = TypeRegistry()
for _family in _FAMILIES:
    _family.register(_TYPES)


_OF_RECORDS = (RECORD.oid, TYPES[RECORD.oid].array_oid)


@lru_cache(maxsize=512)
def codec_for(sql_type: SqlType) -> Codec:
    """The one codec of a type; the type modifier plays no part but for records and arrays of them, whose fields it tells.

    Raises:
        FeatureNotSupported: 0A000, the type has no text or binary form.
    """
    return _TYPES.codec(sql_type if plain_oid(sql_type.oid) in _OF_RECORDS else sql_type.without_typmod())
