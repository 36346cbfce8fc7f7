"""Bind, Execute and Sync that arrived together, as every driver sends them, of a statement that is executed in one step.

    Bind (unnamed portal), [Describe portal,] Execute (no row limit), Sync

What a statement's Binds have in common is remembered with the statement: how their values are cut out and decoded, and how
what they return is described. Where anything is out of the ordinary there is no shape, and the messages are handled one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation.errors import QuiverError
from foundation.sqltypes import SqlType
from sqlfront.backend import Format, Session, Statement
from sqlfront.protocol.bind_runs import DESCRIBE, EXECUTE
from sqlfront.protocol.bind_shapes import BindShape
from sqlfront.protocol.extended_query import Bind, BindComplete, NoData
from sqlfront.protocol.options import Codecs
from sqlfront.protocol.portals import parameter_formats, result_formats
from sqlfront.protocol.response import RowDescription

_SYNC = b"S\x00\x00\x00\x04"
DESCRIBED_TAIL = DESCRIBE + EXECUTE + _SYNC
TAILS = (EXECUTE + _SYNC, DESCRIBED_TAIL)
"""What follows the Bind."""
TAIL_BYTES_MAX = max(map(len, TAILS))
SHORT_BIND_BYTES = 1 << 14
"""Beyond this, decoding and storing parameters takes longer than a millisecond or two."""
_BIND_COMPLETE = BindComplete().encode()
_SHAPES_MAX = 256


@dataclass(frozen=True, slots=True)
class DirectShape:
    """The Binds of one statement. `described` answers a Describe of the portal."""

    name: str
    statement: Statement
    bind: BindShape
    types: tuple[tuple[SqlType, Format], ...]
    formats: tuple[Format, ...]
    described: bytes

    @classmethod
    def of(cls, bind: Bind, statement: Statement) -> DirectShape | None:
        """None for a Bind that is an error. Raises as decoding its formats does."""
        columns, count = statement.columns, len(bind.parameters)
        if count != len(statement.parameter_types):
            return None
        formats = result_formats(bind.result_formats, None if columns is None else len(columns))
        kinds = parameter_formats(bind.parameter_formats, count)
        types = tuple(zip(statement.parameter_types, kinds, strict=True))
        described = NoData() if columns is None else RowDescription.of(columns, formats)
        return cls(bind.statement, statement, BindShape.of(bind), types, formats, described.encode())

    def values(self, body: bytes, session: Session, codecs: Codecs) -> Sequence[Any] | None:
        """The decoded values of a Bind; None where it has another shape. Raises as the codecs do."""
        cells = self.bind.cells(body, 0, len(body))
        if cells is None:
            return None
        decode, settings = codecs.decode_parameter, session.codec_context()
        return [decode(kind, form, cell, settings) for (kind, form), cell in zip(self.types, cells)]

    def opening(self, *, is_described: bool) -> bytes:
        """BindComplete, and the answer to a Describe."""
        return _BIND_COMPLETE + self.described if is_described else _BIND_COMPLETE


@dataclass(slots=True)
class DirectShapes:
    """Of one session, by the bytes that name the statement."""

    session: Session
    _known: dict[bytes, DirectShape] = field(default_factory=dict)

    def of(self, body: bytes) -> DirectShape | None:
        """The shape of a Bind for a statement that may be executed in one step."""
        statements = self.session.statements
        if body[:1] != b"\0":
            return None
        key = body[1 : body.find(0, 1)]
        shape = self._known.get(key)
        if shape is not None and statements.get(shape.name) is shape.statement and shape.bind.fits(body):
            return shape
        statement = statements.get(key.decode("utf-8", "replace"))
        if statement is None or not (statement.reads_directly or statement.inserts_directly):
            return None
        try:
            shape = DirectShape.of(Bind.decode(body), statement)
        except QuiverError:
            return None  # It is raised again by the message that it belongs to.
        if shape is not None:
            if len(self._known) >= _SHAPES_MAX:
                self._known.clear()
            self._known[key] = shape
        return shape
