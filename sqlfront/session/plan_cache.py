"""Plans of statement texts, shared by all sessions of a server.

A plan holds names resolved against one catalog version and no segment, so it is valid for everybody who
sees that version with the same search path. A transaction with DDL of its own bypasses the cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from foundation.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState
from foundation.sqltypes import SqlType
from planner import Plan
from planner.bound import BoundStatement, Delete, Insert, Merge, Update
from planner.dml import RepeatedInsert, RowTemplate
from planner.repeated_reads import RepeatedRead
from sqlfront.session.array_columns import ArrayColumns
from sqlfront.session.query_locks import TableLocks


class QueryKind(Enum):
    """What a planned statement does; the value is its command's name in tags and messages."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"

    def command_tag(self, row_count: int) -> str:
        """CommandComplete's text; INSERT carries the OID column PostgreSQL no longer has."""
        return f"INSERT 0 {row_count}" if self is QueryKind.INSERT else f"{self.value} {row_count}"


def kind_of(bound: BoundStatement) -> QueryKind:
    match bound:
        case Insert():
            return QueryKind.INSERT
        case Update():
            return QueryKind.UPDATE
        case Delete():
            return QueryKind.DELETE
        case Merge():
            return QueryKind.MERGE
        case _:
            return QueryKind.SELECT


@dataclass(frozen=True, slots=True)
class PlanKey:
    """Everything a plan depends on."""

    text: str
    parameter_oids: tuple[int, ...]
    catalog_version: int
    database_oid: int
    role_oid: int
    search_path: tuple[str, ...]
    value_settings: tuple[str, ...]
    """Time zone, date order and the like: constants are decoded when a statement is bound."""


@dataclass(frozen=True, slots=True)
class CachedPlan:
    plan: Plan
    parameter_types: tuple[SqlType, ...]
    kind: QueryKind
    locks: TableLocks
    writes_as: str = ""
    """What a read-only transaction refuses it as; '' for what only reads."""
    is_short: bool = False
    """See `sqlfront.session.short_statements`."""
    is_joinable: bool = False
    """See `sqlfront.session.joint_inserts`."""
    template: RowTemplate | None = None
    """Of an INSERT whose executions with different parameters can be one change."""
    repeated_insert: RepeatedInsert | None = None
    """Of an INSERT whose executions are rows of values and no more."""
    narrowed: ArrayColumns = ()
    """Columns that it stores arrays in which may not have their form, see `sqlfront.session.array_columns`."""
    unpopulated: str = ""
    """A materialized view that it reads and that has no rows yet: it can be planned, but not executed."""
    repeated: RepeatedRead | None = None
    """Of a search or look-up whose executions differ in little but values of parameters."""
    denied: str = ""
    """Why the role may not execute it; it may prepare it, as in PostgreSQL."""

    def check_allowed(self) -> None:
        """Raises InsufficientPrivilege (42501) where the role lacks a right that the statement needs."""
        if self.denied:
            raise InsufficientPrivilege(self.denied)

    def check_executable(self) -> None:
        """Before an execution.

        Raises:
            InsufficientPrivilege: 42501, as `check_allowed`.
            ObjectNotInPrerequisiteState: 55000, it would read what has no rows yet.
        """
        self.check_allowed()
        if self.unpopulated:
            raise ObjectNotInPrerequisiteState(
                f'materialized view "{self.unpopulated}" has not been populated',
                hint="Use the REFRESH MATERIALIZED VIEW command.",
            )

    @property
    def inserts_directly(self) -> bool:
        """Whether it inserts so little that it may be executed in one step, see `sqlfront.session.joint_inserts`."""
        return self.is_short and self.template is not None


class PlanCache:
    """Least-recently-used, bounded by entries; safe from any thread."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._plans: OrderedDict[PlanKey, CachedPlan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: PlanKey) -> CachedPlan | None:
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
            return plan

    def put(self, key: PlanKey, plan: CachedPlan) -> None:
        with self._lock:
            self._plans[key] = plan
            self._plans.move_to_end(key)
            while len(self._plans) > self._entries_max:
                self._plans.popitem(last=False)
