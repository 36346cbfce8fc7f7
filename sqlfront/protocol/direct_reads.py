"""Prepared searches in one step: Bind, Execute and Sync that arrived together, as every driver sends them.

    Bind (unnamed portal), [Describe portal,] Execute (no row limit), Sync

What a statement's Binds have in common is remembered with the statement: everything but the values. A Bind of that shape
is decoded by cutting out its values, the session is asked for all rows at once, and all answers leave as one piece. Where
anything is out of the ordinary nothing has happened, and the messages are handled one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from sqlfront.backend import Format, Session, Statement
from sqlfront.protocol.asynchronous import send_notices
from sqlfront.protocol.bind_runs import DESCRIBE, EXECUTE
from sqlfront.protocol.channel import Channel, Flow, unhurried
from sqlfront.protocol.extended_query import Bind, BindComplete
from sqlfront.protocol.options import Codecs, StatementWatch
from sqlfront.protocol.portals import parameter_formats, result_formats
from sqlfront.protocol.response import CommandComplete, RowDescription
from sqlfront.protocol.wire import INT32

_SYNC = b"S\x00\x00\x00\x04"
_TAILS = (EXECUTE + _SYNC, DESCRIBE + EXECUTE + _SYNC)
_TAIL_BYTES_MAX = max(map(len, _TAILS))
_BIND_COMPLETE = BindComplete().encode()
_SHAPES_MAX = 256


@dataclass(frozen=True, slots=True)
class _Shape:
    """What Binds of one statement have before and behind their values, and what answers are made with."""

    name: str
    statement: Statement
    head: bytes
    foot: bytes
    types: tuple[tuple[SqlType, Format], ...]
    formats: tuple[Format, ...]
    description: bytes

    @classmethod
    def of(cls, bind: Bind, statement: Statement) -> _Shape | None:
        """None for a statement without rows, and for a Bind that is an error. Raises as decoding its formats does."""
        count, columns = len(bind.parameters), statement.columns
        if columns is None or count != len(statement.parameter_types):
            return None
        try:
            formats = result_formats(bind.result_formats, len(columns))
            types = zip(
                statement.parameter_types, parameter_formats(bind.parameter_formats, count), strict=True
            )
        except QuiverError:
            return None
        empty = Bind("", bind.statement, bind.parameter_formats, (), bind.result_formats).encode()[5:]
        foot_bytes = 2 + 2 * len(bind.result_formats)
        head = empty[: len(empty) - foot_bytes - 2] + count.to_bytes(2, "big")
        description = RowDescription.of(columns, formats).encode()
        return cls(
            bind.statement,
            statement,
            head,
            empty[len(empty) - foot_bytes :],
            tuple(types),
            formats,
            description,
        )

    def fits(self, body: bytes) -> bool:
        """Whether a Bind differs in nothing but its values."""
        return body.startswith(self.head) and body.endswith(self.foot)

    def cells(self, body: bytes) -> list[bytes | None] | None:
        """The values of a Bind that fits; None where they are not what their lengths say."""
        last = len(body) - len(self.foot)
        place, cells = len(self.head), []
        for _ in self.types:
            if place + 4 > last:
                return None
            (size,) = INT32.unpack_from(body, place)
            place += 4
            if size < -1:
                return None
            cells.append(None if size < 0 else body[place : place + size])
            place += max(size, 0)
        return cells if place == last else None


@dataclass(slots=True)
class DirectReads:
    """Of one session."""

    channel: Channel
    session: Session
    codecs: Codecs
    watch: StatementWatch
    shapes: dict[bytes, _Shape]
    """By the bytes that name the statement."""

    def read(self, body: bytes) -> Flow[bool]:
        """Answer a Bind and what follows it, all but ReadyForQuery; False where nothing was done.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        tail = self.channel.reader.peek(0, _TAIL_BYTES_MAX)
        number = next((number for number, known in enumerate(_TAILS) if tail.startswith(known)), -1)
        if number < 0 or body[:1] != b"\0":
            return False
        shape = self._shape(body)
        cells = None if shape is None else shape.cells(body)
        if shape is None or cells is None or self.session.portals.get("") is not None:
            return False
        is_answered = yield from unhurried(partial(self._answer, shape, cells, is_described=number == 1))
        if is_answered:
            self.channel.reader.skip(len(_TAILS[number]))
        return is_answered

    def _shape(self, body: bytes) -> _Shape | None:
        """The shape of a Bind for a statement that reads directly."""
        key, statements = body[1 : body.find(0, 1)], self.session.statements
        shape = self.shapes.get(key)
        if shape is not None and statements.get(shape.name) is shape.statement and shape.fits(body):
            return shape
        statement = statements.get(key.decode("utf-8", "replace"))
        if statement is None or not statement.reads_directly:
            return None
        try:
            shape = _Shape.of(Bind.decode(body), statement)
        except QuiverError:
            return None
        if shape is not None:
            if len(self.shapes) >= _SHAPES_MAX:
                self.shapes.clear()
            self.shapes[key] = shape
        return shape

    def _answer(self, shape: _Shape, cells: Sequence[bytes | None], *, is_described: bool) -> bool:
        session, channel, statement = self.session, self.channel, shape.statement
        settings = session.codec_context()
        decode = self.codecs.decode_parameter
        timeout_ms = session.settings.derived(_statement_timeout_ms)
        try:
            values = [decode(*of_type, cell, settings) for of_type, cell in zip(shape.types, cells)]
            if timeout_ms:
                self.watch.arm(session.cancel_token, timeout_ms)
            batch = session.read_directly(statement, values)
        except (QueryCanceled, AdminShutdown, WouldBlock):
            raise
        except QuiverError:
            return False  # It is raised again by the message that it belongs to.
        finally:
            self.watch.disarm()
        columns = statement.columns
        if batch is None or columns is None:
            return False
        rows = self.codecs.encode_data_rows(batch, columns, shape.formats, settings)
        channel.send_bytes(_BIND_COMPLETE + (shape.description if is_described else b"") + rows)
        send_notices(channel, session)
        channel.send(CommandComplete(f"SELECT {batch.num_rows}"))
        return True


def _statement_timeout_ms(settings: SettingValues) -> int:
    return settings.integer("statement_timeout")
