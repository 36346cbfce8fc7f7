"""Two databases for one client: an empty one of Quiver, and the same of a real PostgreSQL.

A client's program runs once on each and prints what it sees; what it prints must be the same, line by line.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import selectors
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM_SECONDS_MAX = 120
PIECE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client finds a database; `host` is a name or the folder of a Unix socket, nobody asks for a password."""

    host: str
    port: int
    database: str
    user: str = "postgres"

    @property
    def dsn(self) -> str:
        return f"host={self.host} port={self.port} user={self.user} dbname={self.database}"

    @property
    def uri(self) -> str:
        return f"postgresql://{self.user}@/{self.database}?host={self.host}&port={self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that libpq, pgJDBC's program and Node's drivers are told by."""
        return {
            "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user, "PGDATABASE": self.database, "PGTZ": "UTC",
            "TZ": "UTC",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Twins:
    """An empty database of each server; a module has them to itself."""

    quiver: Address
    postgres: Address


def run(command: Sequence[str | Path], address: Address | None = None, folder: Path | None = None) -> str:
    """What a program prints on both its outputs; it must end with 0."""
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=PROGRAM_SECONDS_MAX, env={**os.environ, **(address.environment() if address else {})},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def assert_same(quiver: str, postgres: str) -> None:
    """Both programs printed the same; otherwise the lines that differ are shown."""
    lines = difflib.unified_diff(
        postgres.splitlines(), quiver.splitlines(), "PostgreSQL", "Quiver", n=1, lineterm=""
    )
    different = "\n".join(lines)
    assert not different, different


class UnixForwarder:
    """A TCP port of this machine that leads to a server's Unix socket, for clients that know no other."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # shutdown ends the wait in accept, close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            server.connect(self._path)
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    piece = source.recv(PIECE_BYTES)
                    if not piece:
                        return
                    target.sendall(piece)


@contextlib.contextmanager
def forwarding(path: str) -> Iterator[int]:
    """The port, for the length of a block."""
    forwarder = UnixForwarder(path)
    yield forwarder.port
    forwarder.close()
