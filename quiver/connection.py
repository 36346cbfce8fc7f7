"""One client connection: an asyncio protocol around a `Conversation`.

A single task per connection takes received bytes, pumps the conversation and writes what it yields: on the event loop
as long as the conversation has nothing long before it, on a thread from there until it needs input. A commit of what
ran on the loop waits for the disk in neither place. Between two chunks the task waits until the transport has room, so
a slow reader holds neither a thread nor memory; received bytes are handed over only while no thread runs the
conversation, and reading stops while `READ_AHEAD_BYTES` wait.

Who may touch what: the event loop owns everything here; a worker thread owns the conversation while a pump is
in flight; only the session's cancel token and the wake-up call cross that line.

A client that vanishes: its running statement is cancelled unless unprocessed input (a polite Terminate) is
still there, then `Conversation.close` ends a COPY, rolls back and releases the session. It is called on every
path out of the task.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar, cast

from foundation.cancel import CANCEL_SHUTDOWN, CANCEL_USER
from foundation.errors import AdminShutdown, QuiverError
from quiver.group_commit import GroupCommit
from quiver.joining import Joining
from quiver.statement_timer import StatementTimer
from quiver.thread_turns import ThreadTurns
from quiver.tls import TlsMaterial
from sqlfront.backend import Endpoints, Joinable, TransactionStatus, UnfinishedCommit
from sqlfront.protocol import Conversation, ConversationOptions
from sqlfront.protocol.channel import CHUNK_BYTES, Pause
from sqlfront.protocol.errors import (
    AuthenticationTimeout,
    FatalProtocolViolation,
    IdleInTransactionSessionTimeout,
    IdleSessionTimeout,
)

_log = logging.getLogger(__name__)

READ_AHEAD_BYTES = 1 << 20
"""A COPY hands over so much at a time, two changes of threads each."""
WRITE_BUFFER_BYTES = 1 << 18
_LINGER_S = 5.0
"""How long a connection that is to end waits for a client that does not read."""

T = TypeVar("T")
Wait: TypeAlias = Pause | Joinable | UnfinishedCommit
Steps: TypeAlias = Iterator[bytes | Wait]


class Stop(Enum):
    """Why a conversation is not pumped on at once, besides its own pauses."""

    NO_INPUT = "it needs more input"
    ROOM = "what it said is to be written first"


@dataclass(frozen=True, slots=True)
class ConnectionServices:
    """What the server lends to each connection.

    `admit` raises TooManyConnections (53300). Start-up runs on a pool of its own, so that a CancelRequest gets through
    while every session thread is busy.
    """

    make_conversation: Callable[[ConversationOptions], Conversation]
    session_pool: Executor
    handshake_pool: Executor
    admit: Callable[[Connection], None]
    ended: Callable[[Connection], None]
    tls: TlsMaterial | None
    authentication_timeout_ms: int
    message_bytes_max: int
    joining: Joining
    group_commit: GroupCommit
    turns: ThreadTurns
    busy: set[Connection]
    """Those that have received something and do not wait for more."""


class ConnectionLost(Exception):
    """The transport is gone; only the task's clean-up remains."""


