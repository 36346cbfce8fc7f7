"""EXCLUDE constraints: no two rows for which all operators of the constraint are true.

They are judged after the statement or later (`referential`), among the rows that are committed by then, with own changes
on top. A row with NULL in a key, or that the predicate leaves out, meets nobody.

Two transactions must not judge rows that meet each other at one time, each without those of the other. So before rows are
looked at, theirs is reserved: the hash of the keys that are compared by `=`, or one hash for all rows where no key is. Whoever
waited sees what the other one committed. A committed row in the way may be on its way out: it is waited for through
its lock, and looked for again.

Expectation: each statement reads the keys of all rows and, where `&&` is asked for, sorts the ranges of those with the hash of a new
row: 2 us a row of the group, 1 s for 20,000 new rows at once. The operators decide among what overlaps, 50 us a new row.
https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-EXCLUDE
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets, offsets_from_bits
from foundation.ranges import BY_OID, cuts_of
from foundation.sqltypes import BOOL, SqlType
from foundation.vector_elements import python_value
from planner.errors import ExclusionViolation
from planner.functions.datum import CallSite, Datum, Kernel
from planner.functions.implementations import kernel_of
from planner.functions.implementations_compare import is_hashed
from planner.functions.signatures import operator_function, operator_of_oid
from planner.services import ExecutionContext
from storage.catalog import Index, Table
from storage.constraints import current_mask, key_text
from storage.key_specs import KeySpec, key_spec
from storage.keys import Hashes, key_batch, rows_with_key
from storage.lock_modes import RowStrength
from storage.rows import RowIds
from storage.writeset import PROVISIONAL_ID_MIN

_SEARCHED_MIN = 64
"""Among fewer rows the operators are asked at once."""
_NONE: RowOffsets = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two rows that must not both be there: their ids and the values of their keys."""

    row_id: int
    other_id: int
    values: tuple[object, ...]
    other_values: tuple[object, ...]


@dataclass(frozen=True)
class Exclusion:
    """A constraint ready to be judged."""

    table: Table
    index: Index
    spec: KeySpec
    kernels: tuple[Kernel, ...]
    names: tuple[str, ...]
    """Of the operators, as `kernels` one for each key."""

    @classmethod
    def of(cls, index: Index, context: ExecutionContext) -> Exclusion:
        table = context.transaction.catalog.table(index.table_oid)
        spec = key_spec(table, index, context.storage.options.index_expressions)
        operators = [operator_of_oid(key.exclusion_operator) for key in index.keys]
        kernels = [kernel_of(operator_function(operator)) for operator in operators]
        assert all(kernels), "the command that made the constraint looked for them"
        known = tuple(kernel for kernel in kernels if kernel is not None)
        return cls(table, index, spec, known, tuple(operator.name for operator in operators))

    @cached_property
    def hashed(self) -> tuple[int, ...]:
        """Positions of the keys that are equal exactly when their hashes and normal forms are."""
        return tuple(
            position
            for position, (name, sql_type) in enumerate(zip(self.names, self.spec.types))
            if name == "=" and is_hashed(sql_type.oid, sql_type.oid)
        )

    def hashes(self, values: Sequence[pa.Array], row_count: int) -> Hashes:
        """(n,) what rows reserve: rows that meet have one hash."""
        if not self.hashed:
            return np.zeros(row_count, dtype=np.uint64)
        types = tuple(self.spec.types[position] for position in self.hashed)
        spec = KeySpec(self.index.oid, self.hashed, types)
        return key_batch(spec, [values[position] for position in self.hashed]).hashes

    def rows(self, columns: Sequence[pa.Array], row_ids: RowIds) -> KeyedRows:
        """Rows whose keys are judged; `columns` are those of `spec.read_attnums`."""
        has_key = rows_with_key(self.spec, columns, is_stored=True)
        values = self.spec.key_columns(columns, is_stored=True)
        if not has_key.all():
            values = [column.filter(pa.array(has_key)) for column in values]
            row_ids = row_ids[has_key]
        return KeyedRows(self, row_ids, tuple(values))

    def current_rows(self, context: ExecutionContext) -> KeyedRows:
        """The rows that are committed now, with own changes."""
        parts: list[KeyedRows] = []
        for segment in context.transaction.current_table(self.table.oid).segments:
            context.cancel_token.check()
            offsets = offsets_from_bits(segment.visible_bits, segment.row_count)
            if len(offsets):
                columns = [segment.take_column(attnum, offsets) for attnum in self.spec.read_attnums]
                parts.append(self.rows(columns, segment.row_ids[offsets]))
        if not parts:
            return KeyedRows(self, np.empty(0, dtype=np.uint64), ())
        columns = [pa.concat_arrays(pieces) for pieces in zip(*(part.values for part in parts))]
        return KeyedRows(self, np.concatenate([part.row_ids for part in parts]), tuple(columns))


