"""Looking along a foreign key: which keys are missing on its referenced side, which rows reference a key.

All look-ups are set-wise and read the *current* state, committed rows of others and own changes, because a
constraint must hold for what is there at commit, not for what a snapshot sees. Two transactions can cross, one
inserting a reference while the other removes its key: the referenced row is locked FOR KEY SHARE, as in PostgreSQL,
and its key is reserved for as long, because a row lock does not pass to the row's next version. A guard makes sure
at commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import ForeignKeyViolation, SerializationFailure
from foundation.sqltypes import SqlType
from planner.dml.key_types import converted
from planner.services import ExecutionContext
from storage import Isolation
from storage.catalog import Catalog, ForeignKey, Index, Table
from storage.constraints import check_rows_current
from storage.key_specs import KeySpec, key_spec
from storage.keys import KeyBatch, key_batch
from storage.lock_modes import RowStrength, SharedMode, TableMode
from storage.partition_tree import referenced_leaves
from storage.references import TableKeys, guard_keys
from storage.rows import RowIds
from storage.writeset import PROVISIONAL_ID_MIN

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class KeySides:
    """A foreign key with both tables as the transaction sees them."""

    foreign_key: ForeignKey
    referencing: Table
    referenced: Table
    index: Index
    """The unique index over the referenced columns, which may have them in another order."""

    among: tuple[ForeignKey, ...] | None = None
    """The foreign key as it looks from the tables whose rows count, where these are not all that it references."""

    def parts(self, context: ExecutionContext) -> list[KeySides]:
        """The sides once for each table that has referenced rows: the leaves, where the key references a partitioned table."""
        if self.among is not None:
            return [KeySides.of(key, context) for key in self.among]
        catalog = context.transaction.catalog
        stored = catalog.get(self.foreign_key.oid)
        # One that is being added is not there yet, and is the declared one.
        declared = stored if isinstance(stored, ForeignKey) else self.foreign_key
        if catalog.table(declared.referenced_oid).partition_key is None:
            return [self]
        return [KeySides.of(key, context) for key in referenced_leaves(catalog, declared)]

    @classmethod
    def of(cls, foreign_key: ForeignKey, context: ExecutionContext) -> KeySides:
        catalog = context.transaction.catalog
        index = catalog.get(foreign_key.referenced_index_oid)
        assert isinstance(index, Index), "an index that is referenced cannot be dropped"
        return cls(
            foreign_key,
            catalog.table(foreign_key.table_oid),
            catalog.table(foreign_key.referenced_oid),
            index,
        )

    @property
    def referencing_types(self) -> tuple[SqlType, ...]:
        return tuple(self.referencing.column_at(n).type for n in self.foreign_key.attnums)

    @property
    def referenced_types(self) -> tuple[SqlType, ...]:
        return tuple(self.referenced.column_at(n).type for n in self.foreign_key.referenced_attnums)

    @property
    def referencing_spec(self) -> KeySpec:
        """Keys of referencing rows. They are no index's, so their look-up structures go by the constraint's OID."""
        return KeySpec(self.foreign_key.oid, self.foreign_key.attnums, self.referencing_types)

    @property
    def referenced_spec(self) -> KeySpec:
        return key_spec(self.referenced, self.index)

    def referenced_keys(self, columns: Sequence[pa.Array]) -> KeyBatch:
        """Keys of the unique index from values in the order of the constraint's columns."""
        by_attnum = dict(zip(self.foreign_key.referenced_attnums, columns, strict=True))
        ordered = [by_attnum[attnum] for attnum in self.index.key_attnums()]
        return key_batch(self.referenced_spec, ordered, by_equality=True)

    def as_referenced(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """Referencing values as values of the referenced columns."""
        types = zip(columns, self.referencing_types, self.referenced_types, strict=True)
        return [converted(column, source, target) for column, source, target in types]

    def as_referencing(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """Referenced values as values of the referencing columns."""
        types = zip(columns, self.referencing_types, self.referenced_types, strict=True)
        return [converted(column, source, target) for column, target, source in types]


def key_columns(values: Mapping[int, pa.Array], attnums: Sequence[int]) -> list[pa.Array]:
    return [values[attnum] for attnum in attnums]


def null_counts(columns: Sequence[pa.Array]) -> npt.NDArray[np.int64]:
    """(n,) how many of a row's key columns are NULL."""
    counts = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        if column.null_count:
            counts += column.is_null().to_numpy(zero_copy_only=False)
    return counts


def distinct_keys(columns: Sequence[pa.Array]) -> Sequence[pa.Array]:
    """Keys of one column each once, by first occurrence: many rows reference few. Others as they are."""
    column_type = columns[0].type
    if len(columns) > 1 or pa.types.is_floating(column_type) or pa.types.is_nested(column_type):
        return columns
    if column_type == pa.month_day_nano_interval():
        return columns
    return [pc.unique(columns[0])]


def first_row_of(columns: Sequence[pa.Array], keys: Sequence[pa.Array], position: int) -> int:
    """The first row that has the key at `position` of its distinct keys."""
    return int(pc.index(columns[0], keys[0][position]).as_py())


def same_bytes(left: Sequence[pa.Array], right: Sequence[pa.Array]) -> Mask:
    """(n,) bool: rows whose values are stored alike, NULL and NULL included; 1.0 and 1.00 differ."""
    same = np.ones(len(left[0]), dtype=np.bool_)
    for a, b in zip(left, right, strict=True):
        if a.type != b.type:
            return np.zeros(len(same), dtype=np.bool_)
        equal = pc.equal(_bits(a), _bits(b)).fill_null(False)
        both_null = pc.and_(a.is_null(), b.is_null())
        same &= pc.or_(equal, both_null).to_numpy(zero_copy_only=False)
    return same


def _bits(column: pa.Array) -> pa.Array:
    """Floats by their bits, so that -0 is not 0; what Arrow cannot compare by its text."""
    if pa.types.is_floating(column.type):
        return column.view(pa.from_numpy_dtype(np.dtype(f"u{column.type.bit_width // 8}")))
    if pa.types.is_nested(column.type) or column.type == pa.month_day_nano_interval():
        return pa.array([repr(value) for value in column.to_pylist()])
    return column


def missing_references(sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext) -> Positions:
    """Positions of referencing keys, all without NULL, that no referenced row has.

    Under REPEATABLE READ the referenced row must also be in the snapshot, as in PostgreSQL.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ when the row was replaced since the snapshot.
    """
    transaction = context.transaction
    is_present = np.zeros(len(columns[0]), dtype=np.bool_)
    for part in sides.parts(context):
        keys = part.referenced_keys(part.as_referenced(columns))
        oid = part.referenced.oid
        if transaction.isolation.value == "read committed":
            positions, _ = transaction.current_table(oid).visible_matches(part.referenced_spec, keys)
        else:
            view = transaction.table_view(oid)
            positions, row_ids = view.visible_matches(part.referenced_spec, keys)
            committed = np.unique(row_ids[row_ids < np.uint64(PROVISIONAL_ID_MIN)])
            check_rows_current(transaction.committed_table(oid), committed)
        is_present[positions] = True
    return np.flatnonzero(~is_present)


def referencing_rows(
    sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext
) -> tuple[Positions, RowIds]:
    """Pairs (position among referenced keys, id of a row that references it), by ascending position."""
    keys = key_batch(sides.referencing_spec, sides.as_referencing(columns))
    view = context.transaction.current_table(sides.referencing.oid)
    return view.visible_matches(sides.referencing_spec, keys)


def locked_referencing_rows(
    sides: KeySides, columns: Sequence[pa.Array], strength: RowStrength, context: ExecutionContext
) -> tuple[Positions, RowIds]:
    """As `referencing_rows`, locked. Waits for transactions that change such rows; raises 55P03, 40P01, 57014.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ when one was changed meanwhile.
    """
    while True:
        positions, row_ids = referencing_rows(sides, columns, context)
        locked = context.transaction.lock_rows(sides.referencing.oid, np.unique(row_ids), strength)
        if not locked.is_replaced.any():
            return positions, row_ids
        if context.transaction.isolation is not Isolation.READ_COMMITTED:
            raise SerializationFailure("could not serialize access due to concurrent update")


def lock_referenced(sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext) -> None:
    """Lock the rows that referencing keys name FOR KEY SHARE. Waits for who removes them; raises 55P03, 40P01, 57014."""
    transaction = context.transaction
    for part in sides.parts(context):
        oid, is_replaced = part.referenced.oid, True
        keys = part.referenced_keys(part.as_referenced(columns))
        while is_replaced:
            _, row_ids = transaction.current_table(oid).visible_matches(part.referenced_spec, keys)
            locked = transaction.lock_rows(oid, np.unique(row_ids), RowStrength.KEY_SHARE)
            is_replaced = bool(locked.is_replaced.any())


def present_keys(sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext) -> Mask:
    """(n,) bool: referenced keys that some referenced row has (again)."""
    is_present = np.zeros(len(columns[0]), dtype=np.bool_)
    for part in sides.parts(context):
        keys = part.referenced_keys(columns)
        view = context.transaction.current_table(part.referenced.oid)
        positions, _ = view.visible_matches(part.referenced_spec, keys)
        is_present[positions] = True
    return is_present


def guard_references(sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext) -> None:
    """Before looking for the keys that referencing rows name: they must be there at commit too."""
    _guard(
        sides,
        key_batch(sides.referencing_spec, columns),
        sides.as_referenced(columns),
        context,
        is_removal=False,
    )


def guard_removed(sides: KeySides, columns: Sequence[pa.Array], context: ExecutionContext) -> None:
    """Before looking for the rows that reference keys which are going: there must be none at commit either."""
    referencing = key_batch(sides.referencing_spec, sides.as_referencing(columns))
    _guard(sides, referencing, columns, context, is_removal=True)


def _guard(
    sides: KeySides,
    referencing: KeyBatch,
    referenced_columns: Sequence[pa.Array],
    context: ExecutionContext,
    *,
    is_removal: bool,
) -> None:
    mode = SharedMode.EXCLUSIVE if is_removal else SharedMode.SHARED
    parts = sides.parts(context)
    referenced = tuple(
        TableKeys(part.referenced.oid, part.referenced_spec, part.referenced_keys(referenced_columns))
        for part in parts
    )
    for other in [sides.referencing] if is_removal else [part.referenced for part in parts]:
        context.transaction.locks.lock_table(other, TableMode.ROW_SHARE)
    for side in referenced[:1]:
        # Parts hash alike: the first stands for all.
        hashes = side.keys.hashes[side.keys.has_key]
        context.transaction.locks.reserve_keys(sides.foreign_key.oid, hashes, mode)
    guard_keys(
        context.transaction,
        sides.foreign_key,
        TableKeys(sides.referencing.oid, sides.referencing_spec, referencing),
        referenced,
        is_removal=is_removal,
    )


def reference_violation(
    sides: KeySides, columns: Sequence[pa.Array], position: int, context: ExecutionContext
) -> ForeignKeyViolation:
    """23503 of a referencing row whose key is not there."""
    key, table = sides.foreign_key, sides.referencing
    shown = key_text(table, key.attnums, columns, position, context)
    return _violation(
        sides,
        f'insert or update on table "{table.name}" violates foreign key constraint "{key.name}"',
        f'Key {shown} is not present in table "{sides.referenced.name}".',
    )


def mixed_nulls_violation(sides: KeySides) -> ForeignKeyViolation:
    """23503 of MATCH FULL."""
    table, name = sides.referencing.name, sides.foreign_key.name
    return _violation(
        sides,
        f'insert or update on table "{table}" violates foreign key constraint "{name}"',
        "MATCH FULL does not allow mixing of null and nonnull key values.",
    )


def removal_violation(
    sides: KeySides, columns: Sequence[pa.Array], position: int, context: ExecutionContext
) -> ForeignKeyViolation:
    """23503 of a referenced key that is removed while rows reference it."""
    key, table = sides.foreign_key, sides.referenced
    shown = key_text(table, key.referenced_attnums, columns, position, context)
    whole = _whole_key(key, context.transaction.catalog)
    referencing = context.transaction.catalog.table(whole.table_oid).name
    return _violation(
        sides,
        f'update or delete on table "{table.name}" violates foreign key constraint "{whole.name}"'
        f' on table "{referencing}"',
        f'Key {shown} is still referenced from table "{referencing}".',
    )


def _whole_key(key: ForeignKey, catalog: Catalog) -> ForeignKey:
    """The foreign key that was declared, where this one is its part in a partition."""
    while key.parent_oid:
        above = catalog.get(key.parent_oid)
        assert isinstance(above, ForeignKey), "a foreign key is part of a foreign key"
        key = above
    return key


def _violation(sides: KeySides, message: str, detail: str) -> ForeignKeyViolation:
    table = sides.referencing
    return ForeignKeyViolation(
        message,
        detail=detail,
        table=table.name,
        schema_oid=table.schema_oid,
        constraint=sides.foreign_key.name,
    )


def key_text(
    table: Table,
    attnums: Sequence[int],
    columns: Sequence[pa.Array],
    position: int,
    context: ExecutionContext,
) -> str:
    """`(a, b)=(1, x)`, and `null` for NULL."""
    found = [table.column_at(attnum) for attnum in attnums]
    values = [array.slice(position, 1) for array in columns]
    texts = [
        "null" if value.null_count else context.codecs.to_text(value, column.type)[0].as_py()
        for column, value in zip(found, values, strict=True)
    ]
    return f"({', '.join(column.name for column in found)})=({', '.join(texts)})"
