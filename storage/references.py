"""Foreign keys at commit: what was checked in a statement must still hold for what others committed since.

A statement checks references against the committed rows of its time. Until its transaction commits, another may
remove a key that was found, or add a reference to a key that is being removed. So the statement leaves a guard, and
the commit looks again under the commit lock: no row may reference one of the guarded keys unless the key is there.
A guard costs nothing when nothing was committed to the other table meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foundation.errors import SerializationFailure
from storage.catalog import Catalog, ForeignKey
from storage.key_specs import KeySpec
from storage.keys import KeyBatch
from storage.state import DatabaseState, TableState

if TYPE_CHECKING:
    from storage.transaction import Transaction


@dataclass(frozen=True, slots=True, eq=False)
class KeyGuard:
    """Keys of one foreign key, as both tables have them, position by position.

    `table_oid` is the other table, the one whose later commits matter, and `state` its committed rows when the
    statement looked.
    """

    foreign_key_oid: int
    referencing_spec: KeySpec
    referencing_keys: KeyBatch
    referenced_spec: KeySpec
    referenced_keys: KeyBatch
    table_oid: int
    state: TableState


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """All rows of a foreign key's tables were checked when they were in these committed states."""

    foreign_key_oid: int
    referencing: TableState
    referenced: TableState


def guard_keys(
    transaction: Transaction,
    foreign_key: ForeignKey,
    referencing: tuple[KeySpec, KeyBatch],
    referenced: tuple[KeySpec, KeyBatch],
    *,
    is_removal: bool,
) -> None:
    """Let the commit look again at keys that are about to be looked up.

    Guards are on values, not on rows: an update of other columns gives a referenced row another id.

    Args:
        is_removal: referenced keys are taken away, so it is later references that matter.
    """
    other = foreign_key.table_oid if is_removal else foreign_key.referenced_oid
    state = transaction.committed_table(other)
    guard = KeyGuard(foreign_key.oid, *referencing, *referenced, other, state)
    transaction.pending = replace(transaction.pending, guards=(*transaction.pending.guards, guard))


def note_validation(transaction: Transaction, foreign_key: ForeignKey) -> None:
    """All rows of a foreign key's tables are about to be checked as they are committed now."""
    tables = (foreign_key.table_oid, foreign_key.referenced_oid)
    validation = Validation(foreign_key.oid, *map(transaction.committed_table, tables))
    transaction.pending = replace(
        transaction.pending, validations=(*transaction.pending.validations, validation)
    )


def check_references(transaction: Transaction, head: DatabaseState, catalog: Catalog) -> None:
    """Check guards and validations against `head`. The caller holds the commit lock.

    Raises:
        SerializationFailure: 40001.
    """
    for validation in transaction.pending.validations:
        foreign_key = catalog.get(validation.foreign_key_oid)
        if isinstance(foreign_key, ForeignKey) and not (
            head.table_state(foreign_key.table_oid) is validation.referencing
            and head.table_state(foreign_key.referenced_oid) is validation.referenced
        ):
            raise _conflict()
    for guard in transaction.pending.guards:
        foreign_key = catalog.get(guard.foreign_key_oid)
        if not isinstance(foreign_key, ForeignKey) or head.table_state(guard.table_oid) is guard.state:
            continue
        referencing = transaction.current_view(head, catalog.table(foreign_key.table_oid))
        positions, _ = referencing.visible_matches(guard.referencing_spec, guard.referencing_keys)
        referenced = transaction.current_view(head, catalog.table(foreign_key.referenced_oid))
        present, _ = referenced.visible_matches(guard.referenced_spec, guard.referenced_keys)
        if len(np.setdiff1d(positions, present)):
            raise _conflict()


def _conflict() -> SerializationFailure:
    return SerializationFailure("could not serialize access due to concurrent update")
