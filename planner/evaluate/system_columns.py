"""System columns of a table: ctid shows the row id, xmin its low 32 bits, tableoid the table's OID; xmax is 0.

PostgreSQL's xmax is the transaction that deleted or locked a row version. Nobody sees a deleted one here. ON CONFLICT DO
UPDATE locks what it updates, and `RETURNING xmax = 0` is how clients tell its inserted rows: there xmax is not 0.

A row id is a uint64; ctid has 32 bits of block and 16 bits of offset, so the text is (row id >> 16, row id &
65535). Row ids of uncommitted rows have the top bit set; it is cut off, as everything above 48 bits is.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidTextRepresentation

CTID = -1
XMIN = -2
XMAX = -4
TABLEOID = -6
ROW_ID = -100
"""No column of PostgreSQL's: a stored row's id as int8 (the uint64's bits), for changes and row locks."""
FIRST_NORMAL_XID = 3

_TID = re.compile(r"\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*\Z")


def ctid_text(row_ids: npt.NDArray[np.uint64]) -> pa.Array:
    """(n,) utf8 `(block,offset)`."""
    blocks = pa.array((row_ids >> np.uint64(16)) & np.uint64(0xFFFFFFFF)).cast(pa.utf8())
    offsets = pa.array(row_ids & np.uint64(0xFFFF)).cast(pa.utf8())
    return pc.binary_join_element_wise("(", pc.binary_join_element_wise(blocks, offsets, ","), ")", "")


def xmin_values(row_ids: npt.NDArray[np.uint64]) -> pa.Array:
    """(n,) uint32."""
    return pa.array((row_ids & np.uint64(0xFFFFFFFF)).astype(np.uint32))


def no_xmax(row_count: int) -> pa.Array:
    """(row_count,) uint32: row versions that nobody has locked."""
    return pa.array(np.zeros(row_count, dtype=np.uint32))


def xmax_of_updates(old_ids: npt.NDArray[np.uint64]) -> pa.Array:
    """(n,) uint32: 0 where `old_ids` is 0, else another number."""
    return pa.array((old_ids != 0).astype(np.uint32) * np.uint32(FIRST_NORMAL_XID))


def row_id_of_ctid(text: str) -> int:
    """The row id whose ctid prints as `text`. Raises 22P02."""
    match = _TID.match(text)
    if match is None or int(match[1]) > 0xFFFFFFFF or int(match[2]) > 0xFFFF:
        raise InvalidTextRepresentation(f'invalid input syntax for type tid: "{text}"')
    return int(match[1]) << 16 | int(match[2])
