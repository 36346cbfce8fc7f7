"""Access privileges as they are kept: who has been granted what by whom.

The bits are those of PostgreSQL's AclMode (src/include/nodes/parsenodes.h), their letters those of an aclitem's text
(src/include/utils/acl.h). What the lists mean is `sqlfront.privileges`' work.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import Any, NamedTuple, TypeAlias

PUBLIC = 0
"""The grantee that stands for every role."""


class Privilege(IntFlag):
    INSERT = 1 << 0
    SELECT = 1 << 1
    UPDATE = 1 << 2
    DELETE = 1 << 3
    TRUNCATE = 1 << 4
    REFERENCES = 1 << 5
    TRIGGER = 1 << 6
    EXECUTE = 1 << 7
    USAGE = 1 << 8
    CREATE = 1 << 9
    TEMPORARY = 1 << 10
    CONNECT = 1 << 11
    SET = 1 << 12
    ALTER_SYSTEM = 1 << 13


NO_PRIVILEGE = Privilege(0)


class AclItem(NamedTuple):
    """What one role has granted to another, or to `PUBLIC`; `grantable` is the part that may be passed on."""

    grantee_oid: int
    grantor_oid: int
    privileges: Privilege
    grantable: Privilege = NO_PRIVILEGE


Acl: TypeAlias = tuple[AclItem, ...]


class Membership(NamedTuple):
    """That a role is a member of `role_oid`; with `is_admin` it may make others members, too."""

    role_oid: int
    grantor_oid: int
    is_admin: bool = False


def acl_of_record(items: Iterable[Any] | None) -> Acl | None:
    """An access list read back from a record."""
    if items is None:
        return None
    return tuple(AclItem(to, by, Privilege(has), Privilege(passes)) for to, by, has, passes in items)


def public_schema_acl(owner_oid: int) -> Acl:
    """What a database begins with on its schema `public`: everybody may look into it, the owner may create there, too."""
    return (
        AclItem(owner_oid, owner_oid, Privilege.USAGE | Privilege.CREATE),
        AclItem(PUBLIC, owner_oid, Privilege.USAGE),
    )
