"""Who a session is: the role that logged in, the session user, and the current user, whose privileges count.

SET SESSION AUTHORIZATION changes the session user, SET ROLE the current user; both are settings, so that they end with a
transaction, a savepoint or SET LOCAL as others do. A role is remembered by its OID: it may be renamed meanwhile.
https://www.postgresql.org/docs/15/sql-set-role.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.errors import InsufficientPrivilege, InvalidParameterValue
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.roles import check_may_become, is_superuser
from storage.catalog import Role

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

NO_ROLE = "none"
ROLE_SETTINGS = ("role", "session_authorization")


@dataclass(frozen=True, slots=True)
class ActingRole:
    oid: int
    name: str


class ActingRoles:
    """The roles of one session."""

    def __init__(self, session: LocalSession) -> None:
        identity = session.identity
        self._session = session
        self._known_oids = {identity.role_name: identity.role_oid}
        self._definer: ActingRole | None = None
        self._rights: Rights | None = None

    @property
    def session_user(self) -> ActingRole:
        return self._named(self._session.settings.get("session_authorization"))

    @property
    def current(self) -> ActingRole:
        if self._definer is not None:
            return self._definer
        name = self._session.settings.get("role")
        return self.session_user if name == NO_ROLE else self._named(name)

    @property
    def rights(self) -> Rights:
        """What the current user may do, in the catalog that the session sees now."""
        catalog, oid = self._session.catalog(), self.current.oid
        known = self._rights
        if known is None or known.catalog is not catalog or known.role_oid != oid:
            known = self._rights = Rights(catalog, self._session.identity.database_oid, oid)
        return known

    def _named(self, name: str) -> ActingRole:
        catalog = self._session.catalog()
        oid = self._known_oids.get(name, 0)
        role = catalog.get(oid) if oid else catalog.find_role(name)
        if not isinstance(role, Role):
            return ActingRole(oid, name)
        return ActingRole(role.oid, role.name)

    @contextmanager
    def acting_as(self, role_oid: int) -> Iterator[None]:
        """Inside, the current user is another role: the owner of what is executed."""
        role, before = self._session.catalog().get(role_oid), self._definer
        self._definer = ActingRole(role_oid, role.name if role is not None else "")
        try:
            yield
        finally:
            self._definer = before

    def set_role(self, name: str | None, *, is_local: bool = False) -> None:
        """SET ROLE; `name` None is RESET: the role that the session began with.

        Raises:
            InvalidParameterValue: 22023, no such role. InsufficientPrivilege: 42501, the session user is no member.
        """
        session = self._session
        wanted = session.settings.reset_value("role") if name is None else name
        if wanted != NO_ROLE:
            role = self._existing(wanted)
            check_may_become(session.catalog(), self.session_user.oid, role, session.identity.database_oid)
            self._known_oids[wanted] = role.oid
        session.settings.assign("role", wanted, is_local=is_local)
        self._report(is_local=is_local)

    def set_session_authorization(self, name: str | None, *, is_local: bool = False) -> None:
        """SET SESSION AUTHORIZATION; `name` None is DEFAULT: the role that logged in. There is no SET ROLE afterwards.

        Raises:
            InvalidParameterValue: 22023, no such role. InsufficientPrivilege: 42501, the role that logged in is no superuser.
        """
        session, identity = self._session, self._session.identity
        role = None if name is None else self._existing(name)
        may = role is None or role.oid == identity.role_oid
        if not may and not is_superuser(session.catalog(), identity.role_oid):
            raise InsufficientPrivilege("permission denied to set session authorization")
        wanted = identity.role_name if role is None else role.name
        if role is not None:
            self._known_oids[wanted] = role.oid
        session.settings.assign("session_authorization", wanted, is_local=is_local)
        session.settings.assign("role", NO_ROLE, is_local=is_local)
        self._report(is_local=is_local)

    def _existing(self, name: str) -> Role:
        role = self._session.catalog().find_role(name)
        if role is None:
            raise InvalidParameterValue(f'role "{name}" does not exist')
        return role

    def _report(self, *, is_local: bool) -> None:
        """`is_superuser` tells clients of the current user."""
        is_super = is_superuser(self._session.catalog(), self.current.oid)
        self._session.settings.assign("is_superuser", "on" if is_super else "off", is_local=is_local)

    def set(self, setting: str, name: str | None, *, is_local: bool = False) -> None:
        """As the SET of one of `ROLE_SETTINGS`."""
        if setting == "role":
            self.set_role(name, is_local=is_local)
        else:
            self.set_session_authorization(name, is_local=is_local)
