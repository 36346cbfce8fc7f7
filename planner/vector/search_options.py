"""Search parameters that an index or a table brings along: defaults that no connection pool can lose.

    CREATE INDEX ON items USING hnsw (embedding vector_l2_ops) WITH (m = 16, target_recall = 0.99);
    ALTER INDEX items_embedding_idx SET (ef_search = 200);
    ALTER TABLE items SET (target_recall = 0.9);

What the session or its connection string sets comes first, then the index, then the table, then what role, database and
server set. The first of these that says anything of the search decides: a recall, or the size of the search itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import vecengine
from foundation.errors import InvalidParameterValue
from foundation.setting_definitions import SETTINGS
from foundation.settings import SettingSource, SettingValues
from storage.catalog import Index, Table
from vecengine.parameters import parse_integer

TARGET_RECALL = "target_recall"
_TARGET_RECALL_SETTING = "quiver.target_recall"
_FAMILIES = vecengine.families()
KNOBS = {name: family.search_parameter for name, family in _FAMILIES.items()}
"""The setting that is the size of a search, by family; None for one without."""
_OF_SESSION = (SettingSource.CLIENT, SettingSource.OVERRIDE, SettingSource.SESSION)


@dataclass(frozen=True, slots=True)
class SearchKnobs:
    """How one index is to be searched: `size` is the beam or the number of lists, None to follow `target_recall`."""

    size: int | None
    target_recall: float


def search_knobs(index: Index, table: Table, settings: SettingValues) -> SearchKnobs:
    """The search parameters that hold for an index of a table in a session."""
    knob = KNOBS[index.family]
    size_option = _size_option(index.family) or ""
    of_index, of_table = dict(index.options), dict(table.options)
    layers = (
        (_of_session(knob, settings), _of_session(_TARGET_RECALL_SETTING, settings)),
        (of_index.get(size_option), of_index.get(TARGET_RECALL)),
        (None, of_table.get(TARGET_RECALL)),
        (settings.get(knob) if knob is not None and settings.is_explicit(knob) else None, None),
    )
    target = next(
        (recall for _, recall in layers if recall is not None), settings.get(_TARGET_RECALL_SETTING)
    )
    for size, recall in layers:
        if size is not None:
            return SearchKnobs(parse_integer(size), float(target))
        if recall is not None:
            break
    return SearchKnobs(None, float(target))


def _of_session(name: str | None, settings: SettingValues) -> str | None:
    return settings.get(name) if name is not None and settings.source(name) in _OF_SESSION else None


def _size_option(family: str) -> str | None:
    """`ef_search` of `hnsw.ef_search`."""
    knob = KNOBS[family]
    return None if knob is None else knob.rpartition(".")[2]


def build_options(index: Index) -> dict[str, str]:
    """The options that say how an index is built."""
    of_search = _search_options(index.family)
    return {name: value for name, value in index.options if name not in of_search}


def family_of(index: Index) -> vecengine.Family:
    """The family of a vector index, as the index's build parameters have it."""
    return _family_with(index.family, index.options)


@lru_cache(maxsize=256)
def _family_with(family: str, options: tuple[tuple[str, str], ...]) -> vecengine.Family:
    return _FAMILIES[family].of(check_index_options(family, dict(options)))


def check_index_options(family: str, options: Mapping[str, str]) -> dict[str, int]:
    """The build parameters of a vector index with these options.

    Raises:
        InvalidParameterValue: 22023, an option that the family does not have, or a value out of its range.
    """
    of_search = _search_options(family)
    known = (*(parameter.name for parameter in _FAMILIES[family].parameters), *of_search)
    for name, value in options.items():
        if name == TARGET_RECALL:
            check_target_recall(value)
        elif name in of_search:
            _check_size(name, value, KNOBS[family] or "")
        elif name not in known:
            raise InvalidParameterValue(
                f'unrecognized parameter "{name}"', hint=f"Parameters of {family} are {', '.join(known)}."
            )
    return vecengine.check_build_params(
        family, {name: value for name, value in options.items() if name not in of_search}
    )


def _search_options(family: str) -> tuple[str, ...]:
    """The options of an index that say how it is searched."""
    size = _size_option(family)
    return (TARGET_RECALL,) if size is None else (size, TARGET_RECALL)


def check_target_recall(value: str) -> None:
    """Raises InvalidParameterValue (22023) for what is no recall."""
    try:
        recall = float(value)
    except ValueError:
        raise InvalidParameterValue(
            f'invalid value for floating point option "{TARGET_RECALL}": {value}'
        ) from None
    setting = SETTINGS[_TARGET_RECALL_SETTING]
    assert setting.minimum is not None and setting.maximum is not None
    if not setting.minimum <= recall <= setting.maximum:
        raise _out_of_bounds(TARGET_RECALL, value, setting.minimum, setting.maximum)


def _check_size(name: str, value: str, knob: str) -> None:
    try:
        size = parse_integer(value)
    except ValueError:
        raise InvalidParameterValue(f'invalid value for integer option "{name}": {value}') from None
    setting = SETTINGS[knob]
    assert setting.minimum is not None and setting.maximum is not None
    if not setting.minimum <= size <= setting.maximum:
        raise _out_of_bounds(name, value, int(setting.minimum), int(setting.maximum))


def _out_of_bounds(name: str, value: str, low: float, high: float) -> InvalidParameterValue:
    return InvalidParameterValue(
        f'value {value} out of bounds for option "{name}"',
        detail=f'Valid values are between "{low:g}" and "{high:g}".',
    )
