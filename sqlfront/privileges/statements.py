"""What a bound query or data change needs the rights for, and whether a role has them.

As ExecCheckRTPerms() in src/backend/executor/execMain.c of PostgreSQL 15: SELECT on what FROM names, or on the columns that are read;
INSERT, UPDATE and DELETE on what is changed. What a view reads is read with the rights of the view's owner.
https://www.postgresql.org/docs/15/rules-privileges.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from planner import bound
from sqlfront.privileges.notes import AccessNotes, WrittenView, WrittenViews
from sqlfront.privileges.rights import Rights, denied
from sqlfront.privileges.system_relations import check_system_relation
from storage.acl import NO_PRIVILEGE, Privilege
from storage.catalog import CatalogObject, ColumnRelation, Index, Sequence, View

_COLUMN_WISE = (Privilege.SELECT, Privilege.INSERT, Privilege.UPDATE)


@dataclass(slots=True)
class _Need:
    """What is needed on a relation, by which role; `columns` are those that SELECT, INSERT and UPDATE are about."""

    relation_oid: int
    role_oid: int
    privileges: Privilege = NO_PRIVILEGE
    columns: dict[Privilege, set[int]] = field(
        default_factory=lambda: {privilege: set() for privilege in _COLUMN_WISE}
    )
    virtual: bound.VirtualScan | None = None

    def add(self, privilege: Privilege, attnums: Iterable[int] = ()) -> None:
        self.privileges |= privilege
        self.columns[privilege].update(attnums) if privilege in self.columns else None


def check_statement(statement: bound.BoundStatement, notes: AccessNotes, rights: Rights) -> None:
    """Raises InsufficientPrivilege (42501) for the first thing that the role has no right to do."""
    if rights.is_superuser and not notes.reads_views:
        return
    needs = _Needs(rights, notes)
    needs.visit(statement)
    needs.check()


class _Needs:
    """Collects what a tree needs, in the order in which it names relations."""

    def __init__(self, rights: Rights, notes: AccessNotes) -> None:
        self._rights = rights
        self._notes = notes
        self._needs: dict[int, _Need] = {}
        self._columns: dict[int, tuple[bound.RelationColumn, ...]] = {}
        self._read: dict[int, set[int]] = {}
        self._same: dict[int, int] = {}
        self._sequences: list[int] = []

    # -- collecting -----------------------------------------------------------------------------------------

    def visit(self, node: Any, role_oid: int | None = None) -> None:
        """Note what a part of the tree needs; `role_oid` is who reads it, None the current user."""
        role_oid = self._rights.role_oid if role_oid is None else role_oid
        match node:
            case bound.ColumnRef():
                self._read.setdefault(node.relation_id, set()).add(node.position)
            case bound.Insert() | bound.Update() | bound.Delete() | bound.Merge():
                self._visit_change(node, role_oid)
                return
            case bound.TableScan() | bound.VirtualScan():
                self._add_scan(node, role_oid)
            case bound.SubqueryScan() if node.view_oid:
                self._add_scan(node, role_oid)
                view = self._rights.catalog.get(node.view_oid)
                assert view is not None, "a view that was bound"
                self.visit(node.query, view.owner_oid)
                return
            case bound.Call() if node.function.name == "nextval":
                self._add_sequence(node)
        for child in bound.child_nodes(node):
            self.visit(child, role_oid)
        if isinstance(node, bound.Select):
            for lock in node.locks:
                self._add_lock(lock)

    def _add_scan(self, node: Any, role_oid: int) -> None:
        match node:
            case bound.TableScan():
                need = _Need(node.table_oid, role_oid)
            case bound.VirtualScan():
                need = _Need(node.relation_oid, role_oid, virtual=node)
            case _:
                need = _Need(node.view_oid, role_oid)
        need.add(Privilege.SELECT)
        self._needs[node.relation_id] = need
        self._columns[node.relation_id] = node.columns

    def _add_lock(self, lock: bound.RowLock) -> None:
        """Locking rows needs UPDATE on their table."""
        if lock.relation_id in self._needs:
            self._needs[lock.relation_id].add(Privilege.UPDATE)

    def _add_sequence(self, call: bound.Call) -> None:
        if any(call is identity for identity in self._notes.identity_calls):
            return
        for argument in call.arguments:
            if isinstance(argument, bound.Constant) and isinstance(argument.value, int):
                self._sequences.append(argument.value)

    def _visit_change(self, node: Any, role_oid: int) -> None:
        target = node if isinstance(node, bound.Insert) else node.target
        need = _Need(target.table_oid, role_oid)
        self._needs[target.relation_id] = need
        self._columns[target.relation_id] = target.columns
        match node:
            case bound.Insert():
                need.add(Privilege.INSERT, node.attnums)
                self._add_conflict(need, node.relation_id, node.on_conflict)
            case bound.Update():
                need.add(Privilege.UPDATE, (attnum for attnum, _ in node.assignments))
            case bound.Delete():
                need.add(Privilege.DELETE)
            case bound.Merge():
                for clause in node.clauses:
                    self._add_clause(need, clause)
        written = self._notes.written.get(target.relation_id)
        for child in _parts_of_change(node, written.condition if written is not None else None):
            self.visit(child, role_oid)
        for _, default in getattr(node, "defaults", ()):
            self.visit(default, role_oid)

    def _add_conflict(self, need: _Need, relation_id: int, conflict: bound.OnConflict | None) -> None:
        """The columns of the arbiters are read."""
        if conflict is None:
            return
        for oid in conflict.index_oids:
            index = self._rights.catalog.get(oid)
            assert isinstance(index, Index), "an arbiter"
            need.add(Privilege.SELECT, index.read_attnums())
        if conflict.assignments is not None:
            need.add(Privilege.UPDATE, (attnum for attnum, _ in conflict.assignments))
            # What EXCLUDED is asked for is read of the table, as PostgreSQL has it.
            self._same[conflict.excluded_id] = relation_id

    def _add_clause(self, need: _Need, clause: bound.MergeClause) -> None:
        attnums = [n for n, value in clause.values if not any(value is d for d in self._notes.defaults)]
        match clause.action:
            case bound.MergeAction.INSERT:
                need.add(Privilege.INSERT, attnums)
            case bound.MergeAction.UPDATE:
                need.add(Privilege.UPDATE, attnums)
            case bound.MergeAction.DELETE:
                need.add(Privilege.DELETE)

    # -- checking -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises InsufficientPrivilege (42501)."""
        for read_id, positions in self._read.items():
            relation_id = self._same.get(read_id, read_id)
            need = self._needs.get(relation_id)
            if need is not None:
                columns = self._columns[relation_id]
                need.add(Privilege.SELECT, {columns[p].attnum for p in positions if p < len(columns)})
        for relation_id, need in self._needs.items():
            written = self._notes.written.get(relation_id)
            for part in (need,) if written is None else self._through_views(need, written):
                self._check_need(part)
        for oid in self._notes.functions:
            function = self._rights.catalog.get(oid)
            if function is not None:
                self._rights.check(function, Privilege.EXECUTE)
        for oid in self._sequences:
            sequence = self._rights.catalog.get(oid)
            if isinstance(sequence, Sequence):
                self._rights.check_any(sequence, Privilege.USAGE | Privilege.UPDATE)

    def _through_views(self, need: _Need, written: WrittenViews) -> Iterator[_Need]:
        """The needs of a change through views: each view's by the owner of the one above it, the table's by the last one's."""
        role_oid = need.role_oid
        for level in written.levels:
            columns = {p: _columns_of_view(level, attnums) for p, attnums in need.columns.items()}
            yield _Need(level.view_oid, role_oid, need.privileges, columns)
            # An INSERT does not look at the rows that are there.
            if level.read_attnums and not need.privileges & Privilege.INSERT:
                need.add(Privilege.SELECT, level.read_attnums)
            view = self._rights.catalog.get(level.view_oid)
            assert isinstance(view, View), "rows are changed through views"
            role_oid = view.owner_oid
        yield _Need(need.relation_oid, role_oid, need.privileges, need.columns)

    def _check_need(self, need: _Need) -> None:
        rights = self._rights
        if need.role_oid != rights.role_oid:
            rights = Rights(rights.catalog, rights.database_oid, need.role_oid)
        if rights.is_superuser:
            return
        relation = rights.catalog.get(need.relation_oid)
        if need.virtual is not None and relation is None:
            check_system_relation(rights, need.virtual.name)
        elif relation is not None and not _is_allowed(rights, relation, need):
            raise denied(relation)


