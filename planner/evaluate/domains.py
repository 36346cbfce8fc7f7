"""Which values a domain does not allow. https://www.postgresql.org/docs/15/sql-createdomain.html"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import CheckViolation, NotNullViolation, QuiverError
from planner import bound
from planner.evaluate.frame import Frame
from planner.services import EvaluationContext


@dataclass(frozen=True, slots=True)
class DomainFailure:
    """The first value that is none of a domain: where it is, and what is said of it."""

    offset: int
    error: QuiverError


def domain_failure(
    domain: bound.BoundDomain, values: pa.Array, context: EvaluationContext
) -> DomainFailure | None:
    """Which of (n,) values, if any, the domain does not allow.

    The error is NotNullViolation (23502) or CheckViolation (23514) with the names of schema, type and constraint. Of several
    constraints that one value violates it is about the first; NOT NULL comes before all of them.

    Raises:
        QuiverError: what a condition raises.
    """
    # Expressions check domains, and domains are made of expressions.
    from planner.evaluate.expressions import evaluate

    found: DomainFailure | None = None
    if domain.not_null and values.null_count:
        offset = pc.index(values.is_null(), True).as_py()
        message = f"domain {domain.shown} does not allow null values"
        found = DomainFailure(offset, NotNullViolation(message, schema=domain.schema, datatype=domain.name))
    for check in domain.checks:
        count = len(values) if found is None else found.offset
        if not count:
            break
        frame = Frame(count, {(bound.VALUE_RELATION, 0): values.slice(0, count)})
        fails = pc.invert(evaluate(check.condition, frame, context)).fill_null(False)
        offset = pc.index(fails, True).as_py()
        if offset >= 0:
            message = f'value for domain {domain.shown} violates check constraint "{check.name}"'
            error = CheckViolation(message, schema=domain.schema, datatype=domain.name, constraint=check.name)
            found = DomainFailure(offset, error)
    return found
