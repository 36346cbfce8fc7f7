"""Roles, and those of them that are there without being made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from storage.acl import Membership
from storage.catalog_object import BOOTSTRAP_ROLE_OID, CatalogObject


@dataclass(frozen=True, slots=True)
class Role(CatalogObject):
    """`verifier` is a SCRAM-SHA-256 verifier in pg_authid.rolpassword's form, or None."""

    kind: ClassVar[str] = "role"

    can_login: bool = False
    is_superuser: bool = False
    can_create_db: bool = False
    can_create_role: bool = False
    inherits: bool = True
    connection_limit: int = -1
    valid_until: str | None = None
    verifier: str | None = None
    settings: tuple[tuple[int, str, str], ...] = ()
    """(database OID or 0, name, value) of ALTER ROLE ... [IN DATABASE ...] SET."""
    memberships: tuple[Membership, ...] = ()
    """The roles that it was made a member of."""


@dataclass(frozen=True, slots=True)
class RoleDefaults(CatalogObject):
    """Settings that every session starts with, of ALTER ROLE ALL. There is one at most, with the name of `kind`."""

    kind: ClassVar[str] = "role_defaults"

    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DefaultPrivileges(CatalogObject):
    """The access list that new objects of one kind get which the owner makes, in one schema or, `schema_oid` 0, in all.

    `letter` is the kind's in pg_default_acl; the name says which they are. `acl` is never None.
    """

    kind: ClassVar[str] = "default_privileges"

    schema_oid: int = 0
    letter: str = ""

    @staticmethod
    def name_of(owner_oid: int, schema_oid: int, letter: str) -> str:
        return f"{owner_oid}/{schema_oid}/{letter}"


DATABASE_OWNER_OID = 6171
"""pg_database_owner, whose one member is the owner of the current database."""
READ_ALL_DATA_OID = 6181
WRITE_ALL_DATA_OID = 6182
MONITOR_OID = 3373
READ_ALL_STATISTICS_OID = 3375
SIGNAL_BACKEND_OID = 4200
CHECKPOINT_OID = 4544

_PREDEFINED = {
    MONITOR_OID: "pg_monitor", 3374: "pg_read_all_settings", READ_ALL_STATISTICS_OID: "pg_read_all_stats",
    3377: "pg_stat_scan_tables", SIGNAL_BACKEND_OID: "pg_signal_backend", CHECKPOINT_OID: "pg_checkpoint",
    4569: "pg_read_server_files", 4570: "pg_write_server_files", 4571: "pg_execute_server_program",
    DATABASE_OWNER_OID: "pg_database_owner", READ_ALL_DATA_OID: "pg_read_all_data",
    WRITE_ALL_DATA_OID: "pg_write_all_data",
}  # fmt: skip
_OF_MONITOR = tuple(Membership(oid, BOOTSTRAP_ROLE_OID) for oid in (3374, READ_ALL_STATISTICS_OID, 3377))

PREDEFINED_ROLES = {
    oid: Role(oid, name, 0, BOOTSTRAP_ROLE_OID, memberships=_OF_MONITOR if oid == MONITOR_OID else ())
    for oid, name in _PREDEFINED.items()
}
"""By OID, as in PostgreSQL 15's pg_authid.dat. Every catalog has them; only what was changed of them is kept."""
