"""The part of a session that can move to another process: identity, settings, prepared statements, channels.

A worker that meets a statement it may not run hands the session over in this form; nothing in it refers to
an object of the process that made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlfront.backend import Endpoints
from storage.catalog import TEMPORARY_SCHEMA_PREFIX


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """Who the session is. Fixed for its life."""

    process_id: int
    secret_key: int
    role_oid: int
    role_name: str
    is_superuser: bool
    database_oid: int
    database_name: str
    endpoints: Endpoints = field(default_factory=Endpoints)

    @property
    def temporary_schema(self) -> str:
        """The schema of the session's temporary objects, which its first one makes."""
        return f"{TEMPORARY_SCHEMA_PREFIX}{self.process_id}"


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A prepared statement as text: enough to prepare it again elsewhere."""

    name: str
    text: str
    parameter_oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SessionState:
    """An exported session. Only a session outside a transaction can be exported."""

    identity: SessionIdentity
    settings: dict[str, dict[str, str | None]]
    prepared: tuple[PreparedText, ...] = ()
    channels: tuple[str, ...] = field(default=())
    last_sequence_values: tuple[tuple[int, int], ...] = ()
    """(sequence OID, value) of currval()."""
