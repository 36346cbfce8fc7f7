"""DROP OWNED and REASSIGN OWNED: what belongs to roles in the current database.

https://www.postgresql.org/docs/15/sql-drop-owned.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from foundation.errors import DependentObjectsStillExist, InsufficientPrivilege
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.drop import execute_drop
from sqlfront.commands.lookup import find_role, schema_of
from sqlfront.commands.ownership import owned_by
from sqlfront.parser import DropOwnedStatement, DropStatement, QualifiedName, ReassignOwnedStatement
from sqlfront.privileges.acl import without_role
from sqlfront.privileges.kinds import kind_of
from sqlfront.privileges.roles import has_privileges_of
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    CatalogObject,
    ColumnRelation,
    Database,
    MaterializedView,
    Role,
    RoleDefaults,
    Schema,
    Sequence,
    Table,
    View,
    replaced,
)
from storage.function_objects import UserFunction
from storage.role_objects import PREDEFINED_ROLES, DefaultPrivileges
from storage.type_objects import UserType

_DROPPED: tuple[tuple[str, type[CatalogObject]], ...] = (
    ("VIEW", View), ("MATERIALIZED VIEW", MaterializedView), ("TABLE", Table), ("SEQUENCE", Sequence),
    ("TYPE", UserType), ("SCHEMA", Schema),
)  # fmt: skip
"""Users before what they use."""


def execute_drop_owned(statement: DropOwnedStatement, context: CommandContext) -> CommandResult:
    """DROP OWNED BY: the objects of roles, and what they were granted.

    Raises:
        UndefinedObject: 42704. InsufficientPrivilege: 42501. DependentObjectsStillExist: 2BP01, others need one of the objects.
    """
    roles = _checked_roles(context, statement.roles, "drop")
    for role in roles:
        try:
            for kind, cls in _DROPPED:
                _drop_all(context, role, kind, cls, cascade=statement.cascade)
        except DependentObjectsStillExist as error:
            message = "cannot drop desired object(s) because other objects depend on them"
            raise DependentObjectsStillExist(message, detail=error.detail, hint=error.hint) from None
        for function in list(context.catalog.objects(UserFunction, context.database_oid)):
            if function.owner_oid == role.oid:
                context.transaction.drop(function.oid)
        _forget_privileges(context, role)
    return CommandResult("DROP OWNED")


def _drop_all(
    context: CommandContext, role: Role, kind: str, cls: type[CatalogObject], *, cascade: bool
) -> None:
    owned = [o for o in context.catalog.objects(cls, context.database_oid) if o.owner_oid == role.oid]
    if cls is Table:
        owned = [obj for obj in owned if not isinstance(obj, MaterializedView)]
    owned = [obj for obj in owned if not (isinstance(obj, Sequence) and obj.owned_by is not None)]
    names = tuple(_name(context, obj) for obj in owned)
    if names:
        # What another one of them takes along is not there any more when its turn comes.
        execute_drop(
            DropStatement(kind, names, if_exists=True, cascade=cascade, kind_word=kind),
            replace(context, notice=_unsaid),
        )


def _name(context: CommandContext, obj: CatalogObject) -> QualifiedName:
    if isinstance(obj, ColumnRelation | Sequence | UserType):
        return QualifiedName(obj.name, schema_of(context, obj.schema_oid).name)
    return QualifiedName(obj.name)


def _unsaid(message: str, **fields: str | None) -> None:
    """Nobody asked for these objects by name."""


def _forget_privileges(context: CommandContext, role: Role) -> None:
    here = context.catalog.objects(CatalogObject, context.database_oid)
    for obj in [*here, *context.catalog.objects(Database)]:
        if isinstance(obj, DefaultPrivileges) and obj.owner_oid == role.oid:
            context.transaction.drop(obj.oid)
        elif kind_of(obj) is not None or isinstance(obj, DefaultPrivileges):
            changed = _without(obj, role)
            if changed != obj:
                context.transaction.put(changed)


def _without(obj: CatalogObject, role: Role) -> CatalogObject:
    """An object of another role without the privileges that the role has on it, and those that it has granted."""
    if obj.owner_oid == role.oid:
        return obj
    changed = obj if obj.acl is None else replaced(obj, acl=without_role(obj.acl, role.oid))
    if not isinstance(changed, ColumnRelation):
        return changed
    columns = (
        c if c.acl is None else replace(c, acl=without_role(c.acl, role.oid) or None) for c in changed.columns
    )
    return replaced(changed, columns=tuple(columns))


def execute_reassign_owned(statement: ReassignOwnedStatement, context: CommandContext) -> CommandResult:
    """REASSIGN OWNED BY: the objects of roles become another one's. Raises as `execute_drop_owned`."""
    roles = _checked_roles(context, statement.roles, "reassign")
    new_owner = find_role(context, statement.new_owner)
    _check_role(context, new_owner, "reassign")
    old_oids = {role.oid for role in roles}
    here = context.catalog.objects(CatalogObject, context.database_oid)
    for obj in [*here, *context.catalog.objects(Database)]:
        if obj.owner_oid in old_oids and not isinstance(obj, DefaultPrivileges | Role | RoleDefaults):
            context.transaction.put(owned_by(obj, new_owner.oid))
    return CommandResult("REASSIGN OWNED")


def _checked_roles(context: CommandContext, names: Iterable[str], verb: str) -> list[Role]:
    roles = [find_role(context, name) for name in names]
    for role in roles:
        _check_role(context, role, verb)
        if role.oid == BOOTSTRAP_ROLE_OID or role.oid in PREDEFINED_ROLES:
            raise DependentObjectsStillExist(
                f"cannot {verb} {'ownership of ' if verb == 'reassign' else ''}objects owned by role {role.name} because they are required by the"
                " database system"
            )
    return roles


def _check_role(context: CommandContext, role: Role, verb: str) -> None:
    if not has_privileges_of(context.catalog, context.role_oid, role.oid, context.database_oid):
        raise InsufficientPrivilege(f"permission denied to {verb} objects")
