"""Index families that CREATE INDEX knows, and the operator classes of each.

https://www.postgresql.org/docs/15/indexes-opclass.html; the vector classes are pgvector's.
"""

from __future__ import annotations

from dataclasses import dataclass

import vecengine
from foundation.enum_types import is_enum
from foundation.errors import DatatypeMismatch, FeatureNotSupported, UndefinedObject
from foundation.ranges import BY_MULTIRANGE, BY_RANGE
from foundation.sqltypes import (
    BIT,
    JSONB,
    TSQUERY,
    TSVECTOR,
    TYPES,
    VARBIT,
    VECTOR,
    VECTOR_TYPES,
    SqlType,
    format_type,
)
from planner.vector import key_family, key_metrics
from vecengine.choosing import AUTO

BTREE = "btree"
HASH = "hash"
"""Kept like a btree, of which it has one key, in no order that anybody sees."""
GIN, GIST, SPGIST = "gin", "gist", "spgist"
UNKEPT_FAMILIES = (GIN, GIST, SPGIST)
"""Known by name, for schemas that declare them: nothing is kept, and their operators read the rows."""
OWN_FAMILIES = (BTREE, HASH, *UNKEPT_FAMILIES)
"""Those of PostgreSQL itself."""
VECTOR_FAMILIES = tuple(vecengine.families())
UNSUPPORTED_FAMILIES = ("brin", "bm25", "bitmap", "inverted", "trie", "ngram")
"""Access methods of PostgreSQL and others that are refused by name rather than unknown."""

VECTOR_CLASSES = {
    (family, f"{TYPES[sql_type.oid].name}_{metric}_ops"): (sql_type.oid, metric)
    for family in VECTOR_FAMILIES
    for sql_type in (*VECTOR_TYPES, BIT)
    for metric in key_metrics(family, sql_type)
}
"""(family, operator class) -> (type OID, metric). Those of pgvector's types for hnsw and ivfflat are pgvector's."""

_DEFAULT_VECTOR_CLASSES = {("ivfflat", VECTOR.oid): "vector_l2_ops"}
"""(family, type OID) -> the class of a key that names none: pgvector's, which gives hnsw none."""

RANGE_CLASSES = {
    **dict.fromkeys(BY_RANGE, ("range_ops",)),
    **dict.fromkeys(BY_MULTIRANGE, ("multirange_ops",)),
}
"""Type OID -> the class of a range or multirange type, which btree, hash and gist have under one name."""

BTREE_CLASSES: dict[int, tuple[str, ...]] = {
    16: ("bool_ops",), 17: ("bytea_ops",), 18: ("char_ops",), 19: ("name_ops",), 20: ("int8_ops",),
    21: ("int2_ops",), 23: ("int4_ops",), 25: ("text_ops", "varchar_ops", "text_pattern_ops", "varchar_pattern_ops"), 26: ("oid_ops",),
    700: ("float4_ops",), 701: ("float8_ops",), 1042: ("bpchar_ops", "bpchar_pattern_ops"),
    1043: ("varchar_ops", "text_ops", "varchar_pattern_ops", "text_pattern_ops"), 1082: ("date_ops",), 650: ("inet_ops", "cidr_ops"), 774: ("macaddr8_ops",), 790: ("money_ops",), 829: ("macaddr_ops",), 869: ("inet_ops", "cidr_ops"),
    1083: ("time_ops",), 1186: ("interval_ops",), 1114: ("timestamp_ops",), 1184: ("timestamptz_ops",), 1266: ("timetz_ops",), 1560: ("bit_ops",),
    1562: ("varbit_ops",), 1700: ("numeric_ops",), 2950: ("uuid_ops",), 3802: ("jsonb_ops",), TSVECTOR.oid: ("tsvector_ops",), TSQUERY.oid: ("tsquery_ops",),
    **{sql_type.oid: (f"{TYPES[sql_type.oid].name}_ops",) for sql_type in VECTOR_TYPES},
    **RANGE_CLASSES,
}  # fmt: skip
"""Type OID -> btree operator classes that accept it, the default one first. Those of hash have the same names."""

