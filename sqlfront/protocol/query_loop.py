"""The life of a session on the wire: receive a message, do it, answer, until the client leaves.

This is where errors of single messages end: they are reported and the conversation goes to where the protocol
says, which differs between simple and extended queries. Errors that end the connection pass through.
"""

from __future__ import annotations

import logging
from functools import partial

from foundation.cancel import CANCEL_SHUTDOWN
from foundation.errors import FeatureNotSupported, QuiverError, WouldBlock
from sqlfront.backend import Format, Session, TransactionStatus
from sqlfront.protocol.asynchronous import send_asynchronous, send_notices
from sqlfront.protocol.channel import Channel, Flow, Pause, settled, unhurried
from sqlfront.protocol.direct_inserts import DirectInserts
from sqlfront.protocol.direct_reads import DirectReads
from sqlfront.protocol.direct_shapes import (
    DESCRIBED_TAIL,
    SHORT_BIND_BYTES,
    TAIL_BYTES_MAX,
    TAILS,
    DirectShapes,
)
from sqlfront.protocol.error_report import error_response, is_fatal
from sqlfront.protocol.execution import ConversationEnded, Executor
from sqlfront.protocol.extended_flow import ExtendedQuery
from sqlfront.protocol.framing import Frame
from sqlfront.protocol.options import Codecs, ConversationOptions
from sqlfront.protocol.portals import PortalRun, Registry
from sqlfront.protocol.response import EmptyQueryResponse, ReadyForQuery
from sqlfront.protocol.simple_query import Query, Terminate
from sqlfront.protocol.timeouts import arm
from sqlfront.protocol.transitions import Action, Event, Machine, State, message_limits
from sqlfront.protocol.wire import Body

_log = logging.getLogger(__name__)

_READY = {status: ReadyForQuery(status.value).encode() for status in TransactionStatus}
_EXTENDED = frozenset(b"PBDECH")
_SHORT_TEXT_BYTES = 1000
"""Parsing and binding take about a microsecond a byte."""


