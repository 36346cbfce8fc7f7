"""SET CONSTRAINTS: when the deferrable constraints of the running transaction are checked.

IMMEDIATE does at once what was put off so far. https://www.postgresql.org/docs/15/sql-set-constraints.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation.errors import UndefinedObject, WrongObjectType
from planner.dml import check_deferred
from sqlfront.parser import QualifiedName, SetConstraintsStatement
from sqlfront.session.names import schema_called
from sqlfront.session.outcome import Outcome
from storage.catalog import Catalog, ForeignKey, Index, Table
from storage.changes import constraint_oid

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

_NOT_IN_BLOCK = "25P01"


def run_set_constraints(session: LocalSession, node: SetConstraintsStatement) -> Outcome:
    """SET CONSTRAINTS.

    Raises:
        UndefinedObject: 42704. WrongObjectType: 42809, not deferrable. 23503 and 23505 as the checks find.
    """
    if not session.block.is_explicit:
        session.warn("SET CONSTRAINTS can only be used in transaction blocks", _NOT_IN_BLOCK)
        return Outcome("SET CONSTRAINTS")
    transaction = session.block.open_transaction()
    oids = _named(session, transaction.catalog, node.names) if node.names else None
    transaction.pending = transaction.pending.with_modes(oids, is_deferred=node.is_deferred)
    if not node.is_deferred:
        check_deferred(session.execution_context(transaction), oids)
    return Outcome("SET CONSTRAINTS")


def _named(session: LocalSession, catalog: Catalog, names: tuple[QualifiedName, ...]) -> frozenset[int]:
    return frozenset(oid for name in names for oid in _oids_of(session, catalog, name))


def _oids_of(session: LocalSession, catalog: Catalog, name: QualifiedName) -> list[int]:
    """Constraints of a name in the first schema of the search path that has any: tables may share names."""
    path = session.search_path()
    for schema_name in (schema_called(name.schema, path),) if name.schema else path:
        schema = catalog.find_schema(session.identity.database_oid, schema_name)
        if schema is None:
            continue
        found = [
            constraint
            for table in catalog.objects(Table, session.identity.database_oid)
            if table.schema_oid == schema.oid
            for constraint in (*catalog.constraints_of(table.oid), *catalog.indexes_of(table.oid))
            if constraint.name == name.name
            and (not isinstance(constraint, Index) or constraint.constraint_oid)
        ]
        timed = [c for c in found if isinstance(c, ForeignKey | Index) and c.is_deferrable]
        if found and not timed:
            raise WrongObjectType(f'constraint "{name.name}" is not deferrable')
        if timed:
            return [constraint_oid(constraint) for constraint in timed]
    raise UndefinedObject(f'constraint "{name.name}" does not exist')
