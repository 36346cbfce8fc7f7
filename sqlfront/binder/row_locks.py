"""Binding of FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE and FOR KEY SHARE (transformLockingClause)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from sqlglot import exp

from foundation.errors import FeatureNotSupported, UndefinedTable, WrongObjectType
from planner.bound import (
    CteScan,
    FunctionScan,
    Join,
    JoinKind,
    Relation,
    RowLock,
    SubqueryScan,
    TableScan,
    VirtualScan,
)
from sqlfront.binder.environment import Environment
from sqlfront.parser.nodes import position_of
from storage.catalog import MaterializedView
from storage.lock_modes import RowStrength
from storage.locks import WaitPolicy

_Item: TypeAlias = TableScan | VirtualScan | FunctionScan | SubqueryScan | CteScan
_WAITS = {None: WaitPolicy.WAIT, False: WaitPolicy.SKIP_LOCKED, True: WaitPolicy.NOWAIT}
_POLICIES = (WaitPolicy.WAIT, WaitPolicy.SKIP_LOCKED, WaitPolicy.NOWAIT)
"""By what wins where several clauses name one table."""


def bind_row_locks(environment: Environment, node: exp.Expr, from_: Relation | None) -> tuple[RowLock, ...]:
    """The rows that a SELECT locks, one entry a table of its FROM; of several clauses the strongest counts.

    Raises:
        FeatureNotSupported: 0A000, with GROUP BY and its like, for what has no rows to lock.
        UndefinedTable: 42P01, OF names nothing in FROM. WrongObjectType: 42809, a materialized view.
    """
    found: dict[int, RowLock] = {}
    for clause in node.args.get("locks") or ():
        strength = _strength(clause)
        _check_query(environment, node, strength)
        for scan in _locked_scans(clause, from_, strength):
            _check_lockable(environment, scan)
            lock = RowLock(scan.relation_id, scan.table_oid, strength, _WAITS[clause.args.get("wait")])
            found[scan.relation_id] = _stronger(lock, found.get(scan.relation_id))
    if found:
        environment.context.notes.locks_rows = True
        _check_not_nullable(found, from_, is_nullable=False)
    return tuple(found.values())


def _check_lockable(environment: Environment, scan: TableScan) -> None:
    found = environment.context.catalog.get(scan.table_oid)
    if isinstance(found, MaterializedView):
        raise WrongObjectType(f'cannot lock rows in materialized view "{found.name}"')


def refuse_row_locks(node: exp.Expr, why: str) -> None:
    """Raises FeatureNotSupported (0A000) where a query without rows of tables has FOR UPDATE or its like."""
    for clause in node.args.get("locks") or ():
        raise FeatureNotSupported(f"{lock_name(_strength(clause))} {why}")


def lock_name(strength: RowStrength) -> str:
    """FOR NO KEY UPDATE and its like."""
    return f"FOR {strength.name.replace('_', ' ')}"


def _strength(clause: exp.Expr) -> RowStrength:
    if clause.args.get("update"):
        return RowStrength.NO_KEY_UPDATE if clause.args.get("key") else RowStrength.UPDATE
    return RowStrength.KEY_SHARE if clause.args.get("key") else RowStrength.SHARE


def _stronger(one: RowLock, other: RowLock | None) -> RowLock:
    if other is None:
        return one
    return RowLock(
        one.relation_id,
        one.table_oid,
        max(one.strength, other.strength),
        max(one.policy, other.policy, key=_POLICIES.index),
    )


def _check_query(environment: Environment, node: exp.Expr, strength: RowStrength) -> None:
    findings = environment.findings
    refused = (
        "DISTINCT clause" if node.args.get("distinct")
        else "GROUP BY clause" if node.args.get("group")
        else "HAVING clause" if node.args.get("having")
        else "aggregate functions" if findings.has_aggregates
        else "window functions" if findings.has_windows
        else "set-returning functions in the target list" if findings.has_set_functions
        else ""
    )  # fmt: skip
    if refused:
        raise FeatureNotSupported(f"{lock_name(strength)} is not allowed with {refused}")


def _locked_scans(clause: exp.Expr, from_: Relation | None, strength: RowStrength) -> Iterator[TableScan]:
    items = list(_leaves(from_)) if from_ is not None else []
    named = clause.expressions or ()
    for table in named:
        name = str(table.this.this)
        matching = [item for item in items if item.alias == name]
        if not matching:
            raise UndefinedTable(
                f'relation "{name}" in {lock_name(strength)} clause not found in FROM clause',
                position=position_of(table),
            )
        yield from _scans_of(matching[0], strength, position_of(table), is_named=True)
    if not named:
        for item in items:
            yield from _scans_of(item, strength, None, is_named=False)


def _leaves(relation: Relation) -> Iterator[_Item]:
    if isinstance(relation, Join):
        yield from _leaves(relation.left)
        yield from _leaves(relation.right)
    else:
        yield relation


def _scans_of(
    item: _Item,
    strength: RowStrength,
    position: int | None,
    *,
    is_named: bool,
) -> Iterator[TableScan]:
    """What is locked of a FROM item. Without OF a function, a catalog or a WITH query is simply left out."""
    if isinstance(item, TableScan):
        yield item
    elif isinstance(item, SubqueryScan):
        raise FeatureNotSupported(
            f"{lock_name(strength)} of a sub-query in FROM is not supported",
            hint="Write it inside the sub-query.",
            position=position,
        )
    elif is_named and not isinstance(item, VirtualScan):
        what = "a WITH query" if isinstance(item, CteScan) else "a function"
        raise FeatureNotSupported(f"{lock_name(strength)} cannot be applied to {what}", position=position)


def _check_not_nullable(locks: dict[int, RowLock], relation: Relation | None, *, is_nullable: bool) -> None:
    if isinstance(relation, Join):
        left = is_nullable or relation.kind in (JoinKind.RIGHT, JoinKind.FULL)
        right = is_nullable or relation.kind in (JoinKind.LEFT, JoinKind.FULL)
        _check_not_nullable(locks, relation.left, is_nullable=left)
        _check_not_nullable(locks, relation.right, is_nullable=right)
    elif is_nullable and isinstance(relation, TableScan) and relation.relation_id in locks:
        name = lock_name(locks[relation.relation_id].strength)
        raise FeatureNotSupported(f"{name} cannot be applied to the nullable side of an outer join")
