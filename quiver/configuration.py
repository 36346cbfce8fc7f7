"""Server configuration: a TOML file, `--set name=value`, and the command's own options, strongest last.

The file is flat: `max_connections = 50`, `"quiver.memory_limit" = "4GB"`. Tables are read as prefixes, so
`[hnsw]` `ef_search = 80` is `hnsw.ef_search`. Every name is one of `foundation.setting_definitions`; an unknown one,
or one that nobody can change, stops the start.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from foundation.errors import QuiverError
from foundation.setting_definitions import SETTINGS, SettingContext
from foundation.setting_text import parse_setting
from quiver.errors import ConfigurationError


def load_settings(config: Path | None, assignments: Iterable[str]) -> dict[str, str]:
    """Settings of the file and of `--set`, checked and in canonical form, by lower-case name.

    Raises:
        ConfigurationError: the file cannot be read, a name is unknown or a value is wrong.
    """
    given: dict[str, str] = {}
    if config is not None:
        try:
            given.update(_flatten(tomllib.loads(config.read_text(encoding="utf-8"))))
        except OSError as error:
            raise ConfigurationError(f"cannot read {config}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{config} is not valid TOML: {error}") from error
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigurationError(f'--set wants name=value, not "{assignment}"')
        given[name.strip()] = value.strip()
    return {name.lower(): _checked(name, value) for name, value in given.items()}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = ("on" if value else "off") if isinstance(value, bool) else str(value)
    return flat


def _checked(name: str, value: str) -> str:
    setting = SETTINGS.get(name.lower())
    if setting is None:
        raise ConfigurationError(f'unrecognized configuration parameter "{name}"')
    if setting.context is SettingContext.INTERNAL:
        raise ConfigurationError(f'parameter "{setting.name}" cannot be changed')
    try:
        return parse_setting(setting, value)
    except QuiverError as error:
        raise ConfigurationError(error.message) from error