def _is_allowed(rights: Rights, relation: CatalogObject, need: _Need) -> bool:
    missing = need.privileges & ~rights.on(relation)
    if not missing:
        return True
    if not isinstance(relation, ColumnRelation):
        return False
    by_column = [privilege for privilege in _COLUMN_WISE if privilege & missing]
    if missing & ~(Privilege.SELECT | Privilege.INSERT | Privilege.UPDATE):
        return False
    return all(rights.may_on_columns(relation, p, need.columns[p]) for p in by_column)


def _parts_of_change(node: Any, condition: bound.Expression | None) -> Iterator[Any]:
    """What a data change itself says: not the table's rules and defaults, nor the conditions of the views it goes through."""
    for name in bound.FIELD_NAMES[type(node)]:
        if name in ("rules", "defaults", "target"):
            continue
        value = getattr(node, name)
        if name == "where" and condition is not None:
            yield from (part for part in _conjuncts(value) if part is not condition)
        else:
            yield from _nodes_in(value)


def _conjuncts(where: Any) -> tuple[Any, ...]:
    return where.arguments if isinstance(where, bound.BoolExpression) else (where,)


def _nodes_in(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)
    elif bound.IS_NODE[type(value)]:
        yield value


def _columns_of_view(level: WrittenView, attnums: set[int]) -> set[int]:
    """The columns of a view that stand for columns of the table."""
    return {shown for shown, attnum in level.columns if attnum in attnums}
