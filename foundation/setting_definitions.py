"""The table of all settings (PostgreSQL calls them GUCs): name, type, default, range, unit, context, help.

`pg_settings`, SHOW ALL, the docs and the tests read it. See https://www.postgresql.org/docs/15/config-setting.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from foundation.version import SERVER_VERSION, SERVER_VERSION_NUM


class SettingType(Enum):
    BOOL = "bool"
    INTEGER = "integer"
    REAL = "real"
    STRING = "string"
    ENUM = "enum"


class SettingContext(Enum):
    """When a setting may change, as pg_settings.context says it."""

    INTERNAL = "internal"
    SERVER_START = "postmaster"
    SUPERUSER = "superuser"
    USER = "user"


class Unit(Enum):
    """Base unit of a numeric setting; input may carry any unit of the same family."""

    NONE = ""
    MS = "ms"
    BYTE = "B"
    KILOBYTE = "kB"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is in SHOW's text form without its unit."""

    name: str
    type: SettingType
    default: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    unit: Unit = Unit.NONE
    values: tuple[str, ...] = ()
    context: SettingContext = SettingContext.USER
    is_reported: bool = False
    """Sent as ParameterStatus at start-up and on change."""


def _bool(name: str, default: str, help: str, **more: object) -> Setting:
    return Setting(name, SettingType.BOOL, default, help, **more)  # type: ignore[arg-type]


def _int(name: str, default: int, low: int, high: int, help: str, **more: object) -> Setting:
    return Setting(name, SettingType.INTEGER, str(default), help, low, high, **more)  # type: ignore[arg-type]


def _real(name: str, default: str, low: float, high: float, help: str, **more: object) -> Setting:
    return Setting(name, SettingType.REAL, default, help, low, high, **more)  # type: ignore[arg-type]


def _string(name: str, default: str, help: str, **more: object) -> Setting:
    return Setting(name, SettingType.STRING, default, help, **more)  # type: ignore[arg-type]


def _enum(name: str, default: str, values: Iterable[str], help: str, **more: object) -> Setting:
    return Setting(name, SettingType.ENUM, default, help, values=tuple(values), **more)  # type: ignore[arg-type]


_INT_MAX = 2147483647
_FIXED = SettingContext.INTERNAL
_START = SettingContext.SERVER_START
_SUPERUSER = SettingContext.SUPERUSER
_LEVELS = ("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")

