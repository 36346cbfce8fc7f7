"""Which privileges the kinds of objects have, what everybody has without GRANT, and what messages call them.

https://www.postgresql.org/docs/15/ddl-priv.html; acldefault() in src/backend/utils/adt/acl.c.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.acl import NO_PRIVILEGE, PUBLIC, Acl, AclItem, Privilege
from storage.catalog import CatalogObject, ColumnRelation, Database, Schema, Sequence
from storage.function_objects import UserFunction
from storage.type_objects import UserType

P = Privilege


@dataclass(frozen=True, slots=True)
class PrivilegeKind:
    """`letter` is acldefault()'s and pg_default_acl's; `to_public` is what everybody has of a new object."""

    letter: str
    word: str
    all: Privilege
    to_public: Privilege = NO_PRIVILEGE


TABLES = PrivilegeKind(
    "r", "relation", P.INSERT | P.SELECT | P.UPDATE | P.DELETE | P.TRUNCATE | P.REFERENCES | P.TRIGGER
)
COLUMNS = PrivilegeKind("c", "column", P.INSERT | P.SELECT | P.UPDATE | P.REFERENCES)
SEQUENCES = PrivilegeKind("S", "sequence", P.SELECT | P.UPDATE | P.USAGE)
DATABASES = PrivilegeKind("d", "database", P.CREATE | P.TEMPORARY | P.CONNECT, P.TEMPORARY | P.CONNECT)
FUNCTIONS = PrivilegeKind("f", "function", P.EXECUTE, P.EXECUTE)
LANGUAGES = PrivilegeKind("l", "language", P.USAGE, P.USAGE)
SCHEMAS = PrivilegeKind("n", "schema", P.USAGE | P.CREATE)
TYPES = PrivilegeKind("T", "type", P.USAGE, P.USAGE)

_OTHERS = (
    PrivilegeKind("L", "large object", P.SELECT | P.UPDATE),
    PrivilegeKind("t", "tablespace", P.CREATE),
    PrivilegeKind("F", "foreign-data wrapper", P.USAGE),
    PrivilegeKind("p", "parameter", P.SET | P.ALTER_SYSTEM),
)
_BY_CLASS: tuple[tuple[type[CatalogObject], PrivilegeKind], ...] = (
    (ColumnRelation, TABLES), (Sequence, SEQUENCES), (Schema, SCHEMAS), (Database, DATABASES),
    (UserFunction, FUNCTIONS), (UserType, TYPES),
)  # fmt: skip

# acldefault() calls sequences s, and foreign servers S.
_ACLDEFAULT = {
    **{kind.letter: kind for kind in (TABLES, COLUMNS, DATABASES, FUNCTIONS, LANGUAGES, SCHEMAS, TYPES, *_OTHERS)},
    "c": PrivilegeKind("c", "column", NO_PRIVILEGE), "s": SEQUENCES, "S": PrivilegeKind("S", "foreign server", P.USAGE),
}  # fmt: skip


def kind_of(obj: CatalogObject) -> PrivilegeKind | None:
    """What kind of object it is to GRANT; None for one that has no privileges of its own."""
    return next((kind for cls, kind in _BY_CLASS if isinstance(obj, cls)), None)


def kind_of_letter(letter: str) -> PrivilegeKind | None:
    """The kind that acldefault() calls so."""
    return _ACLDEFAULT.get(letter)


def default_acl(kind: PrivilegeKind, owner_oid: int) -> Acl:
    """The access list of an object that nothing was granted on: all to its owner, and what everybody has."""
    public = (AclItem(PUBLIC, owner_oid, kind.to_public),) if kind.to_public else ()
    return (*public, AclItem(owner_oid, owner_oid, kind.all)) if kind.all else public


def acl_of(obj: CatalogObject) -> Acl:
    """The access list that holds for an object."""
    if obj.acl is not None:
        return obj.acl
    kind = kind_of(obj)
    return default_acl(kind, obj.owner_oid) if kind is not None else ()


def message_word(obj: CatalogObject) -> str:
    """What `permission denied for ...` calls an object."""
    return "type" if isinstance(obj, UserType) else obj.kind
