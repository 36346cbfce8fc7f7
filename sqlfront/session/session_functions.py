"""SQL functions that ask the session: who am I, settings, sequences, other sessions.

Each is a plain Python function `(session, *arguments) -> value`, registered under its SQL name. Arguments and
results are Python values; a NULL argument makes the result of a strict function NULL. They
run once per row at most, on the few rows such calls have (pg_settings-like queries, INSERT defaults).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from foundation.errors import (
    InvalidParameterValue,
    NullValueNotAllowed,
    ObjectNotInPrerequisiteState,
    UndefinedTable,
    WrongObjectType,
)
from foundation.version import version_text
from sqlfront.commands.settings import check_settable
from sqlfront.session.acting_role import ROLE_SETTINGS
from sqlfront.session.names import (
    TEMPORARY_SCHEMA,
    find_relation,
    split_qualified_name,
    split_search_path,
    with_system_catalog,
)
from sqlfront.session.temporary import temporary_schema
from sqlfront.types.network_input import peer_address
from storage.acl import Privilege
from storage.catalog import TEMPORARY_SCHEMA_PREFIX, Catalog, Schema, Sequence

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

SessionFunction = Callable[..., Any]
SESSION_FUNCTIONS: dict[str, SessionFunction] = {}


def session_function(*names: str) -> Callable[[SessionFunction], SessionFunction]:
    """Register a function under its SQL names."""

    def register(function: SessionFunction) -> SessionFunction:
        for name in names:
            SESSION_FUNCTIONS[name] = function
        return function

    return register


# -- identity -----------------------------------------------------------------------------------------------


@session_function("current_user", "user", "current_role")
def current_user(session: LocalSession) -> str:
    return session.roles.current.name


@session_function("session_user", "system_user")
def session_user(session: LocalSession) -> str:
    return session.roles.session_user.name


@session_function("current_database", "current_catalog")
def current_database(session: LocalSession) -> str:
    return session.identity.database_name


@session_function("current_schema")
def current_schema(session: LocalSession) -> str | None:
    """The schema that objects are created in: temporary ones only if `pg_temp` is listed there."""
    listed = split_search_path(session.settings.get("search_path"), session.roles.current.name)
    own = temporary_schema(session)
    schemas = [s for s in session.existing_search_path() if own is None or s != own.name]
    if own is not None and listed[:1] == (TEMPORARY_SCHEMA,):
        return own.name
    return schemas[0] if schemas else None


@session_function("current_schemas")
def current_schemas(session: LocalSession, with_implicit: bool) -> list[str]:
    schemas = session.existing_search_path()
    if with_implicit:
        return list(with_system_catalog(schemas))
    is_listed = TEMPORARY_SCHEMA in split_search_path(session.settings.get("search_path"), "")
    return [s for s in schemas if is_listed or not s.startswith(TEMPORARY_SCHEMA_PREFIX)]


@session_function("pg_my_temp_schema")
def pg_my_temp_schema(session: LocalSession) -> int:
    own = temporary_schema(session)
    return 0 if own is None else own.oid


@session_function("pg_is_other_temp_schema")
def pg_is_other_temp_schema(session: LocalSession, oid: int) -> bool:
    schema = session.catalog().get(oid)
    is_temporary = isinstance(schema, Schema) and schema.name.startswith(TEMPORARY_SCHEMA_PREFIX)
    return is_temporary and schema != temporary_schema(session)


@session_function("version")
def version(session: LocalSession) -> str:
    return version_text()


@session_function("pg_backend_pid")
def pg_backend_pid(session: LocalSession) -> int:
    return session.process_id


@session_function("inet_client_addr")
def inet_client_addr(session: LocalSession) -> bytes | None:
    return peer_address(session.identity.endpoints.peer_host)


@session_function("inet_client_port")
def inet_client_port(session: LocalSession) -> int | None:
    return session.identity.endpoints.peer_port


@session_function("inet_server_addr")
def inet_server_addr(session: LocalSession) -> bytes | None:
    return peer_address(session.identity.endpoints.server_host)


@session_function("inet_server_port")
def inet_server_port(session: LocalSession) -> int | None:
    return session.identity.endpoints.server_port


@session_function("pg_is_in_recovery")
def pg_is_in_recovery(session: LocalSession) -> bool:
    return False


@session_function("pg_postmaster_start_time", "pg_conf_load_time")
def pg_postmaster_start_time(session: LocalSession) -> int:
    return session.shared.start_time_us


@session_function("txid_current", "pg_current_xact_id")
def txid_current(session: LocalSession) -> int:
    return session.shared.storage.last_lsn + 1


# -- settings -----------------------------------------------------------------------------------------------


@session_function("current_setting")
def current_setting(session: LocalSession, name: str, missing_ok: bool = False) -> str | None:
    if missing_ok and not session.settings.is_known(name):
        return None
    return session.settings.show(name)


@session_function("set_config")
def set_config(session: LocalSession, name: str | None, value: str | None, is_local: bool | None) -> str:
    if name is None:
        raise NullValueNotAllowed("SET requires parameter name")
    if name.lower() in ROLE_SETTINGS:
        session.roles.set(name.lower(), value, is_local=bool(is_local))
        return session.settings.show(name)
    check_settable(name, is_superuser=session.roles.rights.is_superuser)
    session.settings.set(name, value, is_local=bool(is_local))
    return session.settings.show(name)


@session_function("setseed")
def setseed(session: LocalSession, seed: float) -> str:
    session.random_numbers.seed(seed)
    return ""


@session_function("pg_sleep")
def pg_sleep(session: LocalSession, seconds: float) -> str:
    """Return after so many seconds; a cancel request, a timeout and the session's end are seen within 20 ms.

    Raises:
        QueryCanceled: 57014. AdminShutdown: 57P01.
    """
    end = time.monotonic() + seconds
    session.cancel_token.check()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.02))
        session.cancel_token.check()
    return ""


# -- sequences ----------------------------------------------------------------------------------------------


def is_of_identity(catalog: Catalog, sequence: Sequence) -> bool:
    """Whether a sequence gives an identity column its values."""
    if sequence.owned_by is None:
        return False
    table_oid, attnum = sequence.owned_by
    return catalog.table(table_oid).column_at(attnum).identity != ""


def _sequence(session: LocalSession, name: str | int) -> Sequence:
    catalog = session.catalog()
    if isinstance(name, int):
        found = catalog.get(name)
        shown = str(name)
    else:
        parts = split_qualified_name(name)
        found = find_relation(catalog, session.identity.database_oid, session.existing_search_path(), parts)
        shown = name
    if found is None:
        raise UndefinedTable(f'relation "{shown}" does not exist')
    if not isinstance(found, Sequence):
        raise WrongObjectType(f'"{shown}" is not a sequence')
    return found


@session_function("nextval")
def nextval(session: LocalSession, name: str | int) -> int:
    sequence = _sequence(session, name)
    if not is_of_identity(session.catalog(), sequence):
        # What an identity column calls was checked with the statement, where a direct call of its sequence was, too.
        session.roles.rights.check_any(sequence, Privilege.USAGE | Privilege.UPDATE)
    session.block.check_writable("nextval()")
    value = int(session.shared.storage.next_sequence_values(sequence, 1)[0])
    session.remember_sequence_value(sequence.oid, value)
    return value


@session_function("currval")
def currval(session: LocalSession, name: str | int) -> int:
    sequence = _sequence(session, name)
    session.roles.rights.check_any(sequence, Privilege.USAGE | Privilege.SELECT)
    value = session.sequence_values.get(sequence.oid)
    if value is None:
        raise ObjectNotInPrerequisiteState(
            f'currval of sequence "{sequence.name}" is not yet defined in this session'
        )
    return value


@session_function("lastval")
def lastval(session: LocalSession) -> int:
    last = session.catalog().get(session.last_sequence_oid or 0)
    if session.last_sequence_oid is None or last is None:
        raise ObjectNotInPrerequisiteState("lastval is not yet defined in this session")
    session.roles.rights.check_any(last, Privilege.USAGE | Privilege.SELECT)
    return session.sequence_values[session.last_sequence_oid]


@session_function("pg_sequence_last_value")
def pg_sequence_last_value(session: LocalSession, name: str | int) -> int | None:
    value, is_called = session.shared.storage.sequence_state(_sequence(session, name).oid)
    return value if is_called else None


@session_function("setval")
def setval(session: LocalSession, name: str | int, value: int, is_called: bool = True) -> int:
    sequence = _sequence(session, name)
    session.roles.rights.check(sequence, Privilege.UPDATE)
    session.block.check_writable("setval()")
    if not sequence.minimum <= value <= sequence.maximum:
        raise SequenceOutOfRange(
            f'setval: value {value} is out of bounds for sequence "{sequence.name}" '
            f"({sequence.minimum}..{sequence.maximum})"
        )
    session.shared.storage.set_sequence(sequence.oid, value, is_called)
    if is_called:
        session.remember_sequence_value(sequence.oid, value)
    return value


class SequenceOutOfRange(InvalidParameterValue):
    sqlstate = "22003"


# -- other sessions -----------------------------------------------------------------------------------------


def _signal(session: LocalSession, process_id: int, *, terminate: bool) -> bool:
    found = session.signal_peer(process_id, terminate=terminate)
    if not found:
        session.warn(f"PID {process_id} is not a PostgreSQL backend process")
    return found


@session_function("pg_cancel_backend")
def pg_cancel_backend(session: LocalSession, process_id: int) -> bool:
    return _signal(session, process_id, terminate=False)


@session_function("pg_terminate_backend")
def pg_terminate_backend(session: LocalSession, process_id: int, timeout_ms: int = 0) -> bool:
    return _signal(session, process_id, terminate=True)


@session_function("pg_listening_channels")
def pg_listening_channels(session: LocalSession) -> list[str]:
    return sorted(session.listener.channels)


@session_function("pg_notify")
def pg_notify(session: LocalSession, channel: str, payload: str) -> str:
    session.effects.notify(session.process_id, channel, payload)
    return ""
