"""Hands out sessions: who may connect, to which database, with which settings; and finds them again to cancel.

A `SessionFactory` belongs to one server or embedded database. It holds what sessions share: storage, memory
budget, plan cache, notification hub, server-wide settings.

Authentication: a role with a password proves it by SCRAM-SHA-256 from anywhere; a role without one is trusted
on a loopback address or Unix socket and refused elsewhere. An unknown role is treated like a wrong password
where passwords are asked for.
"""

from __future__ import annotations

import ipaddress
import itertools
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from foundation.cancel import CANCEL_SHUTDOWN, CANCEL_USER
from foundation.errors import InsufficientPrivilege, InvalidParameterValue, QuiverError, UndefinedDatabase
from foundation.memory import MemoryBudget
from foundation.settings import SettingSource, SettingValues
from planner.vector import BuildClaims, BuildReports
from sqlfront.backend import Authentication, StartupParameters
from sqlfront.pg_catalog.kept_rows import KeptRows
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.roles import check_may_become
from sqlfront.protocol.errors import InvalidAuthorization, TooManyConnections
from sqlfront.protocol.scram import make_verifier
from sqlfront.session.acting_role import NO_ROLE
from sqlfront.session.errors import ActiveTransaction
from sqlfront.session.known_texts import KnownTexts
from sqlfront.session.lifted_texts import LiftedShapes
from sqlfront.session.notifications import NotificationHub
from sqlfront.session.plan_cache import PlanCache
from sqlfront.session.retry import RetryTurns
from sqlfront.session.session import LocalSession
from sqlfront.session.state import SessionIdentity
from sqlfront.session.temporary import drop_left_temporary
from storage import Storage
from storage.acl import Privilege
from storage.catalog import Catalog, Database, Role

_log = logging.getLogger(__name__)

FIRST_PROCESS_ID = 1000
PLAN_CACHE_ENTRIES_MAX = 1024


@dataclass(slots=True)
class Shared:
    """What all sessions of a server use together."""

    storage: Storage
    memory: MemoryBudget
    base_settings: dict[str, str] = field(default_factory=dict)
    plans: PlanCache = field(default_factory=lambda: PlanCache(PLAN_CACHE_ENTRIES_MAX))
    hub: NotificationHub = field(default_factory=NotificationHub)
    build_claims: BuildClaims = field(default_factory=BuildClaims)
    build_reports: BuildReports = field(default_factory=BuildReports)
    retry_turns: RetryTurns = field(default_factory=RetryTurns)
    lifted_shapes: LiftedShapes = field(default_factory=LiftedShapes)
    catalog_rows: KeptRows = field(default_factory=KeptRows)
    known_texts: KnownTexts = field(default_factory=KnownTexts)
    start_time_us: int = 0


