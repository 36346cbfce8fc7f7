"""GRANT and REVOKE of roles, and the members that CREATE ROLE names. https://www.postgresql.org/docs/15/sql-grant.html

As AddRoleMems() and DelRoleMems() in src/backend/commands/user.c of PostgreSQL 15.
"""

from __future__ import annotations

from collections.abc import Iterable

from foundation.errors import FeatureNotSupported, InsufficientPrivilege
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.lookup import current_role, find_role
from sqlfront.parser import GrantRoleStatement
from sqlfront.privileges.errors import InvalidGrant
from sqlfront.privileges.roles import may_administer, roles_of
from storage.acl import Membership
from storage.catalog import Role, replaced
from storage.role_objects import DATABASE_OWNER_OID

_WARNING = "01000"


def execute_grant_role(statement: GrantRoleStatement, context: CommandContext) -> CommandResult:
    """GRANT role TO role, or REVOKE role FROM role.

    Raises:
        UndefinedObject: 42704. InsufficientPrivilege: 42501, without ADMIN OPTION. InvalidGrant: 0LP01, a cycle.
    """
    members = [find_role(context, name) for name in statement.grantees]
    grantor = (
        current_role(context) if statement.granted_by is None else find_role(context, statement.granted_by)
    )
    if grantor.oid != context.role_oid and not current_role(context).is_superuser:
        raise InsufficientPrivilege("must be superuser to set grantor")
    for name in statement.roles:
        role = find_role(context, name)
        _check_may_change_members(context, role)
        if statement.is_revoke:
            _remove_members(context, role, members, option_only=statement.is_option)
        else:
            add_members(context, role, members, grantor_oid=grantor.oid, is_admin=statement.is_option)
    word = "REVOKE" if statement.is_revoke else "GRANT"
    return CommandResult(statement.tag or f"{word} ROLE")


def _check_may_change_members(context: CommandContext, role: Role) -> None:
    me = current_role(context)
    if role.is_superuser and not me.is_superuser:
        raise InsufficientPrivilege("must be superuser to alter superusers")
    if not me.can_create_role and not may_administer(context.catalog, me.oid, role.oid, context.database_oid):
        raise InsufficientPrivilege(f'must have admin option on role "{role.name}"')


def add_members(
    context: CommandContext, role: Role, members: Iterable[Role], *, grantor_oid: int, is_admin: bool
) -> None:
    """Make roles members of one; who is one already is told so. Raises InvalidGrant (0LP01) for a cycle."""
    if role.oid == DATABASE_OWNER_OID:
        raise FeatureNotSupported(f'role "{role.name}" cannot have explicit members')
    for named in members:
        if named.oid in roles_of(context.catalog, role.oid, 0):
            raise InvalidGrant(f'role "{role.name}" is a member of role "{named.name}"')
        member = context.catalog.get(named.oid)
        assert isinstance(member, Role), "it was looked up"
        known = next((m for m in member.memberships if m.role_oid == role.oid), None)
        if known is not None and (known.is_admin or not is_admin):
            context.notice(f'role "{member.name}" is already a member of role "{role.name}"')
            continue
        others = tuple(m for m in member.memberships if m.role_oid != role.oid)
        joined = (*others, Membership(role.oid, grantor_oid, is_admin))
        context.transaction.put(replaced(member, memberships=joined))


def _remove_members(
    context: CommandContext, role: Role, members: Iterable[Role], *, option_only: bool
) -> None:
    for named in members:
        member = context.catalog.get(named.oid)
        assert isinstance(member, Role), "it was looked up"
        known = next((m for m in member.memberships if m.role_oid == role.oid), None)
        if known is None:
            message = f'role "{member.name}" is not a member of role "{role.name}"'
            context.notice(message, severity="WARNING", sqlstate=_WARNING)
            continue
        left = tuple(m for m in member.memberships if m is not known)
        if option_only:
            left = (*left, known._replace(is_admin=False))
        context.transaction.put(replaced(member, memberships=left))


def forget_role(context: CommandContext, role: Role) -> None:
    """End all memberships in a role that is dropped."""
    for member in list(context.catalog.objects(Role)):
        left = tuple(m for m in member.memberships if m.role_oid != role.oid)
        if left != member.memberships:
            context.transaction.put(replaced(member, memberships=left))
