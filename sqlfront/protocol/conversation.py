"""One client's conversation: bytes in, bytes out, a session in between. No I/O, no clock, no thread.

Invariants:
  - Everything received is answered in order; `run()` ends when it needs more input.
  - Output is handed on in chunks of bounded size, and nothing runs on while a chunk waits to be taken.
  - After an error in an extended query all messages up to Sync are skipped; every Query, FunctionCall and Sync
    is answered by exactly one ReadyForQuery.
  - `close()` releases the session exactly once, wherever the conversation stood.

The states and what each accepts are tables in `transitions`; DESIGN.md beside this file walks through the
flows. Receiving bytes, running and closing must not overlap; only the session's cancel token may be used from
another thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TypeAlias

from foundation.errors import AdminShutdown
from sqlfront.backend import Joinable, Session, SessionFactory, UnfinishedCommit
from sqlfront.protocol.asynchronous import send_asynchronous
from sqlfront.protocol.channel import CHUNK_BYTES, Channel, Flow, Pause
from sqlfront.protocol.error_report import error_response
from sqlfront.protocol.handshake import Handshake, TlsState
from sqlfront.protocol.options import Codecs, ConversationOptions
from sqlfront.protocol.query_loop import QueryLoop
from sqlfront.protocol.transitions import Event, Machine, State

_log = logging.getLogger(__name__)

Step: TypeAlias = bytes | Pause | Joinable | UnfinishedCommit
_PIECE_BYTES = 4 * CHUNK_BYTES


class Conversation:
    """Give it bytes with `receive_data`, send what `run()` yields, and `close()` it in the end.

    Args:
        factory: hands out the session.
        codecs: parameter decoder and row encoder.
        options: facts about the transport and the server's services.
    """

    def __init__(
        self, factory: SessionFactory, codecs: Codecs, options: ConversationOptions | None = None
    ) -> None:
        self._factory = factory
        self._codecs = codecs
        self._options = options or ConversationOptions()
        self._channel = Channel()
        self._machine = Machine()
        self._tls = TlsState()
        self._loop: QueryLoop | None = None
        self._flow = self._converse()
        self.session: Session | None = None
        """None until the client is authenticated, and after the end."""

    @property
    def state(self) -> State:
        return self._machine.state

    @property
    def is_closed(self) -> bool:
        """Nothing more will be sent: close the connection."""
        return self._machine.state is State.CLOSED

    @property
    def is_starting(self) -> bool:
        """Before the session exists."""
        return self._machine.state in (State.STARTUP, State.TLS_HANDSHAKE, State.AUTHENTICATION)

    @property
    def is_idle(self) -> bool:
        """ReadyForQuery was the last thing sent and no message of a next query has come."""
        return self._loop is not None and self._loop.is_idle and self._machine.state is State.READY

    @property
    def unread_bytes(self) -> int:
        """Received and not yet processed."""
        return self._channel.reader.buffered_bytes

    @property
    def wants_tls(self) -> bool:
        """`S` was answered to an SSLRequest: encrypt the transport, then call `tls_established`."""
        return self._machine.state is State.TLS_HANDSHAKE and not self._tls.is_established

    def tls_established(self, channel_binding: bytes | None) -> None:
        """The transport is encrypted. `channel_binding`: tls-server-end-point's hash (RFC 5929), if known."""
        self._tls.channel_binding = channel_binding
        self._tls.is_established = True

    def receive_data(self, data: bytes) -> None:
        self._channel.reader.feed(data)

    def read_directly(self, data: bytes) -> bytes | None:
        """The whole answer to an idle client's bytes where they are one prepared search, and no more.

        None, with nothing done, for anything else: `receive_data` and `steps` answer it. Call it only while these are not used.
        """
        if self._loop is None or self._channel.reader.buffered_bytes:
            return None
        return self._loop.read_directly(data)

    def run(self) -> Iterator[bytes]:
        """Process all complete messages and yield the output in bounded pieces.

        Nothing that the client or the session does makes it raise. The iterator may be left unfinished only
        if `close` or `end` follows.
        """
        return (step for step in self.steps() if isinstance(step, bytes))

    def steps(self) -> Iterator[Step]:
        """`run` for a server that has better to do than to wait.

        While the session's `may_block` is False: `Pause.LONG` asks to go on where it is True, a joinable execution to go
        on when it was run with others or none came, an unfinished commit to go on when that is durable.
        """
        if self.is_closed:
            return
        for step in self._flow:
            if step is None:
                return
            if not isinstance(step, bytes):
                yield step
                continue
            for start in range(0, len(step), _PIECE_BYTES):
                yield step if len(step) <= _PIECE_BYTES else step[start : start + _PIECE_BYTES]

    def wake(self) -> bytes:
        """Something happened while the client was silent; the bytes to send it.

        Delivers notices and notifications to an idle client, and ends the conversation if the session is to
        be terminated. Call it only while `run()` is not being iterated.
        """
        session = self.session
        if session is None or self.is_closed:
            return b""
        if session.is_termination_requested:
            return self.end(AdminShutdown("terminating connection due to administrator command"))
        if self.is_idle:
            send_asynchronous(self._channel, session)
        return self._channel.take_output()

    def end(self, error: Exception) -> bytes:
        """Close with a FATAL error from outside (timeout, shutdown); the last bytes to send."""
        if self.is_closed:
            return b""
        self._close_flow()
        self._channel.send(error_response(error, is_startup=True))
        self._finish()
        return self._channel.take_output()

    def close(self) -> None:
        """The connection is gone: end a COPY, roll back, release the session. Idempotent."""
        self._close_flow()
        self._finish()

    def _converse(self) -> Flow[None]:
        try:
            handshake = Handshake(self._channel, self._factory, self._options, self._tls, self._machine)
            self.session = yield from handshake.run()
            if self.session is not None:
                self._loop = QueryLoop(
                    self._channel, self.session, self._machine, self._codecs, self._options
                )
                yield from self._loop.run()
        except Exception as error:
            self._channel.send(error_response(error, is_startup=True))
        self._finish()
        output = self._channel.take_output()
        if output:
            yield output

    def _close_flow(self) -> None:
        try:
            self._flow.close()
        except Exception:
            _log.exception("error while a connection was closed")

    def _finish(self) -> None:
        self._options.watch.disarm()
        if not self.is_closed:
            self._machine.move(Event.ENDED)
        session, self.session = self.session, None
        if session is not None:
            try:
                session.close()
            except Exception:
                _log.exception("error while a session was closed")
