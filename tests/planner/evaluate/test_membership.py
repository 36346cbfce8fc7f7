"""Goal: membership of integers by a table of what lies between the members is what a hash table says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foundation.sqltypes import INT4, INT8, OID, SqlType
from planner.evaluate.lists import in_constants
from planner.functions.datum import Datum

ROWS = 5000
LIMITS = {INT4.oid: (-(2**31), 2**31 - 1), INT8.oid: (-(2**63), 2**63 - 1), OID.oid: (0, 2**32 - 1)}


@pytest.mark.parametrize("sql_type", [INT4, INT8, OID], ids=lambda t: str(t.oid))
@pytest.mark.parametrize("near", ["least", "middle", "greatest"])
def test_members_between_bounds(sql_type: SqlType, near: str) -> None:
    least, greatest = LIMITS[sql_type.oid]
    start = {"least": least, "middle": 50, "greatest": greatest - 2000}[near]
    random = np.random.default_rng(3)
    arrow = {INT4.oid: pa.int32(), INT8.oid: pa.int64(), OID.oid: pa.uint32()}[sql_type.oid]
    listed: list[int | None] = [start + int(step) for step in random.integers(0, 2000, ROWS)]
    listed[:4] = [least, greatest, None, start]
    for members in (
        [start, start + 7, start + 1999],
        [start + int(i) for i in random.integers(0, 2000, 300)],
        [start],
    ):
        values = pa.array(listed, arrow).slice(1)
        found = in_constants(Datum(values), pa.array(members, arrow), sql_type.oid, sql_type.oid)
        assert found is not None
        known = set(members)
        assert found.array.to_pylist() == [None if value is None else value in known for value in listed[1:]]
