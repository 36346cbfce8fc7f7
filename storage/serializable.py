"""SERIALIZABLE by validation at commit: what a transaction read must still be so when its changes take effect.

A transaction that changes rows takes effect at once, under the commit lock. If no table that it read was changed by a
commit since its snapshot, it did what it would have done alone at that moment, so the order of commits is an order in
which the transactions could have run one after the other. A transaction without changes has its place at its snapshot.
H. T. Kung, J. T. Robinson, "On optimistic methods for concurrency control", ACM TODS 6(2), 1981, backward validation.

A whole table is what is read, so transactions fail (40001) that PostgreSQL's predicate locks would let pass; none
passes that should not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from foundation.errors import SerializationFailure
from storage.records import DeleteRecord, InsertRecord, LinkRecord, PatchRecord, Record, TruncateRecord

_CHANGES_OF_ROWS = (DeleteRecord, InsertRecord, LinkRecord, PatchRecord, TruncateRecord)


class LastChanges:
    """For each table, the LSN of the last commit since the start that changed its rows. Used under the commit lock."""

    def __init__(self) -> None:
        self._lsn_of: dict[int, int] = {}

    def note(self, records: Sequence[Record], lsn: int) -> None:
        for record in records:
            if isinstance(record, _CHANGES_OF_ROWS):
                self._lsn_of[record.table_oid] = lsn

    def check_unchanged(self, table_oids: Iterable[int], snapshot_lsn: int) -> None:
        """Raises SerializationFailure (40001) where one of the tables was changed after a snapshot."""
        if any(self._lsn_of.get(table_oid, 0) > snapshot_lsn for table_oid in table_oids):
            raise SerializationFailure(
                "could not serialize access due to read/write dependencies among transactions",
                detail="A table that this transaction has read was changed since its snapshot.",
                hint="The transaction might succeed if retried.",
            )