class QueryLoop:
    """The flow of an authenticated connection."""

    def __init__(
        self,
        channel: Channel,
        session: Session,
        machine: Machine,
        codecs: Codecs,
        options: ConversationOptions,
    ) -> None:
        self._channel = channel
        self._session = session
        self._machine = machine
        self._watch = options.watch
        self._registry = Registry(session)
        self._executor = Executor(channel, session, codecs, machine, options.message_bytes_max)
        self._extended = ExtendedQuery(channel, self._registry, self._executor, codecs, options.watch)
        self._shapes = DirectShapes(session)
        self._reads = DirectReads(session, codecs, options.watch, self._shapes, self._registry)
        self._inserts = DirectInserts(channel, session, codecs, options.watch)
        self._limits = {state: message_limits(state, options.message_bytes_max) for state in State}
        self.is_idle = False
        """ReadyForQuery was the last thing sent and no message of a next query has come."""

    def run(self) -> Flow[None]:
        """Ends when the client says good-bye.

        Raises:
            Exception: one that `is_fatal`; the session knows of it already.
        """
        self._ready()
        yield from self._channel.flush()
        while True:
            frame = yield from self._channel.receive(self._limits[self._machine.state])
            if self._machine.action(frame.kind) is Action.IGNORE:
                continue
            self._begin()
            try:
                if frame.kind == ord("X"):
                    Terminate.decode(frame.body)
                    return
                yield from self._dispatch(frame)
            except ConversationEnded:
                return
            except Exception as error:
                self._fail(error, frame)
            if self.is_idle or frame.kind == ord("H"):
                # The client may be waiting for this while its next message takes long.
                yield from self._channel.flush()
            else:
                yield from self._channel.drain()

    def read_directly(self, data: bytes) -> bytes | None:
        """Everything that answers an idle client's bytes, if they are one prepared search; None with nothing done."""
        if not self.is_idle or self._machine.state is not State.READY:
            return None
        self._begin()
        try:
            answer = self._reads.answer_all(data)
        except (QuiverError, WouldBlock):
            # It is raised again, and reported, where the messages are handled one by one.
            answer = None
        except Exception:
            _log.exception("internal error in a read in one step; its messages are handled one by one")
            answer = None
        if answer is None:
            self.is_idle = True
            return None
        self._channel.send_bytes(answer)
        self._ready()
        return self._channel.take_output()

    def _begin(self) -> None:
        """A message arrived: a cancellation that was meant for an earlier query is void."""
        if self.is_idle:
            self.is_idle = False
            token = self._session.cancel_token
            if token.word[0] != CANCEL_SHUTDOWN:
                token.reset()

    def _dispatch(self, frame: Frame) -> Flow[None]:
        match chr(frame.kind):
            case "Q":
                if len(frame.body) > _SHORT_TEXT_BYTES:
                    yield Pause.LONG
                answer = yield from unhurried(partial(self._reads.answer_query, frame.body))
                if answer is None:
                    yield from self._simple_query(Query.decode(frame.body))
                else:
                    self._channel.send_bytes(answer)
                self._ready()
            case "S":
                Body(frame.body).end()
                self._watch.disarm()
                self._machine.move(Event.SYNC)
                yield from unhurried(self._session.sync)
                yield from settled(self._session)
                self._ready()
            case "F":
                raise FeatureNotSupported("function call messages are not supported")
            case "E":
                yield from self._extended.execute(frame.body)
            case "B":
                if len(frame.body) > SHORT_BIND_BYTES:
                    yield Pause.LONG
                is_answered = yield from self._directly(frame.body)
                if is_answered:
                    self._ready()
                else:
                    yield from self._extended.bind(frame.body)
            case kind:
                if len(frame.body) > _SHORT_TEXT_BYTES:
                    yield Pause.LONG
                yield from unhurried(lambda: self._extended.handle(kind, frame.body))

    def _directly(self, body: bytes) -> Flow[bool]:
        """Answer a Bind and what follows it unread, all but ReadyForQuery; False where nothing was done."""
        reader = self._channel.reader
        following = reader.peek(0, TAIL_BYTES_MAX)
        tail = next((known for known in TAILS if following.startswith(known)), None)
        shape = None if tail is None else self._shapes.of(body)
        if tail is None or shape is None:
            return False
        is_described = tail is DESCRIBED_TAIL
        answer = yield from unhurried(partial(self._reads.answer, shape, body, is_described=is_described))
        if answer is not None:
            self._channel.send_bytes(answer)
        is_answered = answer is not None or (
            yield from self._inserts.answer(shape, body, is_described=is_described)
        )
        if is_answered:
            reader.skip(len(tail))
        return is_answered

    def _simple_query(self, query: Query) -> Flow[None]:
        session, executor = self._session, self._executor
        self._registry.close_statement("")
        self._registry.close_portal("")
        statements = session.split_script(query.text)
        if not statements:
            session.sync()
            self._channel.send(EmptyQueryResponse())
        for number, parsed in enumerate(statements, 1):
            is_last = number == len(statements)
            arm(self._watch, session)
            portal = yield from unhurried(partial(session.run_parsed, parsed, is_last=is_last))
            try:
                run = PortalRun("", portal, (Format.TEXT,) * len(portal.columns or ()))
                tag = yield from executor.run(run, 0, is_described=True)
            finally:
                portal.close()
            if is_last:
                # The implicit commit comes before CommandComplete: its failure is the statement's.
                yield from unhurried(session.sync)
            yield from settled(session)
            self._watch.disarm()
            executor.complete(tag)

    def _fail(self, error: Exception, frame: Frame) -> None:
        """Report an error of one message.

        Raises:
            Exception: the same error, when it ends the connection.
        """
        self._watch.disarm()
        self._session.statement_failed(error)
        send_notices(self._channel, self._session)
        if is_fatal(error):
            raise error
        self._channel.send(error_response(error))
        if frame.kind in _EXTENDED:
            self._machine.move(Event.EXTENDED_QUERY_FAILED)
        else:
            self._ready()

    def _ready(self) -> None:
        status = self._session.transaction_status()
        if status is TransactionStatus.IDLE:
            self._registry.close_portals_of_transaction()
        send_asynchronous(self._channel, self._session)
        self._channel.send_bytes(_READY[status])
        self.is_idle = True
