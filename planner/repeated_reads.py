"""What executions of a plan have in common that need no transaction: see `planner.repeated_topk` and `repeated_lookup`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow as pa

from foundation.cancel import CancelToken
from foundation.settings import SettingValues
from planner.services import ExecutionContext

if TYPE_CHECKING:
    from storage import TableView
    from storage.activity import ActivityCounters
    from storage.catalog import Catalog


class Read(NamedTuple):
    """An execution that is a transaction of its own and reads one table, at the newest snapshot."""

    view: TableView
    catalog: Catalog
    settings: SettingValues
    parameters: Sequence[Any]
    cancel: CancelToken
    activity: ActivityCounters


class NotPrepared(Exception):
    """Nothing is known of the view and the settings yet."""


class TakesLong(Exception):
    """More is to be done than the caller has time for."""


class RepeatedRead(Protocol):
    """The executions of one plan. Safe from any thread."""

    @property
    def table_oid(self) -> int: ...

    def run(self, read: Read, *, time_ms: float | None = None) -> pa.RecordBatch | None:
        """The rows of an execution; None where the plan itself has to find them.

        Args:
            read: `table_oid` at the newest snapshot.
            time_ms: how long it may take, about; None = as long as it takes.

        Raises:
            NotPrepared: `prepare` comes first.
            TakesLong: beyond `time_ms`.
            QueryCanceled: 57014.
        """

    def preparation_ms(self, read: Read) -> float:
        """How long `prepare` takes for the view, at most, as far as that is known; else infinity."""

    def prepare(self, context: ExecutionContext) -> bool:
        """Decide what `run` needs for the transaction's view; False where the read cannot be repeated.

        Raises:
            QuiverError: what a filter raises.
        """
