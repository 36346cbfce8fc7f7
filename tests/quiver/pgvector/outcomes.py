"""What a server says to a statement about vectors, and when two servers say the same.

Everything but the last digits of inexact floating-point results must be equal: column names, types and typmods, rows as
text, SQLSTATE, message, DETAIL and HINT.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

RELATIVE_TOLERANCE = 1e-6
_BATCH_STATEMENTS = 50
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Infinity|NaN)")
_FAILURE_FIELDS = (
    DiagnosticField.SQLSTATE, DiagnosticField.MESSAGE_PRIMARY, DiagnosticField.MESSAGE_DETAIL,
    DiagnosticField.MESSAGE_HINT,
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    failure: tuple[str, ...] = ()
    """SQLSTATE, message, DETAIL, HINT; empty when the statement succeeded."""
    tag: str = ""
    columns: tuple[tuple[str, str, int], ...] = ()
    """(name, type, typmod)."""
    rows: tuple[tuple[str | None, ...], ...] = ()


class Session:
    """One connection that runs statements with text results."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        for setting in ("extra_float_digits = 1", "client_min_messages = error"):
            self.connection.execute(f"SET {setting}".encode())
        self._type_names: dict[int, str] = {}

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.connection.close()

    def run(self, statement: str) -> Answer:
        return self.run_all([statement])[0]

    def run_all(self, statements: Sequence[str]) -> list[Answer]:
        """The answers to statements that are transactions of their own; a batch is sent before its answers are read."""
        self._type_names = {
            int(str(oid)): str(name)
            for oid, name in self.connection.execute(
                "SELECT oid::int8, typname FROM pg_type WHERE oid > 16384"
            )
        }
        answers = []
        connection = self.connection.pgconn
        connection.enter_pipeline_mode()
        for begin in range(0, len(statements), _BATCH_STATEMENTS):
            batch = statements[begin : begin + _BATCH_STATEMENTS]
            for statement in batch:
                connection.send_query_params(statement.encode(), [])
                connection.pipeline_sync()
            answers += [self._read_answer() for _ in batch]
        connection.exit_pipeline_mode()
        return answers

    def _read_answer(self) -> Answer:
        connection = self.connection.pgconn
        result = connection.get_result()
        end, synchronised = connection.get_result(), connection.get_result()
        assert result is not None and end is None and synchronised is not None
        assert synchronised.status == ExecStatus.PIPELINE_SYNC
        return self._answer(result)

    def _answer(self, result: PGresult) -> Answer:
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return Answer(tuple((result.error_field(field) or b"").decode() for field in _FAILURE_FIELDS))
        columns = tuple(
            (
                (result.fname(i) or b"").decode(),
                self._type_names.get(result.ftype(i), str(result.ftype(i))),
                result.fmod(i),
            )
            for i in range(result.nfields)
        )
        rows = tuple(
            tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
            for row in range(result.ntuples)
        )
        return Answer((), (result.command_status or b"").decode(), columns, rows)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def is_same(theirs: Answer, ours: Answer, *, absolute: float = 0.0) -> bool:
    """Whether the answers are equal, numbers that are no small whole ones within a relative 1e-6.

    Args:
        absolute: difference that is allowed besides; a cosine distance near 0 is the difference of two numbers near 1.
    """
    if theirs == ours:
        return True
    if theirs.failure or ours.failure or (theirs.tag, theirs.columns) != (ours.tag, ours.columns):
        return False
    return len(theirs.rows) == len(ours.rows) and all(
        a == b or (a is not None and b is not None and _is_close(a, b, absolute))
        for their_row, our_row in zip(theirs.rows, ours.rows, strict=True)
        for a, b in zip(their_row, our_row, strict=True)
    )


def _is_close(theirs: str, ours: str, absolute: float) -> bool:
    if _NUMBER.sub("#", theirs) != _NUMBER.sub("#", ours):
        return False
    pairs = zip(_NUMBER.findall(theirs), _NUMBER.findall(ours), strict=True)
    return all(a == b or _is_near(float(a), float(b), absolute) for a, b in pairs)


def _is_near(theirs: float, ours: float, absolute: float) -> bool:
    if _is_small_whole(theirs) and _is_small_whole(ours):
        return False
    return math.isclose(theirs, ours, rel_tol=RELATIVE_TOLERANCE, abs_tol=absolute)


def _is_small_whole(number: float) -> bool:
    """Whether float32 holds the number and all whole ones below it."""
    return number.is_integer() and 0 < abs(number) <= 1 << 24
