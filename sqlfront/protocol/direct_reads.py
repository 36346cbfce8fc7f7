"""Prepared searches in one step: what `direct_shapes` recognises, for statements that are read directly.

The session is asked for all rows at once, and all answers leave as one piece. A simple query that is a search or look-up with
its values in the text is answered likewise. Where anything is out of the ordinary nothing has happened, and the messages are
handled one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from sqlfront.backend import Format, Session
from sqlfront.protocol.asynchronous import encoded_notices
from sqlfront.protocol.bind_shapes import HEADER_BYTES
from sqlfront.protocol.direct_shapes import (
    DESCRIBED_TAIL,
    SHORT_BIND_BYTES,
    TAILS,
    DirectShape,
    DirectShapes,
)
from sqlfront.protocol.options import Codecs, StatementWatch
from sqlfront.protocol.portals import Registry
from sqlfront.protocol.response import CommandComplete, RowDescription
from sqlfront.protocol.simple_query import Query
from sqlfront.protocol.timeouts import timed
from sqlfront.protocol.wire import INT32

_SHORT_QUERY_BYTES = 1 << 16
"""A vector's text is read at about 100 MB/s."""


@dataclass(frozen=True, slots=True)
class DirectReads:
    """Of one session."""

    session: Session
    codecs: Codecs
    watch: StatementWatch
    shapes: DirectShapes
    registry: Registry

    def answer_all(self, data: bytes) -> bytes | None:
        """The answer to all messages of some bytes but ReadyForQuery; None for anything but a search.

        Raises:
            As `answer`.
        """
        body_end = 1 + INT32.unpack_from(data, 1)[0] if len(data) > HEADER_BYTES else 0
        tail = data[body_end:]
        if data[:1] == b"Q" and body_end == len(data) <= _SHORT_QUERY_BYTES:
            return self.answer_query(data[HEADER_BYTES:])
        if not HEADER_BYTES <= body_end <= SHORT_BIND_BYTES or tail not in TAILS or data[:1] != b"B":
            return None
        body = data[HEADER_BYTES:body_end]
        shape = self.shapes.of(body)
        return None if shape is None else self.answer(shape, body, is_described=tail == DESCRIBED_TAIL)

    def answer(self, shape: DirectShape, body: bytes, *, is_described: bool) -> bytes | None:
        """BindComplete to CommandComplete of a search, notices included; None where nothing was done.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01. WouldBlock: the session may not block.
        """
        session, statement = self.session, shape.statement
        columns = statement.columns
        if columns is None or not statement.reads_directly:
            return None
        try:
            values = shape.values(body, session, self.codecs)
            if values is None:
                return None
            batch = timed(self.watch, session, partial(session.read_directly, statement, values))
        except (QueryCanceled, AdminShutdown, WouldBlock):
            raise
        except QuiverError:
            return None  # It is raised again by the message that it belongs to.
        if batch is None:
            return None
        self.registry.close_portal("")  # A block has kept that of the statement before.
        rows = self.codecs.encode_data_rows(batch, columns, shape.formats, session.codec_context())
        opening = shape.opening(is_described=is_described)
        return b"".join((opening, rows, encoded_notices(session), _selected(batch.num_rows)))

    def answer_query(self, body: bytes) -> bytes | None:
        """RowDescription to CommandComplete of a simple query that is a search or look-up with its values in the text.

        None, with nothing done, for any other. Raises as `answer`, and CharacterNotInRepertoire (22021).
        """
        session = self.session
        if body[:6].lower() != b"select" and b"'[" not in body:
            return None
        text = Query.decode(body).text
        found = timed(self.watch, session, partial(session.read_text_directly, text))
        if found is None:
            return None
        self.registry.close_statement("")
        self.registry.close_portal("")
        batch, columns = found
        formats = (Format.TEXT,) * len(columns)
        rows = self.codecs.encode_data_rows(batch, columns, formats, session.codec_context())
        description = RowDescription.of(columns, formats).encode()
        return b"".join((description, rows, encoded_notices(session), _selected(batch.num_rows)))


@lru_cache(1024)
def _selected(count: int) -> bytes:
    return CommandComplete(f"SELECT {count}").encode()
