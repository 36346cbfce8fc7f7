"""Sequence values: outside transactions, logged 32 ahead, so that a crash skips values and never repeats one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storage.catalog import Sequence
from storage.errors import SequenceLimitExceeded
from storage.records import SequenceRecord

LOGGED_AHEAD = 32
"""As PostgreSQL's SEQ_LOG_VALS."""


@dataclass(slots=True)
class _Position:
    """`logged_ahead` further values of `increment` are covered by the log."""

    value: int
    is_called: bool
    increment: int = 0
    logged_ahead: int = 0


class Sequences:
    """Current values by sequence OID. `log` appends a record and gives its LSN, `wait` makes it durable."""

    def __init__(self, log: Callable[[SequenceRecord], int], wait: Callable[[int], None]) -> None:
        self._log = log
        self._wait = wait
        self._positions: dict[int, _Position] = {}
        self._logged: dict[int, SequenceRecord] = {}
        self._lock = threading.Lock()

    def next_values(self, sequence: Sequence, count: int) -> npt.NDArray[np.int64]:
        """The next (count,) int64 values, durable before they are returned.

        Raises:
            SequenceLimitExceeded: 2200H, at the bound of a sequence that does not cycle; no value is taken.
        """
        with self._lock:
            position = self._positions.get(sequence.oid) or _Position(sequence.start, False)
            values = _following(sequence, position, count)
            last = int(values[-1])
            ahead = position.logged_ahead - count if position.increment == sequence.increment else -1
            lsn = 0
            if ahead < 0:
                ahead = _steps_left(sequence, last)
                record = SequenceRecord(sequence.oid, last + ahead * sequence.increment, True)
                lsn = self._log(record)
            self._positions[sequence.oid] = _Position(last, True, sequence.increment, ahead)
        if lsn:
            self._wait(lsn)
        return values

    def set(self, sequence_oid: int, value: int, is_called: bool) -> None:
        """setval() and ALTER SEQUENCE RESTART; the caller has checked the bounds."""
        with self._lock:
            record = SequenceRecord(sequence_oid, value, is_called)
            lsn = self._log(record)
            self._positions[sequence_oid] = _Position(value, is_called)
        self._wait(lsn)

    def state(self, sequence_oid: int) -> tuple[int, bool] | None:
        """(last value, is called); None for a sequence that was never used."""
        position = self._positions.get(sequence_oid)
        return None if position is None else (position.value, position.is_called)

    def restore(self, record: SequenceRecord) -> None:
        """Recovery: go on where the log says."""
        self._logged[record.sequence_oid] = record
        self._positions[record.sequence_oid] = _Position(record.value, record.is_called)

    def forget(self, sequence_oid: int) -> None:
        self._positions.pop(sequence_oid, None)
        self._logged.pop(sequence_oid, None)

    def note_logged(self, record: SequenceRecord) -> None:
        """`log` has appended the record; called under the commit lock."""
        self._logged[record.sequence_oid] = record

    def logged(self) -> list[SequenceRecord]:
        """What a checkpoint records; values given out since are covered by it. The caller holds the commit lock."""
        return list(self._logged.values())


def _following(sequence: Sequence, position: _Position, count: int) -> npt.NDArray[np.int64]:
    step = sequence.increment
    first = position.value + step if position.is_called else position.value
    last = first + (count - 1) * step
    if sequence.minimum <= first <= sequence.maximum and sequence.minimum <= last <= sequence.maximum:
        return first + step * np.arange(count, dtype=np.int64)
    # Around the bound, value by value: at most once in the life of a sequence, or a short cycle.
    values, value = [], first
    for _ in range(count):
        if not sequence.minimum <= value <= sequence.maximum:
            if not sequence.cycle:
                raise _limit_error(sequence)
            value = sequence.minimum if step > 0 else sequence.maximum
        values.append(value)
        value += step
    return np.array(values, dtype=np.int64)


def _steps_left(sequence: Sequence, value: int) -> int:
    """How many values to log ahead, without passing the bound."""
    room = sequence.maximum - value if sequence.increment > 0 else value - sequence.minimum
    return min(LOGGED_AHEAD, room // abs(sequence.increment))


def _limit_error(sequence: Sequence) -> SequenceLimitExceeded:
    which, bound = ("maximum", sequence.maximum) if sequence.increment > 0 else ("minimum", sequence.minimum)
    return SequenceLimitExceeded(f'nextval: reached {which} value of sequence "{sequence.name}" ({bound})')
