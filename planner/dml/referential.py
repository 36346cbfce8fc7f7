"""FOREIGN KEY, EXCLUDE and DEFERRABLE keys after a statement: checks, and the changes that referential actions make.

The transaction notes what a statement changed (`storage.changes`). `check_statement` takes the notes in the order
in which they were made; actions are ordinary changes and add notes of their own at the end, so cascades go breadth
first, as PostgreSQL's trigger queue does, and end because a row is deleted once and an equal key is not propagated.
A constraint that is deferred now is put off: `check_deferred` judges it, for rows that are still there then.

Of several violations the one of the first row is reported. Actions are never deferred, only NO ACTION is.
https://www.postgresql.org/docs/15/sql-createtable.html, REFERENCES; src/backend/utils/adt/ri_triggers.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from foundation.bitset import offsets_from_bits
from foundation.errors import QuiverError, UniqueViolation, WouldBlock
from planner.dml.exclusions import first_excluded
from planner.dml.foreign_keys import (
    KeySides,
    Mask,
    distinct_keys,
    first_row_of,
    guard_references,
    guard_removed,
    key_columns,
    key_text,
    lock_referenced,
    locked_referencing_rows,
    missing_references,
    mixed_nulls_violation,
    null_counts,
    present_keys,
    reference_violation,
    removal_violation,
    same_bytes,
)
from planner.dml.referential_actions import run_action
from planner.services import ExecutionContext
from storage.catalog import ForeignKey, Index, ReferentialAction
from storage.changes import (
    ChangeSide,
    ConstraintObject,
    DeferredCheck,
    RowChange,
    constraint_oid,
    judged_keys,
)
from storage.key_specs import key_spec
from storage.keys import key_batch
from storage.lock_modes import RowStrength
from storage.partition_tree import foreign_key_at, foreign_keys_at, referenced_leaves
from storage.references import note_validation
from storage.writeset import PROVISIONAL_ID_MIN

Violation = tuple[int, QuiverError]
"""The position in the change of the first row that violates a constraint, and its error."""
_PROVISIONAL_ID_MIN = np.uint64(PROVISIONAL_ID_MIN)


def check_statement(context: ExecutionContext) -> None:
    """Check what the statement changed and run the referential actions it causes.

    Raises:
        ForeignKeyViolation: 23503. UniqueViolation: 23505, of a deferrable key. ExclusionViolation: 23P01. What an action's change raises.
    """
    transaction = context.transaction
    while transaction.pending.changes:
        first, *others = transaction.pending.changes
        transaction.pending = replace(transaction.pending, changes=tuple(others))
        context.cancel_token.check()
        _check_change(first, context)


def check_deferred(context: ExecutionContext, oids: frozenset[int] | None = None) -> None:
    """Do the checks that were put off: all of them, or those of some constraints (by OID in pg_constraint).

    Raises:
        As `check_statement`. WouldBlock: nobody may wait; all checks are still to be done then.
    """
    before = context.transaction.pending
    try:
        _do_deferred(context, oids)
    except WouldBlock:
        context.transaction.pending = before
        raise


def _do_deferred(context: ExecutionContext, oids: frozenset[int] | None) -> None:
    transaction = context.transaction
    while due := [c for c in transaction.pending.deferred if oids is None or c.constraint_oid in oids]:
        kept = (
            () if oids is None else (c for c in transaction.pending.deferred if c.constraint_oid not in oids)
        )
        transaction.pending = replace(transaction.pending, deferred=tuple(kept))
        for check in due:
            context.cancel_token.check()
            _check_late(check, context)


def _check_change(change: RowChange, context: ExecutionContext) -> None:
    catalog = context.transaction.catalog
    late = _Deferral(change, context)
    if change.new_ids is not None:
        keys = [
            key for key in judged_keys(catalog, change.table_oid) if not late.puts_off(key, ChangeSide.KEY)
        ]
        _raise_first([_refused_key(key, change, context, is_late=False) for key in keys])
    if context.settings.get("session_replication_role") == "replica":
        return
    if change.old_ids is not None:
        for foreign_key in sorted(foreign_keys_at(catalog, change.table_oid), key=lambda k: str(k.oid)):
            _keys_removed(foreign_key, change, late, context)
    if change.new_ids is not None:
        constraints = sorted(catalog.constraints_of(change.table_oid), key=lambda c: str(c.oid))
        foreign_keys = [c for c in constraints if isinstance(c, ForeignKey)]
        due = [k for k in foreign_keys if not late.puts_off(k, ChangeSide.REFERENCING)]
        _raise_first([_missing_reference(key, change, context) for key in due])


class _Deferral:
    """Puts checks of one change off when their constraint is deferred now."""

    def __init__(self, change: RowChange, context: ExecutionContext) -> None:
        self._change = change
        self._transaction = context.transaction

    def puts_off(self, constraint: ConstraintObject, side: ChangeSide) -> bool:
        pending = self._transaction.pending
        if not pending.is_deferred(constraint):
            return False
        check = DeferredCheck(constraint_oid(constraint), side, self._change)
        self._transaction.pending = replace(pending, deferred=(*pending.deferred, check))
        return True


def _check_late(check: DeferredCheck, context: ExecutionContext) -> None:
    """One deferred check; a constraint that was dropped meanwhile asks for nothing."""
    catalog, change = context.transaction.catalog, check.change
    if check.side is ChangeSide.KEY:
        keys = [k for k in judged_keys(catalog, change.table_oid) if k.constraint_oid == check.constraint_oid]
        _raise_first([_refused_key(key, change, context, is_late=True) for key in keys])
        return
    foreign_key = catalog.get(check.constraint_oid)
    if not isinstance(foreign_key, ForeignKey):
        return
    if check.side is ChangeSide.REFERENCING:
        _raise_first([_missing_reference(foreign_key, change, context)])
    else:
        at_table = foreign_key_at(catalog, foreign_key, catalog.table(change.table_oid))
        _check_not_referenced(KeySides.of(at_table, context), change, context)


def _raise_first(violations: list[Violation | None]) -> None:
    """Raise the error of the least row; of one row, that of the first constraint."""
    found = [violation for violation in violations if violation is not None]
    if found:
        raise min(found, key=lambda violation: violation[0])[1]


# -- rows that reference


def _missing_reference(
    foreign_key: ForeignKey, change: RowChange, context: ExecutionContext
) -> Violation | None:
    columns = key_columns(change.after, foreign_key.attnums)
    is_due = _is_still_there(change, context)
    if change.old_ids is not None:
        # A key that stays needs no look, unless the check of its own older version is still to come.
        is_committed = change.old_ids < _PROVISIONAL_ID_MIN
        is_due &= ~(is_committed & same_bytes(key_columns(change.before, foreign_key.attnums), columns))
    return _first_missing(KeySides.of(foreign_key, context), columns, is_due, context, is_guarded=True)


def _first_missing(
    sides: KeySides, columns: Sequence[pa.Array], is_due: Mask, context: ExecutionContext, *, is_guarded: bool
) -> Violation | None:
    """The first of the due rows whose key is neither NULL as the MATCH type allows nor there."""
    counts = null_counts(columns)
    candidates: list[Violation] = []
    if sides.foreign_key.is_match_full:
        mixed = np.flatnonzero(is_due & (counts > 0) & (counts < len(columns)))
        if len(mixed):
            candidates.append((int(mixed[0]), mixed_nulls_violation(sides)))
    rows = np.flatnonzero(is_due & (counts == 0))
    if len(rows):
        if len(rows) < len(counts):
            columns = [column.take(pa.array(rows)) for column in columns]
        keys = distinct_keys(columns)
        if is_guarded:
            lock_referenced(sides, keys, context)
            guard_references(sides, keys, context)
        missing = missing_references(sides, keys, context)
        if len(missing):
            position = int(missing[0])
            # Distinct keys are in the order in which they occur first.
            row = position if keys is columns else first_row_of(columns, keys, position)
            candidates.append((int(rows[row]), reference_violation(sides, keys, position, context)))
    return min(candidates, key=lambda violation: violation[0], default=None)


def check_existing_rows(
    foreign_key: ForeignKey, context: ExecutionContext, among: Sequence[ForeignKey] | None = None
) -> None:
    """All rows of the referencing table, for a constraint that is added or validated.

    Args:
        among: the foreign key as it looks from the tables whose rows count; None = all that it references.

    Raises:
        ForeignKeyViolation: 23503.
    """
    sides = KeySides.of(foreign_key, context)
    if among is not None:
        sides = replace(sides, among=tuple(among))
    referenced = [key.referenced_oid for key in referenced_leaves(context.transaction.catalog, foreign_key)]
    note_validation(context.transaction, foreign_key, referenced)
    for segment in context.transaction.current_table(foreign_key.table_oid).segments:
        context.cancel_token.check()
        offsets = offsets_from_bits(segment.visible_bits, segment.row_count)
        if len(offsets):
            columns = list(segment.take(foreign_key.attnums, offsets).columns)
            all_due = np.ones(len(offsets), dtype=np.bool_)
            _raise_first([_first_missing(sides, columns, all_due, context, is_guarded=False)])


def _is_still_there(change: RowChange, context: ExecutionContext) -> Mask:
    """(n,) bool: new rows of a change that were not deleted or replaced since."""
    assert change.new_ids is not None
    return context.transaction.live_mask(change.table_oid, change.new_ids)


# -- keys that are removed


def _keys_removed(
    foreign_key: ForeignKey, change: RowChange, late: _Deferral, context: ExecutionContext
) -> None:
    action = foreign_key.on_delete if change.new_ids is None else foreign_key.on_update
    removed = _removed(foreign_key, change)
    if not removed.row_count:
        return
    sides = KeySides.of(foreign_key, context)
    if action is ReferentialAction.NO_ACTION:
        if not late.puts_off(foreign_key, ChangeSide.REFERENCED):
            _check_not_referenced(sides, removed, context)
    elif action is ReferentialAction.RESTRICT:
        _guard_removed(sides, removed, context)
        _refuse_referenced(sides, key_columns(removed.before, foreign_key.referenced_attnums), context)
    else:
        _guard_removed(sides, removed, context)
        run_action(action, sides, removed, context)
        if action is ReferentialAction.SET_DEFAULT:
            # The defaults may be the very key that is going.
            _check_not_referenced(sides, removed, context)


def _removed(foreign_key: ForeignKey, change: RowChange) -> RowChange:
    """The part of a change that takes referenced keys away: keys without NULL that were deleted or are others now."""
    assert change.old_ids is not None
    before = key_columns(change.before, foreign_key.referenced_attnums)
    is_removed = null_counts(before) == 0
    if change.new_ids is not None:
        is_removed &= ~same_bytes(before, key_columns(change.after, foreign_key.referenced_attnums))
    if is_removed.all():
        return change
    rows = np.flatnonzero(is_removed)
    indices = pa.array(rows)
    return RowChange(
        change.table_oid,
        change.old_ids[rows],
        None if change.new_ids is None else change.new_ids[rows],
        {attnum: column.take(indices) for attnum, column in change.before.items()},
        {attnum: column.take(indices) for attnum, column in change.after.items()},
    )


def _guard_removed(sides: KeySides, removed: RowChange, context: ExecutionContext) -> None:
    guard_removed(sides, key_columns(removed.before, sides.foreign_key.referenced_attnums), context)


def _check_not_referenced(sides: KeySides, change: RowChange, context: ExecutionContext) -> None:
    """NO ACTION: nobody may reference a key that is gone; another row may have it by now."""
    removed = _removed(sides.foreign_key, change)
    if not removed.row_count:
        return
    _guard_removed(sides, removed, context)
    columns = key_columns(removed.before, sides.foreign_key.referenced_attnums)
    gone = np.flatnonzero(~present_keys(sides, columns, context))
    if len(gone):
        _refuse_referenced(sides, [column.take(pa.array(gone)) for column in columns], context)


def _refuse_referenced(sides: KeySides, columns: list[pa.Array], context: ExecutionContext) -> None:
    positions, _ = locked_referencing_rows(sides, columns, RowStrength.KEY_SHARE, context)
    if len(positions):
        raise removal_violation(sides, columns, int(positions[0]), context)


# -- keys


def _refused_key(
    index: Index, change: RowChange, context: ExecutionContext, *, is_late: bool
) -> Violation | None:
    """The first new row whose key another row does not allow."""
    if not index.is_exclusion:
        return _repeated_key(index, change, context)
    assert change.new_ids is not None
    spec = key_spec(
        context.transaction.catalog.table(index.table_oid), index, context.storage.options.index_expressions
    )
    columns = key_columns(change.after, spec.read_attnums)
    is_due = _is_still_there(change, context)
    if change.old_ids is not None:
        # As for references: a key that stays was judged before.
        is_committed = change.old_ids < _PROVISIONAL_ID_MIN
        is_due &= ~(is_committed & same_bytes(key_columns(change.before, spec.read_attnums), columns))
    rows = np.flatnonzero(is_due)
    if not len(rows):
        return None
    columns = [column.take(pa.array(rows)) for column in columns]
    found = first_excluded(index, change.new_ids[rows], columns, context, is_late=is_late)
    return None if found is None else (int(rows[found[0]]), found[1])


def _repeated_key(index: Index, change: RowChange, context: ExecutionContext) -> Violation | None:
    """The first new row whose key another row has too."""
    table = context.transaction.catalog.table(index.table_oid)
    spec = key_spec(table, index)
    columns = key_columns(change.after, index.key_attnums())
    keys = key_batch(spec, columns)
    positions, _ = context.transaction.current_table(table.oid).visible_matches(spec, keys)
    counts = np.bincount(positions, minlength=len(keys))
    repeated = np.flatnonzero((counts > 1) & _is_still_there(change, context))
    if not len(repeated):
        return None
    position = int(repeated[0])
    error = UniqueViolation(
        f'duplicate key value violates unique constraint "{index.name}"',
        detail=f"Key {key_text(table, index.key_attnums(), columns, position, context)} already exists.",
        table=table.name,
        schema_oid=table.schema_oid,
        constraint=index.name,
    )
    return position, error