_DEFINITIONS = (
    # Vector search, under pgvector's names and our own.
    _int("hnsw.ef_search", 40, 1, 1000, "Size of the candidate list of a search of hnsw and other graphs; set explicitly it is used as it is."),
    _enum("hnsw.iterative_scan", "off", ("off", "relaxed_order", "strict_order"), "Accepted for pgvector's clients; answers are always complete and exactly ordered."),
    _int("hnsw.max_scan_tuples", 20000, 1, _INT_MAX, "Accepted for pgvector's clients; a search goes on until LIMIT is filled."),
    _real("hnsw.scan_mem_multiplier", "1", 1, 1000, "Accepted for pgvector's clients; memory is bounded by quiver.memory_limit."),
    _int("ivfflat.probes", 1, 1, 32768, "Least number of lists a search of ivfflat and other inverted lists visits; set explicitly it is used as it is."),
    _enum("ivfflat.iterative_scan", "off", ("off", "relaxed_order"), "Accepted for pgvector's clients; answers are always complete and exactly ordered."),
    _int("ivfflat.max_probes", 32768, 1, 32768, "Accepted for pgvector's clients; a search goes on until LIMIT is filled."),
    _int("annoy.search_k", 1000, 1, _INT_MAX, "Rows that an annoy search weighs, over all trees; set explicitly it is used as it is."),
    _int("diskann.search_list", 100, 1, 10000, "Size of the candidate list of a diskann search; set explicitly it is used as it is."),
    _int("sparse_inverted.query_weight", 1000, 1, 1000, "Thousandths of a query's weight that a sparse_inverted search looks up, the heaviest elements first: all of it, which is exact, or less; set explicitly it is used as it is."),
    _real("quiver.target_recall", "0.97", 0.5, 1.0, "Recall an index search aims at when no search parameter was set explicitly."),
    _bool("quiver.pgvector_limits", "off", "On: refuse to index what pgvector cannot: more than 2,000 dimensions of vector, 4,000 of halfvec, 64,000 of bit, 1,000 elements of a sparsevec."),
    _bool("enable_seqscan", "on", "Off: prefer an index over an exact scan; rows whose distance is NULL are then left out."),
    _bool("enable_indexscan", "on", "Off: never use a vector index, nor a btree index that is not unique."),
    # The server.
    _int("quiver.memory_limit", 0, 0, _INT_MAX, "Memory the server may use; 0 = 70 % of the machine.", unit=Unit.KILOBYTE, context=_START),
    _int("quiver.growing_segment_size", 65536, 64, _INT_MAX, "Size at which a growing segment is sealed.", unit=Unit.KILOBYTE),
    _int("quiver.checkpoint_log_size", 262144, 1024, _INT_MAX, "Log written since the last checkpoint that starts the next.", unit=Unit.KILOBYTE, context=_START),
    _int("max_connections", 100, 1, 262143, "Number of concurrent connections.", context=_START),
    _int("superuser_reserved_connections", 3, 0, 262143, "Connections kept for superusers.", context=_START),
    _int("port", 5432, 0, 65535, "TCP port.", context=_START),
    _string("listen_addresses", "127.0.0.1", "Addresses to listen on.", context=_START),
    _bool("ssl", "off", "Whether TLS is offered.", context=_START),
    _enum("wal_level", "replica", ("minimal", "replica", "logical"), "Reported for clients.", context=_FIXED),
    _bool("fsync", "on", "Always on: an acknowledged write is on disk.", context=_FIXED),
    _enum("synchronous_commit", "on", ("local", "remote_write", "remote_apply", "on", "off"), "Off: a commit does not wait for the disk; a crash of the machine may lose the last ones, whole and in order."),
    _int("wal_writer_delay", 200, 1, 10000, "Longest time between two flushes of commits that did not wait for the disk.", unit=Unit.MS, context=_START),
    _int("authentication_timeout", 60000, 1000, 600000, "Time a client has to authenticate.", unit=Unit.MS, context=_START),
    # Statements and transactions.
    _int("statement_timeout", 0, 0, _INT_MAX, "Longest time a statement may run; 0 = no limit.", unit=Unit.MS),
    _int("lock_timeout", 0, 0, _INT_MAX, "Longest time to wait for a lock; 0 = no limit.", unit=Unit.MS),
    _int("deadlock_timeout", 1000, 1, _INT_MAX, "Wait before looking for a deadlock.", unit=Unit.MS),
    _int("idle_in_transaction_session_timeout", 0, 0, _INT_MAX, "Longest time a session may idle in a transaction; 0 = no limit.", unit=Unit.MS),
    _int("idle_session_timeout", 0, 0, _INT_MAX, "Longest time a session may idle; 0 = no limit.", unit=Unit.MS),
    _enum("default_transaction_isolation", "read committed", ("serializable", "repeatable read", "read committed", "read uncommitted"), "Isolation level of new transactions."),
    _bool("default_transaction_read_only", "off", "Whether new transactions are read-only.", is_reported=True),
    _bool("default_transaction_deferrable", "off", "Whether new transactions are deferrable."),
    _enum("transaction_isolation", "read committed", ("serializable", "repeatable read", "read committed", "read uncommitted"), "Isolation level of the current transaction."),
    _bool("transaction_read_only", "off", "Whether the current transaction is read-only."),
    _bool("transaction_deferrable", "off", "Whether the current transaction is deferrable."),
    _string("search_path", '"$user", public', "Schemas to look names up in."),
    _string("role", "none", "Current role."),
    _string("session_authorization", "postgres", "Session user.", is_reported=True, context=_FIXED),
    _enum("session_replication_role", "origin", ("origin", "replica", "local"), "With replica, foreign keys are neither checked nor followed.", context=_SUPERUSER),
    _bool("row_security", "on", "Accepted; there are no policies yet."),
    _bool("check_function_bodies", "on", "Accepted for pg_dump."),
    _enum("xmloption", "content", ("content", "document"), "Accepted for pg_dump."),
    _string("default_tablespace", "", "Accepted; there is one tablespace."),
    _string("default_text_search_config", "pg_catalog.english", "Text search configuration of functions that are given none."),
    _string("default_table_access_method", "heap", "Accepted; there is one table format."),
    _bool("default_with_oids", "off", "Accepted for old dumps."),
    _int("maintenance_work_mem", 65536, 1024, _INT_MAX, "Accepted; index builds are bounded by quiver.memory_limit.", unit=Unit.KILOBYTE),
    _int("work_mem", 4096, 64, _INT_MAX, "Accepted; statements are bounded by quiver.memory_limit.", unit=Unit.KILOBYTE),
    _int("shared_buffers", 131072, 128, _INT_MAX, "Accepted; segments are memory-mapped.", unit=Unit.KILOBYTE, context=_START),
    _int("max_parallel_workers", 8, 0, 1024, "Accepted for pgvector's clients."),
    _int("max_parallel_workers_per_gather", 2, 0, 1024, "Threads that a batch of searches may use beside its own, up to the number of processors."),
    _int("max_parallel_maintenance_workers", 2, 0, 1024, "Threads an index build may use, one in the background as many as the server is set to."),
    _int("min_parallel_table_scan_size", 8192, 0, _INT_MAX, "Accepted for pgvector's clients.", unit=Unit.KILOBYTE),
    _real("parallel_setup_cost", "1000", 0, 1e300, "Accepted for pgvector's clients."),
    _real("random_page_cost", "4", 0, 1e300, "Accepted; the planner has a cost model of its own."),
    _bool("enable_bitmapscan", "on", "Accepted; the planner has a cost model of its own."),
    _bool("enable_sort", "on", "Accepted; the planner has a cost model of its own."),
    _bool("enable_nestloop", "on", "Accepted; the planner has a cost model of its own."),
    _bool("enable_hashjoin", "on", "Accepted; the planner has a cost model of its own."),
    _bool("enable_mergejoin", "on", "Accepted; the planner has a cost model of its own."),
    _bool("geqo", "on", "Accepted; the planner has a cost model of its own."),
    _bool("jit", "on", "Accepted for clients that switch it off; there is nothing to switch."),
    # Client defaults.
    _string("application_name", "", "Name the client gives itself.", is_reported=True),
    _string("client_encoding", "UTF8", "Encoding of the client; UTF8 is the only one.", is_reported=True),
    _enum("client_min_messages", "notice", _LEVELS, "Least severe message sent to the client."),
    _string("DateStyle", "ISO, MDY", "Output style of dates, which is ISO, and order of the fields of an ambiguous date.", is_reported=True),
    _enum("IntervalStyle", "postgres", ("postgres", "postgres_verbose", "sql_standard", "iso_8601"), "Display format of intervals; postgres and iso_8601 are supported.", is_reported=True),
    _string("TimeZone", "UTC", "Time zone of timestamptz values.", is_reported=True),
    _int("extra_float_digits", 1, -15, 3, "Digits of float output; the shortest exact form is always sent above 0."),
    _enum("bytea_output", "hex", ("escape", "hex"), "Text form of bytea."),
    _enum("standard_conforming_strings", "on", ("on",), "Always on.", is_reported=True),
    _enum("backslash_quote", "safe_encoding", ("safe_encoding", "on", "off"), "Accepted for clients."),
    _bool("escape_string_warning", "on", "Accepted for clients."),
    _bool("synchronize_seqscans", "on", "Accepted for pg_dump."),
    _bool("array_nulls", "on", "Accepted for clients."),
    _bool("quote_all_identifiers", "off", "Accepted for pg_dump."),
    _string("restrict_nonsystem_relation_kind", "", "Accepted for pg_dump, which asks that views and foreign tables are not expanded."),
    _string("lc_messages", "C.UTF-8", "Accepted for clients."),
    _string("lc_monetary", "C.UTF-8", "Accepted for clients."),
    _string("lc_numeric", "C.UTF-8", "Accepted for clients."),
    _string("lc_time", "C.UTF-8", "Accepted for clients."),
    _string("lc_collate", "C.UTF-8", "Collation of the database.", context=_FIXED),
    _string("lc_ctype", "C.UTF-8", "Character class of the database.", context=_FIXED),
    _string("server_encoding", "UTF8", "Encoding of the server.", is_reported=True, context=_FIXED),
    _string("server_version", SERVER_VERSION, "PostgreSQL version whose behaviour is provided.", is_reported=True, context=_FIXED),
    _int("server_version_num", SERVER_VERSION_NUM, SERVER_VERSION_NUM, SERVER_VERSION_NUM, "server_version as a number.", context=_FIXED),
    _bool("integer_datetimes", "on", "Always on.", is_reported=True, context=_FIXED),
    _bool("in_hot_standby", "off", "Whether this server is a standby.", is_reported=True, context=_FIXED),
    _bool("is_superuser", "on", "Whether the session user is a superuser.", is_reported=True, context=_FIXED),
    _int("max_identifier_length", 63, 63, 63, "Longest identifier in bytes.", context=_FIXED),
    _int("max_index_keys", 32, 32, 32, "Most columns of an index.", context=_FIXED),
    _int("block_size", 8192, 8192, 8192, "Reported for clients.", context=_FIXED),
)  # fmt: skip

SETTINGS: dict[str, Setting] = {setting.name.lower(): setting for setting in _DEFINITIONS}
"""All settings by lower-case name."""

RESERVED_PREFIXES = tuple(sorted({name.partition(".")[0] for name in SETTINGS if "." in name}))
"""Prefixes under which an unknown name is an error instead of a free placeholder."""
