"""Rows of the relations that describe the server: databases, roles, settings, sessions, extensions."""

from __future__ import annotations

from collections.abc import Iterator

from foundation.setting_definitions import SETTINGS, SettingContext, Unit
from foundation.setting_text import bound_text, plain_value
from foundation.version import PGVECTOR_VERSION
from planner.functions.zone_names import time_zone_rows
from planner.vector import index_status
from sqlfront.pg_catalog.definitions import index_definition
from sqlfront.pg_catalog.locks import wait_event
from sqlfront.pg_catalog.privileges import shown_acl
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView, Reach
from sqlfront.types.network_input import peer_address
from storage.catalog import BOOTSTRAP_ROLE_OID, Database, Extension, Index, Role, Sequence

UTF8 = 6
PG_DATABASE_OID = 1262
PG_AUTHID_OID = 1260
DEFAULT_TABLESPACE_OID = 1663
TEMPLATE_DATABASES = {1: "template1", 4: "template0"}
"""Shown because clients look for them; they hold nothing and cannot be connected to."""

TEMPLATE_COMMENTS = {1: "default template for new databases", 4: "unmodifiable empty database"}

EXTENSIONS = {
    "vector": (PGVECTOR_VERSION, "vector data type and ivfflat and hnsw access methods"),
    "plpgsql": ("1.0", "PL/pgSQL procedural language"),
    "uuid-ossp": ("1.1", "generate universally unique identifiers (UUIDs)"),
    "pgcrypto": ("1.3", "cryptographic functions"),
    "pg_trgm": ("1.6", "text similarity measurement and index searching based on trigrams"),
    "citext": ("1.6", "data type for case-insensitive character strings"),
}


@rows_of("pg_database")
def pg_database(view: CatalogView) -> Iterator[Row]:
    for database in view.catalog.objects(Database):
        row = _database_row(database.oid, database.name, database.owner_oid, is_template=False)
        yield {**row, "datacl": shown_acl(view, database)}
    for oid, name in TEMPLATE_DATABASES.items():
        yield _database_row(oid, name, BOOTSTRAP_ROLE_OID, is_template=True)


def _database_row(oid: int, name: str, owner_oid: int, *, is_template: bool) -> Row:
    return {
        "oid": oid, "datname": name, "datdba": owner_oid, "encoding": UTF8, "datlocprovider": "c",
        "datistemplate": is_template, "datallowconn": not is_template, "datconnlimit": -1, "datfrozenxid": 3,
        "datminmxid": 1, "dattablespace": DEFAULT_TABLESPACE_OID, "datcollate": "C.UTF-8", "datctype": "C.UTF-8",
        "daticulocale": None, "datcollversion": None,
        "datacl": ["=c/postgres", "postgres=CTc/postgres"] if is_template else None,
    }  # fmt: skip


@rows_of("pg_shdescription")
def pg_shdescription(view: CatalogView) -> Iterator[Row]:
    for oid, comment in TEMPLATE_COMMENTS.items():
        yield {"objoid": oid, "classoid": PG_DATABASE_OID, "description": comment}
    for class_oid, cls in ((PG_DATABASE_OID, Database), (PG_AUTHID_OID, Role)):
        for described in view.catalog.objects(cls):
            if described.comment is not None:
                yield {"objoid": described.oid, "classoid": class_oid, "description": described.comment}


@rows_of("pg_authid")
def pg_authid(view: CatalogView) -> Iterator[Row]:
    for role in view.catalog.objects(Role):
        yield {
            "oid": role.oid, "rolname": role.name, "rolsuper": role.is_superuser, "rolinherit": role.inherits,
            "rolcreaterole": role.can_create_role, "rolcreatedb": role.can_create_db, "rolcanlogin": role.can_login,
            "rolreplication": role.is_superuser, "rolbypassrls": role.is_superuser,
            "rolconnlimit": role.connection_limit, "rolpassword": None, "rolvaliduntil": None,
        }  # fmt: skip


