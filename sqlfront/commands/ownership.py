"""Who owns an object: giving it to another role. https://www.postgresql.org/docs/15/sql-altertable.html"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from sqlfront.commands.context import CommandContext
from sqlfront.commands.lookup import rights_of
from sqlfront.commands.sequences import owned_sequences
from sqlfront.privileges.acl import with_new_owner
from sqlfront.privileges.rights import Rights
from storage.acl import Acl, Privilege
from storage.catalog import CatalogObject, ColumnRelation, Schema, Table, replaced

_T = TypeVar("_T", bound=CatalogObject)


def change_owner(context: CommandContext, target: CatalogObject, owner_oid: int) -> None:
    """Give an object to a role, a table with its indexes and sequences.

    Raises:
        InsufficientPrivilege: 42501, the role could not have made it in its schema.
    """
    check_may_own(context, target, owner_oid)
    parts: list[CatalogObject] = [target]
    if isinstance(target, Table):
        parts += [*context.catalog.indexes_of(target.oid), *owned_sequences(context, target.oid)]
    for part in parts:
        context.transaction.put(owned_by(part, owner_oid))


def check_may_own(context: CommandContext, target: CatalogObject, owner_oid: int) -> None:
    """A superuser gives to whomever. Raises InsufficientPrivilege (42501)."""
    schema = context.catalog.get(getattr(target, "schema_oid", 0))
    if isinstance(schema, Schema) and not rights_of(context).is_superuser:
        Rights(context.catalog, context.database_oid, owner_oid).check(schema, Privilege.CREATE)


def owned_by(obj: _T, owner_oid: int) -> _T:
    """An object as another role's: what its owner had been granted and had granted is the new owner's."""
    changed = replaced(obj, owner_oid=owner_oid, acl=_given(obj.acl, obj.owner_oid, owner_oid))
    if not isinstance(changed, ColumnRelation):
        return changed
    columns = (replace(c, acl=_given(c.acl, obj.owner_oid, owner_oid)) for c in changed.columns)
    return replaced(changed, columns=tuple(columns))


def _given(acl: Acl | None, old_oid: int, new_oid: int) -> Acl | None:
    return None if acl is None else with_new_owner(acl, old_oid, new_oid)
