"""GRANT and REVOKE of privileges on objects. https://www.postgresql.org/docs/15/sql-grant.html

As ExecuteGrantStmt() in src/backend/catalog/aclchk.c of PostgreSQL 15. What privileges of an object allow is checked by
`sqlfront.privileges`; here only the access lists change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from foundation.sqltypes import SqlType
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.grant_targets import GRANT_KINDS, granted_objects
from sqlfront.commands.lookup import find_column, find_role
from sqlfront.parser import GrantStatement, NamedPrivilege
from sqlfront.parser.statements_privileges import PUBLIC_NAME
from sqlfront.privileges.acl import Granting, best_grantor, merged, options_in, privileges_in
from sqlfront.privileges.errors import InvalidGrant
from sqlfront.privileges.kinds import COLUMNS, SEQUENCES, TABLES, PrivilegeKind, acl_of, kind_of
from sqlfront.privileges.rights import Rights, denied, denied_column
from sqlfront.privileges.roles import roles_of
from storage.acl import NO_PRIVILEGE, PUBLIC, Acl, Privilege
from storage.catalog import CatalogObject, Column, ColumnRelation, Sequence, Table, replaced

_NOT_GRANTED, _NOT_REVOKED = "01007", "01006"

_SYSTEM_COLUMNS = ("tableoid", "cmax", "xmax", "cmin", "xmin", "ctid")
_SEQUENCE_COLUMNS = ("last_value", "log_cnt", "is_called")

_NAMES = {
    **{privilege.name.lower().replace("_", " "): privilege for privilege in Privilege if privilege.name},
    "temp": Privilege.TEMPORARY,
}


def execute_grant(statement: GrantStatement, context: CommandContext) -> CommandResult:
    """GRANT privileges ON objects TO roles, or REVOKE.

    Raises:
        UndefinedObject: 42704, a role; for an object as its look-up. SyntaxErrorInStatement: 42601, no such privilege.
        InvalidGrant: 0LP01, a privilege that such objects do not have, or a grant that goes in a circle.
        InsufficientPrivilege: 42501. DependentObjectsStillExist: 2BP01, what was passed on keeps a REVOKE without CASCADE.
        FeatureNotSupported: 0A000, another grantor than the current user, a built-in object.
    """
    if statement.granted_by is not None and find_role(context, statement.granted_by).oid != context.role_oid:
        raise FeatureNotSupported("grantor must be current user")
    grantees = grantee_oids(context, statement.grantees)
    kind = GRANT_KINDS[statement.target.kind]
    wanted = _Wanted.of(statement, kind)
    for obj in granted_objects(context, statement.target):
        _Grant(context, statement, grantees).on(obj, wanted)
    return CommandResult("REVOKE" if statement.is_revoke else "GRANT")


def grantee_oids(context: CommandContext, names: Iterable[str]) -> list[int]:
    """The OIDs of the roles of a GRANT, `PUBLIC` for everybody. Raises UndefinedObject (42704)."""
    return [PUBLIC if name == PUBLIC_NAME else find_role(context, name).oid for name in names]


def privileges_named(named: Iterable[NamedPrivilege], kind: PrivilegeKind, word: str) -> Privilege | None:
    """The privileges of a list without columns, None for ALL.

    Raises:
        SyntaxErrorInStatement: 42601, no such privilege. InvalidGrant: 0LP01, none of that kind of object.
    """
    found = NO_PRIVILEGE
    for item in named:
        if item.name is None:
            return None
        found |= _privilege(item.name, kind.all, word)
    return found


def _privilege(name: str, valid: Privilege, word: str) -> Privilege:
    privilege = _NAMES.get(name)
    if privilege is None:
        raise SyntaxErrorInStatement(f'unrecognized privilege type "{name}"')
    if not privilege & valid:
        shown = (privilege.name or "").replace("_", " ")
        raise InvalidGrant(f"invalid privilege type {shown} for {word}")
    return privilege


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a statement names: privileges of whole objects, None for ALL, and by column."""

    whole: Privilege | None
    by_column: tuple[tuple[str, Privilege], ...]

    @classmethod
    def of(cls, statement: GrantStatement, kind: PrivilegeKind) -> _Wanted:
        word = "relation" if kind is TABLES else statement.target.kind.lower()
        valid = replace(kind, all=TABLES.all | SEQUENCES.all) if kind is TABLES else kind
        whole = privileges_named((p for p in statement.privileges if not p.columns), valid, word)
        by_column: list[tuple[str, Privilege]] = []
        for item in statement.privileges:
            if not item.columns:
                continue
            if kind is not TABLES:
                raise InvalidGrant("column privileges are only valid for relations")
            privilege = COLUMNS.all if item.name is None else _privilege(item.name, COLUMNS.all, "column")
            by_column += [(column, privilege) for column in item.columns]
        return cls(whole, tuple(by_column))


