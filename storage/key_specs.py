"""What makes the key of a unique index: columns, the expressions and predicates of its SQL, NULLs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import (
    BOOL,
    DATE,
    INT2,
    INT4,
    INT8,
    MONEY,
    OID,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    SqlType,
)
from foundation.vector_elements import python_value
from storage.catalog import Index, IndexKey, Table

_EXACT_TYPES = frozenset(
    t.oid for t in (BOOL, INT2, INT4, INT8, MONEY, OID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ)
)
"""Types of at most 64 bits whose stored bytes are equal exactly when the SQL values are."""


class RowPredicate(Protocol):
    """The predicate of a partial index; who knows SQL implements it."""

    @property
    def attnums(self) -> tuple[int, ...]:
        """The columns it reads, ascending."""

    def holds(self, columns: Sequence[pa.Array], row_count: int, *, is_stored: bool) -> npt.NDArray[np.bool_]:
        """(row_count,) bool: rows for which the predicate is TRUE.

        Args:
            columns: one array per attnum.
            is_stored: the rows are in the table, dead ones among them, which may be older than the index: where
                the predicate raises an error they are not covered.

        Raises:
            QuiverError: what the predicate raises for a row that is not stored.
        """


class RowExpression(Protocol):
    """The expression of an index key; who knows SQL implements it."""

    @property
    def attnums(self) -> tuple[int, ...]:
        """The columns it reads, ascending."""

    @property
    def type(self) -> SqlType: ...

    @property
    def text(self) -> str:
        """What errors call it."""

    def values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """(row_count,) values; `columns` are one array per attnum. Raises QuiverError: what the expression raises."""

    def stored_values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """As `values`, of rows in the table, dead ones among them: NULL where the expression raises an error."""


class IndexExpressions(Protocol):
    """Makes what indexes have of SQL ready to be evaluated."""

    def predicate(self, table: Table, index: Index) -> RowPredicate:
        """Of a partial index."""

    def key(self, table: Table, key: IndexKey) -> RowExpression:
        """Of a key that is an expression."""


class NoIndexExpressions:
    """Stands in where nobody gave storage an evaluator. Raises FeatureNotSupported (0A000)."""

    def predicate(self, table: Table, index: Index) -> RowPredicate:
        raise FeatureNotSupported("partial unique indexes are not supported")

    def key(self, table: Table, key: IndexKey) -> RowExpression:
        raise FeatureNotSupported("unique indexes on expressions are not supported")


NO_INDEX_EXPRESSIONS = NoIndexExpressions()


@dataclass(frozen=True, slots=True)
class KeySpec:
    """Which columns of a table make the key of an index."""

    index_oid: int
    attnums: tuple[int, ...]
    """The columns that the key is made of: each key's own, or those that its expression reads."""
    types: tuple[SqlType, ...]
    nulls_not_distinct: bool = False
    predicate: RowPredicate | None = None
    """Of a partial index: a row for which it is not TRUE has no key."""
    expressions: tuple[RowExpression | None, ...] = ()
    """One for each key, None for a column; empty where all keys are columns."""

    @property
    def read_attnums(self) -> tuple[int, ...]:
        """The columns that `key_batch` takes: those of the key, then those of the predicate."""
        return self.attnums if self.predicate is None else (*self.attnums, *self.predicate.attnums)

    @property
    def hash_is_exact(self) -> bool:
        """Whether equal hashes mean equal keys: the hash of one value of up to 64 bits is a bijection."""
        return len(self.types) == 1 and self.types[0].oid in _EXACT_TYPES and not self.nulls_not_distinct

    def key_columns(self, columns: Sequence[pa.Array], *, is_stored: bool) -> Sequence[pa.Array]:
        """The keys' values of rows, of which `columns` are those of `read_attnums`; `is_stored` as in `key_batch`.

        Raises:
            QuiverError: what an expression raises for a new row.
        """
        if not self.expressions:
            return columns[: len(self.attnums)]
        values: list[pa.Array] = []
        start = 0
        for expression in self.expressions:
            if expression is None:
                values.append(columns[start])
                start += 1
                continue
            read = columns[start : start + len(expression.attnums)]
            start += len(read)
            compute = expression.stored_values if is_stored else expression.values
            values.append(compute(read, len(columns[0])))
        return values

    def values_at(self, columns: Sequence[pa.Array], position: int) -> list[Any]:
        """The Python values of one row's key; `columns` as in `key_columns`."""
        row = [column.slice(position, 1) for column in columns]
        return [python_value(column[0]) for column in self.key_columns(row, is_stored=False)]

    def key_names(self, table: Table) -> str:
        """What messages call the keys."""
        if not self.expressions:
            return ", ".join(table.column_at(attnum).name for attnum in self.attnums)
        attnums = iter(self.attnums)
        names = []
        for expression in self.expressions:
            read = [next(attnums) for _ in range(1 if expression is None else len(expression.attnums))]
            names.append(table.column_at(read[0]).name if expression is None else expression.text)
        return ", ".join(names)


def unique_specs(
    table: Table, indexes: Sequence[Index], expressions: IndexExpressions = NO_INDEX_EXPRESSIONS
) -> list[KeySpec]:
    """Key specifications of a table's unique indexes, the primary key first."""
    ordered = sorted((i for i in indexes if i.is_unique), key=lambda index: (not index.is_primary, index.oid))
    return [key_spec(table, index, expressions) for index in ordered]


def key_spec(table: Table, index: Index, expressions: IndexExpressions = NO_INDEX_EXPRESSIONS) -> KeySpec:
    """Raises FeatureNotSupported (0A000) for an expression or a predicate that nobody can evaluate."""
    predicate = None if index.predicate_sql is None else expressions.predicate(table, index)
    attnums = index.key_attnums()
    if all(attnums):
        types = tuple(table.column_at(attnum).type for attnum in attnums)
        return KeySpec(index.oid, attnums, types, index.nulls_not_distinct, predicate)
    keys = tuple(None if key.attnum else expressions.key(table, key) for key in index.keys)
    read: list[int] = []
    for key, expression in zip(index.keys, keys, strict=True):
        read += (key.attnum,) if expression is None else expression.attnums
    if not read:
        # Keys without columns are as many as there are rows, which some column has to say.
        read.append(table.live_columns()[0].attnum)
    types = tuple(
        table.column_at(key.attnum).type if expression is None else expression.type
        for key, expression in zip(index.keys, keys, strict=True)
    )
    return KeySpec(index.oid, tuple(read), types, index.nulls_not_distinct, predicate, keys)
