"""pgvector's limits of what can be indexed, for who wants them: `quiver.pgvector_limits` = on.

Sources: `HNSW_MAX_DIM` and the type functions of pgvector/pgvector:src/hnsw.h and hnswutils.c, `IVFFLAT_MAX_DIM` and
ivfutils.c: 2,000 dimensions of vector, twice as many of halfvec, 32 times as many of bit. Our own families have no limit
below that of the type.
"""

from __future__ import annotations

from foundation.errors import ProgramLimitExceeded
from foundation.settings import SettingValues
from foundation.sqltypes import BIT, HALFVEC, VECTOR, SqlType

_DIMENSIONS_MAX = {VECTOR.oid: 2000, HALFVEC.oid: 4000, BIT.oid: 64000}
_PGVECTOR_FAMILIES = ("hnsw", "ivfflat")
SETTING = "quiver.pgvector_limits"


def check_index_dimensions(settings: SettingValues, family: str, key_type: SqlType) -> None:
    """Whether pgvector would index vectors of that many dimensions.

    Raises:
        ProgramLimitExceeded: 54000, the limits are on and the key has more.
    """
    most = _DIMENSIONS_MAX.get(key_type.oid)
    if most is None or family not in _PGVECTOR_FAMILIES or key_type.typmod <= most:
        return
    if settings.boolean(SETTING):
        raise ProgramLimitExceeded(f"column cannot have more than {most} dimensions for {family} index")
