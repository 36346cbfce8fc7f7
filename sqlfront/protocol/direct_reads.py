"""Prepared searches in one step: Bind, Execute and Sync that arrived together, as every driver sends them.

    Bind (unnamed portal), [Describe portal,] Execute (no row limit), Sync

What a statement's Binds have in common is remembered with the statement: everything but the values. A Bind of that shape
is decoded by cutting out its values, the session is asked for all rows at once, and all answers leave as one piece. A simple
query that is a search with its vector in the text is answered likewise. Where
anything is out of the ordinary nothing has happened, and the messages are handled one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from sqlfront.backend import Format, Session, Statement
from sqlfront.protocol.asynchronous import encoded_notices
from sqlfront.protocol.bind_runs import DESCRIBE, EXECUTE
from sqlfront.protocol.channel import Channel, Flow, unhurried
from sqlfront.protocol.extended_query import Bind, BindComplete
from sqlfront.protocol.options import Codecs, StatementWatch
from sqlfront.protocol.portals import parameter_formats, result_formats
from sqlfront.protocol.response import CommandComplete, RowDescription
from sqlfront.protocol.simple_query import Query
from sqlfront.protocol.wire import INT32

T = TypeVar("T")

_SYNC = b"S\x00\x00\x00\x04"
_TAILS = (EXECUTE + _SYNC, DESCRIBE + EXECUTE + _SYNC)
_TAIL_BYTES_MAX = max(map(len, _TAILS))
_SHORT_QUERY_BYTES = 1 << 16
"""A vector's text is read at about 100 MB/s."""
_BIND_COMPLETE = BindComplete().encode()
_SHAPES_MAX = 256
_HEADER_BYTES = 5
SHORT_BIND_BYTES = 1 << 14
"""Beyond this, decoding and storing parameters takes longer than a millisecond or two."""


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
        """Answer a Bind and what follows it unread, all but ReadyForQuery; False where nothing was done.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        following = self.channel.reader.peek(0, _TAIL_BYTES_MAX)
        tail = next((known for known in _TAILS if following.startswith(known)), None)
        if tail is None:
            return False
        answer = yield from unhurried(partial(self.answer, body, is_described=tail is _TAILS[1]))
        if answer is None:
            return False
        self.channel.reader.skip(len(tail))
        self.channel.send_bytes(answer)
        return True

    def answer_all(self, data: bytes) -> bytes | None:
        """The answer to all messages of some bytes but ReadyForQuery; None for anything but a search. Raises as `read`."""
        body_end = 1 + INT32.unpack_from(data, 1)[0] if len(data) > _HEADER_BYTES else 0
        tail = data[body_end:]
        if data[:1] == b"Q" and body_end == len(data) <= _SHORT_QUERY_BYTES:
            return self.answer_query(data[_HEADER_BYTES:])
        if not _HEADER_BYTES <= body_end <= SHORT_BIND_BYTES or tail not in _TAILS or data[:1] != b"B":
            return None
        return self.answer(data[_HEADER_BYTES:body_end], is_described=tail == _TAILS[1])

    def answer(self, body: bytes, *, is_described: bool) -> bytes | None:
        """BindComplete to CommandComplete of a search, notices included; None where nothing was done.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01. WouldBlock: the session may not block.
        """
        session = self.session
        shape = self._shape(body)
        cells = None if shape is None else shape.cells(body)
        if shape is None or cells is None or "" in session.portals:
            return None
        statement, settings = shape.statement, session.codec_context()
        try:
            batch = self._batch(shape, cells, settings)
        except (QueryCanceled, AdminShutdown, WouldBlock):
            raise
        except QuiverError:
            return None  # It is raised again by the message that it belongs to.
        columns = statement.columns
        if batch is None or columns is None:
            return None
        rows = self.codecs.encode_data_rows(batch, columns, shape.formats, settings)
        description = shape.description if is_described else b""
        notices = encoded_notices(session)
        return b"".join((_BIND_COMPLETE, description, rows, notices, _selected(batch.num_rows)))

    def answer_query(self, body: bytes) -> bytes | None:
        """RowDescription to CommandComplete of a simple query that is a search with its vector in the text.

        None, with nothing done, for any other. Raises as `answer`, and CharacterNotInRepertoire (22021).
        """
        session = self.session
        if b"'[" not in body or "" in session.portals:
            return None
        found = self._timed(partial(session.read_text_directly, Query.decode(body).text))
        if found is None:
            return None
        session.statements.pop("", None)
        batch, columns = found
        formats = (Format.TEXT,) * len(columns)
        rows = self.codecs.encode_data_rows(batch, columns, formats, session.codec_context())
        description = RowDescription.of(columns, formats).encode()
        return b"".join((description, rows, encoded_notices(session), _selected(batch.num_rows)))

    def _batch(self, shape: _Shape, cells: Sequence[bytes | None], settings: Any) -> pa.RecordBatch | None:
        session, decode = self.session, self.codecs.decode_parameter
        values = [decode(kind, form, cell, settings) for (kind, form), cell in zip(shape.types, cells)]
        return self._timed(partial(session.read_directly, shape.statement, values))

    def _timed(self, call: Callable[[], T]) -> T:
        """Call something under statement_timeout, where there is one."""
        timeout_ms = self.session.settings.derived(_statement_timeout_ms)
        if not timeout_ms:
            return call()
        self.watch.arm(self.session.cancel_token, timeout_ms)
        try:
            return call()
        finally:
            self.watch.disarm()

    def _shape(self, body: bytes) -> _Shape | None:
        """The shape of a Bind for a statement that reads directly."""
        if body[:1] != b"\0":
            return None
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


@lru_cache(1024)
def _selected(count: int) -> bytes:
    return CommandComplete(f"SELECT {count}").encode()


def _statement_timeout_ms(settings: SettingValues) -> int:
    return settings.integer("statement_timeout")