class LocalSessionFactory:
    """Sessions over one `Storage` in this process. Safe from any thread."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._sessions: dict[int, LocalSession] = {}
        self._lock = threading.Lock()
        self._ended = Counter[tuple[int, bool]]()
        self._process_ids = itertools.count(FIRST_PROCESS_ID)
        drop_left_temporary(shared.storage)

    @property
    def shared(self) -> Shared:
        return self._shared

    def sessions(self) -> Iterator[LocalSession]:
        """All open sessions, for pg_stat_activity."""
        with self._lock:
            return iter(list(self._sessions.values()))

    def transaction_counts(self) -> Counter[tuple[int, bool]]:
        """Transactions by (database OID, whether committed), of all sessions since the server started."""
        with self._lock:
            counts = self._ended.copy()
            for session in self._sessions.values():
                counts.update(_transactions(session))
        return counts

    def authentication(self, startup: StartupParameters) -> Authentication:
        role = self._shared.storage.catalog.find_role(startup.user)
        if role is not None and role.verifier is not None:
            return Authentication(role.verifier)
        if is_local_peer(startup.endpoints.peer_host):
            return Authentication(None)
        return Authentication(make_verifier(secrets.token_hex(16)))

    def connect(self, startup: StartupParameters) -> LocalSession:
        """Open a session.

        Raises:
            InvalidAuthorization: 28000, the role does not exist or may not log in.
            UndefinedDatabase: 3D000.
            InsufficientPrivilege: 42501, no CONNECT on the database, or a role that it may not begin as.
            TooManyConnections: 53300.
            InvalidParameterValue: 22023, a start-up setting is wrong; 42704, 42602 and 55P02 as SET has them.
        """
        catalog = self._shared.storage.catalog
        role = catalog.find_role(startup.user)
        if role is None:
            raise InvalidAuthorization(f'role "{startup.user}" does not exist')
        if not role.can_login:
            raise InvalidAuthorization(f'role "{role.name}" is not permitted to log in')
        database = self._find_database(catalog, startup, role)
        if not Rights(catalog, database.oid, role.oid).may(database, Privilege.CONNECT):
            raise InsufficientPrivilege(
                f'permission denied for database "{database.name}"',
                detail="User does not have CONNECT privilege.",
            )
        settings = self._settings_for(role, database, startup)
        with self._lock:
            self._check_connection_count(role, settings)
            identity = SessionIdentity(
                process_id=next(self._process_ids),
                secret_key=secrets.randbits(31),
                role_oid=role.oid,
                role_name=role.name,
                is_superuser=role.is_superuser,
                database_oid=database.oid,
                database_name=database.name,
                endpoints=startup.endpoints,
            )
            session = LocalSession(self._shared, identity, settings, self)
            self._sessions[identity.process_id] = session
        return session

    def _find_database(self, catalog: Catalog, startup: StartupParameters, role: Role) -> Database:
        name = startup.database or startup.user
        database = catalog.find_database(name)
        if database is None and name == startup.user and self._is_trusted(startup, role):
            # A bare `psql -h localhost` asks for a database named like the user.
            database = catalog.find_database("postgres")
        if database is None:
            raise UndefinedDatabase(f'database "{name}" does not exist')
        return database

    def _is_trusted(self, startup: StartupParameters, role: Role) -> bool:
        return role.verifier is None and is_local_peer(startup.endpoints.peer_host)

    def _settings_for(self, role: Role, database: Database, startup: StartupParameters) -> SettingValues:
        values = SettingValues(self._shared.base_settings)
        defaults = self._shared.storage.catalog.find_role_defaults()
        kept = [(name, text, SettingSource.GLOBAL) for name, text in defaults.settings] if defaults else []
        kept += [(name, text, SettingSource.DATABASE) for name, text in database.settings]
        kept += [(name, text, SettingSource.USER) for oid, name, text in role.settings if oid == 0]
        kept += [
            (name, text, SettingSource.DATABASE_USER)
            for oid, name, text in role.settings
            if oid == database.oid
        ]
        for name, text, source in kept:
            try:
                self._check_role_setting(role, database, name, text)
                values.set_base(name, text, source)
            except QuiverError as error:
                # A value that another release took must not lock its role out.
                _log.warning("a setting of %s is left out: %s", source.value, error.message)
        for name, text in startup.settings.items():
            self._check_role_setting(role, database, name, text)
            if name.lower() == "transaction_isolation" and text.lower() != values.get(name):
                raise ActiveTransaction("SET TRANSACTION ISOLATION LEVEL must be called before any query")
            values.set_base(name, text)
        values.set_base("session_authorization", role.name, SettingSource.OVERRIDE)
        acting = self._shared.storage.catalog.find_role(values.get("role")) or role
        values.set_base("is_superuser", "on" if acting.is_superuser else "off", SettingSource.OVERRIDE)
        return values

    def _check_role_setting(self, role: Role, database: Database, name: str, text: str) -> None:
        """Raises InvalidParameterValue (22023), InsufficientPrivilege (42501) for a session that would begin with a SET ROLE."""
        if name.lower() != "role" or text == NO_ROLE:
            return
        catalog = self._shared.storage.catalog
        wanted = catalog.find_role(text)
        if wanted is None:
            raise InvalidParameterValue(f'role "{text}" does not exist')
        check_may_become(catalog, role.oid, wanted, database.oid)

    def _check_connection_count(self, role: Role, settings: SettingValues) -> None:
        limit = settings.integer("max_connections")
        if not role.is_superuser:
            limit -= settings.integer("superuser_reserved_connections")
            if len(self._sessions) >= limit:
                raise TooManyConnections(
                    "remaining connection slots are reserved for non-replication superuser connections"
                )
        if len(self._sessions) >= limit:
            raise TooManyConnections("sorry, too many clients already")
        open_by_role = sum(s.identity.role_oid == role.oid for s in self._sessions.values())
        if 0 <= role.connection_limit <= open_by_role:
            raise TooManyConnections(f'too many connections for role "{role.name}"')

    def cancel(self, process_id: int, secret_key: int) -> None:
        session = self._sessions.get(process_id)
        if session is not None and session.secret_key == secret_key:
            session.cancel_token.cancel(CANCEL_USER)

    def signal(self, process_id: int, *, terminate: bool) -> bool:
        """pg_cancel_backend and pg_terminate_backend. False when there is no such session."""
        session = self._sessions.get(process_id)
        if session is None:
            return False
        if terminate:
            session.terminate()
        else:
            session.cancel_token.cancel(CANCEL_USER)
        return True

    def terminate_all(self) -> None:
        """Ask every session to end, at a shutdown."""
        for session in self.sessions():
            session.cancel_token.cancel(CANCEL_SHUTDOWN)

    def forget(self, session: LocalSession) -> None:
        """A session has closed."""
        with self._lock:
            if self._sessions.pop(session.process_id, None) is not None:
                self._ended.update(_transactions(session))


def _transactions(session: LocalSession) -> dict[tuple[int, bool], int]:
    oid, block = session.identity.database_oid, session.block
    return {(oid, True): block.commit_count, (oid, False): block.rollback_count}


def is_local_peer(peer_host: str) -> bool:
    """Whether a peer is on this machine: a loopback address, or '' for a Unix socket and the embedded API."""
    if not peer_host or peer_host == "[local]":
        return True
    try:
        return ipaddress.ip_address(peer_host).is_loopback
    except ValueError:
        return False
