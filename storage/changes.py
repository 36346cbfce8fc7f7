"""Row changes that constraints look at after a statement or at commit.

FOREIGN KEY, EXCLUDE and DEFERRABLE keys are judged when a statement has done all its changes, or later. So a transaction
notes what it changed in the tables that such a constraint concerns: row ids, and of the columns only those that
make keys. The notes of the running statement are `changes`; checks put off to COMMIT or SET CONSTRAINTS ...
IMMEDIATE are `deferred`. Everything here is immutable, so a savepoint remembers it by reference: ROLLBACK TO takes
back notes, puts back checks that were done since, and restores what SET CONSTRAINTS said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import pyarrow as pa

from storage.catalog import Catalog, ForeignKey, Index
from storage.partition_tree import foreign_keys_at
from storage.references import KeyGuard, Validation
from storage.rows import RowIds

ConstraintObject = ForeignKey | Index


class ChangeSide(Enum):
    """Which rows of a change a deferred check is about."""

    REFERENCING = "referencing"
    REFERENCED = "referenced"
    KEY = "key"


@dataclass(frozen=True, slots=True, eq=False)
class RowChange:
    """Rows that were inserted (`old_ids` None), deleted (`new_ids` None) or updated, in the order of the statement.

    `before` and `after` hold the key columns of the old and the new rows by attnum, (n,) each.
    """

    table_oid: int
    old_ids: RowIds | None
    new_ids: RowIds | None
    before: Mapping[int, pa.Array] = field(default_factory=dict)
    after: Mapping[int, pa.Array] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        ids = self.new_ids if self.old_ids is None else self.old_ids
        return 0 if ids is None else len(ids)


@dataclass(frozen=True, slots=True, eq=False)
class DeferredCheck:
    """A constraint that is still to be checked for a change."""

    constraint_oid: int
    side: ChangeSide
    change: RowChange


@dataclass(frozen=True, slots=True)
class PendingChecks:
    """What is left to check, and how SET CONSTRAINTS changed the constraints' own timing.

    `modes` are by constraint OID, True = deferred; `mode_of_all` is what ALL was last set to. `guards` and
    `validations` are what the commit looks at again (`storage.references`).
    """

    changes: tuple[RowChange, ...] = ()
    deferred: tuple[DeferredCheck, ...] = ()
    modes: Mapping[int, bool] = field(default_factory=dict)
    mode_of_all: bool | None = None
    guards: tuple[KeyGuard, ...] = ()
    validations: tuple[Validation, ...] = ()

    def is_deferred(self, constraint: ConstraintObject) -> bool:
        """Whether a constraint is checked at COMMIT rather than after the statement."""
        if not constraint.is_deferrable:
            return False
        chosen = self.modes.get(constraint_oid(constraint), self.mode_of_all)
        return constraint.is_initially_deferred if chosen is None else chosen

    def with_modes(self, oids: frozenset[int] | None, *, is_deferred: bool) -> PendingChecks:
        """After SET CONSTRAINTS; None = ALL, which also overrides what was said of single ones before."""
        if oids is None:
            return replace(self, modes={}, mode_of_all=is_deferred)
        return replace(self, modes={**self.modes, **dict.fromkeys(oids, is_deferred)})


def constraint_oid(constraint: ConstraintObject) -> int:
    """The OID in pg_constraint: a key is an index with an OID of its own as a constraint."""
    return constraint.constraint_oid if isinstance(constraint, Index) else constraint.oid


def judged_keys(catalog: Catalog, table_oid: int) -> list[Index]:
    """Indexes whose keys are judged after the statement: deferrable unique ones, and those of EXCLUDE constraints."""
    return [
        index
        for index in catalog.indexes_of(table_oid)
        if (index.is_unique and index.is_deferrable) or index.is_exclusion
    ]


def watched_attnums(catalog: Catalog, table_oid: int) -> frozenset[int]:
    """Columns whose values a change of the table must note; empty when no constraint asks for any."""
    attnums: set[int] = set()
    for foreign_key in foreign_keys_at(catalog, table_oid):
        attnums.update(foreign_key.referenced_attnums)
    for constraint in catalog.constraints_of(table_oid):
        if isinstance(constraint, ForeignKey):
            attnums.update(constraint.attnums)
    for index in judged_keys(catalog, table_oid):
        attnums.update(index.read_attnums(), index.predicate_attnums)
    return frozenset(attnums)


def noted_columns(batch: pa.RecordBatch, attnums: frozenset[int]) -> dict[int, pa.Array]:
    """The noted columns that a batch of rows has, without a copy."""
    names = set(batch.schema.names)
    return {attnum: batch.column(str(attnum)) for attnum in attnums if str(attnum) in names}
