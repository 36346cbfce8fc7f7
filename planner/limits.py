"""LIMIT and OFFSET values of one execution."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from planner.bound import Constant, Expression, Parameter
from planner.errors import InvalidRowCountInLimit, InvalidRowCountInOffset
from planner.evaluate import evaluate_constant
from planner.services import EvaluationContext


@dataclass(frozen=True, slots=True)
class RowRange:
    """`offset` rows are skipped, then at most `limit` returned; None = no limit."""

    offset: int
    limit: int | None

    @property
    def stop(self) -> int | None:
        """Rows needed before cutting, None = all."""
        return None if self.limit is None else self.offset + self.limit


def row_range(limit: Expression | None, offset: Expression | None, context: EvaluationContext) -> RowRange:
    """Evaluate both clauses; NULL means none.

    Raises:
        InvalidRowCountInLimit: 2201W, negative; InvalidRowCountInOffset: 2201X.
    """
    count = _count(limit, context)
    if count is not None and count < 0:
        raise InvalidRowCountInLimit("LIMIT must not be negative")
    skipped = _count(offset, context)
    if skipped is not None and skipped < 0:
        raise InvalidRowCountInOffset("OFFSET must not be negative")
    return RowRange(skipped or 0, count)


def _count(expression: Expression | None, context: EvaluationContext) -> int | None:
    if expression is None:
        return None
    if isinstance(expression, Constant | Parameter):
        given = expression.value if isinstance(expression, Constant) else context.parameters[expression.index]
        if given is None or type(given) is int:
            return given
    value = evaluate_constant(expression, context)
    number: int | None = value.cast(pa.int64())[0].as_py()
    return number
