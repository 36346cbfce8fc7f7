"""Settings (PostgreSQL calls them GUCs): one table that defines them, one layered value store that holds them.

`SETTINGS` is data: name, type, default, range, unit, context, help; `pg_settings`, SHOW ALL, the docs and
the tests read it. `SettingValues` is a session's view. Layers, weakest first: built-in default, configuration
file and `--set`, ALTER DATABASE, ALTER ROLE, start-up packet, SET, SET LOCAL. RESET goes back to the layer
below SET. Transactional behaviour is PostgreSQL's: ROLLBACK undoes SET, SET LOCAL ends with its transaction.
See https://www.postgresql.org/docs/15/config-setting.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar, cast

from foundation.errors import InvalidParameterValue, QuiverError, UndefinedObject
from foundation.setting_checks import SETTING_CHECKS
from foundation.version import SERVER_VERSION, SERVER_VERSION_NUM


class CantChangeRuntimeParam(QuiverError):
    sqlstate = "55P02"


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
_LEVELS = ("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")

_DEFINITIONS = (
    # Vector search, under pgvector's names and our own.
    _int("hnsw.ef_search", 40, 1, 1000, "Size of the candidate list of an hnsw search; set explicitly it is used as it is."),
    _enum("hnsw.iterative_scan", "off", ("off", "relaxed_order", "strict_order"), "Accepted for pgvector's clients; answers are always complete and exactly ordered."),
    _int("hnsw.max_scan_tuples", 20000, 1, _INT_MAX, "Accepted for pgvector's clients; a search goes on until LIMIT is filled."),
    _real("hnsw.scan_mem_multiplier", "1", 1, 1000, "Accepted for pgvector's clients; memory is bounded by quiver.memory_limit."),
    _int("ivfflat.probes", 1, 1, 32768, "Least number of lists an ivfflat search visits; set explicitly it is used as it is."),
    _enum("ivfflat.iterative_scan", "off", ("off", "relaxed_order"), "Accepted for pgvector's clients; answers are always complete and exactly ordered."),
    _int("ivfflat.max_probes", 32768, 1, 32768, "Accepted for pgvector's clients; a search goes on until LIMIT is filled."),
    _real("quiver.target_recall", "0.97", 0.5, 1.0, "Recall an index search aims at when no search parameter was set explicitly."),
    _bool("enable_seqscan", "on", "Off: prefer an index over an exact scan; rows whose distance is NULL are then left out."),
    _bool("enable_indexscan", "on", "Off: never use a vector index."),
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
    _bool("row_security", "on", "Accepted; there are no policies yet."),
    _bool("check_function_bodies", "on", "Accepted for pg_dump."),
    _enum("xmloption", "content", ("content", "document"), "Accepted for pg_dump."),
    _string("default_tablespace", "", "Accepted; there is one tablespace."),
    _string("default_table_access_method", "heap", "Accepted; there is one table format."),
    _bool("default_with_oids", "off", "Accepted for old dumps."),
    _int("maintenance_work_mem", 65536, 1024, _INT_MAX, "Accepted; index builds are bounded by quiver.memory_limit.", unit=Unit.KILOBYTE),
    _int("work_mem", 4096, 64, _INT_MAX, "Accepted; statements are bounded by quiver.memory_limit.", unit=Unit.KILOBYTE),
    _int("shared_buffers", 131072, 128, _INT_MAX, "Accepted; segments are memory-mapped.", unit=Unit.KILOBYTE, context=_START),
    _int("max_parallel_workers", 8, 0, 1024, "Accepted for pgvector's clients."),
    _int("max_parallel_workers_per_gather", 2, 0, 1024, "Accepted for pgvector's clients."),
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
    _bool("jit", "off", "Accepted for clients that switch it off."),
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

RESERVED_PREFIXES = ("hnsw", "ivfflat", "quiver")
"""Prefixes under which an unknown name is an error instead of a free placeholder."""

_FACTORS: dict[str, tuple[Unit, float]] = {
    "us": (Unit.MS, 0.001), "ms": (Unit.MS, 1), "s": (Unit.MS, 1000), "min": (Unit.MS, 60_000),
    "h": (Unit.MS, 3_600_000), "d": (Unit.MS, 86_400_000),
    "B": (Unit.BYTE, 1), "kB": (Unit.BYTE, 1024), "MB": (Unit.BYTE, 1024**2), "GB": (Unit.BYTE, 1024**3),
    "TB": (Unit.BYTE, 1024**4),
}  # fmt: skip
_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
_MS_SHOWN = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))
_KB_SHOWN = ((1024**3, "TB"), (1024**2, "GB"), (1024, "MB"), (1, "kB"))


def lookup_setting(name: str) -> Setting | None:
    """The setting of that name (any case); None for a free `prefix.name` placeholder.

    Raises:
        UndefinedObject: 42704, unknown and not of the placeholder form.
    """
    setting = SETTINGS.get(name.lower())
    if setting is None:
        prefix, dot, _ = name.partition(".")
        if not dot:
            raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
        if prefix.lower() in RESERVED_PREFIXES:
            raise InvalidParameterValue(
                f'invalid configuration parameter name "{name}"', detail=f'"{prefix}" is a reserved prefix.'
            )
    return setting


def parse_setting(setting: Setting, text: str, current: str | None = None) -> str:
    """Check a value and bring it to canonical text without unit (`'8GB'` -> `'8388608'` for a kB setting).

    Args:
        setting: whose value it is.
        text: as given.
        current: canonical value in force, which parts of a value may be kept of (DateStyle); None = default.

    Raises:
        InvalidParameterValue: 22023, in PostgreSQL's words.
        FeatureNotSupported: 0A000, PostgreSQL knows the value, Quiver does not.
    """
    match setting.type:
        case SettingType.BOOL:
            text = _parse_bool(setting, text)
        case SettingType.ENUM:
            text = _parse_enum(setting, text)
        case SettingType.INTEGER | SettingType.REAL:
            text = _parse_number(setting, text)
        case SettingType.STRING:
            pass
    check = SETTING_CHECKS.get(setting.name)
    return check(text, setting.default if current is None else current) if check else text


def show_setting(setting: Setting, value: str) -> str:
    """SHOW's form of a canonical value: `'8388608'` of a kB setting is `8GB`."""
    if setting.unit is Unit.NONE or value == "0" or value.startswith("-"):
        return value
    number = int(value)
    for factor, unit in _MS_SHOWN if setting.unit is Unit.MS else _KB_SHOWN:
        if number % factor == 0:
            return f"{number // factor}{unit}"
    return value


