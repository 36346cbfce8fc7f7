"""ALTER DEFAULT PRIVILEGES. As SetDefaultACL() in src/backend/catalog/aclchk.c of PostgreSQL 15.
https://www.postgresql.org/docs/15/sql-alterdefaultprivileges.html
"""

from __future__ import annotations

from foundation.errors import InsufficientPrivilege
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.grants import grantee_oids, privileges_named
from sqlfront.commands.initial_acl import find_defaults
from sqlfront.commands.lookup import current_role, find_role, find_schema
from sqlfront.parser import DefaultPrivilegesStatement
from sqlfront.privileges.acl import Granting, merged
from sqlfront.privileges.errors import InvalidGrant
from sqlfront.privileges.kinds import (
    FUNCTIONS,
    SCHEMAS,
    SEQUENCES,
    TABLES,
    TYPES,
    PrivilegeKind,
    default_acl,
)
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.roles import has_privileges_of, roles_of
from storage.acl import Privilege
from storage.catalog import Role, replaced
from storage.role_objects import DefaultPrivileges

_KINDS = {
    "TABLE": TABLES, "SEQUENCE": SEQUENCES, "FUNCTION": FUNCTIONS, "PROCEDURE": FUNCTIONS, "ROUTINE": FUNCTIONS,
    "TYPE": TYPES, "SCHEMA": SCHEMAS,
}  # fmt: skip


def execute_default_privileges(
    statement: DefaultPrivilegesStatement, context: CommandContext
) -> CommandResult:
    """ALTER DEFAULT PRIVILEGES.

    Raises:
        UndefinedObject: 42704. UndefinedSchema: 3F000. InvalidGrant: 0LP01. SyntaxErrorInStatement: 42601, no such privilege.
        InsufficientPrivilege: 42501, of a role that the current user has not the privileges of.
        DependentObjectsStillExist: 2BP01.
    """
    grant, kind = statement.grant, _KINDS[statement.grant.target.kind]
    if statement.schemas and kind is SCHEMAS:
        raise InvalidGrant("cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS")
    if any(item.columns for item in grant.privileges):
        raise InvalidGrant("default privileges cannot be set for columns")
    named = privileges_named(grant.privileges, kind, kind.word)
    privileges = kind.all if named is None else named
    roles = [find_role(context, name) for name in statement.roles] or [current_role(context)]
    for role in roles:
        _check_may_set(context, role)
        for schema_oid in _schema_oids(context, statement, role):
            _set(context, statement, role, schema_oid, kind=kind, privileges=privileges)
    return CommandResult("ALTER DEFAULT PRIVILEGES")


def _check_may_set(context: CommandContext, role: Role) -> None:
    if not has_privileges_of(context.catalog, context.role_oid, role.oid, context.database_oid):
        raise InsufficientPrivilege(f'must be member of role "{role.name}"')


def _schema_oids(context: CommandContext, statement: DefaultPrivilegesStatement, role: Role) -> list[int]:
    """0 for all schemas; otherwise those in which the role may create something."""
    rights = Rights(context.catalog, context.database_oid, role.oid)
    schemas = [find_schema(context, name) for name in statement.schemas]
    for schema in schemas:
        rights.check(schema, Privilege.CREATE)
    return [schema.oid for schema in schemas] or [0]


def _set(
    context: CommandContext,
    statement: DefaultPrivilegesStatement,
    role: Role,
    schema_oid: int,
    *,
    kind: PrivilegeKind,
    privileges: Privilege,
) -> None:
    grant = statement.grant
    before = find_defaults(context.catalog, context.database_oid, role.oid, schema_oid, kind)
    # What a schema adds begins with nothing; the list of all schemas with what there is anyway.
    start = () if schema_oid else default_acl(kind, role.oid)
    granting = Granting(
        not grant.is_revoke, privileges, grant.is_option, grant.cascade, role.oid, role.oid,
        lambda oid: roles_of(context.catalog, oid, context.database_oid, inherited_only=True),
    )  # fmt: skip
    acl = merged(
        start if before is None else before.acl or (), granting, grantee_oids(context, grant.grantees)
    )
    acl = tuple(sorted(acl))
    if acl == tuple(sorted(start)):
        if before is not None:
            context.transaction.drop(before.oid)
    elif before is not None:
        context.transaction.put(replaced(before, acl=acl))
    else:
        name = DefaultPrivileges.name_of(role.oid, schema_oid, kind.letter)
        created = DefaultPrivileges(
            context.storage.allocate_oid(), name, context.database_oid, role.oid, acl=acl, schema_oid=schema_oid,
            letter=kind.letter,
        )  # fmt: skip
        context.transaction.put(created)
