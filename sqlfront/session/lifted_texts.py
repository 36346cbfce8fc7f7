"""Statements with their values in the text, executed by the plan of their shape.

`sqlfront.parser.lift_literals` takes literals out of a text; what is left, the shape, is prepared once. Nothing is assumed of
where the literals stand. When a second text of a shape is seen, both are bound: the text as it is written, and the shape. Only if
the plan of the shape, with the values put in the place of its parameters, is the plan of the text, value for value and type
for type, the shape stands for such texts. Between them only the insides of literals differ, which are of the same form, so they
are read alike; types whose input functions read more than a value out of a text are left out. Whatever fails is executed as it
is written: errors have their words and their positions.
"""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from foundation.sqltypes import (
    BOOL,
    BPCHAR,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    JSON,
    JSONB,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    VECTOR_TYPES,
)
from planner import ChangePlan, NativePlan
from planner.bound import Constant, Parameter
from planner.evaluate.rewriting import rewrite
from sqlfront.backend import ResultColumn
from sqlfront.parser import Lifted, LiteralRows, lift_literals, literal_rows, parse_script
from sqlfront.session.direct_reads import read_directly
from sqlfront.session.known_texts import KnownText
from sqlfront.session.literal_inserts import literal_portal
from sqlfront.session.outcome import Outcome
from sqlfront.session.portal import LazyPortal
from sqlfront.session.top_level import is_change, run_top
from sqlfront.session.transaction_block import BlockState
from sqlfront.types import decode_text

if TYPE_CHECKING:
    from sqlfront.session.plan_cache import PlanKey
    from sqlfront.session.prepared import PreparedStatement, StatementPlanner
    from sqlfront.session.session import LocalSession
    from storage.catalog import Catalog

_SHAPES_MAX = 1024
_STATEMENTS_MAX = 256
_STATES = (BlockState.IDLE, BlockState.EXPLICIT)
_TIMES_MIN = 8
"""One message may ask several times, where nobody may wait and then where one may."""
_DIGITS_MAX = 10
"""Fewer digits are an int4 for sure."""
_INTEGERS = frozenset(kind.oid for kind in (INT4, INT8))
_MOMENTS = frozenset(kind.oid for kind in (DATE, TIMESTAMP, TIMESTAMPTZ))
_VALUES = frozenset(
    kind.oid
    for kind in (
        *(BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, TEXT, VARCHAR, BPCHAR, BYTEA, UUID, JSON, JSONB),
        *VECTOR_TYPES,
    )
)

_Shape = tuple[str, tuple[int, ...]]


