"""INSERT, UPDATE, DELETE and MERGE: rows are computed column-wise and handed to the transaction.

Constant VALUES lists and single-table statements that the native evaluator understands never visit DuckDB.
"""

from planner.dml.delete import run_delete
from planner.dml.exclusions import check_rows_apart
from planner.dml.index_limits import check_sparse_elements, has_pgvector_limits, limited_attnums
from planner.dml.insert import has_constant_source, insert_columns, run_insert
from planner.dml.insert_many import RowTemplate
from planner.dml.key_types import Pairing, converted, pairing
from planner.dml.merge import run_merge
from planner.dml.referential import check_deferred, check_existing_rows, check_statement
from planner.dml.repeated_insert import RepeatedInsert, RowMaker, columns_of_rows, given_columns
from planner.dml.replaced_rows import replace_rows
from planner.dml.result import DmlResult
from planner.dml.rules import evaluate_index_keys, first_violation, read_attnums, row_values, with_generated
from planner.dml.update import run_update

__all__ = [
    "DmlResult",
    "Pairing",
    "RepeatedInsert",
    "RowMaker",
    "RowTemplate",
    "check_deferred",
    "check_existing_rows",
    "check_rows_apart",
    "check_sparse_elements",
    "check_statement",
    "columns_of_rows",
    "converted",
    "evaluate_index_keys",
    "first_violation",
    "given_columns",
    "has_constant_source",
    "has_pgvector_limits",
    "insert_columns",
    "limited_attnums",
    "pairing",
    "read_attnums",
    "replace_rows",
    "row_values",
    "run_delete",
    "run_insert",
    "run_merge",
    "run_update",
    "with_generated",
]
