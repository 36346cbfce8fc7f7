"""Memberships of roles, followed through other roles.

As roles_is_member_of() and its callers in src/backend/utils/adt/acl.c of PostgreSQL 15: a superuser is a member of every role, the
owner of the current database one of pg_database_owner. https://www.postgresql.org/docs/15/role-membership.html
"""

from __future__ import annotations

from foundation.errors import InsufficientPrivilege
from storage.acl import Membership
from storage.catalog import Catalog, Database, Role
from storage.role_objects import DATABASE_OWNER_OID


def roles_of(
    catalog: Catalog, role_oid: int, database_oid: int, *, inherited_only: bool = False
) -> frozenset[int]:
    """A role with all that it is a member of; with `inherited_only` those whose privileges it has without SET ROLE."""
    database = catalog.get(database_oid)
    owner_oid = database.owner_oid if isinstance(database, Database) else 0
    found = {role_oid}
    waiting = [role_oid]
    while waiting:
        oid = waiting.pop()
        role = catalog.get(oid)
        joined = {membership.role_oid for membership in memberships_of(role)}
        if inherited_only and isinstance(role, Role) and not role.inherits:
            joined = set()
        if oid == owner_oid:
            joined.add(DATABASE_OWNER_OID)
        waiting += joined - found
        found |= joined
    return frozenset(found)


def memberships_of(role: object) -> tuple[Membership, ...]:
    return role.memberships if isinstance(role, Role) else ()


def is_superuser(catalog: Catalog, role_oid: int) -> bool:
    role = catalog.get(role_oid)
    return isinstance(role, Role) and role.is_superuser


def has_privileges_of(catalog: Catalog, role_oid: int, other_oid: int, database_oid: int) -> bool:
    """Whether a role has what another one has, without SET ROLE."""
    if role_oid == other_oid or is_superuser(catalog, role_oid):
        return True
    return other_oid in roles_of(catalog, role_oid, database_oid, inherited_only=True)


def is_member(catalog: Catalog, role_oid: int, other_oid: int, database_oid: int) -> bool:
    """Whether a role may SET ROLE to another one."""
    if role_oid == other_oid or is_superuser(catalog, role_oid):
        return True
    return other_oid in roles_of(catalog, role_oid, database_oid)


def may_administer(catalog: Catalog, role_oid: int, other_oid: int, database_oid: int) -> bool:
    """Whether a role has the ADMIN OPTION of another one, itself or through a role that it is a member of."""
    if is_superuser(catalog, role_oid):
        return True
    return any(
        membership.role_oid == other_oid and membership.is_admin
        for oid in roles_of(catalog, role_oid, database_oid)
        for membership in memberships_of(catalog.get(oid))
    )


def check_may_become(catalog: Catalog, role_oid: int, wanted: Role, database_oid: int) -> None:
    """Raises InsufficientPrivilege (42501) where SET ROLE is not allowed."""
    if not is_member(catalog, role_oid, wanted.oid, database_oid):
        raise InsufficientPrivilege(f'permission denied to set role "{wanted.name}"')
