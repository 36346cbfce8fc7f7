"""Rows about roles and who is a member of which; pg_has_role().

https://www.postgresql.org/docs/15/catalog-pg-auth-members.html, infoschema-applicable-roles.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import InvalidParameterValue, UndefinedObject
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.privileges import shown_acl
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.privileges.roles import (
    has_privileges_of,
    is_member,
    may_administer,
    roles_of,
)
from storage.catalog import Role
from storage.role_objects import DefaultPrivileges


@rows_of("pg_auth_members")
def pg_auth_members(view: CatalogView) -> Iterator[Row]:
    for member in view.catalog.objects(Role):
        for joined in member.memberships:
            yield {
                "roleid": joined.role_oid, "member": member.oid, "grantor": joined.grantor_oid,
                "admin_option": joined.is_admin,
            }  # fmt: skip


@rows_of("pg_default_acl")
def pg_default_acl(view: CatalogView) -> Iterator[Row]:
    for defaults in view.objects(DefaultPrivileges):
        yield {
            "oid": defaults.oid, "defaclrole": defaults.owner_oid, "defaclnamespace": defaults.schema_oid,
            "defaclobjtype": defaults.letter, "defaclacl": shown_acl(view, defaults),
        }  # fmt: skip


@rows_of("pg_group")
def pg_group(view: CatalogView) -> Iterator[Row]:
    """Roles that cannot log in, with their members."""
    roles = list(view.catalog.objects(Role))
    for role in roles:
        if not role.can_login:
            members = [m.oid for m in roles if any(j.role_oid == role.oid for j in m.memberships)]
            yield {"groname": role.name, "grosysid": role.oid, "grolist": members}


@rows_of("enabled_roles", schema="information_schema")
def enabled_roles(view: CatalogView) -> Iterator[Row]:
    for role in view.catalog.objects(Role):
        if has_privileges_of(view.catalog, view.role_oid, role.oid, view.database_oid):
            yield {"role_name": role.name}


@rows_of("applicable_roles", schema="information_schema")
def applicable_roles(view: CatalogView) -> Iterator[Row]:
    """Memberships of the current user and of the roles that it is a member of."""
    own = roles_of(view.catalog, view.role_oid, view.database_oid)
    for member in view.catalog.objects(Role):
        for joined in member.memberships if member.oid in own else ():
            yield {
                "grantee": member.name, "role_name": view.role_name(joined.role_oid),
                "is_grantable": "YES" if joined.is_admin else "NO",
            }  # fmt: skip


@rows_of("administrable_role_authorizations", schema="information_schema")
def administrable_role_authorizations(view: CatalogView) -> Iterator[Row]:
    return (row for row in applicable_roles(view) if row["is_grantable"] == "YES")


def role_oid_of(view: CatalogView, role: str | int) -> int:
    """The OID of a role by name or OID. Raises UndefinedObject (42704) for a name that is none."""
    if isinstance(role, int):
        return role
    found = view.catalog.find_role(role)
    if found is None:
        raise UndefinedObject(f'role "{role}" does not exist')
    return found.oid


@catalog_function("pg_has_role")
def pg_has_role(view: CatalogView, *arguments: str | int) -> bool | None:
    """pg_has_role([member,] role, privilege): USAGE has its privileges, MEMBER may SET ROLE to it."""
    *member, role, words = arguments
    member_oid = role_oid_of(view, member[0]) if member else view.role_oid
    oid = role_oid_of(view, role)
    return any(_has_role(view, member_oid, oid, word.strip().upper()) for word in str(words).split(","))


def _has_role(view: CatalogView, member_oid: int, oid: int, word: str) -> bool:
    place = (view.catalog, member_oid, oid, view.database_oid)
    name, _, option = word.partition(" WITH ")
    if name in ("USAGE", "MEMBER") and option in ("ADMIN OPTION", "GRANT OPTION"):
        is_oneself = member_oid == oid and oid == view.session.roles.session_user.oid
        return is_oneself or may_administer(*place)
    if word == "MEMBER":
        return is_member(*place)
    if word != "USAGE":
        raise InvalidParameterValue(f'unrecognized privilege type: "{word}"')
    return has_privileges_of(*place)
