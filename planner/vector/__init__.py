"""Vector islands: top-k by distance over one table, exact or through vector indexes, and the indexes' life.

`try_island` recognises one in a SELECT, `build_table_index` builds the index files CREATE INDEX asks for,
`index_status` says what each index serves, `index_file_faults` checks what is stored.
"""

from planner.vector.build_claims import BuildClaims
from planner.vector.build_reports import BuildReport, BuildReports
from planner.vector.checking import index_file_faults
from planner.vector.graph_keeper import GraphKeeper
from planner.vector.index_build import (
    IndexStatus,
    build_table_index,
    index_status,
    inherited_indexes,
    is_index_valid,
)
from planner.vector.index_rules import IndexRules, configure_index_rules
from planner.vector.indexable_rows import has_indexable_rows
from planner.vector.island import IslandPlan, SearchBatch, try_island
from planner.vector.key_columns import key_family, key_metrics, may_be_expression
from planner.vector.recognise import vector_order

__all__ = [
    "BuildClaims",
    "BuildReport",
    "BuildReports",
    "GraphKeeper",
    "IndexRules",
    "IndexStatus",
    "IslandPlan",
    "SearchBatch",
    "build_table_index",
    "configure_index_rules",
    "has_indexable_rows",
    "index_file_faults",
    "index_status",
    "inherited_indexes",
    "is_index_valid",
    "key_family",
    "key_metrics",
    "may_be_expression",
    "try_island",
    "vector_order",
]
