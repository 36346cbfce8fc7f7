"""SQL functions that ask the session: who am I, settings, sequences, other sessions.

Each is a plain Python function `(session, *arguments) -> value`, registered under its SQL name. Arguments and
results are Python values; a NULL argument makes the result of a strict function NULL. They
run once per row at most, on the few rows such calls have (pg_settings-like queries, INSERT defaults).
"""

from __future__ import annotations

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
from sqlfront.session.names import find_relation, split_qualified_name
from storage.catalog import Sequence

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


@session_function("current_user", "session_user", "user", "current_role", "system_user")
def current_user(session: LocalSession) -> str:
    return session.identity.role_name


@session_function("current_database", "current_catalog")
def current_database(session: LocalSession) -> str:
    return session.identity.database_name


@session_function("current_schema")
def current_schema(session: LocalSession) -> str | None:
    schemas = session.existing_search_path()
    return schemas[0] if schemas else None


@session_function("current_schemas")
def current_schemas(session: LocalSession, with_implicit: bool) -> list[str]:
    schemas = list(session.existing_search_path())
    return ["pg_catalog", *schemas] if with_implicit and "pg_catalog" not in schemas else schemas


@session_function("version")
def version(session: LocalSession) -> str:
    return version_text()


@session_function("pg_backend_pid")
def pg_backend_pid(session: LocalSession) -> int:
    return session.process_id


@session_function("inet_server_addr", "inet_server_port", "inet_client_port")
def address_unknown(session: LocalSession) -> None:
    return None


@session_function("inet_client_addr")
def inet_client_addr(session: LocalSession) -> str | None:
    return session.identity.peer_host or None


@session_function("pg_is_in_recovery")
def pg_is_in_recovery(session: LocalSession) -> bool:
    return False


@session_function("pg_postmaster_start_time", "pg_conf_load_time")
def pg_postmaster_start_time(session: LocalSession) -> int:
    return session.shared.start_time_us


@session_function("txid_current", "pg_current_xact_id")
def txid_current(session: LocalSession) -> int:
    return session.shared.storage.last_lsn + 1


@session_function("pg_is_other_temp_schema")
def pg_is_other_temp_schema(session: LocalSession, schema_oid: int) -> bool:
    return False


@session_function("pg_my_temp_schema")
def pg_my_temp_schema(session: LocalSession) -> int:
    return 0


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
    session.settings.set(name, value, is_local=bool(is_local))
    return session.settings.show(name)


@session_function("setseed")
def setseed(session: LocalSession, seed: float) -> str:
    session.random_numbers.seed(seed)
    return ""


# -- sequences ----------------------------------------------------------------------------------------------


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
    session.block.check_writable("nextval()")
    value = int(session.shared.storage.next_sequence_values(sequence, 1)[0])
    session.remember_sequence_value(sequence.oid, value)
    return value


@session_function("currval")
def currval(session: LocalSession, name: str | int) -> int:
    sequence = _sequence(session, name)
    value = session.sequence_values.get(sequence.oid)
    if value is None:
        raise ObjectNotInPrerequisiteState(
            f'currval of sequence "{sequence.name}" is not yet defined in this session'
        )
    return value


@session_function("lastval")
def lastval(session: LocalSession) -> int:
    if session.last_sequence_oid is None or session.catalog().get(session.last_sequence_oid) is None:
        raise ObjectNotInPrerequisiteState("lastval is not yet defined in this session")
    return session.sequence_values[session.last_sequence_oid]


@session_function("pg_sequence_last_value")
def pg_sequence_last_value(session: LocalSession, name: str | int) -> int | None:
    value, is_called = session.shared.storage.sequence_state(_sequence(session, name).oid)
    return value if is_called else None


@session_function("setval")
def setval(session: LocalSession, name: str | int, value: int, is_called: bool = True) -> int:
    sequence = _sequence(session, name)
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
