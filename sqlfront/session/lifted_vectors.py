"""Query vectors that stand as literals in the text of a search, taken out of it as parameters.

psycopg2, query builders and BI tools put values into the text, so no text comes twice. A literal that is a vector's text,
`'[1,2.5]'`, is cut out: what is left, the shape, is prepared once and executed without a transaction.

Nothing is assumed of where the literals stand. The second time that a shape is seen, both are bound: the text as it is
written, and the shape. Only if the plan of the shape, with the vectors put in the place of its parameters, is the plan of the
text, literal for literal and type for type, the shape stands for such texts. Between them only digits inside the
literals differ, so they are read alike. Whatever fails, or is answered by None, is executed as it is written: errors have
their words and their positions.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from foundation.sqltypes import VECTOR
from planner import NativePlan
from planner.bound import Constant, Parameter
from planner.evaluate.rewriting import rewrite
from sqlfront.backend import ResultColumn
from sqlfront.parser import parse_script
from sqlfront.session.direct_reads import read_directly
from sqlfront.session.transaction_block import BlockState
from sqlfront.types import decode_text

if TYPE_CHECKING:
    from sqlfront.session.plan_cache import PlanKey
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession

_VECTOR = re.compile(r"(?<![\w$&'])'(\[[-+.,0-9eE ]*\])'(?!')")
_SHAPES_MAX = 1024
_STATEMENTS_MAX = 64
_STATES = (BlockState.IDLE, BlockState.EXPLICIT)


class Lifted(NamedTuple):
    """A text's shape, with $1, $2, ... for its different vectors, and the texts of these."""

    shape: str
    vectors: tuple[str, ...]


def lift_vectors(text: str) -> Lifted | None:
    """None for a text without vectors, or with a `$` that parameters of the shape might be confused with."""
    if "'[" not in text or "$" in text:
        return None
    pieces = _VECTOR.split(text)
    numbers: dict[str, int] = {}
    for vector in pieces[1::2]:
        numbers.setdefault(vector, len(numbers) + 1)
    pieces[1::2] = [f"${numbers[vector]}" for vector in pieces[1::2]]
    return Lifted("".join(pieces), tuple(numbers)) if numbers else None


@dataclass(slots=True)
class LiftedShapes:
    """Which shapes stand for texts, by everything that their plans depend on. Shared by sessions; safe from any thread."""

    _known: OrderedDict[PlanKey, bool]
    _lock: threading.Lock

    @classmethod
    def empty(cls) -> LiftedShapes:
        return cls(OrderedDict(), threading.Lock())

    def get(self, key: PlanKey) -> bool | None:
        with self._lock:
            return self._known.get(key)

    def put(self, key: PlanKey, stands_for_texts: bool) -> None:
        with self._lock:
            self._known[key] = stands_for_texts
            if len(self._known) > _SHAPES_MAX:
                self._known.popitem(last=False)


class LiftedSearches:
    """The shapes of one session's texts."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self._statements: OrderedDict[str, PreparedStatement] = OrderedDict()
        self._seen: OrderedDict[str, int] = OrderedDict()
        """Shapes with the version of the catalog for which they do not stand for texts; -1 where that is not known."""

    def read(self, text: str) -> tuple[pa.RecordBatch, tuple[ResultColumn, ...]] | None:
        """The rows of a text that is one search, outside a block or in one that has changed nothing; None, with nothing done, for any other.

        Raises:
            WouldBlock: the session may not block, and there is something to prepare or to search for long.
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        session = self._session
        lifted = lift_vectors(text) if session.block.state in _STATES else None
        if lifted is None:
            return None
        try:
            statement = self._statement(text, lifted)
            if statement is None or statement.columns is None:
                return None
            batch = read_directly(session, statement, _decoded(session, lifted))
        except (QueryCanceled, AdminShutdown, WouldBlock):
            raise
        except QuiverError:
            return None  # It comes again, with its position, when the text is executed as it is written.
        return None if batch is None else (batch, statement.columns)

    def _statement(self, text: str, lifted: Lifted) -> PreparedStatement | None:
        """The prepared shape, if it stands for the text."""
        shape, session = lifted.shape, self._session
        statement = self._statements.get(shape)
        if statement is not None and session.is_up_to_date(statement):
            return statement
        refused = self._seen.get(shape)
        if refused is None:
            _remember(self._seen, shape, -1)
            return None
        if refused == session.catalog().version:
            return None
        if not session.may_block:
            raise WouldBlock
        statement = session.prepare_nested_text(shape)
        if statement.place is None or statement.place.own_catalog is not None:
            return None
        stands_for_texts = session.shared.lifted_shapes.get(statement.place.key)
        if stands_for_texts is None:
            stands_for_texts = _has_plan_of(session, statement, text, lifted)
            session.shared.lifted_shapes.put(statement.place.key, stands_for_texts)
        if not stands_for_texts:
            self._statements.pop(shape, None)
            _remember(self._seen, shape, statement.place.key.catalog_version)
            return None
        _remember(self._statements, shape, statement)
        return statement


def _remember(known: OrderedDict[str, Any], shape: str, value: Any) -> None:
    known[shape] = value
    if len(known) > _STATEMENTS_MAX:
        known.popitem(last=False)


def _decoded(session: LocalSession, lifted: Lifted) -> list[Any]:
    context = session.codec_context()
    return [decode_text(VECTOR, vector, context) for vector in lifted.vectors]


def _has_plan_of(session: LocalSession, shape: PreparedStatement, text: str, lifted: Lifted) -> bool:
    """Whether a shape's plan, with the vectors for its parameters, is the plan of the text."""
    types = shape.parameter_types
    if shape.repeated is None or len(types) != len(lifted.vectors) or any(t != VECTOR for t in types):
        return False
    parsed = parse_script(text)
    if len(parsed) != 1:
        return False
    written = session.prepare_nested(parsed[0])
    if written.cached is None or shape.cached is None:
        return False
    values = _decoded(session, lifted)

    def change(node: Any) -> Any:
        return Constant(values[node.index], VECTOR) if isinstance(node, Parameter) else None

    own, other = written.cached.plan, shape.cached.plan
    if not isinstance(own, NativePlan) or not isinstance(other, NativePlan):
        return False
    return bool(own == rewrite(other, change)) and written.locks == shape.locks