_NOT_HASHED = frozenset(
    (790, BIT.oid, VARBIT.oid, TSVECTOR.oid, TSQUERY.oid, *(sql_type.oid for sql_type in VECTOR_TYPES))
)
"""Types that have a class for btree and none for hash."""

_NO_DEFAULT = ""
UNKEPT_CLASSES: dict[str, dict[int, tuple[str, ...]]] = {
    GIN: {JSONB.oid: ("jsonb_ops", "jsonb_path_ops"), TSVECTOR.oid: ("tsvector_ops",)},
    GIST: {
        **RANGE_CLASSES, TSVECTOR.oid: ("tsvector_ops",), TSQUERY.oid: ("tsquery_ops",), 869: (_NO_DEFAULT, "inet_ops"), 650: (_NO_DEFAULT, "inet_ops"),
    },
    SPGIST: {
        **dict.fromkeys(BY_RANGE, ("range_ops",)), 25: ("text_ops",), 1043: ("text_ops",), 869: ("inet_ops",), 650: ("inet_ops",),
    },
}  # fmt: skip
"""Family -> type OID -> its classes, the default one first; arrays have `array_ops` for gin."""

ARRAY_CLASS = "array_ops"
ENUM_CLASS = "enum_ops"


@dataclass(frozen=True, slots=True)
class ResolvedClass:
    """An operator class and, for a vector family, the metric it stands for."""

    name: str
    metric: str | None = None


def default_operator_class(sql_type: SqlType, family: str = BTREE) -> str:
    """The default btree or hash class of a type. Raises UndefinedObject (42704) when it has none."""
    if TYPES[sql_type.oid].category == "A":
        return ARRAY_CLASS
    if is_enum(sql_type.oid):
        return ENUM_CLASS
    classes = BTREE_CLASSES.get(sql_type.oid)
    if classes is None:
        raise _no_default(sql_type, family)
    return "text_ops" if sql_type.oid == 1043 else classes[0]


def resolve_class(family: str, name: str | None, sql_type: SqlType) -> ResolvedClass:
    """The operator class of an index key.

    Raises:
        UndefinedObject: 42704, unknown class, or no default one for the type.
        DatatypeMismatch: 42804, a class of another type.
        FeatureNotSupported: 0A000, bit varying, whose values have no one length.
    """
    if family in UNKEPT_FAMILIES:
        return _unkept_class(family, name, sql_type)
    if family in (BTREE, HASH):
        if family == HASH and sql_type.oid in _NOT_HASHED:
            raise _no_default(sql_type, HASH)
        if name is None:
            return ResolvedClass(default_operator_class(sql_type, family))
        return _ordered_class(family, name, sql_type)
    return _vector_class(family, name, sql_type)


def _vector_class(family: str, name: str | None, sql_type: SqlType) -> ResolvedClass:
    if name is None:
        name = _DEFAULT_VECTOR_CLASSES.get((family, sql_type.oid))
        if name is None:
            raise _no_default(sql_type, family, detail=_valid_classes(family, sql_type))
    base = name.rpartition(".")[2]
    found = VECTOR_CLASSES.get((family, base))
    if found is None:
        raise UndefinedObject(
            f'operator class "{name}" does not exist for access method "{family}"',
            hint=_valid_classes(family, sql_type),
        )
    if found[0] == BIT.oid and sql_type.oid == VARBIT.oid:
        # PostgreSQL takes the type for the class's, and pgvector refuses it.
        raise FeatureNotSupported(f"type not supported for {family} index")
    if found[0] != sql_type.oid:
        raise _wrong_type(base, sql_type, hint=_valid_classes(family, sql_type))
    return ResolvedClass(base, found[1])


