"""Running a portal: rows, row limits and both directions of COPY, as flows over a channel.

Rows leave in slices of bounded size; between slices the flow waits until the transport has room. Memory does
not grow with the result or the COPY stream.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from foundation.errors import ObjectNotInPrerequisiteState, QueryCanceled, QuiverError
from sqlfront.backend import CopyIn, CopyOut, Session
from sqlfront.protocol.asynchronous import send_notices
from sqlfront.protocol.channel import Channel, Flow, Pause, unhurried
from sqlfront.protocol.copy import CopyDone, CopyFail, CopyInResponse, CopyOutResponse
from sqlfront.protocol.errors import ProtocolViolation
from sqlfront.protocol.extended_query import PortalSuspended
from sqlfront.protocol.options import Codecs
from sqlfront.protocol.portals import PortalRun
from sqlfront.protocol.response import CommandComplete, EmptyQueryResponse, RowDescription
from sqlfront.protocol.simple_query import Terminate
from sqlfront.protocol.transitions import Action, Event, Machine, State, message_limits
from sqlfront.protocol.wire import Body

ROW_SLICE_BYTES = 1 << 18
"""Rows are encoded in slices of about this much Arrow data: large enough to amortise the encoder's cost per
call and column, small enough to bound memory."""
COPY_IN_BYTES = 1 << 18
"""CopyData messages are fed together up to this size: some clients send one a row."""
COPY_JOINED_BYTES_MAX = 1 << 13
"""Larger messages are fed one by one: copying them costs more than the call."""
_COPY_DATA = ord("d")


class ConversationEnded(Exception):
    """The client said good-bye in the middle of a COPY."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs portals of one session."""

    channel: Channel
    session: Session
    codecs: Codecs
    machine: Machine
    message_bytes_max: int

    def run(self, run: PortalRun, rows_max: int, *, is_described: bool) -> Flow[str | None]:
        """Run a portal to its end or its row limit.

        Args:
            rows_max: 0 = all.
            is_described: whether rows are announced by a RowDescription, as simple queries are.

        Returns:
            The command tag, not yet sent; None when the portal is suspended.
        """
        if run.is_done:
            return self._rerun_tag(run)
        if not run.is_started:
            run.is_started = True
            if not run.portal.is_short:
                yield Pause.LONG
            elif not self.session.may_block:
                joinable = run.portal.joinable()
                if joinable is not None:
                    yield joinable
            stream = yield from unhurried(run.portal.start)
            if stream is not None:
                tag = yield from self._copy(run, stream)
                return tag
        tag_or_none = yield from self._rows(run, rows_max, is_described=is_described)
        return tag_or_none

    def _copy(self, run: PortalRun, stream: CopyIn | CopyOut) -> Flow[str]:
        if isinstance(stream, CopyOut):
            tag = yield from self._copy_out(run, stream)
        else:
            run.is_done = True
            tag = yield from self._copy_in(stream)
        return tag

    def complete(self, tag: str | None) -> None:
        """Send what ends an Execute: notices of the statement first, then CommandComplete or its like."""
        send_notices(self.channel, self.session)
        if tag is None:
            self.channel.send(PortalSuspended())
        else:
            self.channel.send(CommandComplete(tag) if tag else EmptyQueryResponse())

    @staticmethod
    def _rerun_tag(run: PortalRun) -> str:
        """A finished SELECT gives no more rows; anything else does not run twice."""
        tag = run.portal.command_tag()
        if run.portal.columns is None and tag:
            raise ObjectNotInPrerequisiteState(f'portal "{run.name}" cannot be run')
        return _with_count(tag, 0)

    def _rows(self, run: PortalRun, rows_max: int, *, is_described: bool) -> Flow[str | None]:
        portal, sent_rows = run.portal, 0
        while rows_max == 0 or sent_rows < rows_max:
            self.session.cancel_token.check()
            batch = portal.next_batch(rows_max - sent_rows if rows_max else 0)
            # The first rows are computed before they are announced: an error is then all the client sees.
            if is_described and portal.columns is not None:
                self.channel.send(RowDescription.of(portal.columns, run.formats))
                is_described = False
            if batch is None:
                run.is_done = True
                tag = yield from unhurried(portal.command_tag)
                return _with_count(tag, sent_rows) if run.was_suspended else tag
            sent_rows += batch.num_rows
            yield from self._send_rows(run, batch)
        run.was_suspended = True
        return None

    def _send_rows(self, run: PortalRun, batch: pa.RecordBatch) -> Flow[None]:
        columns = run.portal.columns or ()
        settings = self.session.codec_context()
        row_count = batch.num_rows
        slice_rows = row_count
        if batch.nbytes > ROW_SLICE_BYTES:
            slice_rows = max(1, row_count * ROW_SLICE_BYTES // batch.nbytes)
        for start in range(0, row_count, max(1, slice_rows)):
            if start:
                self.session.cancel_token.check()
            rows = batch if slice_rows == row_count else batch.slice(start, slice_rows)
            self.channel.send_bytes(self.codecs.encode_data_rows(rows, columns, run.formats, settings))
            yield from self.channel.drain()

    def _copy_out(self, run: PortalRun, stream: CopyOut) -> Flow[str]:
        self.channel.send(CopyOutResponse(stream.format.value, stream.column_count))
        for frames in stream.frames():
            self.session.cancel_token.check()
            self.channel.send_bytes(frames)
            yield from self.channel.drain()
        self.channel.send(CopyDone())
        run.is_done = True
        return run.portal.command_tag()

    def _copy_in(self, stream: CopyIn) -> Flow[str]:
        self.channel.send(CopyInResponse(stream.format.value, stream.column_count))
        self.machine.move(Event.COPY_IN_STARTED)
        limits = message_limits(State.COPY_IN, self.message_bytes_max)
        try:
            while True:
                frame = yield from self.channel.receive(limits)
                yield Pause.LONG
                tag = self._take_copy_message(stream, frame.kind, frame.body)
                if tag is not None:
                    return tag
        except (GeneratorExit, ConversationEnded):
            _abandon(stream, "unexpected EOF on client connection with an open transaction")
            raise
        finally:
            self.machine.move(Event.COPY_IN_ENDED)

    def _take_copy_message(self, stream: CopyIn, kind: int, body: bytes) -> str | None:
        """Returns the command tag at CopyDone."""
        letter = chr(kind)
        action = self.machine.action(kind)
        if action is Action.IGNORE:
            return None
        if action is Action.REFUSE:
            error = ProtocolViolation(f"unexpected message type 0x{kind:02X} during COPY from stdin")
            _abandon(stream, error.message)
            raise error
        if letter == "X":
            Terminate.decode(body)
            raise ConversationEnded
        if letter == "f":
            reason = CopyFail.decode(body).reason
            stream.fail(reason)
            raise QueryCanceled(f"COPY from stdin failed: {reason}")
        if letter == "c":
            Body(body).end()
            return stream.finish()
        self._feed(stream, body)
        return None

    def _feed(self, stream: CopyIn, body: bytes) -> None:
        more = self.channel.reader.more_of(_COPY_DATA, COPY_IN_BYTES - len(body))
        if self.session.cancel_token.is_cancelled():
            error = self.session.cancel_token.error()
            _abandon(stream, error.message)
            raise error
        if not more:
            stream.feed(body)
        elif len(body) < COPY_JOINED_BYTES_MAX:
            stream.feed(b"".join((body, *more)))
        else:
            for piece in (body, *more):
                stream.feed(piece)


def _with_count(tag: str, row_count: int) -> str:
    """A SELECT's tag counts the rows of this Execute alone."""
    return f"SELECT {row_count}" if tag.startswith("SELECT ") else tag


def _abandon(stream: CopyIn, reason: str) -> None:
    """Tell the receiving end that nothing more comes. It answers with the error it was told."""
    with suppress(QuiverError):
        stream.fail(reason)
