"""A session's settings (PostgreSQL calls them GUCs): one layered value store over the table of definitions.

Layers, weakest first: built-in default, configuration file and `--set`, ALTER ROLE ALL, ALTER DATABASE, ALTER
ROLE, ALTER ROLE ... IN DATABASE, start-up packet, SET, SET LOCAL. RESET goes back to the layer below SET.
Transactional behaviour is PostgreSQL's: ROLLBACK undoes SET, SET LOCAL ends with its transaction. A name with a
dot that nobody defined is a placeholder: it holds any text, and '' once it was set and is no more.
See https://www.postgresql.org/docs/15/config-setting.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar, cast

from foundation.errors import InvalidName, QuiverError, UndefinedObject
from foundation.setting_definitions import RESERVED_PREFIXES, SETTINGS, Setting, SettingContext
from foundation.setting_text import parse_setting, show_setting

_PLACEHOLDER = re.compile(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*)+")


class CantChangeRuntimeParam(QuiverError):
    sqlstate = "55P02"


class SettingSource(Enum):
    """Where a value comes from, as pg_settings.source says it."""

    DEFAULT = "default"
    FILE = "configuration file"
    GLOBAL = "global"
    DATABASE = "database"
    USER = "user"
    DATABASE_USER = "database user"
    CLIENT = "client"
    OVERRIDE = "override"
    SESSION = "session"


def lookup_setting(name: str) -> Setting | None:
    """The setting of that name (any case) that is to be changed; None for a placeholder.

    Raises:
        UndefinedObject: 42704, unknown and without a dot.
        InvalidName: 42602, no placeholder may have the name.
    """
    setting = SETTINGS.get(name.lower())
    if setting is None:
        prefix, dot, _ = name.partition(".")
        if not dot:
            raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
        message = f'invalid configuration parameter name "{name}"'
        if not _PLACEHOLDER.fullmatch(name):
            raise InvalidName(
                message,
                detail="Custom parameter names must be two or more simple identifiers separated by dots.",
            )
        if prefix.lower() in RESERVED_PREFIXES:
            raise InvalidName(message, detail=f'"{prefix}" is a reserved prefix.')
    return setting


def check_changeable(setting: Setting) -> None:
    """Raises CantChangeRuntimeParam (55P02) for a setting that is fixed while the server runs."""
    if setting.context is SettingContext.INTERNAL:
        raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
    if setting.context is SettingContext.SERVER_START:
        raise CantChangeRuntimeParam(
            f'parameter "{setting.name}" cannot be changed without restarting the server'
        )


@dataclass(frozen=True, slots=True)
class _State:
    """Values set by SET and by SET LOCAL, as immutable maps, so that a savepoint is a reference.

    A local None is SET LOCAL ... TO DEFAULT: what the session started with.
    """

    session: dict[str, str] = field(default_factory=dict)
    local: dict[str, str | None] = field(default_factory=dict)


TRANSACTION_SETTINGS = {
    "transaction_isolation": "default_transaction_isolation",
    "transaction_read_only": "default_transaction_read_only",
    "transaction_deferrable": "default_transaction_deferrable",
}
"""Settings that live as long as a transaction, and the setting each starts from."""


IDENTITY_SETTINGS = ("role", "session_authorization", "is_superuser")
"""Settings that say who a session is; RESET ALL leaves them alone."""

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
        self._sources: dict[str, SettingSource] = {}
        self._placeholders = {name for name in self._base if name not in SETTINGS}
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
            values = {**_DEFAULTS, **self._base, **self._state.session}
            for local, text in self._state.local.items():
                values[local] = self.reset_value(local) if text is None else text
            given = self._given = (self._state, values)
        value = given[1].get(key)
        if value is not None:
            return value
        if key in TRANSACTION_SETTINGS:
            return self.get(TRANSACTION_SETTINGS[key])
        if key in self._placeholders:
            return ""
        raise UndefinedObject(f'unrecognized configuration parameter "{name}"')

    def is_known(self, name: str) -> bool:
        """Whether the name is a setting's, or a placeholder's that was given a value before."""
        return name.lower() in SETTINGS or name.lower() in self._placeholders

    def reset_value(self, name: str) -> str:
        """Canonical value that RESET goes back to. The name must be known."""
        key = name.lower()
        if key in self._base or key not in SETTINGS:
            return self._base.get(key, "")
        return SETTINGS[key].default

    def source(self, name: str) -> SettingSource:
        """Which layer gives the value."""
        key, state = name.lower(), self._state
        if state.local.get(key) is not None or (key in state.session and key not in state.local):
            return SettingSource.SESSION
        return self._sources.get(key, SettingSource.FILE) if key in self._base else SettingSource.DEFAULT

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
        """SHOW's form of the value. Raises UndefinedObject (42704) for an unknown name."""
        setting = SETTINGS.get(name.lower())
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
        return self.source(name) is not SettingSource.DEFAULT

    def set(self, name: str, text: str | None, *, is_local: bool = False) -> None:
        """SET or SET LOCAL; `text` None is TO DEFAULT, which without LOCAL is RESET.

        Raises:
            UndefinedObject: 42704, unknown name.
            InvalidName: 42602, a name that no placeholder may have.
            InvalidParameterValue: 22023, value outside type or range.
            FeatureNotSupported: 0A000, a value of PostgreSQL that is not supported.
            CantChangeRuntimeParam: 55P02, the setting is fixed.
        """
        if text is None and not is_local:
            self.reset(name)
            return
        setting, key = lookup_setting(name), name.lower()
        if setting is not None:
            check_changeable(setting)
            value = parse_setting(
                setting, self.reset_value(key) if text is None else text, self.get(name), spelled=name
            )
            text = None if text is None else value
            if self.guard is not None:
                self.guard(setting, value)
        else:
            self._placeholders.add(key)
        state = self._state
        if is_local or key in TRANSACTION_SETTINGS:
            self._state = replace(state, local={**state.local, key: text})
        elif text is not None:
            local = {k: v for k, v in state.local.items() if k != key}
            self._state = _State({**state.session, key: text}, local)

    def assign(self, name: str, text: str, *, is_local: bool = False) -> None:
        """Give a setting the value that a command decided on: as `set`, and also for one that SET may not change."""
        state, key = self._state, name.lower()
        if is_local:
            self._state = replace(state, local={**state.local, key: text})
        else:
            local = {k: v for k, v in state.local.items() if k != key}
            self._state = _State({**state.session, key: text}, local)

    def set_base(self, name: str, text: str, source: SettingSource = SettingSource.CLIENT) -> None:
        """Give a value below SET: database, role or start-up packet. A transaction's own settings stay as they are.

        Raises:
            UndefinedObject, InvalidName, InvalidParameterValue, FeatureNotSupported, CantChangeRuntimeParam: as `set`;
                an OVERRIDE may give fixed settings, too.
        """
        setting, key = lookup_setting(name), name.lower()
        if setting is not None:
            if source is not SettingSource.OVERRIDE:
                check_changeable(setting)
            text = parse_setting(setting, text, self.get(name), spelled=name)
        else:
            self._placeholders.add(key)
        if key in TRANSACTION_SETTINGS:
            return
        self._base[key] = text
        self._sources[key] = source
        # What was made of the values so far was made of this object.
        self._state = replace(self._state)

    def reset(self, name: str) -> None:
        """RESET. Raises UndefinedObject (42704), InvalidName (42602), CantChangeRuntimeParam (55P02)."""
        setting, key = lookup_setting(name), name.lower()
        if setting is None:
            self._placeholders.add(key)
        elif setting.context not in (SettingContext.USER, SettingContext.SUPERUSER):
            raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
        if key in TRANSACTION_SETTINGS:
            raise CantChangeRuntimeParam(f'parameter "{key}" cannot be reset')
        self._state = _State(
            {k: v for k, v in self._state.session.items() if k != key},
            {k: v for k, v in self._state.local.items() if k != key},
        )

    def reset_all(self) -> None:
        """RESET ALL; the modes of the current transaction stay, and who the session is."""
        state, kept = self._state, (*TRANSACTION_SETTINGS, *IDENTITY_SETTINGS)
        self._state = _State(
            {k: v for k, v in state.session.items() if k in IDENTITY_SETTINGS},
            {k: v for k, v in state.local.items() if k in kept},
        )

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
            values = {s.name: self.show(s.name) for s in SETTINGS.values() if s.is_reported}
            self._reported = (self._state, MappingProxyType(values))
        return self._reported[1]

    def export(self) -> dict[str, dict[str, str | None]]:
        """The values as data, for `restore`."""
        return {
            "base": dict(self._base),
            "sources": {name: source.value for name, source in self._sources.items()},
            "session": dict(self._state.session),
            "local": dict(self._state.local),
            "placeholders": dict.fromkeys(sorted(self._placeholders)),
        }

    @classmethod
    def restore(cls, exported: dict[str, dict[str, Any]]) -> SettingValues:
        values = cls(exported["base"])
        values._sources = {name: SettingSource(source) for name, source in exported["sources"].items()}
        values._placeholders = set(exported["placeholders"])
        values._state = _State(dict(exported["session"]), dict(exported["local"]))
        return values
