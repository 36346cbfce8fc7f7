"""CREATE, ALTER and DROP ROLE, and settings kept for roles and databases.

https://www.postgresql.org/docs/15/sql-createrole.html. Passwords are kept as SCRAM-SHA-256 verifiers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foundation.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    ObjectInUse,
    UndefinedObject,
)
from foundation.setting_text import parse_setting
from foundation.settings import check_changeable, lookup_setting
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.databases import find_database
from sqlfront.commands.errors import ReservedName
from sqlfront.commands.lookup import check_owner, current_role, described, find_role
from sqlfront.commands.memberships import add_members, forget_role
from sqlfront.commands.set_value import setting_text
from sqlfront.parser import (
    AlterRoleStatement,
    AlterSettingStatement,
    CreateRoleStatement,
    DropStatement,
    RoleOptions,
)
from sqlfront.protocol.scram import make_verifier
from storage.acl import Acl
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    SHARED_DATABASE,
    CatalogObject,
    CheckConstraint,
    ColumnRelation,
    ForeignKey,
    Index,
    Role,
    RoleDefaults,
    replaced,
)
from storage.role_objects import PREDEFINED_ROLES, DefaultPrivileges

_SCRAM_PREFIX = "SCRAM-SHA-256$"
_SIMPLE_FIELDS = ("can_login", "is_superuser", "can_create_db", "can_create_role", "inherits", "connection_limit",
                  "valid_until")  # fmt: skip


def execute_create_role(statement: CreateRoleStatement, context: CommandContext) -> CommandResult:
    """CREATE ROLE / USER / GROUP. Raises DuplicateObject (42710), ReservedName (42939), 42501."""
    me = current_role(context)
    if not (me.is_superuser or me.can_create_role):
        raise InsufficientPrivilege("permission denied to create role")
    _check_superuser_options(me, statement.options, "create")
    check_role_name(statement.name)
    if context.catalog.find_role(statement.name) is not None:
        raise DuplicateObject(f'role "{statement.name}" already exists')
    role = Role(context.storage.allocate_oid(), statement.name, 0, BOOTSTRAP_ROLE_OID)
    role = _with_options(context, role, statement.options)
    context.transaction.put(role)
    _add_named_members(context, role, statement.options)
    return CommandResult("CREATE ROLE")


def _add_named_members(context: CommandContext, role: Role, options: RoleOptions) -> None:
    """IN ROLE, ROLE and ADMIN of CREATE ROLE."""
    for name in options.member_of:
        joined = find_role(context, name)
        if joined.is_superuser and not current_role(context).is_superuser:
            raise InsufficientPrivilege("must be superuser to alter superusers")
        add_members(context, joined, [role], grantor_oid=context.role_oid, is_admin=False)
    for names, is_admin in ((options.admins, True), (options.members, False)):
        members = [find_role(context, name) for name in names]
        add_members(context, role, members, grantor_oid=context.role_oid, is_admin=is_admin)


def execute_alter_role(statement: AlterRoleStatement, context: CommandContext) -> CommandResult:
    """ALTER ROLE with options. Raises UndefinedObject (42704), InsufficientPrivilege (42501)."""
    role = find_role(context, statement.name)
    _check_not_reserved(role, "Cannot alter reserved roles.")
    me = current_role(context)
    _check_superuser_options(me, statement.options, "alter", role)
    only_password = statement.options == RoleOptions(password=statement.options.password)
    if not (me.is_superuser or me.can_create_role or (role.oid == me.oid and only_password)):
        raise InsufficientPrivilege("permission denied")
    context.transaction.put(_with_options(context, role, statement.options))
    return CommandResult("ALTER ROLE")


def _check_superuser_options(me: Role, options: RoleOptions, verb: str, role: Role | None = None) -> None:
    touches_superuser = options.is_superuser or (role is not None and role.is_superuser)
    if touches_superuser and not me.is_superuser:
        what = (
            "create superusers" if verb == "create" else "alter superuser roles or change superuser attribute"
        )
        raise InsufficientPrivilege(f"must be superuser to {what}")


def _with_options(context: CommandContext, role: Role, options: RoleOptions) -> Role:
    changes: dict[str, Any] = {
        name: getattr(options, name) for name in _SIMPLE_FIELDS if getattr(options, name) is not None
    }
    if options.password == "":
        context.notice("empty string is not a valid password, clearing password")
        changes["verifier"] = None
    elif options.password is not None:
        is_verifier = options.password.startswith(_SCRAM_PREFIX)
        changes["verifier"] = options.password if is_verifier else make_verifier(options.password)
    return replaced(role, **changes)


def check_role_name(name: str) -> None:
    """Raises ReservedName (42939)."""
    if name in ("public", "none"):
        raise ReservedName(f'role name "{name}" is reserved')
    if name.startswith("pg_"):
        raise ReservedName(
            f'role name "{name}" is reserved', detail='Role names starting with "pg_" are reserved.'
        )


def drop_role(context: CommandContext, name: str, statement: DropStatement) -> None:
    """DROP ROLE. Raises UndefinedObject (42704), ObjectInUse (55006), DependentObjectsStillExist (2BP01)."""
    me = current_role(context)
    if not (me.is_superuser or me.can_create_role):
        raise InsufficientPrivilege("permission denied to drop role")
    role = context.catalog.find_role(name)
    if role is None:
        if not statement.if_exists:
            raise UndefinedObject(f'role "{name}" does not exist')
        context.notice(f'role "{name}" does not exist, skipping')
        return
    if role.oid in PREDEFINED_ROLES:
        raise DependentObjectsStillExist(
            f"cannot drop role {name} because it is required by the database system"
        )
    if role.oid == me.oid:
        raise ObjectInUse("current user cannot be dropped")
    if role.oid == context.roles.session_user.oid:
        raise ObjectInUse("session user cannot be dropped")
    if role.is_superuser and not me.is_superuser:
        raise InsufficientPrivilege("must be superuser to drop superusers")
    dependents = [
        line for obj in context.catalog.objects(CatalogObject) for line in _uses(context, obj, role)
    ]
    if dependents or role.oid == BOOTSTRAP_ROLE_OID:
        lines = "\n".join(dependents)
        raise DependentObjectsStillExist(
            f'role "{name}" cannot be dropped because some objects depend on it', detail=lines or None
        )
    forget_role(context, role)
    context.transaction.drop(role.oid)


def _uses(context: CommandContext, obj: CatalogObject, role: Role) -> Iterator[str]:
    """How an object depends on a role, as DETAIL lists it. What belongs to a table is not named beside it."""
    if isinstance(obj, Role | RoleDefaults | Index | CheckConstraint | ForeignKey):
        return
    if isinstance(obj, DefaultPrivileges):
        yield from _default_uses(context, obj, role)
    elif obj.owner_oid == role.oid:
        yield f"owner of {described(context, obj)}"
    elif _names(obj.acl, role):
        yield f"privileges for {described(context, obj)}"
    if isinstance(obj, ColumnRelation):
        for column in obj.live_columns():
            if obj.owner_oid != role.oid and _names(column.acl, role):
                yield f"privileges for column {column.name} of {described(context, obj)}"


_NEW_OBJECTS = {"r": "relations", "S": "sequences", "f": "functions", "T": "types", "n": "schemas"}


def _default_uses(context: CommandContext, defaults: DefaultPrivileges, role: Role) -> Iterator[str]:
    owner, schema = context.catalog.get(defaults.owner_oid), context.catalog.get(defaults.schema_oid)
    assert owner is not None, "an owner is not dropped before what it owns"
    place = f" in schema {schema.name}" if schema is not None else ""
    what = f"default privileges on new {_NEW_OBJECTS[defaults.letter]} belonging to role {owner.name}{place}"
    if owner.oid == role.oid:
        yield f"owner of {what}"
    elif _names(defaults.acl, role):
        yield f"privileges for {what}"


def _names(acl: Acl | None, role: Role) -> bool:
    return any(role.oid in item[:2] for item in acl or ())


def _check_not_reserved(role: Role, detail: str) -> None:
    if role.oid in PREDEFINED_ROLES:
        raise ReservedName(f'role name "{role.name}" is reserved', detail=detail)


# -- settings of roles and databases


def execute_alter_setting(statement: AlterSettingStatement, context: CommandContext) -> CommandResult:
    """ALTER ROLE / DATABASE ... SET and RESET: the values new sessions start with, kept as they are written.

    Raises:
        UndefinedObject: 42704, role or setting. UndefinedDatabase: 3D000. InvalidName: 42602.
        InvalidParameterValue: 22023. CantChangeRuntimeParam: 55P02. InsufficientPrivilege: 42501.
    """
    change = _checked_change(statement)
    if statement.role is None:
        assert statement.database is not None
        _alter_database(context, statement.database, change)
        return CommandResult("ALTER DATABASE")
    if statement.role != "all":
        _alter_role_setting(context, statement.role, statement.database, change)
    elif statement.database is not None:
        _alter_database(context, statement.database, change)
    else:
        _alter_role_defaults(context, change)
    return CommandResult("ALTER ROLE")


def _alter_role_setting(
    context: CommandContext, name: str, database: str | None, change: tuple[str, str | None] | None
) -> None:
    role = find_role(context, name)
    me = current_role(context)
    if not (me.is_superuser or me.oid == role.oid or (me.can_create_role and not role.is_superuser)):
        raise InsufficientPrivilege("permission denied")
    database_oid = find_database(context, database).oid if database else 0
    others = [item for item in role.settings if item[0] != database_oid]
    mine = {key: value for oid, key, value in role.settings if oid == database_oid}
    settings = [*others, *((database_oid, key, value) for key, value in _changed(mine, change).items())]
    context.transaction.put(replaced(role, settings=tuple(settings)))


def _alter_database(context: CommandContext, name: str, change: tuple[str, str | None] | None) -> None:
    database = find_database(context, name)
    check_owner(context, database)
    settings = _changed(dict(database.settings), change)
    context.transaction.put(replaced(database, settings=tuple(settings.items())))


def _alter_role_defaults(context: CommandContext, change: tuple[str, str | None] | None) -> None:
    if not current_role(context).is_superuser:
        raise InsufficientPrivilege("must be superuser to alter settings globally")
    defaults = context.catalog.find_role_defaults()
    if defaults is None:
        oid = context.storage.allocate_oid()
        defaults = RoleDefaults(oid, RoleDefaults.kind, SHARED_DATABASE, BOOTSTRAP_ROLE_OID)
    settings = _changed(dict(defaults.settings), change)
    context.transaction.put(replaced(defaults, settings=tuple(settings.items())))


def _checked_change(statement: AlterSettingStatement) -> tuple[str, str | None] | None:
    """(name, value as written), value None to remove it; None to remove all."""
    if statement.setting is None:
        return None
    given = statement.setting.name
    if statement.setting.values is None and "." in given:
        # What is kept may be a setting of another release: it can always be removed.
        return given.lower(), None
    setting = lookup_setting(given)
    if setting is None:
        return given.lower(), setting_text(statement.setting)
    check_changeable(setting)
    if statement.setting.values is None:
        return setting.name, None
    text = setting_text(statement.setting)
    parse_setting(setting, text, spelled=given)
    return setting.name, text


def _changed(values: dict[str, str], change: tuple[str, str | None] | None) -> dict[str, str]:
    if change is None:
        return {}
    name, value = change
    kept = {key: old for key, old in values.items() if key != name}
    return kept if value is None else {**kept, name: value}


def rename_role(context: CommandContext, name: str, new_name: str) -> None:
    """Raises UndefinedObject (42704), DuplicateObject (42710), FeatureNotSupported (0A000) for oneself."""
    role, me = find_role(context, name), current_role(context)
    _check_not_reserved(role, 'Role names starting with "pg_" are reserved.')
    if role.oid == context.roles.session_user.oid:
        raise FeatureNotSupported("session user cannot be renamed")
    if role.oid == me.oid:
        raise FeatureNotSupported("current user cannot be renamed")
    if not (me.is_superuser or (me.can_create_role and not role.is_superuser)):
        raise InsufficientPrivilege("permission denied to rename role")
    check_role_name(new_name)
    if context.catalog.find_role(new_name) is not None:
        raise DuplicateObject(f'role "{new_name}" already exists')
    context.transaction.put(replaced(role, name=new_name))