def _invalid(setting: Setting, text: str, hint: str | None = None) -> InvalidParameterValue:
    return InvalidParameterValue(f'invalid value for parameter "{setting.name}": "{text}"', hint=hint)


def _parse_bool(setting: Setting, text: str) -> str:
    word = text.strip().lower()
    if word:
        matches = {value in _TRUE for value in (*_TRUE, *_FALSE) if value.startswith(word)}
        if len(matches) == 1:
            return "on" if matches.pop() else "off"
    raise InvalidParameterValue(f'parameter "{setting.name}" requires a Boolean value')


def _parse_enum(setting: Setting, text: str) -> str:
    word = text.strip().lower()
    if word in setting.values:
        return word
    if word in (*_TRUE, *_FALSE) and "on" in setting.values and "off" in setting.values:
        return "on" if word in _TRUE else "off"
    raise _invalid(setting, text, f"Available values: {', '.join(setting.values)}.")


def _parse_number(setting: Setting, text: str) -> str:
    body = text.strip()
    unit = body.lstrip("+-0123456789.eE ").strip()
    # An exponent's "e" is part of the number; a unit never starts with one.
    digits = body[: len(body) - len(unit)].strip() if unit else body
    try:
        number = float(int(digits, 0)) if not any(c in digits for c in ".eE") else float(digits)
    except ValueError:
        raise _invalid(setting, text) from None
    if unit:
        number *= _unit_factor(setting, text, unit)
    shown = str(round(number)) if setting.type is SettingType.INTEGER else repr(number).removesuffix(".0")
    if not (setting.minimum or 0) <= number <= (setting.maximum or 0):
        suffix = f" {setting.unit.value}" if setting.unit is not Unit.NONE else ""
        raise InvalidParameterValue(
            f'{shown}{suffix} is outside the valid range for parameter "{setting.name}" '
            f"({_bound(setting.minimum)} .. {_bound(setting.maximum)})"
        )
    return shown


