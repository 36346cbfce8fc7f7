"""SQL type descriptors: what every package knows of a PostgreSQL type, and which Arrow type stores it.

A value's type is a `SqlType` (OID, typmod), in the catalog, in every node of the bound tree and on the wire.
`TypeInfo` is the row of pg_type that goes with an OID. Codecs (text and binary forms) are `sqlfront`'s.

Storage forms that are not obvious:
  numeric(p, s), p <= 38   decimal128(p, s)
  numeric without typmod   utf8 in PostgreSQL's canonical text ('1.50' keeps its scale, 'NaN', 'Infinity')
  char(n)                  utf8, blank-padded to n characters
  timestamptz              timestamp[us, UTC]; date date32; 'infinity' is the type's largest and smallest value
  timetz                   fixed_size_binary(12), whose order is the type's (foundation/timetz.py)
  uuid                     fixed_size_binary(16)
  inet, cidr               binary, whose order is the types' (foundation/network.py)
  money                    int64, in hundredths
  macaddr, macaddr8        fixed_size_binary(6) and (8)
  ranges, multiranges      binary, whose order is the types' (foundation/ranges.py); numrange and nummultirange have
                           display scales behind it
  tsvector, tsquery        binary (planner/text_search/tsvectors.py, tsqueries.py); the order of tsvector's is the type's
  jsonb                    utf8 in PostgreSQL's canonical jsonb text; json utf8 as it was given
  jsonpath                 utf8, a canonical text that reads back as the same path
  bit, varbit              binary in the wire form: int32 big-endian bit length, then bytes, first bit highest
  vector(n), halfvec(n),   fixed_size_list of n float32, float16, int8, and uint16, which are the upper halves of
  int8vec(n), bf16vec(n)   float32; without typmod a list of them (foundation/vector_elements.py)
  sparsevec                binary in the wire form: big-endian int32 dimensions, int32 count, int32 zero, the int32
                           indexes from 0 in ascending order, then their float32 values, none of them zero
  arrays                   list<element>, one dimension, lower bound 1; where values may have others,
                           struct<items: list<element>, shape: list<int32>> (foundation/shaped_arrays.py)
  enum                     int64, the position of the label (`foundation.enum_types`)
  composite, record        utf8, the text of the row (`foundation.row_types`)
  oid, regclass ...        uint32 in catalog relations; "char" and name are utf8
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pyarrow as pa

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class SqlType:
    """A PostgreSQL type as an expression or column has it. `typmod` is PostgreSQL's encoding, -1 = none.

    A value of a domain has the OID and typmod of the type below all domains, and the domain's own OID beside them: what
    works on values need not know of domains.
    """

    oid: int
    typmod: int = -1
    domain_oid: int = 0

    def without_typmod(self) -> SqlType:
        """The type alone, no domain either."""
        return self if self.typmod == -1 and not self.domain_oid else SqlType(self.oid)

    def without_domain(self) -> SqlType:
        return SqlType(self.oid, self.typmod) if self.domain_oid else self


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """A row of pg_type.

    `name` is pg_type.typname; `sql_name` is what format_type() prints; `length` is typlen (-1 varlena,
    -2 C string); `category` and `is_preferred` steer operator resolution as in PostgreSQL
    (https://www.postgresql.org/docs/15/typeconv.html); `element_oid` is non-zero for array types.
    """

    oid: int
    name: str
    sql_name: str
    length: int
    category: str
    is_preferred: bool = False
    array_oid: int = 0
    element_oid: int = 0
    schema: str = "pg_catalog"


BOOL = SqlType(16)
BYTEA = SqlType(17)
CHAR = SqlType(18)
NAME = SqlType(19)
INT8 = SqlType(20)
INT2 = SqlType(21)
INT2VECTOR = SqlType(22)
INT4 = SqlType(23)
REGPROC = SqlType(24)
TEXT = SqlType(25)
OID = SqlType(26)
TID = SqlType(27)
XID = SqlType(28)
CID = SqlType(29)
OIDVECTOR = SqlType(30)
JSON = SqlType(114)
PG_NODE_TREE = SqlType(194)
FLOAT4 = SqlType(700)
FLOAT8 = SqlType(701)
CIDR = SqlType(650)
INET = SqlType(869)
MACADDR = SqlType(829)
MACADDR8 = SqlType(774)
MONEY = SqlType(790)
UNKNOWN = SqlType(705)
ACLITEM = SqlType(1033)
BPCHAR = SqlType(1042)
VARCHAR = SqlType(1043)
DATE = SqlType(1082)
TIME = SqlType(1083)
TIMESTAMP = SqlType(1114)
TIMESTAMPTZ = SqlType(1184)
INTERVAL = SqlType(1186)
TIMETZ = SqlType(1266)
BIT = SqlType(1560)
VARBIT = SqlType(1562)
NUMERIC = SqlType(1700)
REGPROCEDURE = SqlType(2202)
REGOPER = SqlType(2203)
REGOPERATOR = SqlType(2204)
REGCLASS = SqlType(2205)
REGTYPE = SqlType(2206)
RECORD = SqlType(2249)
CSTRING = SqlType(2275)
VOID = SqlType(2278)
UUID = SqlType(2950)
TSVECTOR = SqlType(3614)
TSQUERY = SqlType(3615)
REGCONFIG = SqlType(3734)
REGDICTIONARY = SqlType(3769)
JSONB = SqlType(3802)
JSONPATH = SqlType(4072)
REGROLE = SqlType(4096)
REGNAMESPACE = SqlType(4089)
INT4RANGE = SqlType(3904)
NUMRANGE = SqlType(3906)
TSRANGE = SqlType(3908)
TSTZRANGE = SqlType(3910)
DATERANGE = SqlType(3912)
INT8RANGE = SqlType(3926)
INT4MULTIRANGE = SqlType(4451)
NUMMULTIRANGE = SqlType(4532)
TSMULTIRANGE = SqlType(4533)
TSTZMULTIRANGE = SqlType(4534)
DATEMULTIRANGE = SqlType(4535)
INT8MULTIRANGE = SqlType(4536)
VECTOR = SqlType(16385)
VECTOR_ARRAY = SqlType(16386)
HALFVEC = SqlType(16387)
HALFVEC_ARRAY = SqlType(16388)
SPARSEVEC = SqlType(16389)
INT8VEC = SqlType(16391)
INT8VEC_ARRAY = SqlType(16392)
BF16VEC = SqlType(16393)
BF16VEC_ARRAY = SqlType(16394)

DENSE_VECTOR_TYPES = (VECTOR, HALFVEC, INT8VEC, BF16VEC)
"""Types whose values are lists of numbers."""

VECTOR_TYPES = (*DENSE_VECTOR_TYPES, SPARSEVEC)
"""pgvector's types, and those made like its halfvec."""

EXTENSION_SCHEMA = "public"
"""Where the extension `vector` has its types, functions, operators and operator classes."""

FIRST_USER_OID = 20000
"""OIDs of user objects start here; below are PostgreSQL's own and those of the bundled extension."""

NUMERIC_PRECISION_DECIMAL128 = 38

SHAPED = 1 << 31
"""The bit of an array type's OID that says: values may have any number of dimensions and any bounds. No client sees it."""

BYTE_ORDERED = frozenset((
    TIMETZ.oid, INET.oid, CIDR.oid, MACADDR.oid, MACADDR8.oid, INT4RANGE.oid, TSRANGE.oid, TSTZRANGE.oid, DATERANGE.oid,
    INT8RANGE.oid, INT4MULTIRANGE.oid, TSMULTIRANGE.oid, TSTZMULTIRANGE.oid, DATEMULTIRANGE.oid, INT8MULTIRANGE.oid,
    TSVECTOR.oid,
))  # fmt: skip
"""Types stored as bytes in a form of our own, in which SQL's equality is that of the bytes and SQL's order is theirs."""


def _scalars() -> list[TypeInfo]:
    return [
        TypeInfo(16, "bool", "boolean", 1, "B", True, 1000),
        TypeInfo(17, "bytea", "bytea", -1, "U", False, 1001),
        TypeInfo(18, "char", '"char"', 1, "Z", False, 1002),
        TypeInfo(19, "name", "name", 64, "S", False, 1003),
        TypeInfo(20, "int8", "bigint", 8, "N", False, 1016),
        TypeInfo(21, "int2", "smallint", 2, "N", False, 1005),
        TypeInfo(22, "int2vector", "int2vector", -1, "A", False, 1006, 21),
        TypeInfo(23, "int4", "integer", 4, "N", False, 1007),
        TypeInfo(24, "regproc", "regproc", 4, "N", False, 1008),
        TypeInfo(25, "text", "text", -1, "S", True, 1009),
        TypeInfo(26, "oid", "oid", 4, "N", True, 1028),
        TypeInfo(27, "tid", "tid", 6, "U", False, 1010),
        TypeInfo(28, "xid", "xid", 4, "U", False, 1011),
        TypeInfo(29, "cid", "cid", 4, "U", False, 1012),
        TypeInfo(30, "oidvector", "oidvector", -1, "A", False, 1013, 26),
        TypeInfo(114, "json", "json", -1, "U", False, 199),
        TypeInfo(194, "pg_node_tree", "pg_node_tree", -1, "Z"),
        TypeInfo(700, "float4", "real", 4, "N", False, 1021),
        TypeInfo(701, "float8", "double precision", 8, "N", True, 1022),
        TypeInfo(705, "unknown", "unknown", -2, "X"),
        TypeInfo(1033, "aclitem", "aclitem", 12, "U", False, 1034),
        TypeInfo(1042, "bpchar", "character", -1, "S", False, 1014),
        TypeInfo(1043, "varchar", "character varying", -1, "S", False, 1015),
        TypeInfo(1082, "date", "date", 4, "D", False, 1182),
        TypeInfo(1083, "time", "time without time zone", 8, "D", False, 1183),
        TypeInfo(1114, "timestamp", "timestamp without time zone", 8, "D", False, 1115),
        TypeInfo(1184, "timestamptz", "timestamp with time zone", 8, "D", True, 1185),
        TypeInfo(1186, "interval", "interval", 16, "T", True, 1187),
        TypeInfo(1560, "bit", "bit", -1, "V", False, 1561),
        TypeInfo(1562, "varbit", "bit varying", -1, "V", True, 1563),
        TypeInfo(1700, "numeric", "numeric", -1, "N", False, 1231),
        TypeInfo(2202, "regprocedure", "regprocedure", 4, "N", False, 2207),
        TypeInfo(2203, "regoper", "regoper", 4, "N", False, 2208),
        TypeInfo(2204, "regoperator", "regoperator", 4, "N", False, 2209),
        TypeInfo(2205, "regclass", "regclass", 4, "N", False, 2210),
        TypeInfo(2206, "regtype", "regtype", 4, "N", False, 2211),
        TypeInfo(2249, "record", "record", -1, "P", False, 2287),
        TypeInfo(2275, "cstring", "cstring", -2, "P", False, 1263),
        TypeInfo(2278, "void", "void", 4, "P"),
        TypeInfo(2950, "uuid", "uuid", 16, "U", False, 2951),
        TypeInfo(3802, "jsonb", "jsonb", -1, "U", False, 3807),
        TypeInfo(4072, "jsonpath", "jsonpath", -1, "U", False, 4073),
        TypeInfo(4089, "regnamespace", "regnamespace", 4, "N", False, 4090),
        TypeInfo(4096, "regrole", "regrole", 4, "N", False, 4097),
        TypeInfo(16385, "vector", "vector", -1, "U", False, 16386, schema=EXTENSION_SCHEMA),
        TypeInfo(16387, "halfvec", "halfvec", -1, "U", False, 16388, schema=EXTENSION_SCHEMA),
        TypeInfo(16389, "sparsevec", "sparsevec", -1, "U", False, 16390, schema=EXTENSION_SCHEMA),
    ]


def _further_scalars() -> list[TypeInfo]:
    return [
        TypeInfo(650, "cidr", "cidr", -1, "I", False, 651),
        TypeInfo(774, "macaddr8", "macaddr8", 8, "U", False, 775),
        TypeInfo(790, "money", "money", 8, "N", False, 791),
        TypeInfo(829, "macaddr", "macaddr", 6, "U", False, 1040),
        TypeInfo(869, "inet", "inet", -1, "I", True, 1041),
        TypeInfo(1266, "timetz", "time with time zone", 12, "D", False, 1270),
        TypeInfo(3614, "tsvector", "tsvector", -1, "U", False, 3643),
        TypeInfo(3615, "tsquery", "tsquery", -1, "U", False, 3645),
        TypeInfo(3734, "regconfig", "regconfig", 4, "N", False, 3735),
        TypeInfo(3769, "regdictionary", "regdictionary", 4, "N", False, 3770),
        TypeInfo(16391, "int8vec", "int8vec", -1, "U", False, 16392, schema=EXTENSION_SCHEMA),
        TypeInfo(16393, "bf16vec", "bf16vec", -1, "U", False, 16394, schema=EXTENSION_SCHEMA),
    ]


def _ranges() -> list[TypeInfo]:
    names = (
        (3904, 3905, "int4range"), (3906, 3907, "numrange"), (3908, 3909, "tsrange"), (3910, 3911, "tstzrange"),
        (3912, 3913, "daterange"), (3926, 3927, "int8range"), (4451, 6150, "int4multirange"), (4532, 6151, "nummultirange"),
        (4533, 6152, "tsmultirange"), (4534, 6153, "tstzmultirange"), (4535, 6155, "datemultirange"),
        (4536, 6157, "int8multirange"),
    )  # fmt: skip
    return [TypeInfo(oid, name, name, -1, "R", False, array_oid) for oid, array_oid, name in names]


def _with_arrays(scalars: list[TypeInfo]) -> dict[int, TypeInfo]:
    by_oid = {info.oid: info for info in scalars}
    for info in scalars:
        if info.array_oid:
            by_oid[info.array_oid] = TypeInfo(
                info.array_oid,
                "_" + info.name,
                info.sql_name + "[]",
                -1,
                "A",
                False,
                0,
                info.oid,
                info.schema,
            )
    for info in [info for info in by_oid.values() if info.name.startswith("_")]:
        by_oid[info.oid | SHAPED] = _shaped_info(info)
    return by_oid


def _shaped_info(info: TypeInfo) -> TypeInfo:
    """What is known of the shaped form of an array type: it has the names, but no elements that a list would have."""
    return replace(info, oid=info.oid | SHAPED, element_oid=0)


TYPES: dict[int, TypeInfo] = _with_arrays([*_scalars(), *_further_scalars(), *_ranges()])
"""All types by OID, arrays in both forms included; users' types too, once `register_type` got them."""

DOMAINS: dict[int, TypeInfo] = {}
"""Users' domains by OID: their names, and what their values are stored as."""

TYPES_BY_NAME: dict[str, TypeInfo] = {info.name: info for info in TYPES.values() if not info.oid & SHAPED}

PSEUDO_TYPES: dict[int, str] = {
    269: "table_am_handler", 325: "index_am_handler", 2276: "any", 2277: "anyarray", 2279: "trigger",
    2280: "language_handler", 2281: "internal", 2283: "anyelement", 2776: "anynonarray", 3115: "fdw_handler",
    3310: "tsm_handler", 3500: "anyenum", 3831: "anyrange", 3838: "event_trigger", 4537: "anymultirange",
    5077: "anycompatible", 5078: "anycompatiblearray", 5079: "anycompatiblenonarray", 5080: "anycompatiblerange",
    4538: "anycompatiblemultirange",
}  # fmt: skip
"""Types that only functions of PostgreSQL's catalogs have: no value or column is of them, but they have names."""

SQL_SPELLINGS: dict[str, int] = {
    "boolean": 16, "smallint": 21, "int": 23, "integer": 23, "bigint": 20, "real": 700, "float": 701,
    "double precision": 701, "decimal": 1700, "dec": 1700, "character": 1042, "char": 1042,
    "character varying": 1043, "bit varying": 1562, "string": 25,
    "timestamp without time zone": 1114, "timestamp with time zone": 1184,
    "time without time zone": 1083, "time with time zone": 1266,
}  # fmt: skip
"""Spellings of the grammar that are no pg_type.typname; `char` is bpchar there, `"char"` is OID 18."""

_FIXED_ARROW: dict[int, pa.DataType] = {
    16: pa.bool_(), 17: pa.binary(), 18: pa.utf8(), 19: pa.utf8(), 20: pa.int64(), 21: pa.int16(),
    23: pa.int32(), 24: pa.uint32(), 25: pa.utf8(), 26: pa.uint32(), 27: pa.utf8(), 28: pa.uint32(),
    29: pa.uint32(), 22: pa.list_(pa.int16()), 30: pa.list_(pa.uint32()), 114: pa.utf8(), 194: pa.utf8(),
    700: pa.float32(), 701: pa.float64(), 705: pa.utf8(), 1033: pa.utf8(), 1042: pa.utf8(), 1043: pa.utf8(),
    1082: pa.date32(), 1083: pa.time64("us"), 1114: pa.timestamp("us"), 1184: pa.timestamp("us", "UTC"),
    1186: pa.month_day_nano_interval(), 1266: pa.binary(12), 1560: pa.binary(), 1562: pa.binary(), 2202: pa.uint32(),
    2203: pa.uint32(), 2204: pa.uint32(), 2205: pa.uint32(), 2206: pa.uint32(), 2249: pa.utf8(), 2275: pa.utf8(), 2278: pa.utf8(),
    2950: pa.binary(16), 3802: pa.utf8(), 4072: pa.utf8(), 4089: pa.uint32(), 4096: pa.uint32(),
    3614: pa.binary(), 3615: pa.binary(), 3734: pa.uint32(), 3769: pa.uint32(),
    16389: pa.binary(), 650: pa.binary(), 774: pa.binary(8), 790: pa.int64(), 829: pa.binary(6), 869: pa.binary(),
    **{info.oid: pa.binary() for info in _ranges()},
}  # fmt: skip

_VECTOR_ELEMENTS: dict[int, pa.DataType] = {
    VECTOR.oid: pa.float32(), HALFVEC.oid: pa.float16(), INT8VEC.oid: pa.int8(), BF16VEC.oid: pa.uint16(),
}  # fmt: skip
_VECTOR_OIDS = frozenset(kind.oid for kind in VECTOR_TYPES)


def register_type(info: TypeInfo, arrow: pa.DataType | None) -> None:
    """Make a user's type known by its OID; `arrow` is what stores its values, None for an array of another type.

    Its name is not looked up here: names of users' types depend on the database and the search path.
    """
    if arrow is not None:
        _FIXED_ARROW[info.oid] = arrow
    TYPES[info.oid] = info
    if info.element_oid:
        TYPES[info.oid | SHAPED] = _shaped_info(info)


def sql_identifier(name: str) -> str:
    """A user's type as messages name it: quoted where SQL has to quote it."""
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def numeric_typmod(precision: int, scale: int) -> int:
    """PostgreSQL's typmod of numeric(precision, scale)."""
    return ((precision << 16) | (scale & 0x7FF)) + 4


def numeric_precision_scale(typmod: int) -> tuple[int, int] | None:
    """(precision, scale) of a numeric typmod, None without one. The scale is an 11-bit signed field."""
    if typmod < 4:
        return None
    value = typmod - 4
    scale = value & 0x7FF
    return value >> 16 & 0xFFFF, scale - 0x800 if scale & 0x400 else scale


def arrow_type(sql_type: SqlType) -> pa.DataType:
    """The Arrow type that stores and carries values of an SQL type (table in the module docstring)."""
    oid, typmod = sql_type.oid, sql_type.typmod
    if oid == NUMERIC.oid:
        bounds = numeric_precision_scale(typmod)
        if bounds and bounds[0] <= NUMERIC_PRECISION_DECIMAL128 and 0 <= bounds[1] <= bounds[0]:
            return pa.decimal128(*bounds)
        return pa.utf8()
    vector_element = _VECTOR_ELEMENTS.get(oid)
    if vector_element is not None:
        return pa.list_(vector_element, typmod) if typmod > 0 else pa.list_(vector_element)
    fixed = _FIXED_ARROW.get(oid)
    if fixed is not None:
        return fixed
    if oid & SHAPED:
        items = arrow_type(SqlType(oid & ~SHAPED, typmod))
        return pa.struct([("items", items), ("shape", pa.list_(pa.int32()))])
    info = TYPES[oid]
    return pa.list_(arrow_type(SqlType(info.element_oid, typmod)))


def element_type(sql_type: SqlType) -> SqlType | None:
    """The element type of an array type, None for any other type."""
    info = TYPES[sql_type.oid]
    return SqlType(info.element_oid, sql_type.typmod) if info.element_oid else None


def array_type(sql_type: SqlType) -> SqlType:
    """The array type over a type. Raises KeyError where PostgreSQL has none."""
    oid = TYPES[sql_type.oid].array_oid
    if not oid:
        raise KeyError(sql_type.oid)
    return SqlType(oid, sql_type.typmod)


def is_shaped(sql_type: SqlType) -> bool:
    """Whether values are arrays that may have any number of dimensions and any bounds."""
    return bool(sql_type.oid & SHAPED)


def shaped_type(sql_type: SqlType) -> SqlType:
    """The form of an array type whose values may have any shape."""
    return SqlType(sql_type.oid | SHAPED, sql_type.typmod)


def plain_oid(oid: int) -> int:
    """The OID by which PostgreSQL knows a type: that of the array type for both of its forms."""
    return oid & ~SHAPED


def plain_type(sql_type: SqlType) -> SqlType:
    """A type as PostgreSQL knows it: one array type where there are two forms."""
    return SqlType(sql_type.oid & ~SHAPED, sql_type.typmod) if sql_type.oid & SHAPED else sql_type


def is_vector(sql_type: SqlType) -> bool:
    """Whether values are lists of numbers: one of `DENSE_VECTOR_TYPES`, not sparsevec."""
    return sql_type.oid in _VECTOR_ELEMENTS


def is_of_vector_extension(sql_type: SqlType) -> bool:
    """Whether the type, or the element type of an array, is one of the extension's."""
    return (element_type(sql_type) or sql_type).oid in _VECTOR_OIDS


UNKNOWN_TYPE = "???"
"""What format_type() prints for an OID that no type has."""


def format_type(sql_type: SqlType) -> str:
    """What PostgreSQL's format_type(oid, typmod) prints, for example `character varying(20)`; a domain by its name."""
    if sql_type.domain_oid:
        return DOMAINS[sql_type.domain_oid].sql_name
    sql_type = plain_type(sql_type)
    info = TYPES.get(sql_type.oid)
    if info is None:
        return {"any": '"any"'}.get(name := PSEUDO_TYPES.get(sql_type.oid, UNKNOWN_TYPE), name)
    if info.element_oid and info.name.startswith("_"):
        return format_type(SqlType(info.element_oid, sql_type.typmod)) + "[]"
    typmod = sql_type.typmod
    if typmod < 0:
        return "bpchar" if info.oid == BPCHAR.oid else info.sql_name
    if info.oid in (BPCHAR.oid, VARCHAR.oid):
        return f"{info.sql_name}({typmod - 4})"
    if info.oid == NUMERIC.oid:
        bounds = numeric_precision_scale(typmod)
        return f"numeric({bounds[0]},{bounds[1]})" if bounds else info.sql_name
    if info.oid in (BIT.oid, VARBIT.oid) or info.oid in _VECTOR_OIDS:
        return f"{info.sql_name}({typmod})"
    if info.oid in (TIME.oid, TIMETZ.oid, TIMESTAMP.oid, TIMESTAMPTZ.oid):
        first, _, rest = info.sql_name.partition(" ")
        return f"{first}({typmod}) {rest}"
    if info.oid == INTERVAL.oid:
        return _interval_name(typmod)
    return info.sql_name


INTERVAL_FIELD_BITS: dict[str, int] = {
    "year": 1 << 2, "month": 1 << 1, "day": 1 << 3, "hour": 1 << 10, "minute": 1 << 11, "second": 1 << 12,
}  # fmt: skip
"""Bits of the fields in the upper half of an interval's typmod, largest field first (INTERVAL_MASK in PostgreSQL)."""
_INTERVAL_ALL_FIELDS = 0x7FFF
_INTERVAL_ANY_PRECISION = 0xFFFF


def interval_fields(typmod: int) -> tuple[str, ...]:
    """The fields that an interval type names, largest first; () for an interval of all fields."""
    mask = typmod >> 16 & _INTERVAL_ALL_FIELDS
    if typmod < 0 or mask == _INTERVAL_ALL_FIELDS:
        return ()
    return tuple(name for name, bit in INTERVAL_FIELD_BITS.items() if mask & bit)


def _interval_name(typmod: int) -> str:
    """`interval day to second(3)`."""
    fields = interval_fields(typmod)
    name = " to ".join(("interval " + fields[0], fields[-1])[: len(fields)]) if fields else "interval"
    precision = typmod & _INTERVAL_ANY_PRECISION
    return name if precision == _INTERVAL_ANY_PRECISION else f"{name}({precision})"
