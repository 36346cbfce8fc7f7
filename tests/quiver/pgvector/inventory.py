"""The catalog rows of pgvector's types, functions, operators, casts and aggregates, in names that any server shares.

OIDs differ between installations, so every reference to a type, function or operator is its name. Index access methods,
operator classes and families are left out: they belong to indexes.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

EXTENSION = "vector"
_MEMBERS = (
    "SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.deptype = 'e' AND e.extname = 'vector'"
    " AND d.classid = '{}'::regclass"
)
_TYPE = "(SELECT t.typname FROM pg_type t WHERE t.oid = {})"
_FUNCTION = "(SELECT f.proname FROM pg_proc f WHERE f.oid = {})"
_OPERATOR = "(SELECT o2.oprname FROM pg_operator o2 WHERE o2.oid = {})"
_ARGUMENTS = (
    "(SELECT string_agg(t.typname, ',' ORDER BY a.n) FROM unnest({}::oid[]) WITH ORDINALITY a (oid, n)"
    " JOIN pg_type t ON t.oid = a.oid)"
)

QUERIES = {
    "types": (
        "SELECT typname, typlen, typtype, typcategory, typispreferred, typdelim, typalign, typstorage, typnotnull,"
        f" {_TYPE.format('y.typarray')}, {_FUNCTION.format('typinput')}, {_FUNCTION.format('typoutput')},"
        f" {_FUNCTION.format('typreceive')}, {_FUNCTION.format('typsend')}, {_FUNCTION.format('typmodin')}"
        f" FROM pg_type y WHERE oid IN ({_MEMBERS.format('pg_type')})"
    ),
    "functions": (
        f"SELECT proname, {_ARGUMENTS.format('p.proargtypes')}, {_TYPE.format('p.prorettype')}, prokind, provolatile,"
        " proisstrict, proretset, proparallel, provariadic = 0, pronargs, pronargdefaults"
        f" FROM pg_proc p WHERE oid IN ({_MEMBERS.format('pg_proc')})"
    ),
    "operators": (
        f"SELECT oprname, oprkind, {_TYPE.format('o.oprleft')}, {_TYPE.format('o.oprright')},"
        f" {_TYPE.format('o.oprresult')}, {_FUNCTION.format('o.oprcode::oid')}, {_OPERATOR.format('o.oprcom')},"
        f" {_OPERATOR.format('o.oprnegate')}, oprcanmerge, oprcanhash"
        f" FROM pg_operator o WHERE oid IN ({_MEMBERS.format('pg_operator')})"
    ),
    "casts": (
        f"SELECT {_TYPE.format('c.castsource')}, {_TYPE.format('c.casttarget')}, {_FUNCTION.format('c.castfunc')},"
        f" castcontext, castmethod FROM pg_cast c WHERE oid IN ({_MEMBERS.format('pg_cast')})"
    ),
    "aggregates": (
        f"SELECT p.proname, {_ARGUMENTS.format('p.proargtypes')}, {_FUNCTION.format('a.aggtransfn::oid')},"
        f" {_FUNCTION.format('a.aggfinalfn::oid')}, {_FUNCTION.format('a.aggcombinefn::oid')},"
        f" {_TYPE.format('a.aggtranstype')}, a.agginitval, a.aggkind"
        " FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid::oid"
        f" WHERE p.oid IN ({_MEMBERS.format('pg_proc')})"
    ),
}  # fmt: skip

Row = tuple[object, ...]


@dataclass(frozen=True)
class SqlFunction:
    name: str
    arguments: tuple[str, ...]
    """pg_type names."""
    kind: str
    """f for a function, a for an aggregate."""


def read_inventory(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, list[Row]]:
    """Catalog rows by kind, sorted."""
    return {
        kind: sorted(connection.execute(query.encode()).fetchall(), key=repr)
        for kind, query in QUERIES.items()
    }


def functions_of(inventory: dict[str, list[Row]]) -> list[SqlFunction]:
    return [
        SqlFunction(str(row[0]), tuple(str(row[1]).split(",")), str(row[3])) for row in inventory["functions"]
    ]