@rows_of("pg_roles")
def pg_roles(view: CatalogView) -> Iterator[Row]:
    configurations = {
        role.oid: [f"{name}={value}" for oid, name, value in role.settings if oid == 0]
        for role in view.catalog.objects(Role)
    }
    for row in pg_authid(view):
        yield {**row, "rolpassword": "********", "rolconfig": configurations[row["oid"]] or None}


@rows_of("pg_user", "pg_shadow")
def pg_user(view: CatalogView) -> Iterator[Row]:
    for row in pg_roles(view):
        if row["rolcanlogin"]:
            yield {
                "usename": row["rolname"], "usesysid": row["oid"], "usecreatedb": row["rolcreatedb"],
                "usesuper": row["rolsuper"], "userepl": row["rolreplication"], "usebypassrls": row["rolbypassrls"],
                "passwd": "********", "valuntil": None, "useconfig": row["rolconfig"],
            }  # fmt: skip


@rows_of("pg_db_role_setting")
def pg_db_role_setting(view: CatalogView) -> Iterator[Row]:
    defaults = view.catalog.find_role_defaults()
    if defaults is not None and defaults.settings:
        texts = [f"{name}={value}" for name, value in defaults.settings]
        yield {"setdatabase": 0, "setrole": 0, "setconfig": texts}
    for database in view.catalog.objects(Database):
        if database.settings:
            texts = [f"{name}={value}" for name, value in database.settings]
            yield {"setdatabase": database.oid, "setrole": 0, "setconfig": texts}
    for role in view.catalog.objects(Role):
        for database_oid in sorted({oid for oid, _, _ in role.settings}):
            texts = [f"{name}={value}" for oid, name, value in role.settings if oid == database_oid]
            yield {"setdatabase": database_oid, "setrole": role.oid, "setconfig": texts}


@rows_of("pg_available_extensions")
def pg_available_extensions(view: CatalogView) -> Iterator[Row]:
    installed = {extension.name: extension.version for extension in view.objects(Extension)}
    for name, (version, comment) in EXTENSIONS.items():
        yield {
            "name": name, "default_version": version, "installed_version": installed.get(name), "comment": comment,
        }  # fmt: skip


@rows_of("pg_available_extension_versions")
def pg_available_extension_versions(view: CatalogView) -> Iterator[Row]:
    installed = {extension.name for extension in view.objects(Extension)}
    for name, (version, comment) in EXTENSIONS.items():
        yield {
            "name": name, "version": version, "installed": name in installed, "superuser": True, "trusted": True,
            "relocatable": True, "schema": None, "requires": None, "comment": comment,
        }  # fmt: skip


@rows_of("pg_settings")
def pg_settings(view: CatalogView) -> Iterator[Row]:
    values = view.session.settings
    for setting in sorted(SETTINGS.values(), key=lambda s: s.name.lower()):
        yield {
            "name": setting.name, "setting": plain_value(setting, values.get(setting.name)),
            "unit": setting.unit.value if setting.unit is not Unit.NONE else None,
            "category": "Customized Options" if "." in setting.name else "Server", "short_desc": setting.help,
            "context": setting.context.value, "vartype": setting.type.value,
            "source": values.source(setting.name).value,
            "min_val": bound_text(setting, setting.minimum), "max_val": bound_text(setting, setting.maximum),
            "enumvals": list(setting.values) or None, "boot_val": plain_value(setting, setting.default),
            "reset_val": plain_value(setting, values.reset_value(setting.name)), "pending_restart": False,
            "extra_desc": None if setting.context is SettingContext.USER else "Fixed while the server runs.",
            "sourcefile": None, "sourceline": None,
        }  # fmt: skip


@rows_of("pg_timezone_names")
def pg_timezone_names(view: CatalogView) -> Iterator[Row]:
    view.reach = Reach.EVERYTHING  # Offsets change with the seasons.
    for name, abbreviation, offset, is_daylight_saving in time_zone_rows():
        yield {"name": name, "abbrev": abbreviation, "utc_offset": offset, "is_dst": is_daylight_saving}


