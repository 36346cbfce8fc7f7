"""What execution needs from outside the planner: codecs, the session, computed relations.

`sqlfront` implements these Protocols; the planner sees no codec and no session object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from foundation.cancel import CancelToken
from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from planner.bound import Expression, TableRules
from planner.functions.signature import Function

if TYPE_CHECKING:
    from storage import Storage, TableView, Transaction


class Codecs(Protocol):
    """Text and binary forms and length rules of SQL types, as PostgreSQL has them."""

    def to_text(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        """(n,) column of `sql_type` -> (n,) utf8 of the type's output function."""

    def from_text(self, strings: pa.Array, sql_type: SqlType) -> pa.Array:
        """(n,) utf8 -> (n,) column by the type's input function. Raises 22P02, 22003, 22007, ..."""

    def to_binary(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        """(n,) column of `sql_type` -> (n,) binary of the type's send function."""

    def coerce_typmod(
        self, column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool
    ) -> pa.Array:
        """Apply the target's length, precision or dimension; same base type. Raises 22001, 22003, 22000."""

    def record_fields(self, records: pa.Array, sql_type: SqlType) -> list[pa.Array]:
        """(n,) values of a row type -> an (n,) column for each field; all NULL where the value is."""

    def joined_record(self, fields: Sequence[pa.Array], sql_type: SqlType, row_count: int) -> pa.Array:
        """Columns of the fields' types -> (row_count,) values of a row type."""


class SessionServices(Protocol):
    """What a running statement may ask of its session."""

    def virtual_relation(self, schema: str, name: str) -> pa.Table:
        """The rows of a computed relation (pg_catalog, information_schema, ...), columns in declared order."""

    def call_function(
        self, function: Function, arguments: Sequence[pa.Array], row_count: int
    ) -> pa.Array | None:
        """Evaluate a session, catalog or sequence function over `row_count` rows; None = not one of mine.

        Covers current_user, current_setting, set_config, nextval, format_type, pg_get_indexdef, to_regclass, ...
        Stable functions without arguments get `row_count` equal values.
        """

    def function_rows(self, name: str, *arguments: Any) -> Sequence[tuple[Any, ...]]:
        """The rows of a set-returning function that the session answers, `SESSION_SET_FUNCTIONS`."""

    def table_rules(self, table_oid: int) -> TableRules | None:
        """Generated columns and CHECK constraints of a table the statement does not name; None without any."""

    def column_defaults(self, table_oid: int) -> tuple[tuple[int, Expression], ...]:
        """(attnum, bound default) of the columns of such a table that have one."""

    def notice(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        """Send a NOTICE to the client."""


@dataclass(slots=True, kw_only=True)
class EvaluationContext:
    """What expressions over given columns are evaluated with; no table is read.

    `parameters` are Python values as the codecs decode them, in $n order. `statement_time_us` and
    `transaction_time_us` are microseconds since 1970-01-01 UTC, for now() and its kin.
    """

    settings: SettingValues
    cancel_token: CancelToken
    memory: MemoryBudget
    codecs: Codecs
    session: SessionServices
    parameters: Sequence[Any] = field(default_factory=tuple)
    statement_time_us: int = 0
    transaction_time_us: int = 0


@dataclass(slots=True, kw_only=True)
class ExecutionContext(EvaluationContext):
    """Everything one execution of a plan works with."""

    storage: Storage
    transaction: Transaction
    defers_checks: bool = False
    """Whether a statement around the one that runs does what foreign keys ask for."""
    tables_before: Mapping[int, TableView] = field(default_factory=dict)
    """By OID: tables that the statement changes in WITH, as all parts of it see them."""

    def scanned_table(self, table_oid: int) -> TableView:
        """The rows that a scan, search or look-up of the statement finds in a table."""
        before = self.tables_before.get(table_oid)
        return self.transaction.table_view(table_oid) if before is None else before
