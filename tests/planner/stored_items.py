"""A stored table of vectors in a temporary data directory, and a brute-force top-k over its rows, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.memory import MemoryBudget
from foundation.sqltypes import FLOAT8, HALFVEC, INT4, INT8, TEXT, VECTOR, SqlType, arrow_type
from planner import bound, plan_statement
from planner.services import ExecutionContext
from storage import Storage, StorageOptions, Transaction
from storage.catalog import Column, Index, IndexKey, Table
from tests.planner.trees import RecordingSession, col, make_context, op

TABLE = 30001
PRIMARY = 30002
INDEX = 30003
DIMENSIONS = 8
VECTOR_8 = SqlType(VECTOR.oid, DIMENSIONS)
COLUMNS = (
    Column(1, "id", INT4, not_null=True),
    Column(2, "section", TEXT),
    Column(3, "size", INT8),
    Column(4, "embedding", VECTOR_8),
)
OPERATORS = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>"}

Row = dict[str, Any]


def scan(alias: str = "items") -> bound.TableScan:
    columns = [bound.RelationColumn(c.name, c.type, c.attnum) for c in COLUMNS]
    columns.append(bound.RelationColumn("ctid", SqlType(27), -1))
    return bound.TableScan(1, TABLE, alias, tuple(columns))


ID, SECTION, SIZE = col(0, INT4, "id"), col(1, TEXT, "section"), col(2, INT8, "size")
EMBEDDING = col(3, VECTOR_8, "embedding")


class Items:
    """The table and a Python copy of its committed rows."""

    def __init__(self, path: Path) -> None:
        self.memory = MemoryBudget(1 << 30)
        self.storage = Storage.open(str(path), memory=self.memory, options=StorageOptions())
        self.session = RecordingSession()
        self.rows: dict[int, Row] = {}
        transaction = self.storage.begin()
        database = self.storage.catalog.find_database("postgres")
        assert database is not None
        transaction.put(Table(TABLE, "items", database.oid, 10, columns=COLUMNS))
        transaction.put(
            Index(PRIMARY, "items_pkey", database.oid, 10, table_oid=TABLE, keys=(IndexKey(1),),
                  is_unique=True, is_primary=True, constraint_oid=30009)
        )  # fmt: skip
        transaction.commit()
        self.database_oid = database.oid

    def close(self) -> None:
        self.storage.close()

    def add_index(
        self, metric: str, *, family: str = "hnsw", oid: int = INDEX, name: str = "items_idx"
    ) -> None:
        options = (("m", "8"), ("ef_construction", "40")) if family == "hnsw" else ()
        transaction = self.storage.begin()
        transaction.put(
            Index(oid, name, self.database_oid, 10, table_oid=TABLE, family=family,
                  keys=(IndexKey(4, f"vector_{metric}_ops"),), metric=metric, options=options)
        )  # fmt: skip
        transaction.commit()

    def index(self, oid: int = INDEX) -> Index:
        found = self.storage.catalog.get(oid)
        assert isinstance(found, Index)
        return found

    def insert(self, rows: Sequence[Row], transaction: Transaction | None = None) -> None:
        """Commits unless a transaction is given."""
        owned = transaction or self.storage.begin()
        arrays = [
            pa.array([row["id"] for row in rows], pa.int32()),
            pa.array([row["section"] for row in rows], pa.utf8()),
            pa.array([row["size"] for row in rows], pa.int64()),
            pa.array(
                [None if row["embedding"] is None else row["embedding"].tolist() for row in rows],
                arrow_type(VECTOR_8),
            ),
        ]
        owned.insert(TABLE, pa.RecordBatch.from_arrays(arrays, names=["1", "2", "3", "4"]))
        if transaction is None:
            owned.commit()
        self.rows.update({row["id"]: row for row in rows})

    def delete(self, ids: Sequence[int]) -> None:
        transaction = self.storage.begin()
        row_ids = transaction.lookup_key(
            PRIMARY, pa.RecordBatch.from_arrays([pa.array(ids, pa.int32())], names=["1"])
        )
        transaction.delete(TABLE, np.asarray(row_ids, dtype=np.uint64))
        transaction.commit()
        for number in ids:
            del self.rows[number]

    def seal(self) -> None:
        """Move growing rows to a sealed segment of their own."""
        usual = self.storage.growing_bytes_max
        self.storage.growing_bytes_max = 0  # so that sealing takes in no small segment
        self.storage.flush_table(TABLE)
        self.storage.growing_bytes_max = usual

    def context(
        self, *parameters: Any, transaction: Transaction | None = None, settings: dict[str, str] | None = None
    ) -> ExecutionContext:
        return make_context(
            *parameters,
            settings=settings,
            storage=self.storage,
            transaction=transaction or self.storage.begin(),
            memory=self.memory,
            session=self.session,
        )


def random_rows(seed: int, first_id: int, count: int, *, with_oddities: bool = True) -> list[Row]:
    """Rows with NULL and zero vectors, duplicates and NULL columns among them."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
    rows: list[Row] = []
    for i in range(count):
        vector: npt.NDArray[np.float32] | None = vectors[i]
        if with_oddities and i % 17 == 3:
            vector = None
        elif with_oddities and i % 19 == 4:
            vector = np.zeros(DIMENSIONS, dtype=np.float32)
        elif with_oddities and i % 23 == 5:
            vector = vectors[0]
        rows.append({
            "id": first_id + i,
            "section": None if i % 13 == 1 else ("python", "rust", "libs")[int(random.integers(3))],
            "size": None if i % 29 == 2 else int(random.integers(-100, 1000)),
            "embedding": vector,
        })  # fmt: skip
    return rows


def true_distance(
    metric: str, vector: npt.NDArray[np.float32] | None, query: npt.NDArray[np.float32]
) -> float | None:
    """The SQL operator's value in float64; None for a NULL vector, NaN for a zero vector under cosine."""
    if vector is None:
        return None
    a, b = vector.astype(np.float64), query.astype(np.float64)
    match metric:
        case "l2":
            return float(np.sqrt(((a - b) ** 2).sum()))
        case "ip":
            return float(-(a * b).sum())
        case "l1":
            return float(np.abs(a - b).sum())
    norms = np.sqrt((a * a).sum() * (b * b).sum())
    return float(1 - (a * b).sum() / norms) if norms else float("nan")


def distance(metric: str, query: bound.Expression) -> bound.Call:
    return op(OPERATORS[metric], EMBEDDING, query)


def topk(
    order_by: Sequence[bound.SortKey],
    *,
    targets: Sequence[bound.Expression] = (ID,),
    where: bound.Expression | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> bound.Select:
    return bound.Select(
        tuple(bound.Target(target, f"c{i}") for i, target in enumerate(targets)),
        scan(),
        where,
        order_by=tuple(order_by),
        limit=None if limit is None else bound.Constant(limit, INT8),
        offset=None if offset is None else bound.Constant(offset, INT8),
    )


def run(query: bound.Query, context: ExecutionContext) -> list[tuple[Any, ...]]:
    """All rows as Python tuples."""
    rows: list[tuple[Any, ...]] = []
    for batch in plan_statement(query).execute(context).batches():
        rows += zip(*(column.to_pylist() for column in batch.columns))
    return rows


__all__ = ["FLOAT8", "HALFVEC", "Items", "random_rows", "run", "scan", "topk", "true_distance"]
