"""Foreign keys at commit: what was checked in a statement must still hold for what others committed since.

A statement checks references against the committed rows of its time. Until its transaction commits, another may
remove a key that was found, or add a reference to a key that is being removed. So the statement leaves a guard, and
the commit looks again under the commit lock: no row may reference one of the guarded keys unless the key is there.
A guard costs nothing when nothing was committed to the other table meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foundation.errors import SerializationFailure
from storage.catalog import Catalog, ForeignKey, Table
from storage.key_specs import KeySpec
from storage.keys import KeyBatch
from storage.state import DatabaseState, TableState

if TYPE_CHECKING:
    from storage.transaction import Transaction


@dataclass(frozen=True, slots=True, eq=False)
class KeyGuard:
    """Keys of one foreign key, as both sides have them, position by position.

    `referenced` are the tables that may have them: several where the referenced table is partitioned. `others` are those whose
    later commits matter, with their committed rows when the statement looked.
    """

    foreign_key_oid: int
    referencing: TableKeys
    referenced: tuple[TableKeys, ...]
    others: tuple[tuple[int, TableState], ...]


@dataclass(frozen=True, slots=True, eq=False)
class TableKeys:
    """(n) keys as one table has them."""

    table_oid: int
    spec: KeySpec
    keys: KeyBatch


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """All rows of a foreign key's tables were checked when they were in these committed states."""

    foreign_key_oid: int
    tables: tuple[tuple[int, TableState], ...]


def guard_keys(
    transaction: Transaction,
    foreign_key: ForeignKey,
    referencing: TableKeys,
    referenced: tuple[TableKeys, ...],
    *,
    is_removal: bool,
) -> None:
    """Let the commit look again at keys that are about to be looked up.

    Guards are on values, not on rows: an update of other columns gives a referenced row another id.

    Args:
        is_removal: referenced keys are taken away, so it is later references that matter.
    """
    matter = (referencing,) if is_removal else referenced
    others = tuple((side.table_oid, transaction.committed_table(side.table_oid)) for side in matter)
    guard = KeyGuard(foreign_key.oid, referencing, referenced, others)
    transaction.pending = replace(transaction.pending, guards=(*transaction.pending.guards, guard))


def note_validation(
    transaction: Transaction, foreign_key: ForeignKey, referenced_oids: Iterable[int]
) -> None:
    """All rows of a foreign key's tables are about to be checked as they are committed now."""
    oids = (foreign_key.table_oid, *referenced_oids)
    validation = Validation(foreign_key.oid, tuple((oid, transaction.committed_table(oid)) for oid in oids))
    transaction.pending = replace(
        transaction.pending, validations=(*transaction.pending.validations, validation)
    )


def check_references(transaction: Transaction, head: DatabaseState, catalog: Catalog) -> None:
    """Check guards and validations against `head`. The caller holds the commit lock.

    Raises:
        SerializationFailure: 40001.
    """
    for validation in transaction.pending.validations:
        is_there = isinstance(catalog.get(validation.foreign_key_oid), ForeignKey)
        if is_there and not _are_unchanged(head, validation.tables):
            raise _conflict()
    for guard in transaction.pending.guards:
        foreign_key = catalog.get(guard.foreign_key_oid)
        if not isinstance(foreign_key, ForeignKey) or _are_unchanged(head, guard.others):
            continue
        positions = _present(transaction, head, catalog, guard.referencing)
        for side in guard.referenced:
            positions = np.setdiff1d(positions, _present(transaction, head, catalog, side))
        if len(positions):
            raise _conflict()


def _are_unchanged(head: DatabaseState, tables: Iterable[tuple[int, TableState]]) -> bool:
    return all(head.table_state(oid) is state for oid, state in tables)


def _present(
    transaction: Transaction, head: DatabaseState, catalog: Catalog, side: TableKeys
) -> npt.NDArray[np.int64]:
    """Positions of the keys that a row of a table has; none of a table that was dropped."""
    table = catalog.get(side.table_oid)
    if not isinstance(table, Table):
        return np.empty(0, dtype=np.int64)
    positions, _ = transaction.current_view(head, table).visible_matches(side.spec, side.keys)
    return positions


def _conflict() -> SerializationFailure:
    return SerializationFailure("could not serialize access due to concurrent update")
