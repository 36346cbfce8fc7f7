"""What a data change returns, and the frame that makes a statement atomic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa

from foundation.errors import SerializationFailure
from planner.dml.referential import check_statement
from planner.services import ExecutionContext

_ATTEMPTS_MAX = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DmlResult:
    """`row_count` rows were inserted, updated or deleted; `returning` are the rows of RETURNING.

    `updated_count` of an INSERT's rows were there and were updated: ON CONFLICT DO UPDATE.
    """

    row_count: int
    returning: list[pa.RecordBatch] = field(default_factory=list)
    updated_count: int = 0


def atomically(context: ExecutionContext, change: Callable[[], T]) -> T:
    """Run a change and what foreign keys ask for after it; if it fails nothing of it stays in the transaction.

    Under READ COMMITTED a change whose referential action met a row that another transaction has replaced
    meanwhile runs again at a fresh snapshot.

    Raises:
        ForeignKeyViolation: 23503. UniqueViolation: 23505, of a deferrable key.
        SerializationFailure: 40001, under REPEATABLE READ at once, else when it keeps losing.
    """
    transaction = context.transaction
    is_retried = transaction.isolation.value == "read committed"
    for attempt in range(_ATTEMPTS_MAX):
        mark = transaction.savepoint()
        try:
            result = change()
            if not context.defers_checks:
                check_statement(context)
            return result
        except SerializationFailure:
            is_lost = not is_retried or attempt == _ATTEMPTS_MAX - 1
            transaction.rollback_to(mark, keeps_locks=not is_lost)
            if is_lost:
                raise
            transaction.catch_up()
        except BaseException:
            transaction.rollback_to(mark)
            raise
    raise AssertionError("unreachable")