def _bound(value: float | None) -> str:
    return f"{value:g}" if value is not None and value != int(value) else str(int(value or 0))


def _unit_factor(setting: Setting, text: str, unit: str) -> float:
    known = _FACTORS.get(unit)
    family = Unit.MS if setting.unit is Unit.MS else Unit.BYTE
    if setting.unit is Unit.NONE or known is None or known[0] is not family:
        hint = None
        if setting.unit is Unit.MS:
            hint = 'Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".'
        elif setting.unit is not Unit.NONE:
            hint = 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".'
        raise _invalid(setting, text, hint)
    return known[1] / 1024 if setting.unit is Unit.KILOBYTE else known[1]


@dataclass(frozen=True, slots=True)
class _State:
    """Values set by SET and by SET LOCAL, as immutable maps, so that a savepoint is a reference."""

    session: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)


TRANSACTION_SETTINGS = {
    "transaction_isolation": "default_transaction_isolation",
    "transaction_read_only": "default_transaction_read_only",
    "transaction_deferrable": "default_transaction_deferrable",
}
"""Settings that live as long as a transaction, and the setting each starts from."""


_DEFAULTS = {key: setting.default for key, setting in SETTINGS.items() if key not in TRANSACTION_SETTINGS}


T = TypeVar("T")


class SettingValues:
    """A session's settings. `base` holds everything below SET (defaults, config, database, role, start-up).

    `guard`, if given, is called with a setting and its value-to-be before SET changes it; it raises if it may
    not change now.

    The object is part of the exportable session state: `export()` and `restore()` carry it to another process.
    """

    def __init__(self, base: dict[str, str] | None = None) -> None:
        self._base = {name.lower(): value for name, value in (base or {}).items()}
        self._state = _State()
        self._at_begin: _State | None = None
        self._reported: tuple[_State, Mapping[str, str]] | None = None
        self._given: tuple[_State, dict[str, str]] | None = None
        self._derived: tuple[_State, dict[Callable[[SettingValues], Any], Any]] = (self._state, {})
        self.guard: Callable[[Setting, str], None] | None = None

    def get(self, name: str) -> str:
        """Canonical value. Raises UndefinedObject (42704) for an unknown name."""
        key, given = name.lower(), self._given
        if given is None or given[0] is not self._state:
            given = self._given = (
                self._state,
                {**_DEFAULTS, **self._base, **self._state.session, **self._state.local},
            )
        value = given[1].get(key)
        if value is not None:
            return value
        if key in TRANSACTION_SETTINGS:
            return self.get(TRANSACTION_SETTINGS[key])
        setting = lookup_setting(name)
        if setting is None:
            raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
        return setting.default

    def derived(self, compute: Callable[[SettingValues], T]) -> T:
        """`compute(self)`, which must depend on nothing else; computed anew only when a setting has changed."""
        state, values = self._derived
        if state is not self._state:
            values = {}
            self._derived = (self._state, values)
        if compute not in values:
            values[compute] = compute(self)
        return cast(T, values[compute])

    def show(self, name: str) -> str:
        setting = lookup_setting(name)
        value = self.get(name)
        return show_setting(setting, value) if setting else value

    def integer(self, name: str) -> int:
        return int(self.get(name))

    def real(self, name: str) -> float:
        return float(self.get(name))

    def boolean(self, name: str) -> bool:
        return self.get(name) == "on"

    def is_explicit(self, name: str) -> bool:
        """Whether any layer above the built-in default gives the value."""
        key = name.lower()
        return key in self._state.local or key in self._state.session or key in self._base

    def set(self, name: str, text: str, *, is_local: bool = False) -> None:
        """SET or SET LOCAL.

        Raises:
            UndefinedObject: 42704, unknown name.
            InvalidParameterValue: 22023, value outside type or range.
            FeatureNotSupported: 0A000, a value of PostgreSQL that is not supported.
            CantChangeRuntimeParam: 55P02, the setting is fixed.
        """
        setting = lookup_setting(name)
        if setting is not None:
            if setting.context is SettingContext.INTERNAL:
                raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
            if setting.context is SettingContext.SERVER_START:
                raise CantChangeRuntimeParam(
                    f'parameter "{setting.name}" cannot be changed without restarting the server'
                )
            text = parse_setting(setting, text, self.get(name))
            if self.guard is not None:
                self.guard(setting, text)
        key = name.lower()
        state = self._state
        if is_local or key in TRANSACTION_SETTINGS:
            self._state = replace(state, local={**state.local, key: text})
        else:
            local = {k: v for k, v in state.local.items() if k != key}
            self._state = _State({**state.session, key: text}, local)

    def set_base(self, name: str, text: str) -> None:
        """Give a value below SET: configuration, database, role or start-up packet."""
        setting = lookup_setting(name)
        self._base[name.lower()] = parse_setting(setting, text) if setting else text
        # What was made of the values so far was made of this object.
        self._state = replace(self._state)

    def reset(self, name: str) -> None:
        setting = lookup_setting(name)
        if setting is not None and setting.context is not SettingContext.USER:
            raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
        key = name.lower()
        if key in TRANSACTION_SETTINGS:
            raise CantChangeRuntimeParam(f'parameter "{key}" cannot be reset')
        self._state = _State(
            {k: v for k, v in self._state.session.items() if k != key},
            {k: v for k, v in self._state.local.items() if k != key},
        )

    def reset_all(self) -> None:
        """RESET ALL; the modes of the current transaction stay."""
        self._state = _State({}, {k: v for k, v in self._state.local.items() if k in TRANSACTION_SETTINGS})

    def begin(self) -> None:
        """A transaction starts: remember what ROLLBACK goes back to."""
        self._at_begin = self._state

    def mark(self) -> object:
        """The state a savepoint goes back to."""
        return self._state

    def rollback_to(self, mark: object) -> None:
        assert isinstance(mark, _State)
        self._state = mark

    def end(self, *, committed: bool) -> None:
        """The transaction ends: SET stays after COMMIT only, SET LOCAL never."""
        kept = self._state if committed or self._at_begin is None else self._at_begin
        self._state = _State(kept.session, {}) if kept.local else kept
        self._at_begin = None

    def reported(self) -> Mapping[str, str]:
        """ParameterStatus values by setting name; the same object as long as nothing was set."""
        if self._reported is None or self._reported[0] is not self._state:
            values = {s.name: self.show(s.name) for s in _DEFINITIONS if s.is_reported}
            self._reported = (self._state, MappingProxyType(values))
        return self._reported[1]

    def export(self) -> dict[str, dict[str, str]]:
        return {
            "base": dict(self._base),
            "session": dict(self._state.session),
            "local": dict(self._state.local),
        }

    @classmethod
    def restore(cls, exported: dict[str, dict[str, str]]) -> SettingValues:
        values = cls(exported["base"])
        values._state = _State(dict(exported["session"]), dict(exported["local"]))
        return values
