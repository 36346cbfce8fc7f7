"""System catalogs that not everybody may read, as the REVOKEs in PostgreSQL's system_views.sql and initdb have it."""

from __future__ import annotations

from foundation.errors import InsufficientPrivilege
from sqlfront.privileges.rights import Rights
from storage.role_objects import READ_ALL_DATA_OID

_TABLES = frozenset(
    (
        "pg_authid",
        "pg_statistic",
        "pg_statistic_ext_data",
        "pg_user_mapping",
        "pg_largeobject",
        "pg_subscription",
    )
)
_VIEWS = frozenset(
    ("pg_shadow", "pg_config", "pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings",
     "pg_backend_memory_contexts", "pg_shmem_allocations")
)  # fmt: skip


def is_for_superusers(name: str) -> bool:
    """Whether only superusers and pg_read_all_data may read a system catalog."""
    return name in _TABLES or name in _VIEWS


def check_system_relation(rights: Rights, name: str) -> None:
    """Raises InsufficientPrivilege (42501)."""
    if is_for_superusers(name) and READ_ALL_DATA_OID not in rights.roles and not rights.is_superuser:
        raise InsufficientPrivilege(f"permission denied for {'table' if name in _TABLES else 'view'} {name}")
