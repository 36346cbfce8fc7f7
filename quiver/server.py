"""The server: listening sockets, connection limits, start and stop. Messages are `sqlfront.protocol`'s business.

Lifecycle: `start()` binds, `shutdown()` stops listening, lets running statements finish, tells clients 57P01
and waits; `abort()` cancels instead of waiting. `run()` does all of it under signals, for the command line.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from foundation.errors import AdminShutdown, QuiverError
from quiver.connection import Connection, ConnectionServices
from quiver.group_commit import GroupCommit
from quiver.joining import Joining
from quiver.thread_turns import ThreadTurns
from quiver.tls import TlsMaterial
from sqlfront.backend import SessionFactory
from sqlfront.protocol import Codecs, Conversation, ConversationOptions
from sqlfront.protocol.error_report import error_response
from sqlfront.protocol.errors import TooManyConnections
from sqlfront.protocol.transitions import LARGE_MESSAGE_BYTES_MAX

_log = logging.getLogger(__name__)

_HANDSHAKE_THREADS = 4
_BACKLOG = 512
_SPARE_SOCKETS = 64
_SWITCH_INTERVAL_S = 0.0005
"""How long the event loop waits for Python's lock when a thread computes, each time it comes back from a kernel or the
kernel's poll. With Python's 5 ms a search of 128 dimensions beside a GROUP BY of all rows had a p99 of 18 to 37 ms, with
this 7 to 10."""


class ServerStartError(QuiverError):
    """An address cannot be listened on."""

    sqlstate = "58030"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen and what to allow.

    `port` 0 = any free port, the same for all hosts; `socket_dir` None = no Unix socket.
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 5432
    socket_dir: Path | None = None
    max_connections: int = 100
    authentication_timeout_ms: int = 60_000
    message_bytes_max: int = LARGE_MESSAGE_BYTES_MAX
    tls: TlsMaterial | None = None


class Server:
    """Accepts connections and gives each its conversation.

    Args:
        factory: hands out sessions.
        codecs: value codecs of the wire.
        options: addresses and limits.
    """

    def __init__(self, factory: SessionFactory, codecs: Codecs, options: ServerOptions | None = None) -> None:
        self._factory = factory
        self._codecs = codecs
        self._options = options or ServerOptions()
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._admitted: set[Connection] = set()
        self._admission_lock = threading.Lock()
        self._socket_path: Path | None = None
        self._port = self._options.port
        self._services: ConnectionServices | None = None
        self._session_pool: ThreadPoolExecutor | None = None
        self._handshake_pool: ThreadPoolExecutor | None = None

    @property
    def port(self) -> int:
        """The TCP port, once started."""
        return self._port

    @property
    def connection_count(self) -> int:
        """Open connections, those still starting included."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to accept connections.

        Raises:
            ServerStartError: 58030, an address is in use or not ours.
        """
        options = self._options
        self._session_pool = ThreadPoolExecutor(options.max_connections, "session")
        self._handshake_pool = ThreadPoolExecutor(_HANDSHAKE_THREADS, "handshake")
        self._services = ConnectionServices(
            make_conversation=self._make_conversation,
            session_pool=self._session_pool,
            handshake_pool=self._handshake_pool,
            admit=self._admit,
            ended=self._connection_ended,
            tls=options.tls,
            authentication_timeout_ms=options.authentication_timeout_ms,
            message_bytes_max=options.message_bytes_max,
            joining=Joining(asyncio.get_running_loop()),
            group_commit=GroupCommit(asyncio.get_running_loop(), self._session_pool),
            turns=ThreadTurns(),
            busy=set(),
        )
        try:
            await self._listen()
        except BaseException:
            self._close_listeners()
            self._stop_pools()
            raise

    async def shutdown(self, grace_s: float | None = None) -> None:
        """Stop: running statements finish, then each client is told 57P01. After `grace_s` seconds (None = no
        limit) what still runs is cancelled."""
        self._close_listeners()
        for connection in list(self._connections):
            connection.request_end(AdminShutdown("terminating connection due to administrator command"))
        await self._wait_for_connections(grace_s)
        await self.abort()

    async def abort(self) -> None:
        """Stop at once: cancel all statements, drop all connections, release all sessions."""
        self._close_listeners()
        for connection in list(self._connections):
            connection.abort()
        await self._wait_for_connections(None)
        self._stop_pools()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for host in self._options.hosts:
            try:
                listener = await loop.create_server(self._accept, host, self._port, backlog=_BACKLOG)
            except OSError as error:
                is_taken = error.errno == errno.EADDRINUSE
                raise ServerStartError(
                    f'could not listen on "{host}" port {self._port}: {_reason(error)}',
                    hint="Is another server already running on that port?" if is_taken else None,
                ) from None
            self._listeners.append(listener)
            self._port = listener.sockets[0].getsockname()[1]
        if self._options.socket_dir is not None:
            await self._listen_on_unix_socket(loop, self._options.socket_dir / f".s.PGSQL.{self._port}")

    async def _listen_on_unix_socket(self, loop: asyncio.AbstractEventLoop, path: Path) -> None:
        # The event loop replaces a socket file it finds; one that still answers belongs to a living server.
        if _is_answering(path):
            raise ServerStartError(
                f'could not listen on Unix socket "{path}": another server uses it',
                hint="Choose another port or socket directory.",
            )
        try:
            listener = await loop.create_unix_server(self._accept, str(path), backlog=_BACKLOG)
            path.chmod(0o777)
        except OSError as error:
            raise ServerStartError(f'could not listen on Unix socket "{path}": {_reason(error)}') from None
        self._listeners.append(listener)
        self._socket_path = path

    def _make_conversation(self, options: ConversationOptions) -> Conversation:
        return Conversation(self._factory, self._codecs, options)

    def _accept(self) -> asyncio.Protocol:
        assert self._services is not None
        # Clients that never finish their start-up packet count against a limit of their own.
        if len(self._connections) >= 2 * self._options.max_connections + _SPARE_SOCKETS:
            return _Refusal()
        connection = Connection(self._services, asyncio.get_running_loop())
        self._connections.add(connection)
        return connection

    def _admit(self, connection: Connection) -> None:
        with self._admission_lock:
            if len(self._admitted) >= self._options.max_connections:
                raise TooManyConnections("sorry, too many clients already")
            self._admitted.add(connection)

    def _connection_ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        with self._admission_lock:
            self._admitted.discard(connection)

    async def _wait_for_connections(self, timeout_s: float | None) -> None:
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        if self._socket_path is not None:
            self._socket_path.unlink(missing_ok=True)
            self._socket_path = None

    def _stop_pools(self) -> None:
        for pool in (self._session_pool, self._handshake_pool):
            if pool is not None:
                pool.shutdown(wait=False)


class _Refusal(asyncio.Protocol):
    """Tells a client that there are too many, without reading what it says."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        error = TooManyConnections("sorry, too many clients already")
        transport.write(error_response(error, is_startup=True).encode())
        transport.close()


def _is_answering(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _reason(error: OSError) -> str:
    """The system's words alone; asyncio wraps them in a sentence that repeats the address."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's loop where it is installed, else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def run(server: Server, on_ready: Callable[[], None]) -> None:
    """Serve until a signal: SIGTERM or SIGINT finishes running statements, a second one does not wait.

    Args:
        server: not yet started.
        on_ready: called once connections are accepted.

    Raises:
        ServerStartError: 58030, from `Server.start`.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve_until_signalled(server, on_ready))


async def _serve_until_signalled(server: Server, on_ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stop, stop_at_once = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (stop_at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await server.start()
    on_ready()
    await stop.wait()
    _log.info("shutting down")
    graceful = loop.create_task(server.shutdown())
    impatient = loop.create_task(stop_at_once.wait())
    await asyncio.wait((graceful, impatient), return_when=asyncio.FIRST_COMPLETED)
    impatient.cancel()
    if not graceful.done():
        await server.abort()
    await graceful
