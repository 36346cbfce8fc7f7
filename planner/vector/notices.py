"""Tells the client why a vector index on the ordered column cannot serve the query."""

from __future__ import annotations

from planner import bound
from planner.services import ExecutionContext
from planner.vector.key_columns import is_indexable
from planner.vector.recognise import find_distance, vector_order
from planner.vector.strategy import unused_index_notices, vector_indexes


def warn_of_unused_indexes(key: bound.SortKey, scan: bound.TableScan, context: ExecutionContext) -> None:
    """Send a NOTICE for each vector index of the columns in the sort key, when none can serve it."""
    if not context.settings.boolean("enable_indexscan"):
        return
    attnums = {
        scan.columns[node.position].attnum
        for node in bound.walk(key.expression)
        if isinstance(node, bound.ColumnRef)
        and node.relation_id == scan.relation_id
        and is_indexable(node.type)
    }
    indexes = vector_indexes(context.transaction.catalog, scan.table_oid, attnums)
    if not indexes:
        return
    distance = find_distance(key.expression, scan)
    is_farthest = distance is not None and (distance.direction > 0) == key.is_descending
    notices = unused_index_notices(
        indexes, vector_order(key, scan), scan, context, is_farthest_first=is_farthest
    )
    for message, hint in notices:
        context.session.notice(message, hint=hint)