@dataclass(slots=True)
class LiftedShapes:
    """Which shapes stand for texts, by everything that their plans depend on. Shared by sessions; safe from any thread."""

    _known: OrderedDict[PlanKey, bool] = field(default_factory=OrderedDict)
    _seen: OrderedDict[_Shape, tuple[int, int]] = field(default_factory=OrderedDict)
    """The hash of the first text, and how often that alone was asked."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: PlanKey) -> bool | None:
        with self._lock:
            return self._known.get(key)

    def put(self, key: PlanKey, stands_for_texts: bool) -> None:
        with self._lock:
            _remember(self._known, key, stands_for_texts, _SHAPES_MAX)

    def is_worth_it(self, text: str, shape: _Shape) -> bool:
        """Whether any session has asked for another text of a shape, or for this one many times."""
        mark = hash(text)
        with self._lock:
            first, count = self._seen.get(shape, (mark, 0))
            _remember(self._seen, shape, (first, count + 1), _SHAPES_MAX)
            return first != mark or count >= _TIMES_MIN


class LiftedText(NamedTuple):
    """A statement whose shape may stand for it."""

    text: str
    lifted: Lifted


Unparsed: TypeAlias = LiteralRows | LiftedText | KnownText


class LiftedTexts:
    """The shapes of one session's texts."""

    def __init__(self, session: LocalSession, planner: StatementPlanner) -> None:
        self._session = session
        self._planner = planner
        self._statements: OrderedDict[_Shape, PreparedStatement] = OrderedDict()
        self._refused: OrderedDict[_Shape, tuple[Catalog, object]] = OrderedDict()
        """Shapes with the catalog and the settings' state for which they do not stand for texts."""

    def read(self, text: str) -> tuple[pa.RecordBatch, tuple[ResultColumn, ...]] | None:
        """The rows of a text that is one search or look-up, outside a block or in one that has changed nothing; else None.

        Raises:
            WouldBlock: the session may not block, and there is something to prepare or to search for long.
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        session = self._session
        asked = self.recognised(text)
        if asked is None or session.block.state not in _STATES:
            return None
        try:
            found = self.statement(asked)
            if found is None or not found[0].reads_directly:
                return None
            statement, values = found
            batch = read_directly(session, statement, values)
        except (QueryCanceled, AdminShutdown, WouldBlock):
            raise
        except QuiverError:
            return None  # It comes again, with its position, when the text is executed as it is written.
        return None if batch is None or statement.columns is None else (batch, statement.columns)

    def recognised(self, text: str) -> LiftedText | None:
        """A text whose shape may stand for it; None for any other, and while nobody has asked for another text of its shape."""
        lifted = lift_literals(text)
        if lifted is None:
            return None
        if lifted.key in self._statements:
            return LiftedText(text, lifted)
        session = self._session
        refused = self._refused.get(lifted.key)
        if refused is not None and all(map(operator.is_, refused, self._state())):
            return None
        is_worth_it = session.shared.lifted_shapes.is_worth_it(text, lifted.key)
        return LiftedText(text, lifted) if is_worth_it else None

    def unparsed(self, text: str) -> Unparsed | None:
        """A text that is one statement and may be run without parsing it: by `portal`, or by a plan of its own."""
        return literal_rows(text) or self.recognised(text) or self._session.shared.known_texts.get(text)

    def portal(self, asked: Unparsed, finish: Callable[[], None]) -> LazyPortal | None:
        """A portal over the statement; None where it has to be bound as it is written. `finish` as of `LazyPortal`."""
        session = self._session
        if isinstance(asked, KnownText):
            return None
        if isinstance(asked, LiteralRows):
            return literal_portal(session, asked, finish)
        found = self.statement(asked)
        if found is None:
            return None
        statement, values = found

        def run() -> Outcome:
            return run_top(
                session,
                lambda: _run(session, statement, values, asked.text),
                lambda: is_change(session, statement),
                is_alone=True,
            )

        is_short = statement.cached is not None and statement.cached.is_short
        return LazyPortal(statement.columns, run, finish, is_short=is_short)

    def statement(self, asked: LiftedText) -> tuple[PreparedStatement, list[Any]] | None:
        """The prepared shape and its parameters' values; None where the text has to be bound as it is written.

        Raises:
            WouldBlock: the session may not block, and there is something to prepare.
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        session, key = self._session, asked.lifted.key
        if session.block.state is BlockState.FAILED:
            return None
        try:
            statement = self._statements.get(key)
            if statement is None or not session.is_up_to_date(statement):
                if not session.may_block:
                    raise WouldBlock
                statement = self._prepared(asked)
            values = None if statement is None else _decoded(session, statement, asked.lifted)
            return None if statement is None or values is None else (statement, values)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            return None

    def _prepared(self, asked: LiftedText) -> PreparedStatement | None:
        """The shape, if it stands for the text."""
        session, shape = self._session, asked.lifted.key
        self._statements.pop(shape, None)
        if session.catalog() is not session.shared.storage.catalog:
            return None  # A transaction with DDL of its own, whose plans are nobody else's.
        known, plan_key = session.shared.lifted_shapes, self._planner.plan_key(*shape)
        statement, stands_for_texts = None, known.get(plan_key)
        if stands_for_texts is not False:
            statement = self._bound(asked)
        if stands_for_texts is None:
            stands_for_texts = statement is not None and _has_plan_of(session, statement, asked)
            known.put(plan_key, stands_for_texts)
        if statement is None or not stands_for_texts:
            _remember(self._refused, shape, self._state(), _STATEMENTS_MAX)
            return None
        if statement.place is None or statement.place.key.catalog_version != plan_key.catalog_version:
            return None  # The catalog has changed meanwhile.
        _remember(self._statements, shape, statement, _STATEMENTS_MAX)
        return statement

    def _bound(self, asked: LiftedText) -> PreparedStatement | None:
        """None for a shape that is no statement."""
        try:
            return self._session.prepare_nested_text(asked.lifted.shape, asked.lifted.oids)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            return None

    def _state(self) -> tuple[Catalog, object]:
        return self._session.catalog(), self._session.settings.mark()


def _run(session: LocalSession, statement: PreparedStatement, values: list[Any], text: str) -> Outcome:
    """Run a shape inside the statement that runs; the text as it is written if the shape's plan is another by now."""
    own = replace(statement)  # It may be bound again, without anybody comparing it with a text.
    session.open_transaction_for(own)
    if own.cached is statement.cached:
        return session.run_prepared(own, values)
    (parsed,) = parse_script(text)
    return session.run_prepared(session.prepare_nested(parsed), ())


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any, entries_max: int) -> None:
    known[key] = value
    if len(known) > entries_max:
        known.popitem(last=False)


def _decoded(session: LocalSession, statement: PreparedStatement, lifted: Lifted) -> list[Any] | None:
    """The values; None where a type's input function may read more than a value out of a text. Raises as these do."""
    context, values = session.codec_context(), []
    for text, kind in zip(lifted.texts, statement.parameter_types, strict=True):
        if kind.oid in _INTEGERS and text.isdigit() and len(text) < _DIGITS_MAX:
            values.append(int(text))
        elif kind.oid in _VALUES or (kind.oid in _MOMENTS and text[:1].isdigit()):
            values.append(decode_text(kind, text, context))
        else:
            return None
    return values


def _has_plan_of(session: LocalSession, shape: PreparedStatement, asked: LiftedText) -> bool:
    """Whether a shape's plan, with the values for its parameters, is the plan of the text."""
    types, lifted = shape.parameter_types, asked.lifted
    if shape.cached is None or len(types) != len(lifted.texts):
        return False
    if any(oid not in (0, kind.oid) for oid, kind in zip(lifted.oids, types, strict=True)):
        return False
    parsed = parse_script(asked.text)
    if len(parsed) != 1:
        return False
    written = session.prepare_nested(parsed[0])
    if written.cached is None:
        return False
    values = _decoded(session, shape, lifted)
    if values is None:
        return False

    def change(node: Any) -> Any:
        return Constant(values[node.index], node.type) if isinstance(node, Parameter) else None

    own, other = written.cached.plan, shape.cached.plan
    if type(own) is not type(other) or not isinstance(own, NativePlan | ChangePlan):
        return False
    return own == rewrite(other, change) and written.locks == shape.locks
