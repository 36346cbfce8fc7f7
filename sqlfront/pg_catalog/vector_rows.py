"""Rows of int8vec, bf16vec and our own distances of bit strings in the shipped catalogs: pgvector's with other names and OIDs.

`planner.functions.signatures_vectors` says what stands for what. Copied are the rows that name halfvec or have a column of its
type's OID, and in every copy the OIDs of copied rows stand for each other: so operator classes come with
their families, operators and functions. The distances of bit strings are copies of jaccard_distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import FLOAT8, HALFVEC, INT8VEC, array_type
from planner.functions.signatures_own import BIT_DISTANCES
from planner.functions.signatures_vectors import INT8VEC_SUM, LIKENESSES, PAIR_FUNCTIONS, PAIRS, Likeness

Row = dict[str, Any]
Shipped = Callable[[str], pa.Table]
"""The shipped rows of a catalog, by its name."""

_CATALOGS = (
    "pg_type", "pg_proc", "pg_operator", "pg_cast", "pg_opfamily", "pg_opclass", "pg_amop", "pg_amproc", "pg_aggregate",
)  # fmt: skip
"""Those with rows of halfvec. The first column of each is the OID of the row, or of the aggregate's function."""

_FIRST_EXTENSION_ROW = pa.scalar(16384, pa.uint32())
_NAMES = frozenset(("typname", "proname", "prosrc", "opfname", "opcname"))
_HALFVEC_TYPES = frozenset((HALFVEC.oid, array_type(HALFVEC).oid))


def with_vector_rows(name: str, shipped: Shipped) -> pa.Table:
    """The shipped rows of a catalog and the copies."""
    table = shipped(name)
    if name not in _CATALOGS:
        return table
    copies = [row for like in (*LIKENESSES, *PAIRS) for row in _copies(name, like, shipped)]
    if name == "pg_proc":
        copies += _bit_distances(shipped)
    return pa.concat_tables([table, pa.Table.from_pylist(copies, table.schema)]).combine_chunks()


def _copies(name: str, like: Likeness, shipped: Shipped) -> Iterator[Row]:
    objects = _pair_objects(like, shipped) if like.pair_base else _objects(like, shipped)
    oids = {**like.types(), **objects}
    for row in _extension_rows(name, shipped):
        if next(iter(row.values())) in objects and not like.is_dropped(row.get("proname", "")):
            copy = {column: _copied(column, value, like, oids) for column, value in row.items()}
            yield copy | _differences(copy, like, shipped)
            if copy.get("proname") == "int8vec_avg":
                name, oid = INT8VEC_SUM
                yield copy | _differences(copy, like, shipped) | {"oid": oid, "proname": name, "prosrc": name}


def _bit_distances(shipped: Shipped) -> Iterator[Row]:
    (row,) = (row for row in _extension_rows("pg_proc", shipped) if row["proname"] == "jaccard_distance")
    for name, oid in BIT_DISTANCES.items():
        yield {**row, "oid": oid, "proname": name, "prosrc": name}


@cache
def _extension_rows(name: str, shipped: Shipped) -> list[Row]:
    table = shipped(name)
    rows: list[Row] = table.filter(pc.greater_equal(table.column(0), _FIRST_EXTENSION_ROW)).to_pylist()
    return rows


@cache
def _objects(like: Likeness, shipped: Shipped) -> Mapping[int, int]:
    """OIDs of the rows to be copied -> OIDs of their copies, types included."""
    types = like.types()
    return {
        row["oid"]: types.get(row["oid"], row["oid"] + like.oid_shift)
        for name in _CATALOGS
        for row in _extension_rows(name, shipped)
        if "oid" in row and any(_is_of_halfvec(column, value) for column, value in row.items())
    }


def _is_of_halfvec(column: str, value: Any) -> bool:
    if column in _NAMES:
        return "halfvec" in value
    return not _HALFVEC_TYPES.isdisjoint(value if isinstance(value, list) else (value,))


def _pair_objects(like: Likeness, shipped: Shipped) -> Mapping[int, int]:
    """The two functions between vector and halfvec and their casts."""
    functions = {
        row["oid"]: like.pair_base + PAIR_FUNCTIONS.index(row["proname"])
        for row in _extension_rows("pg_proc", shipped)
        if row["proname"] in PAIR_FUNCTIONS
    }
    casts = {
        row["oid"]: functions[row["castfunc"]] + len(PAIR_FUNCTIONS)
        for row in _extension_rows("pg_cast", shipped)
        if row["castfunc"] in functions
    }
    return {**functions, **casts}


def _copied(column: str, value: Any, like: Likeness, oids: Mapping[int, int]) -> Any:
    if column in _NAMES:
        return like.name(value)
    if isinstance(value, list):
        return [oids.get(item, item) for item in value]
    return oids.get(value, value)


def _differences(row: Row, like: Likeness, shipped: Shipped) -> Row:
    """What a copy has otherwise than the row of halfvec."""
    if "castsource" in row:
        return {"castcontext": like.context(row["castsource"], row["casttarget"], row["castcontext"])}
    if "prorettype" in row:
        return {"prorettype": like.result(row["proname"], row["prorettype"])}
    if row.get("aggtranstype") == INT8VEC.oid:
        functions = {
            proc["proname"]: proc["oid"] + like.oid_shift for proc in _extension_rows("pg_proc", shipped)
        }
        return {
            "aggtransfn": functions["halfvec_accum"], "aggcombinefn": functions["halfvec_combine"],
            "aggfinalfn": INT8VEC_SUM[1], "aggtranstype": array_type(FLOAT8).oid, "agginitval": "{0}",
        }  # fmt: skip
    return {}