@dataclass(frozen=True)
class KeyedRows:
    """(n,) rows with their keys, none of them NULL."""

    exclusion: Exclusion
    row_ids: RowIds
    values: tuple[pa.Array, ...]

    @cached_property
    def hashes(self) -> Hashes:
        return self.exclusion.hashes(self.values, len(self.row_ids))

    @cached_property
    def _groups(self) -> dict[int, RowOffsets]:
        """Rows by their hash, ascending."""
        order = np.argsort(self.hashes, kind="stable")
        ordered = self.hashes[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else _NONE
        pieces = np.split(order, starts[1:])
        return {int(ordered[start]): piece for start, piece in zip(starts, pieces)}

    @cached_property
    def _spans(self) -> dict[int, Spans]:
        """What was made of groups so far."""
        return {}

    def first_meeting(
        self, order: npt.NDArray[np.int64], context: ExecutionContext, *, is_late: bool = False
    ) -> Meeting | None:
        """The first row that meets another one.

        Args:
            order: (n,) places of the rows that are asked about; below 0 for others.
            is_late: a row may meet those in places behind its own, too.
        """
        asked = np.flatnonzero(order >= 0)
        for row in asked[np.argsort(order[asked], kind="stable")].tolist():
            context.cancel_token.check()
            others = self._candidates(row)
            others = others[others != row] if is_late else others[order[others] < order[row]]
            other = self._first_met(row, others, context)
            if other is not None:
                ids = int(self.row_ids[row]), int(self.row_ids[other])
                return Meeting(*ids, self._values_at(row), self._values_at(other))
        return None

    def _values_at(self, row: int) -> tuple[object, ...]:
        return tuple(python_value(column[row]) for column in self.values)

    def _candidates(self, row: int) -> RowOffsets:
        """Rows that may meet one."""
        key = int(self.hashes[row])
        group = self._groups[key]
        exclusion = self.exclusion
        for name, sql_type, column in zip(exclusion.names, exclusion.spec.types, self.values):
            if name == "&&" and sql_type.oid in BY_OID and len(group) >= _SEARCHED_MIN:
                if key not in self._spans:
                    self._spans[key] = Spans(column, sql_type, group)
                return self._spans[key].overlapping(column[row].as_py())
        return group

    def _first_met(self, row: int, others: RowOffsets, context: ExecutionContext) -> int | None:
        for position, kernel in enumerate(self.exclusion.kernels):
            if not len(others):
                return None
            oid = self.exclusion.spec.types[position].oid
            column = self.values[position]
            arguments = Datum(column.slice(row, 1), True), Datum(column.take(pa.array(others)))
            is_met = kernel(arguments, CallSite(context, len(others), BOOL, (oid, oid)))
            others = others[np.asarray(is_met.fill_null(False))]
        return int(others[0]) if len(others) else None


class Spans:
    """Ranges, from the first to the last value of each, to be searched for those that overlap another one."""

    def __init__(self, column: pa.Array, sql_type: SqlType, rows: RowOffsets) -> None:
        self._form = BY_OID[sql_type.oid]
        values = column.take(pa.array(rows)).to_pylist()
        cuts = (cuts_of(self._form, value) for value in values)
        found = sorted((known[0], known[-1], row) for known, row in zip(cuts, rows.tolist()) if known)
        self._lowers = [lower for lower, _, _ in found]
        self._uppers = [upper for _, upper, _ in found]
        self._rows = [row for _, _, row in found]
        self._reach = list(itertools.accumulate(self._uppers, max))

    def overlapping(self, value: bytes) -> RowOffsets:
        """Ascending rows."""
        cuts = cuts_of(self._form, value)
        if not cuts:
            return _NONE
        rows = []
        at = bisect.bisect_left(self._lowers, cuts[-1])
        while at and self._reach[at - 1] > cuts[0]:
            at -= 1
            if self._uppers[at] > cuts[0]:
                rows.append(self._rows[at])
        return np.array(sorted(rows), dtype=np.int64)


def first_excluded(
    index: Index, row_ids: RowIds, columns: Sequence[pa.Array], context: ExecutionContext, *, is_late: bool
) -> tuple[int, ExclusionViolation] | None:
    """The first of some new rows that meets another one, and the error; waits for whoever may decide it.

    Args:
        row_ids: (n,) the new rows, in the order of the statement.
        columns: (n,) each, those of `KeySpec.read_attnums`.
        is_late: the statement is over long since: a row meets those behind it, too.

    Raises:
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    exclusion = Exclusion.of(index, context)
    transaction = context.transaction
    transaction.locks.reserve_keys(index.oid, exclusion.rows(columns, row_ids).hashes)
    while True:
        rows = exclusion.current_rows(context)
        meeting = rows.first_meeting(_order(rows.row_ids, row_ids), context, is_late=is_late)
        if meeting is None:
            return None
        others = np.array([meeting.other_id], dtype=np.uint64)
        if meeting.other_id >= PROVISIONAL_ID_MIN:
            break
        transaction.locks.lock_rows(exclusion.table, others, RowStrength.SHARE)
        if current_mask(transaction.committed_table(exclusion.table.oid), others)[0]:
            break
    key, other = _key_texts(exclusion, meeting, context)
    error = ExclusionViolation(
        f'conflicting key value violates exclusion constraint "{index.name}"',
        detail=f"Key {key} conflicts with existing key {other}.",
        table=exclusion.table.name,
        schema_oid=exclusion.table.schema_oid,
        constraint=index.name,
    )
    return int(np.flatnonzero(row_ids == np.uint64(meeting.row_id))[0]), error


def _order(all_ids: RowIds, new_ids: RowIds) -> npt.NDArray[np.int64]:
    """(n,) the place of each row among the new ones, -1 for other rows."""
    order = np.full(len(all_ids), -1, dtype=np.int64)
    ascending = np.argsort(new_ids, kind="stable")
    places = np.searchsorted(new_ids[ascending], all_ids)
    is_new = places < len(new_ids)
    is_new[is_new] = new_ids[ascending[places[is_new]]] == all_ids[is_new]
    order[is_new] = ascending[places[is_new]]
    return order


def check_rows_apart(index: Index, context: ExecutionContext) -> None:
    """All rows of the table, for a constraint that is added. Raises ExclusionViolation (23P01)."""
    exclusion = Exclusion.of(index, context)
    rows = exclusion.current_rows(context)
    meeting = rows.first_meeting(np.arange(len(rows.row_ids)), context, is_late=True)
    if meeting is None:
        return
    key, other = _key_texts(exclusion, meeting, context)
    raise ExclusionViolation(
        f'could not create exclusion constraint "{index.name}"',
        detail=f"Key {key} conflicts with key {other}.",
        table=exclusion.table.name,
        schema_oid=exclusion.table.schema_oid,
        constraint=index.name,
    )


def _key_texts(exclusion: Exclusion, meeting: Meeting, context: ExecutionContext) -> tuple[str, str]:
    encode = context.storage.options.value_encoder
    spec, table = exclusion.spec, exclusion.table
    return key_text(table, spec, meeting.values, encode), key_text(table, spec, meeting.other_values, encode)
