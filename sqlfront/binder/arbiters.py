"""Binding of ON CONFLICT: which unique indexes arbitrate, and what becomes of a row that is there already.

Arbiters are inferred from columns as plancat.c (infer_arbiter_indexes) does: every unique index with exactly those
columns. https://www.postgresql.org/docs/15/sql-insert.html#SQL-ON-CONFLICT
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import SyntaxErrorInStatement, UndefinedColumn, UndefinedObject, WrongObjectType
from planner.bound import ColumnRef, Expression, OnConflict
from planner.dml.returning import replace_columns
from planner.implication import comparable, is_implied
from sqlfront.binder.assignments import bind_assignments
from sqlfront.binder.dml_targets import ChangeTarget
from sqlfront.binder.environment import Clause, Environment, QueryFindings, bind_node, unsupported
from sqlfront.binder.errors import InvalidColumnReference
from sqlfront.binder.relations import scan_table
from sqlfront.binder.rules import ROW_RELATION_ID
from sqlfront.binder.scope import Scope
from sqlfront.binder.select import bind_condition
from sqlfront.parser.nodes import position_of
from storage.catalog import Index, Table

EXCLUDED = "excluded"


def bind_on_conflict(environment: Environment, change: ChangeTarget, node: exp.OnConflict) -> OnConflict:
    """Bind an ON CONFLICT clause.

    Args:
        environment: of the statement; the clause sees the target and EXCLUDED, both by their columns' bare names.
        change: the table or view that rows are inserted into, under its alias.

    Raises:
        InvalidColumnReference: 42P10 `there is no unique or exclusion constraint matching ...`.
        UndefinedObject: 42704, a constraint; WrongObjectType: 42809, one that is no index.
        SyntaxErrorInStatement: 42601, DO UPDATE without arbiters, and what `bind_assignments` raises.
        UndefinedColumn: 42703; AmbiguousColumn: 42702; UndefinedTable: 42P01.
        FeatureNotSupported: 0A000, an operator class or a collation.
    """
    table, target = change.table, change.item
    is_update = node.args["action"] == "UPDATE"
    if is_update and node.args.get("constraint") is None and not node.expressions:
        raise SyntaxErrorInStatement(
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            hint="For example, ON CONFLICT (column_name).",
            position=position_of(node),
        )
    index_oids = _arbiters(environment, change, node)
    excluded, item = scan_table(environment, table, EXCLUDED, "")
    if not is_update:
        return OnConflict(index_oids, excluded.relation_id)
    columns = list(item.visible_columns())  # A row that is not stored yet has no system columns.
    if change.view is not None:
        columns = [
            replace(column, expression=_over(column.expression, excluded.relation_id))
            for column in target.columns
        ]
    item = replace(item, columns=tuple(columns), table_name="")
    inner = replace(environment, scope=Scope([target, item]), findings=QueryFindings())
    assignments = bind_assignments(inner, change, node.args["assignments"])
    where = bind_condition(inner, node.args.get("where"), Clause.WHERE)
    return OnConflict(index_oids, excluded.relation_id, assignments, where)


def _arbiters(environment: Environment, change: ChangeTarget, node: exp.OnConflict) -> tuple[int, ...]:
    """OIDs of the arbiters; () where the clause names none."""
    from sqlfront.binder.index_predicates import index_predicate

    table = change.table
    indexes = environment.context.catalog.indexes_of(table.oid)
    constraint = node.args.get("constraint")
    if constraint is not None:
        index = _constraint_index(environment, change, str(constraint.this))
        if index.is_exclusion and node.args["action"] == "UPDATE":
            raise WrongObjectType("ON CONFLICT DO UPDATE not supported with exclusion constraints")
        return (index.oid,)
    if not node.expressions:
        return ()
    inner = replace(environment, scope=Scope([change.item]), findings=QueryFindings())
    items = [_arbiter(inner, change, item) for item in node.expressions]
    attnums = {item for item in items if isinstance(item, int)}
    expressions = {item for item in items if not isinstance(item, int)}
    condition = None
    if node.args.get("index_where") is not None:
        condition = _over(bind_node(inner.at(Clause.PREDICATE), node.args["index_where"]), ROW_RELATION_ID)
    found = [
        index.oid
        for index in indexes
        if index.is_unique
        and {key.attnum for key in index.keys if key.attnum} == attnums
        and _key_expressions(table, index) == expressions
        and (index.predicate_sql is None or is_implied(index_predicate(table, index).expression, condition))
    ]
    if not found:
        raise InvalidColumnReference(
            "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        )
    return tuple(found)


def _constraint_index(environment: Environment, change: ChangeTarget, name: str) -> Index:
    """The index behind a constraint; a view has none. Raises 42704, 42809."""
    catalog, table = environment.context.catalog, change.table
    if change.view is not None:
        raise UndefinedObject(f'constraint "{name}" for table "{change.view.name}" does not exist')
    for index in catalog.indexes_of(table.oid):
        if index.constraint_oid and index.name == name:
            return index
    if any(constraint.name == name for constraint in catalog.constraints_of(table.oid)):
        raise WrongObjectType("constraint in ON CONFLICT clause has no associated index")
    raise UndefinedObject(f'constraint "{name}" for table "{table.name}" does not exist')


def _key_expressions(table: Table, index: Index) -> set[Expression]:
    """The keys of an index that are no columns, in the form of `_arbiter`."""
    from sqlfront.binder.index_expressions import bound_index_keys

    return {comparable(key.expression) for key in bound_index_keys(table, (index,))}


def _arbiter(environment: Environment, change: ChangeTarget, node: exp.Expr) -> int | Expression:
    """The column that an item of the conflict target means, or the expression over a row of the table."""
    position = position_of(node)
    if node.args.get("direction"):
        raise InvalidColumnReference("ASC/DESC is not allowed in ON CONFLICT clause", position=position)
    if node.args.get("nulls_order"):
        raise InvalidColumnReference(
            "NULLS FIRST/LAST is not allowed in ON CONFLICT clause", position=position
        )
    if node.args.get("operator_class"):
        raise unsupported(node, "an operator class in ON CONFLICT")
    if isinstance(node.this, exp.Collate):
        raise unsupported(node, "a collation in ON CONFLICT")
    item = node.this
    if isinstance(item, exp.Column) and item.args.get("table") is None:
        name = str(item.this.this)
        if (change.view or change.table).column(name) is None:
            raise UndefinedColumn(f'column "{name}" does not exist', position=position_of(item))
    expression = bind_node(environment.at(Clause.INDEX), item)
    if isinstance(expression, ColumnRef):
        return change.scan.columns[expression.position].attnum
    over_row: Expression = comparable(_over(expression, ROW_RELATION_ID))
    return over_row


def _over(expression: Expression, relation_id: int) -> Expression:
    """An expression over the target as one over another row of its table; indexes keep theirs over `ROW_RELATION_ID`."""
    moved: Expression = replace_columns(expression, lambda column: replace(column, relation_id=relation_id))
    return moved
