"""A real storage with small tables, for planner tests that read and write rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from foundation.memory import MemoryBudget
from foundation.sqltypes import SqlType, arrow_type
from planner import bound
from planner.services import ExecutionContext
from storage import Storage, StorageOptions
from storage.catalog import DEFAULT_DATABASE_OID, Column, Index, IndexKey, Table
from tests.planner.trees import make_context

SYSTEM_COLUMNS = (
    bound.RelationColumn("ctid", SqlType(27), -1),
    bound.RelationColumn("xmin", SqlType(28), -2),
    bound.RelationColumn("tableoid", SqlType(26), -6),
)


class StoredTables:
    """Tables are created committed; `context()` starts a fresh transaction and returns its context."""

    def __init__(self, folder: Path) -> None:
        self.storage = Storage.open(folder, memory=MemoryBudget(1 << 30), options=StorageOptions())
        self._columns: dict[str, tuple[int, tuple[Column, ...]]] = {}

    def create(
        self,
        name: str,
        columns: Sequence[tuple[str, SqlType]],
        rows: Sequence[Sequence[Any]] = (),
        *,
        key: str = "",
    ) -> int:
        """Create a table, with `key` as its primary key, and commit `rows` into it; returns its OID."""
        oid = self.storage.allocate_oid()
        listed = tuple(
            Column(number, column, sql_type, not_null=column == key)
            for number, (column, sql_type) in enumerate(columns, 1)
        )
        with self.storage.begin() as transaction:
            transaction.put(Table(oid, name, DEFAULT_DATABASE_OID, 10, columns=listed))
            if key:
                attnum = next(column.attnum for column in listed if column.name == key)
                transaction.put(
                    Index(
                        self.storage.allocate_oid(),
                        f"{name}_pkey",
                        DEFAULT_DATABASE_OID,
                        10,
                        table_oid=oid,
                        keys=(IndexKey(attnum),),
                        is_unique=True,
                        is_primary=True,
                        constraint_oid=self.storage.allocate_oid(),
                    )
                )
            transaction.commit()
        self._columns[name] = (oid, listed)
        if rows:
            self.insert(name, rows)
        return oid

    def insert(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        _, columns = self._columns[name]
        arrays = [pa.array([row[i] for row in rows], arrow_type(c.type)) for i, c in enumerate(columns)]
        self.insert_columns(name, arrays)

    def insert_columns(self, name: str, arrays: Sequence[pa.Array]) -> None:
        """Commit rows given as one array per column."""
        oid, columns = self._columns[name]
        with self.storage.begin() as transaction:
            batch = pa.RecordBatch.from_arrays(arrays, names=[str(column.attnum) for column in columns])
            transaction.insert(oid, batch)
            transaction.commit()

    def context(self, *parameters: Any) -> ExecutionContext:
        return make_context(*parameters, storage=self.storage, transaction=self.storage.begin())

    def scan(self, name: str, relation_id: int = 1) -> bound.TableScan:
        oid, columns = self._columns[name]
        listed = tuple(bound.RelationColumn(c.name, c.type, c.attnum) for c in columns)
        return bound.TableScan(relation_id, oid, name, (*listed, *SYSTEM_COLUMNS))

    def column(self, scan: bound.TableScan, name: str) -> bound.ColumnRef:
        position = next(i for i, column in enumerate(scan.columns) if column.name == name)
        return bound.ColumnRef(scan.relation_id, position, name, scan.columns[position].type)