class Connection(asyncio.Protocol):
    """The event loop's side of one client."""

    def __init__(self, services: ConnectionServices, loop: asyncio.AbstractEventLoop) -> None:
        self._services = services
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._received: list[bytes] = []
        self._received_bytes = 0
        self._is_reading_paused = False
        self._is_eof = False
        self._is_lost = False
        self._is_tls = False
        self._is_pumping = False
        self._is_woken = False
        self._end_error: QuiverError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._timer = StatementTimer(loop)
        self.task: asyncio.Task[None] | None = None

    # -- called by the transport --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's, so this cannot be an isinstance check.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        options = ConversationOptions(
            endpoints=_endpoints(transport),
            is_tls_available=self._services.tls is not None,
            message_bytes_max=self._services.message_bytes_max,
            admit=lambda: self._services.admit(self),
            watch=self._timer,
        )
        self._conversation = self._services.make_conversation(options)
        self.task = self._loop.create_task(self._run(self._conversation))

    def data_received(self, data: bytes) -> None:
        if data[:1] in (b"B", b"Q") and self._answers_at_once(data):
            return
        self._services.busy.add(self)
        self._received.append(data)
        self._received_bytes += len(data)
        if self._received_bytes >= READ_AHEAD_BYTES:
            self._pause_reading()
        self._notify()

    def eof_received(self) -> bool:
        self._is_eof = True
        self._client_left()
        self._notify()
        # Answers to what came before the end of input are still sent; TLS cannot be half closed.
        return not self._is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._linger is not None:
            self._linger.cancel()
        self._client_left()
        self.resume_writing()
        self._notify()

    def pause_writing(self) -> None:
        if self._room is None:
            self._room = self._loop.create_future()
            if self._end_error is not None:
                self._give_up_if_deaf(self._room)

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # -- called by the server -----------------------------------------------------------------------------

    def request_end(self, error: QuiverError) -> None:
        """End with a FATAL error once no statement runs; a client that takes no bytes is not waited for."""
        if self._end_error is None:
            self._end_error = error
            if self._room is not None:
                self._give_up_if_deaf(self._room)
        self._notify()

    def abort(self) -> None:
        """End at once: cancel the statement, drop the connection."""
        self._cancel_statement(CANCEL_SHUTDOWN)
        self.request_end(AdminShutdown("terminating connection due to administrator command"))
        if self._transport is not None:
            self._transport.abort()

    def wake_threadsafe(self) -> None:
        """The session has something for an idle client; callable from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            _log.debug("wake-up after the event loop was closed")

    # -- the task -----------------------------------------------------------------------------------------

    async def _run(self, conversation: Conversation) -> None:
        timeout_ms = self._services.authentication_timeout_ms
        timer = self._loop.call_later(timeout_ms / 1000, self._check_authenticated)
        try:
            await self._serve(conversation)
        except ConnectionLost:
            pass
        except (ssl.SSLError, OSError) as error:
            _log.info("connection failed: %s", error)
        except Exception:
            _log.exception("internal error in a connection")
        finally:
            timer.cancel()
            try:
                await self._on_thread(conversation, conversation.close)
            finally:
                self._timer.close()
                self._services.busy.discard(self)
                self._close_transport()
                self._services.ended(self)

    async def _serve(self, conversation: Conversation) -> None:
        is_announced = False
        while not conversation.is_closed:
            await self._await_room()
            if self._end_error is not None:
                self._write(await self._on_thread(conversation, conversation.end, self._end_error))
            elif self._received:
                conversation.receive_data(self._take_received())
                await self._pump(conversation)
                if conversation.wants_tls:
                    await self._start_tls(conversation)
                if not is_announced and conversation.session is not None:
                    conversation.session.set_wakeup(self.wake_threadsafe)
                    is_announced = True
            elif self._is_eof or self._is_lost:
                return
            elif self._is_woken:
                self._is_woken = False
                self._write(await self._on_thread(conversation, conversation.wake))
            else:
                await self._wait(conversation)

    async def _pump(self, conversation: Conversation) -> None:
        steps = conversation.steps()
        is_short = conversation.session is not None
        while True:
            if is_short:
                data, stop = _advance_shortly(conversation, steps)
                self._services.turns.give()
            else:
                data, stop = await self._on_thread(conversation, _advance, conversation, steps)
            if conversation.wants_tls:
                # The client's handshake follows the answer at once and must reach the TLS layer.
                self._pause_reading()
            self._write(data)
            if stop is Stop.NO_INPUT:
                return
            if stop is Pause.LONG:
                is_short = False
            elif isinstance(stop, Joinable):
                if not self._is_lone:
                    await self._services.joining.joined(stop)
            elif stop is not Stop.ROOM:
                await self._services.group_commit.durable(stop, is_lone=self._is_lone)
            await self._await_room()

    @property
    def _is_lone(self) -> bool:
        """Whether no other connection could have anything to execute or commit in this turn of the loop."""
        return len(self._services.busy) < 2

    async def _on_thread(self, conversation: Conversation, call: Callable[..., T], *args: object) -> T:
        services = self._services
        pool = services.handshake_pool if conversation.is_starting else services.session_pool
        self._is_pumping = True
        try:
            return await self._loop.run_in_executor(pool, call, *args)
        finally:
            self._is_pumping = False

    async def _wait(self, conversation: Conversation) -> None:
        """Until bytes, the end of input, a wake-up, the end of the server or an idle timeout."""
        self._services.busy.discard(self)
        self._idle_timer = self._start_idle_timer(conversation)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._idle_timer is not None:
                self._idle_timer.cancel()

    async def _await_room(self) -> None:
        if self._room is not None:
            await self._room
        if self._is_lost:
            raise ConnectionLost

    async def _start_tls(self, conversation: Conversation) -> None:
        tls = self._services.tls
        assert tls is not None and self._transport is not None
        if self._received:
            error = FatalProtocolViolation("received unencrypted data after SSL request")
            self._write(conversation.end(error))
            return
        self._is_tls = True
        transport = await self._loop.start_tls(
            self._transport,
            self,
            tls.context,
            server_side=True,
            ssl_handshake_timeout=self._services.authentication_timeout_ms / 1000,
        )
        if transport is None:
            raise ConnectionLost
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._is_reading_paused = False
        conversation.tls_established(tls.channel_binding)

    # -- small steps --------------------------------------------------------------------------------------

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wake(self) -> None:
        self._is_woken = True
        self._notify()

    def _answers_at_once(self, data: bytes) -> bool:
        """Answer a prepared search of an idle client here: waking the task would cost as much as decoding it."""
        waiter, conversation = self._waiter, self._conversation
        if waiter is None or waiter.done() or self._room is not None or conversation is None:
            return False
        session = conversation.session
        # An idle timer would have to be started anew: the task does it.
        if session is None or self._idle_timer is not None:
            return False
        session.may_block = False
        try:
            answer = conversation.read_directly(data)
        finally:
            session.may_block = True
        if answer is None:
            return False
        self._write(answer)
        self._services.turns.give()
        return True

    def _take_received(self) -> bytes:
        data = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        self._received_bytes = 0
        if self._is_reading_paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._is_reading_paused = False
        return data

    def _pause_reading(self) -> None:
        if not self._is_reading_paused and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._is_reading_paused = True

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._is_lost:
            self._transport.write(data)

    def _give_up_if_deaf(self, room: asyncio.Future[None]) -> None:
        """Drop the connection unless the client reads something soon."""

        def check() -> None:
            if self._room is room and self._transport is not None:
                self._transport.abort()

        self._loop.call_later(_LINGER_S, check)

    def _close_transport(self) -> None:
        transport = self._transport
        if transport is not None and not self._is_lost:
            transport.close()
            self._linger = self._loop.call_later(_LINGER_S, transport.abort)

    def _client_left(self) -> None:
        """Stop a statement whose client is gone, unless it sent something that is still to be read."""
        conversation = self._conversation
        if not self._is_pumping or conversation is None:
            return
        if not self._received and not conversation.unread_bytes:
            self._cancel_statement(CANCEL_USER)

    def _cancel_statement(self, cause: int) -> None:
        session = self._conversation.session if self._conversation is not None else None
        if session is not None:
            session.cancel_token.cancel(cause)

    def _check_authenticated(self) -> None:
        if self._conversation is not None and self._conversation.is_starting:
            self.request_end(AuthenticationTimeout("canceling authentication due to timeout"))

    def _start_idle_timer(self, conversation: Conversation) -> asyncio.TimerHandle | None:
        session = conversation.session
        if session is None or not conversation.is_idle:
            return None
        error: QuiverError
        if session.transaction_status() is TransactionStatus.IDLE:
            timeout_ms = session.settings.integer("idle_session_timeout")
            error = IdleSessionTimeout("terminating connection due to idle-session timeout")
        else:
            timeout_ms = session.settings.integer("idle_in_transaction_session_timeout")
            error = IdleInTransactionSessionTimeout(
                "terminating connection due to idle-in-transaction timeout"
            )
        if timeout_ms <= 0:
            return None
        return self._loop.call_later(timeout_ms / 1000, self.request_end, error)


def _endpoints(transport: asyncio.Transport) -> Endpoints:
    peer, server = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    if not (isinstance(peer, tuple) and isinstance(server, tuple)):
        return Endpoints()
    return Endpoints(str(peer[0]), int(peer[1]), str(server[0]), int(server[1]))


def _advance_shortly(conversation: Conversation, steps: Steps) -> tuple[bytes, Stop | Wait]:
    """`_advance` on the event loop, as far as nothing has to be waited for."""
    session = conversation.session
    assert session is not None
    session.may_block = False
    try:
        return _advance(conversation, steps)
    finally:
        session.may_block = True


def _advance(conversation: Conversation, steps: Steps) -> tuple[bytes, Stop | Wait]:
    """What is to be written next, and what it stopped for.

    A small chunk is returned at once only if more input waits, whose processing may take long; else the next
    step merely finds that nothing is left to do, which is not worth another change of threads.
    """
    chunks: list[bytes] = []
    size = 0
    session = conversation.session
    may_block = session is None or session.may_block
    for step in steps:
        if not isinstance(step, bytes):
            if may_block:
                continue
            return b"".join(chunks), step
        chunks.append(step)
        size += len(step)
        if size >= CHUNK_BYTES or conversation.unread_bytes:
            return b"".join(chunks), Stop.ROOM
    return b"".join(chunks), Stop.NO_INPUT
