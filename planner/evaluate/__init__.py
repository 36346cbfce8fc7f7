"""Native evaluation of bound expressions over Arrow columns, and filters as bitsets.

`evaluate` computes a column, `filter_bits` a bitset of the rows of a segment for which a predicate is TRUE,
`is_native` says beforehand whether an expression can be evaluated here at all.
"""

from planner.evaluate.casts import conform
from planner.evaluate.constants import constant_array, python_value
from planner.evaluate.coverage import has_effects, is_immutable, is_native, is_row_free
from planner.evaluate.domains import domain_failure
from planner.evaluate.expressions import evaluate, evaluate_constant
from planner.evaluate.filters import (
    FilterSources,
    VisibleRows,
    count_reads,
    count_visible,
    filter_bits,
    true_offsets,
    visible_rows,
)
from planner.evaluate.frame import Frame, segment_frame
from planner.evaluate.ordering import SortColumn, sort_offsets
from planner.evaluate.system_columns import ctid_text, row_id_of_ctid

__all__ = [
    "FilterSources",
    "Frame",
    "SortColumn",
    "VisibleRows",
    "conform",
    "constant_array",
    "count_reads",
    "count_visible",
    "ctid_text",
    "domain_failure",
    "evaluate",
    "evaluate_constant",
    "filter_bits",
    "has_effects",
    "is_immutable",
    "is_native",
    "is_row_free",
    "python_value",
    "row_id_of_ctid",
    "segment_frame",
    "sort_offsets",
    "true_offsets",
    "visible_rows",
]
