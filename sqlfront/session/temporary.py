"""A session's temporary objects: whether it has any, and their end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from foundation.errors import QuiverError
from sqlfront.commands.temporary_objects import drop_schemas, temporary_schemas
from storage import Storage
from storage.catalog import Schema

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

_log = logging.getLogger("quiver.session")


def temporary_schema(session: LocalSession) -> Schema | None:
    """The schema of the session's temporary objects, once there is one."""
    return session.catalog().find_schema(session.identity.database_oid, session.identity.temporary_schema)


def has_temporary(session: LocalSession) -> bool:
    return temporary_schema(session) is not None


def drop_own_temporary(session: LocalSession) -> None:
    """At the session's end. What cannot be dropped now, as on a full disk, goes at the next start."""
    schema = temporary_schema(session)
    if schema is not None:
        _drop(session.shared.storage, [schema])


def drop_left_temporary(storage: Storage) -> None:
    """At a start: what sessions had that did not end."""
    _drop(storage, temporary_schemas(storage.catalog))


def _drop(storage: Storage, schemas: list[Schema]) -> None:
    try:
        drop_schemas(storage, schemas)
    except QuiverError as error:
        _log.warning("temporary objects stay: %s", error)
