"""How the executions of a plan are repeated, if they can be."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from planner.planning import Plan
from planner.repeated_filter import RepeatedFilter
from planner.repeated_lookup import RepeatedLookup
from planner.repeated_reads import Read, RepeatedRead
from planner.repeated_topk import RepeatedTopK
from planner.services import ExecutionContext


@dataclass(frozen=True, slots=True)
class LookupOrFilter:
    """A `RepeatedRead` of columns that are compared for equality: by a unique key if there is one over them, or by other indexes."""

    lookup: RepeatedLookup
    filter: RepeatedFilter

    @property
    def table_oid(self) -> int:
        return self.lookup.table_oid

    def run(self, read: Read, *, time_ms: float | None = None) -> pa.RecordBatch | None:
        found = self.lookup.run(read, time_ms=time_ms)
        return self.filter.run(read, time_ms=time_ms) if found is None else found

    def preparation_ms(self, read: Read) -> float:
        return 0.0

    def prepare(self, context: ExecutionContext) -> bool:
        return True


def repeated_read(plan: Plan) -> RepeatedRead | None:
    """The way to execute a plan again and again; None where every execution goes the way of all others."""
    search = RepeatedTopK.of(plan)
    if search is not None:
        return search
    lookup, filter_ = RepeatedLookup.of(plan), RepeatedFilter.of(plan)
    if lookup is not None and filter_ is not None:
        return LookupOrFilter(lookup, filter_)
    return lookup or filter_
