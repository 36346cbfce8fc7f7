"""Whether an outer join found a row: a column that is true in every row of a relation, and NULL in place of one.

A stored table has its ctid for that. Other relations get such a column only where a whole-row reference asks for it, as
most statements do not: `row_marker` notes the relation, and `with_row_markers` puts a query with one column more around it
once everything that may refer to the relation is bound.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.sqltypes import BOOL
from planner.bound import (
    ColumnRef,
    Constant,
    Expression,
    FunctionScan,
    Join,
    Relation,
    RelationColumn,
    Select,
    SubqueryScan,
    Target,
)
from sqlfront.binder.environment import Environment
from sqlfront.binder.scope import NamespaceItem

_CTID = -1
_MARKER = RelationColumn("row_is_there", BOOL)


def row_marker(environment: Environment, item: NamespaceItem) -> Expression | None:
    """What is NULL exactly where a FROM item has no row; None for an item of several relations, or of none."""
    ctid = next((column.expression for column in item.columns if column.attnum == _CTID), None)
    if ctid is not None:
        return ctid
    references = [column.expression for column in item.columns if isinstance(column.expression, ColumnRef)]
    relation_ids = {reference.relation_id for reference in references}
    if len(relation_ids) != 1:
        return None
    relation_id = relation_ids.pop()
    environment.state.marked_relations.add(relation_id)
    return ColumnRef(relation_id, len(references), _MARKER.name, _MARKER.type)


def with_row_markers(environment: Environment, relation: Relation | None) -> Relation | None:
    """FROM with a marker in every relation that `row_marker` was asked for."""
    if relation is None or not environment.state.marked_relations:
        return relation
    return _marked(environment, relation)


def _marked(environment: Environment, relation: Relation) -> Relation:
    if isinstance(relation, Join):
        left, right = _marked(environment, relation.left), _marked(environment, relation.right)
        return replace(relation, left=left, right=right)
    if relation.relation_id not in environment.state.marked_relations:
        return relation
    inner_id = environment.state.next_relation_id(relation.alias)
    targets = [
        Target(ColumnRef(inner_id, position, column.name, column.type), column.name)
        for position, column in enumerate(relation.columns)
    ]
    targets.append(Target(Constant(True, BOOL), _MARKER.name))
    query = Select(tuple(targets), replace(relation, relation_id=inner_id))
    is_lateral = isinstance(relation, FunctionScan) or (
        isinstance(relation, SubqueryScan) and relation.is_lateral
    )
    return SubqueryScan(relation.relation_id, query, relation.alias, (*relation.columns, _MARKER), is_lateral)
