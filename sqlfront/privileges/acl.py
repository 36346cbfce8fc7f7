"""The arithmetic of access lists: granting, revoking, who may grant.

As aclupdate(), recursive_revoke(), check_circularity(), select_best_grantor() and aclnewowner() in
src/backend/utils/adt/acl.c of PostgreSQL 15. A list is never changed: each function gives a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import TypeAlias

from foundation.errors import DependentObjectsStillExist
from sqlfront.privileges.errors import InvalidGrant
from storage.acl import NO_PRIVILEGE, PUBLIC, Acl, AclItem, Privilege

RolesOf: TypeAlias = Callable[[int], Set[int]]
"""A role -> the roles whose privileges it has, itself among them."""


@dataclass(frozen=True, slots=True)
class Granting:
    """One GRANT or REVOKE, for lists of objects with one owner."""

    is_grant: bool
    privileges: Privilege
    is_option: bool
    cascade: bool
    grantor_oid: int
    owner_oid: int
    roles_of: RolesOf


def privileges_in(acl: Acl, roles: Set[int]) -> Privilege:
    """What a role with these roles' privileges has, what everybody has included."""
    found = NO_PRIVILEGE
    for item in acl:
        if item.grantee_oid == PUBLIC or item.grantee_oid in roles:
            found |= item.privileges
    return found


def options_in(acl: Acl, roles: Set[int], owner_oid: int, wanted: Privilege) -> Privilege:
    """Which of the wanted privileges such a role may pass on: an owner all of them."""
    if owner_oid in roles:
        return wanted
    return _options(acl, roles) & wanted


def _options(acl: Acl, roles: Set[int]) -> Privilege:
    found = NO_PRIVILEGE
    for item in acl:
        if item.grantee_oid in roles:
            found |= item.grantable
    return found


def best_grantor(
    acl: Acl, role_oid: int, owner_oid: int, wanted: Privilege, roles: Set[int]
) -> tuple[int, Privilege]:
    """(who a grant is by, what of it may be granted): the owner where its rights are at hand, or the role that has most."""
    if owner_oid in roles:
        return owner_oid, wanted
    best, best_options = role_oid, NO_PRIVILEGE
    for oid in (role_oid, *sorted(roles - {role_oid})):
        options = _options(acl, {oid}) & wanted
        if options == wanted:
            return oid, options
        if options.bit_count() > best_options.bit_count():
            best, best_options = oid, options
    return best, best_options


def merged(acl: Acl, granting: Granting, grantees: Iterable[int]) -> Acl:
    """The list after a GRANT to, or a REVOKE from, these roles.

    Raises:
        InvalidGrant: 0LP01, options to PUBLIC, or back to who gave them.
        DependentObjectsStillExist: 2BP01, what was passed on keeps a REVOKE without CASCADE.
    """
    for grantee in grantees:
        if granting.is_grant and granting.is_option and grantee == PUBLIC:
            raise InvalidGrant("grant options can only be granted to roles")
        privileges = granting.privileges if granting.is_grant or not granting.is_option else NO_PRIVILEGE
        grantable = granting.privileges if not granting.is_grant or granting.is_option else NO_PRIVILEGE
        item = AclItem(grantee, granting.grantor_oid, privileges, grantable)
        acl = _updated(acl, item, granting)
    return acl


def _updated(acl: Acl, change: AclItem, granting: Granting) -> Acl:
    if granting.is_grant and change.grantable:
        _check_no_circle(acl, change, granting)
    place = next(
        (i for i, item in enumerate(acl) if item[:2] == change[:2]),
        len(acl),
    )
    old = acl[place] if place < len(acl) else AclItem(change.grantee_oid, change.grantor_oid, NO_PRIVILEGE)
    if granting.is_grant:
        new = old._replace(
            privileges=old.privileges | change.privileges, grantable=old.grantable | change.grantable
        )
    else:
        new = old._replace(
            privileges=old.privileges & ~change.privileges, grantable=old.grantable & ~change.grantable
        )
    kept = (new,) if new.privileges or new.grantable else ()
    acl = (*acl[:place], *kept, *acl[place + 1 :])
    lost = old.grantable & ~new.grantable
    return _without_passed_on(acl, change.grantee_oid, lost, granting) if lost else acl


def _without_passed_on(acl: Acl, grantor_oid: int, lost: Privilege, granting: Granting) -> Acl:
    """The list without what a role has passed on by options that it has no more."""
    if grantor_oid == granting.owner_oid:
        return acl
    lost &= ~options_in(acl, granting.roles_of(grantor_oid), granting.owner_oid, lost)
    while lost:
        item = next((i for i in acl if i.grantor_oid == grantor_oid and i.privileges & lost), None)
        if item is None:
            break
        if not granting.cascade:
            raise DependentObjectsStillExist(
                "dependent privileges exist", hint="Use CASCADE to revoke them too."
            )
        revoke = _revoking(granting)
        acl = _updated(acl, AclItem(item.grantee_oid, grantor_oid, lost, lost), revoke)
    return acl


def _revoking(granting: Granting) -> Granting:
    """The revokes that follow from another change."""
    return Granting(
        False, granting.privileges, False, True, granting.grantor_oid, granting.owner_oid, granting.roles_of
    )


def _check_no_circle(acl: Acl, change: AclItem, granting: Granting) -> None:
    """Raises InvalidGrant (0LP01) where a grantor has an option only through the one that it is given to."""
    if change.grantor_oid == granting.owner_oid:
        return
    revoke = _revoking(granting)
    while True:
        item = next((i for i in acl if i.grantee_oid == change.grantee_oid and i.grantable), None)
        if item is None:
            break
        acl = _updated(acl, item, revoke)
    own = options_in(acl, granting.roles_of(change.grantor_oid), granting.owner_oid, change.grantable)
    if change.grantable & ~own:
        raise InvalidGrant("grant options cannot be granted back to your own grantor")


def with_new_owner(acl: Acl, old_oid: int, new_oid: int) -> Acl:
    """The list after an object changed hands: what was the old owner's is the new one's."""
    found: dict[tuple[int, int], AclItem] = {}
    for item in acl:
        grantee, grantor = (new_oid if oid == old_oid else oid for oid in item[:2])
        known = found.get((grantee, grantor), AclItem(grantee, grantor, NO_PRIVILEGE))
        found[grantee, grantor] = known._replace(
            privileges=known.privileges | item.privileges, grantable=known.grantable | item.grantable
        )
    return tuple(found.values())


def without_role(acl: Acl, role_oid: int) -> Acl:
    """The list without what a role was granted, and what it has granted."""
    return tuple(item for item in acl if role_oid not in item[:2])
