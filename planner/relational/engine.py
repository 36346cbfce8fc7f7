"""The DuckDB side door: one in-memory connection per process, a cursor per statement.

DuckDB owns nothing here. It reads registered Arrow tables and runs only SQL text printed from a bound tree; it
has no file, network, extension or Python-variable access, and its configuration is locked before first use.
Registered tables have names that only their statement knows, and go when its cursor is closed.
"""

from __future__ import annotations

import atexit
import inspect
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

_CONFIG: dict[str, Any] = {
    "python_enable_replacements": False,
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

_SETTINGS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL errors_as_json = true",
    "SET GLOBAL ieee_floating_point_ops = false",
    "SET GLOBAL scalar_subquery_error_on_multiple_rows = true",
    "SET GLOBAL default_null_order = 'nulls_last_on_asc_first_on_desc'",
    "SET lock_configuration = true",
)


_SPILL_LIMIT = "1000TB"
"""None: by default it is what is free at the first query, so a disk that was full once would stay full for DuckDB."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the server decides about DuckDB. `temp_directory` '' = never spill to disk.

    One thread means that a query runs on the thread that pulls its rows. With more, a worker may wait for the
    GIL to call one of our functions while the puller holds it and waits for the worker.
    """

    memory_limit_bytes: int = 1 << 30
    temp_directory: str = ""
    threads: int = 1


class ArrowFunction(Protocol):
    def __call__(self, *columns: Any) -> Any: ...


def _with_arity(function: ArrowFunction, count: int) -> ArrowFunction:
    """The function under a signature of `count` parameters: DuckDB compares that with the declared types."""

    def fixed(*columns: Any) -> Any:
        return function(*columns)

    kind = inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(f"column{index}", kind) for index in range(count)]
    fixed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return fixed


class Engine:
    """The connection. Safe from any thread; each statement works on a cursor of its own."""

    def __init__(self, options: EngineOptions) -> None:
        config = {
            **_CONFIG,
            "threads": options.threads,
            "memory_limit": f"{max(64 << 20, options.memory_limit_bytes)}B",
            "temp_directory": options.temp_directory,
            "max_temp_directory_size": _SPILL_LIMIT,
        }
        self._connection: Any = duckdb.connect(":memory:", config=config)
        for statement in _SETTINGS:
            self._connection.execute(statement)
        self._lock = threading.Lock()
        self._functions: set[str] = set()

    def cursor(self) -> Any:
        with self._lock:
            return self._connection.cursor()

    def ensure_function(
        self,
        name: str,
        function: ArrowFunction,
        argument_types: Sequence[str],
        result_type: str,
        *,
        is_volatile: bool,
    ) -> None:
        """Register an Arrow function once; a second call with the same name does nothing."""
        if name in self._functions:
            return
        with self._lock:
            if name not in self._functions:
                self._connection.create_function(
                    name,
                    _with_arity(function, len(argument_types)),
                    list(argument_types),
                    result_type,
                    type="arrow",
                    null_handling="special",
                    side_effects=is_volatile,
                )
                self._functions.add(name)

    def close(self) -> None:
        self._connection.close()


_engine: Engine | None = None
_options = EngineOptions()
_engine_lock = threading.Lock()


def configure(options: EngineOptions) -> None:
    """Set the options of the process' engine; effective if nothing has run on it yet, else at its next start."""
    global _options
    _options = options


def engine() -> Engine:
    """The process' engine, started at first use (about 10 ms)."""
    global _engine
    if _engine is None:
        with _engine_lock:
            if _engine is None:
                _engine = Engine(_options)
    return _engine


def shutdown() -> None:
    """Close the process' engine; the next statement starts a fresh one with the configured options."""
    global _engine
    with _engine_lock:
        if _engine is not None:
            _engine.close()
            _engine = None


atexit.register(shutdown)
