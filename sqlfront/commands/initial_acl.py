"""The access lists that new objects get by their owner's default privileges.

As get_user_default_acl() in src/backend/catalog/aclchk.c of PostgreSQL 15.
"""

from __future__ import annotations

from typing import TypeVar

from sqlfront.commands.context import CommandContext
from sqlfront.privileges.kinds import PrivilegeKind, default_acl, kind_of
from storage.acl import Acl, AclItem
from storage.catalog import Catalog, CatalogObject, replaced
from storage.role_objects import DefaultPrivileges

_T = TypeVar("_T", bound=CatalogObject)


def find_defaults(
    catalog: Catalog, database_oid: int, role_oid: int, schema_oid: int, kind: PrivilegeKind
) -> DefaultPrivileges | None:
    """The default privileges of a role, of one schema or, 0, of all."""
    name = DefaultPrivileges.name_of(role_oid, schema_oid, kind.letter)
    return catalog.find_default_privileges(database_oid, name)


def with_default_acl(context: CommandContext, obj: _T) -> _T:
    """A new object with the access list that its owner's default privileges give it."""
    kind = kind_of(obj)
    assert kind is not None, "only objects with privileges are asked about"
    owner_oid, schema_oid = obj.owner_oid, getattr(obj, "schema_oid", 0)
    place = (context.catalog, context.database_oid, owner_oid)
    everywhere = find_defaults(*place, 0, kind)
    here = find_defaults(*place, schema_oid, kind) if schema_oid else None
    if everywhere is None and here is None:
        return obj
    start = default_acl(kind, owner_oid)
    acl = _together(
        start if everywhere is None else everywhere.acl or (), () if here is None else here.acl or ()
    )
    return replaced(obj, acl=None if not acl or acl == tuple(sorted(start)) else acl)


def _together(one: Acl, other: Acl) -> Acl:
    """Both lists as one, in aclitemsort()'s order."""
    found: dict[tuple[int, int], AclItem] = {}
    for item in (*one, *other):
        known = found.get(item[:2], item)
        found[item[:2]] = item._replace(
            privileges=known.privileges | item.privileges, grantable=known.grantable | item.grantable
        )
    return tuple(sorted(found.values()))