def chosen_family(name: str | None, sql_type: SqlType) -> str:
    """The family of an index that is made `USING auto`, by its operator class: no access method of its own.

    Raises:
        UndefinedObject: 42704, no family has the class. DatatypeMismatch: 42804, a class of another type.
    """
    if name is None:
        raise _no_default(sql_type, AUTO, detail=_valid_classes(AUTO, sql_type))
    base = name.rpartition(".")[2]
    serving = {family: oid for (family, of), (oid, _) in VECTOR_CLASSES.items() if of == base}
    if not serving:
        raise UndefinedObject(
            f'operator class "{name}" does not exist for access method "{AUTO}"',
            hint=_valid_classes(AUTO, sql_type),
        )
    if sql_type.oid not in serving.values():
        raise _wrong_type(base, sql_type, hint=_valid_classes(AUTO, sql_type))
    return key_family(sql_type, serving)


def _valid_classes(family: str, sql_type: SqlType) -> str:
    """The sentence that names what a family has for a type."""
    shown = format_type(sql_type.without_typmod())
    of_type = [key for key, (oid, _) in VECTOR_CLASSES.items() if oid == sql_type.oid]
    valid = dict.fromkeys(name for of, name in of_type if family in (of, AUTO))
    if valid:
        return f"Operator classes of {family} for {shown}: {', '.join(valid)}."
    serving = dict.fromkeys(of for of, _ in of_type)
    methods = f"; access methods that have: {', '.join(serving)}" if serving else ""
    return f"{family} has no operator class for {shown}{methods}."


def is_default_class(family: str, name: str, sql_type: SqlType) -> bool:
    """Whether an index key needs not name its class."""
    if family in UNKEPT_FAMILIES:
        return name == _unkept_classes(family, sql_type)[0]
    if family in (BTREE, HASH):
        return default_operator_class(sql_type, family) == name
    return _DEFAULT_VECTOR_CLASSES.get((family, sql_type.oid)) == name


def _unkept_classes(family: str, sql_type: SqlType) -> tuple[str, ...]:
    if family == GIN and TYPES[sql_type.oid].category == "A":
        return (ARRAY_CLASS,)
    return UNKEPT_CLASSES[family].get(sql_type.oid, (_NO_DEFAULT,))


def _unkept_class(family: str, name: str | None, sql_type: SqlType) -> ResolvedClass:
    accepted = _unkept_classes(family, sql_type)
    base = accepted[0] if name is None else name.rpartition(".")[2]
    if not base:
        raise _no_default(sql_type, family)
    known = {name for classes in UNKEPT_CLASSES[family].values() for name in classes}
    if base not in known | ({ARRAY_CLASS} if family == GIN else set()):
        raise UndefinedObject(f'operator class "{name}" does not exist for access method "{family}"')
    if base not in accepted:
        raise _wrong_type(base, sql_type)
    return ResolvedClass(base)


def _ordered_class(family: str, name: str, sql_type: SqlType) -> ResolvedClass:
    base = name.rpartition(".")[2]
    known = {ARRAY_CLASS, ENUM_CLASS, *(item for classes in BTREE_CLASSES.values() for item in classes)}
    if base not in known:
        raise UndefinedObject(f'operator class "{name}" does not exist for access method "{family}"')
    is_array = TYPES[sql_type.oid].category == "A"
    if is_enum(sql_type.oid) and base == ENUM_CLASS:
        return ResolvedClass(base)
    accepted = (ARRAY_CLASS,) if is_array else BTREE_CLASSES.get(sql_type.oid, ())
    if base not in accepted:
        raise _wrong_type(base, sql_type)
    return ResolvedClass(base)


def _wrong_type(name: str, sql_type: SqlType, *, hint: str | None = None) -> DatatypeMismatch:
    shown = format_type(sql_type.without_typmod())
    return DatatypeMismatch(f'operator class "{name}" does not accept data type {shown}', hint=hint)


def _no_default(sql_type: SqlType, family: str, *, detail: str | None = None) -> UndefinedObject:
    shown = format_type(sql_type.without_typmod())
    return UndefinedObject(
        f'data type {shown} has no default operator class for access method "{family}"',
        detail=detail,
        hint="You must specify an operator class for the index or define a default operator class for the data type.",
    )