@rows_of("pg_stat_activity")
def pg_stat_activity(view: CatalogView) -> Iterator[Row]:
    for session in view.session.registry.sessions():
        identity = session.identity
        status = session.transaction_status().name
        event = wait_event(view, identity.process_id)
        is_active = session is view.session or event is not None
        yield {
            "datid": identity.database_oid, "datname": identity.database_name, "pid": identity.process_id,
            "usesysid": identity.role_oid, "usename": identity.role_name,
            "application_name": session.settings.get("application_name"),
            "client_addr": peer_address(identity.endpoints.peer_host),
            "client_port": identity.endpoints.peer_port,
            "backend_start": session.session_start_us, "xact_start": session.transaction_start_us,
            "query_start": session.query_start_us, "state_change": session.query_start_us,
            "wait_event_type": "Lock" if event is not None else None, "wait_event": event,
            "state": "active" if is_active else _STATES[status], "query": session.current_query,
            "backend_type": "client backend", "leader_pid": None, "query_id": None, "backend_xid": None,
            "backend_xmin": None,
        }  # fmt: skip


_STATES = {"IDLE": "idle", "IN_TRANSACTION": "idle in transaction", "FAILED": "idle in transaction (aborted)"}


@rows_of("pg_indexes")
def pg_indexes(view: CatalogView) -> Iterator[Row]:
    for index in view.objects(Index):
        yield {
            "schemaname": view.schema_names.get(index.schema_oid), "indexname": index.name,
            "tablename": view.catalog.table(index.table_oid).name, "tablespace": None,
            "indexdef": index_definition(view, index),
        }  # fmt: skip


@rows_of("pg_tables")
def pg_tables(view: CatalogView) -> Iterator[Row]:
    for table in view.tables():
        yield {
            "schemaname": view.schema_names.get(table.schema_oid), "tablename": table.name,
            "tableowner": view.role_name(table.owner_oid), "tablespace": None,
            "hasindexes": bool(view.catalog.indexes_of(table.oid)),
        }  # fmt: skip


@rows_of("pg_sequences")
def pg_sequences(view: CatalogView) -> Iterator[Row]:
    for sequence in view.objects(Sequence):
        last_value, is_called = view.storage.sequence_state(sequence.oid)
        yield {
            "schemaname": view.schema_names.get(sequence.schema_oid), "sequencename": sequence.name,
            "sequenceowner": view.role_name(sequence.owner_oid), "data_type": sequence.type.oid,
            "start_value": sequence.start, "min_value": sequence.minimum, "max_value": sequence.maximum,
            "increment_by": sequence.increment, "cycle": sequence.cycle, "cache_size": sequence.cache,
            "last_value": last_value if is_called else None,
        }  # fmt: skip


@rows_of("quiver_index_status")
def quiver_index_status(view: CatalogView) -> Iterator[Row]:
    for status in index_status(view.storage, view.transaction):
        index = view.catalog.get(status.index_oid)
        if isinstance(index, Index) and index.database_oid == view.database_oid:
            yield {
                "index_name": index.name, "table_name": view.catalog.table(index.table_oid).name,
                "index_oid": index.oid, "table_oid": index.table_oid, "family": index.family,
                "rows_served": status.rows_served, "rows_scanned": status.rows_scanned,
                "segments": status.segments, "segments_scanned": status.segments_scanned,
                "size_bytes": status.size_bytes, "state": status.state,
            }  # fmt: skip


@rows_of("quiver_memory")
def quiver_memory(view: CatalogView) -> Iterator[Row]:
    memory = view.session.shared.memory
    for holder, size_bytes in sorted(memory.held().items()):
        yield {"holder": holder, "size_bytes": size_bytes, "share": size_bytes / memory.limit_bytes}
