"""pgvector's limit of sparse vectors in an hnsw index, for who wants it: `quiver.pgvector_limits` = on.

Source: `HNSW_MAX_NNZ` and `HnswSparsevecCheckValue` of pgvector/pgvector:src/hnsw.h and hnswutils.c. Indexes over
expressions or with a predicate are left out: what they would take in is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from foundation.errors import ProgramLimitExceeded
from foundation.settings import SettingValues
from foundation.sparse import sparse_rows
from foundation.sqltypes import SPARSEVEC
from storage.catalog import Index, Table

_ELEMENTS_MAX = 1000


def has_pgvector_limits(settings: SettingValues) -> bool:
    """Whether only what pgvector can index may be indexed."""
    return settings.boolean("quiver.pgvector_limits")


def limited_attnums(settings: SettingValues, table: Table, indexes: Iterable[Index]) -> frozenset[int]:
    """Columns of sparse vectors that pgvector would index by hnsw; none where the limits are off."""
    if not has_pgvector_limits(settings):
        return frozenset()
    keys = (
        key
        for index in indexes
        if index.family == "hnsw" and index.predicate_sql is None
        for key in index.keys
    )
    return frozenset(
        key.attnum for key in keys if key.attnum and table.column_at(key.attnum).type.oid == SPARSEVEC.oid
    )


def check_sparse_elements(batch: pa.RecordBatch, attnums: Iterable[int]) -> None:
    """Check the elements of sparse vectors.

    Args:
        batch: (n) rows, columns named by str(attnum).
        attnums: columns to look at; those that the batch does not have are passed over.

    Raises:
        ProgramLimitExceeded: 54000, a vector has more than pgvector indexes.
    """
    for attnum in attnums:
        place = batch.schema.get_field_index(str(attnum))
        if place < 0:
            continue
        counts = sparse_rows(batch.column(place).drop_null()).counts
        if len(counts) and int(np.max(counts)) > _ELEMENTS_MAX:
            raise ProgramLimitExceeded(
                f"sparsevec cannot have more than {_ELEMENTS_MAX} non-zero elements for hnsw index"
            )
