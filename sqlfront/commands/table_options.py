"""Storage options of tables and indexes: those of PostgreSQL are accepted, unknown ones refused.

`target_recall` is ours: see `planner.vector.search_options`.

https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS
"""

from __future__ import annotations

from collections.abc import Sequence as Seq

from foundation.errors import InvalidParameterValue, WrongObjectType
from planner.vector.search_options import TARGET_RECALL, check_target_recall
from sqlfront.parser import Option
from sqlfront.parser.keywords import words

TABLE_OPTIONS = words(
    """
    fillfactor parallel_workers toast_tuple_target user_catalog_table vacuum_index_cleanup vacuum_truncate
    log_autovacuum_min_duration autovacuum_enabled autovacuum_vacuum_threshold autovacuum_vacuum_scale_factor
    autovacuum_vacuum_insert_threshold autovacuum_vacuum_insert_scale_factor autovacuum_analyze_threshold
    autovacuum_analyze_scale_factor autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit
    autovacuum_freeze_min_age autovacuum_freeze_max_age autovacuum_freeze_table_age
    autovacuum_multixact_freeze_min_age autovacuum_multixact_freeze_max_age autovacuum_multixact_freeze_table_age
    """
)


def checked_table_options(options: Seq[Option]) -> tuple[tuple[str, str], ...]:
    """(name, value) of table options. Raises InvalidParameterValue (22023) for an unknown or repeated one."""
    pairs = []
    for option in options:
        if option.namespace not in (None, "toast"):
            raise InvalidParameterValue(f'unrecognized parameter namespace "{option.namespace}"')
        if option.name == "oids" and (option.value or "true") in ("false", "off"):
            continue
        if option.name == TARGET_RECALL:
            check_target_recall("true" if option.value is None else option.value)
        elif option.name not in TABLE_OPTIONS:
            raise InvalidParameterValue(f'unrecognized parameter "{option.name}"')
        name = option.name if option.namespace is None else f"toast.{option.name}"
        pairs.append((name, "true" if option.value is None else option.value))
    check_unique(options)
    return tuple(pairs)


def check_unique(options: Seq[Option]) -> None:
    """Raises InvalidParameterValue (22023) for an option given twice."""
    seen = set()
    for option in options:
        key = (option.namespace, option.name)
        if key in seen:
            raise InvalidParameterValue(f'parameter "{option.name}" specified more than once')
        seen.add(key)


def merged_options(
    current: Seq[tuple[str, str]], changed: Seq[tuple[str, str]], removed: Seq[str]
) -> tuple[tuple[str, str], ...]:
    """Options after SET (...) and RESET (...)."""
    values = dict(current)
    values.update(changed)
    for name in removed:
        values.pop(name, None)
    return tuple(values.items())


def partitioned_without_options() -> WrongObjectType:
    """The error of storage parameters for a table that stores nothing."""
    return WrongObjectType(
        "cannot specify storage parameters for a partitioned table",
        hint="Specify storage parameters for its leaf partitions instead.",
    )