class _Grant:
    """One statement on one object."""

    def __init__(self, context: CommandContext, statement: GrantStatement, grantees: list[int]) -> None:
        self._context = context
        self._statement = statement
        self._grantees = grantees

    @cached_property
    def _rights(self) -> Rights:
        context = self._context
        return Rights(context.catalog, context.database_oid, context.role_oid)

    def on(self, obj: CatalogObject, wanted: _Wanted) -> None:
        """Change the access lists of an object and of its columns."""
        whole = self._whole(obj, wanted)
        before = acl_of(obj)
        changed = obj
        if whole:
            changed = replaced(obj, acl=self._changed_acl(obj, whole, is_all=wanted.whole is None))
        if isinstance(changed, Table | Sequence) and self._statement.is_revoke and whole & COLUMNS.all:
            self._revoke_of_system_columns(changed, before, whole & COLUMNS.all)
        if isinstance(changed, ColumnRelation):
            changed = self._on_columns(changed, before, self._columns(changed, wanted, whole))
        elif wanted.by_column:
            raise InvalidGrant("column privileges are only valid for relations")
        if changed != obj:
            self._context.transaction.put(changed)

    def _whole(self, obj: CatalogObject, wanted: _Wanted) -> Privilege:
        """The privileges on the object as a whole: of a sequence that is named as a table those that it has."""
        kind = kind_of(obj)
        assert kind is not None, "only what has privileges is looked up"
        if wanted.whole is None:
            return kind.all
        whole = wanted.whole
        if isinstance(obj, Sequence) and whole & ~kind.all:
            message = f'sequence "{obj.name}" only supports USAGE, SELECT, and UPDATE privileges'
            self._context.notice(message, severity="WARNING", sqlstate=InvalidGrant.sqlstate)
        elif kind is TABLES and whole & ~kind.all:
            raise InvalidGrant("invalid privilege type USAGE for table")
        return whole & kind.all

    def _changed_acl(self, obj: CatalogObject, privileges: Privilege, *, is_all: bool) -> Acl:
        acl = acl_of(obj)
        grantor_oid, options = best_grantor(
            acl, self._context.role_oid, obj.owner_oid, privileges, self._own_roles(obj.owner_oid)
        )
        if not options and not self._has_any(obj):
            raise denied(obj, "table" if isinstance(obj, ColumnRelation) else None)
        granted = privileges & options
        self._warn(f'"{obj.name}"', granted, privileges, is_all=is_all)
        return merged(acl, self._granting(granted, grantor_oid, obj.owner_oid), self._grantees)

    def _own_roles(self, owner_oid: int) -> frozenset[int]:
        """The roles whose privileges the grantor has; a superuser has the owner's."""
        return self._rights.roles | {owner_oid} if self._rights.is_superuser else self._rights.roles

    def _has_any(self, obj: CatalogObject) -> bool:
        return bool(self._rights.on(obj)) or bool(
            options_in(acl_of(obj), self._rights.roles, obj.owner_oid, ~NO_PRIVILEGE)
        )

    def _granting(self, privileges: Privilege, grantor_oid: int, owner_oid: int) -> Granting:
        context, statement = self._context, self._statement

        def roles(oid: int) -> frozenset[int]:
            return roles_of(context.catalog, oid, context.database_oid, inherited_only=True)

        return Granting(
            not statement.is_revoke, privileges, statement.is_option, statement.cascade, grantor_oid, owner_oid, roles
        )  # fmt: skip

    def _warn(self, shown: str, granted: Privilege, wanted: Privilege, *, is_all: bool) -> None:
        """Say so where less was granted or revoked than was asked for."""
        is_revoke = self._statement.is_revoke
        verb, sqlstate = ("could be revoked", _NOT_REVOKED) if is_revoke else ("were granted", _NOT_GRANTED)
        if granted and (is_all or granted == wanted):
            return
        amount = "not all" if granted else "no"
        message = f"{amount} privileges {verb} for {shown}"
        self._context.notice(message, severity="WARNING", sqlstate=sqlstate)

    # -- columns --------------------------------------------------------------------------------------------

    def _columns(self, relation: ColumnRelation, wanted: _Wanted, whole: Privilege) -> dict[int, Privilege]:
        """By attnum what is granted on columns. A REVOKE on the relation takes what was granted on its columns, too."""
        found: dict[int, Privilege] = {}
        if self._statement.is_revoke and whole & COLUMNS.all:
            found = {c.attnum: whole & COLUMNS.all for c in relation.live_columns()}
        for name, privilege in wanted.by_column:
            attnum = find_column(relation, name).attnum
            found[attnum] = found.get(attnum, NO_PRIVILEGE) | privilege
        return found

    def _on_columns(
        self, relation: ColumnRelation, relation_acl: Acl, wanted: dict[int, Privilege]
    ) -> ColumnRelation:
        if not wanted:
            return relation
        columns = [
            self._with_acl(relation, column, relation_acl, wanted[column.attnum])
            if column.attnum in wanted
            else column
            for column in relation.columns
        ]
        return replaced(relation, columns=tuple(columns))

    def _revoke_of_system_columns(
        self, relation: Table | Sequence, relation_acl: Acl, privileges: Privilege
    ) -> None:
        """Nothing is ever granted on them, but a REVOKE on the relation says of them, too, what it could not do."""
        own = _SEQUENCE_COLUMNS if isinstance(relation, Sequence) else ()
        for name in (*_SYSTEM_COLUMNS, *own):
            self._with_acl(relation, Column(0, name, SqlType(0)), relation_acl, privileges)

    def _with_acl(
        self, relation: ColumnRelation | Sequence, column: Column, relation_acl: Acl, privileges: Privilege
    ) -> Column:
        acl, owner_oid = column.acl or (), relation.owner_oid
        grantor_oid, options = best_grantor(
            (*relation_acl, *acl), self._context.role_oid, owner_oid, privileges, self._own_roles(owner_oid)
        )
        if not options and not (
            (self._rights.on(relation) | privileges_in(acl, self._rights.roles)) & COLUMNS.all
        ):
            raise denied_column(relation, column)
        granted = privileges & options
        shown = f'column "{column.name}" of relation "{relation.name}"'
        self._warn(shown, granted, privileges, is_all=privileges == COLUMNS.all)
        acl = merged(acl, self._granting(granted, grantor_oid, owner_oid), self._grantees)
        return replace(column, acl=acl or None)
