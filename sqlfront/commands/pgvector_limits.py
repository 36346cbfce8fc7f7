"""pgvector's limits of what can be indexed, for who wants them: `quiver.pgvector_limits` = on.

Sources: `HNSW_MAX_DIM` and the type functions of pgvector/pgvector:src/hnsw.h and hnswutils.c, `IVFFLAT_MAX_DIM` and
ivfutils.c: 2,000 dimensions of vector, twice as many of halfvec, 32 times as many of bit; of sparsevec 1,000 elements, which rows that
come later obey, too (`planner.dml.index_limits`). Our own families have no limit below that of the type.
"""

from __future__ import annotations

from foundation.errors import ProgramLimitExceeded
from foundation.settings import SettingValues
from foundation.sqltypes import BIT, HALFVEC, VECTOR, SqlType
from planner.dml import check_sparse_elements, has_pgvector_limits, limited_attnums
from sqlfront.commands.context import CommandContext
from sqlfront.commands.stored_rows import visible_rows
from storage.catalog import Index, Table

_DIMENSIONS_MAX = {VECTOR.oid: 2000, HALFVEC.oid: 4000, BIT.oid: 64000}
_PGVECTOR_FAMILIES = ("hnsw", "ivfflat")


def check_index_dimensions(settings: SettingValues, family: str, key_type: SqlType) -> None:
    """Whether pgvector would index vectors of that many dimensions.

    Raises:
        ProgramLimitExceeded: 54000, the limits are on and the key has more.
    """
    most = _DIMENSIONS_MAX.get(key_type.oid)
    if most is None or family not in _PGVECTOR_FAMILIES or key_type.typmod <= most:
        return
    if has_pgvector_limits(settings):
        raise ProgramLimitExceeded(f"column cannot have more than {most} dimensions for {family} index")


def check_sparse_rows(context: CommandContext, table: Table, index: Index) -> None:
    """Whether pgvector would index the sparse vectors of a table's rows.

    Raises:
        ProgramLimitExceeded: 54000, the limits are on and a row has more elements.
    """
    attnums = limited_attnums(context.settings, table, (index,))
    if attnums:
        for _, batch in visible_rows(context, table, sorted(attnums)):
            check_sparse_elements(batch, attnums)
