"""Access methods and operator classes of index families: those that PostgreSQL and pgvector ship, and the engine's own.

What the engine's table of families has beyond pgvector gets rows of pg_am, pg_opclass, pg_opfamily, pg_amop and
pg_amproc like pgvector's own: a class belongs to the family of operators of its name, orders by the operator of its metric
and computes by the function that pgvector's class of that name computes by, or by our own distance of bit strings.

OIDs follow the order of the engine's table. As those of an extension's objects in PostgreSQL they are not the same in every
installation, and nothing stored knows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from planner.functions.signatures_own import BIT_DISTANCES
from planner.vector.strategy import METRIC_OPERATORS
from sqlfront.commands.operator_classes import VECTOR_CLASSES, VECTOR_FAMILIES
from sqlfront.pg_catalog.relations import Row, builtin_by_oid, builtin_rows, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import BOOTSTRAP_ROLE_OID, PUBLIC_SCHEMA_OID

_FIRST_OID = 19100
_METHODS_MAX = 100
"""Access methods have the OIDs from the first on, operator classes those after so many of them."""

_FLOAT_ORDER_OID = 1970
"""The btree operator family by which distances are sorted."""

_DISTANCE = 1
"""Number of the operator, and of the function, that computes what an index sorts by."""


@cache
def access_methods() -> dict[str, int]:
    """Access method names -> OIDs."""
    builtin = builtin_rows("pg_am")
    shipped = dict(zip(builtin["amname"].to_pylist(), builtin["oid"].to_pylist()))
    own = (name for name in VECTOR_FAMILIES if name not in shipped)
    return {**shipped, **{name: _FIRST_OID + number for number, name in enumerate(own)}}


@cache
def own_rows(catalog: str) -> tuple[Row, ...]:
    """The rows that the engine's families add to one of the five catalogs."""
    return tuple(_MAKERS[catalog]())


@cache
def rows_by_oid(catalog: str) -> dict[int, Row]:
    """The rows of a catalog that every database has, by OID."""
    own = own_rows(catalog) if catalog in _MAKERS else ()
    return {**builtin_by_oid(catalog), **{row["oid"]: row for row in own}}


@cache
def operator_class_oids() -> dict[tuple[str, str | int], int]:
    """(family, class name) and (family, input type of a default class) -> OID."""
    names = {oid: name for name, oid in access_methods().items()}
    found: dict[tuple[str, str | int], int] = {}
    for row in rows_by_oid("pg_opclass").values():
        method = names.get(row["opcmethod"], "")
        found[method, row["opcname"]] = row["oid"]
        if row["opcdefault"]:
            found[method, row["opcintype"]] = row["oid"]
    return found


@cache
def _own_classes() -> dict[tuple[str, str], int]:
    """(family, class) -> OID of its rows, in each of the catalogs, of what is not shipped."""
    methods = access_methods()
    shipped = {(row["opcmethod"], row["opcname"]) for row in builtin_rows("pg_opclass").to_pylist()}
    missing = (key for key in VECTOR_CLASSES if (methods[key[0]], key[1]) not in shipped)
    return {key: _FIRST_OID + _METHODS_MAX + number for number, key in enumerate(missing)}


def _methods() -> Iterator[Row]:
    shipped = builtin_rows("pg_am")["amname"].to_pylist()
    for name, oid in access_methods().items():
        if name not in shipped:
            yield {"oid": oid, "amname": name, "amhandler": 0, "amtype": "i"}


def _families() -> Iterator[Row]:
    for (method, name), oid in _own_classes().items():
        yield {
            "oid": oid, "opfmethod": access_methods()[method], "opfname": name, "opfnamespace": PUBLIC_SCHEMA_OID,
            "opfowner": BOOTSTRAP_ROLE_OID,
        }  # fmt: skip


def _classes() -> Iterator[Row]:
    for (method, name), oid in _own_classes().items():
        yield {
            "oid": oid, "opcmethod": access_methods()[method], "opcname": name, "opcnamespace": PUBLIC_SCHEMA_OID,
            "opcowner": BOOTSTRAP_ROLE_OID, "opcfamily": oid, "opcintype": VECTOR_CLASSES[method, name][0],
            "opcdefault": False, "opckeytype": 0,
        }  # fmt: skip


def _operators() -> Iterator[Row]:
    """None where a metric is computed by a function that has no operator."""
    shipped = builtin_by_oid("pg_operator").values()
    found = {(row["oprname"], row["oprleft"], row["oprright"]): row["oid"] for row in shipped}
    for (method, name), oid in _own_classes().items():
        type_oid, metric = VECTOR_CLASSES[method, name]
        operator = found.get((METRIC_OPERATORS.get(metric), type_oid, type_oid))
        if operator is not None:
            yield {
                "oid": oid, "amopfamily": oid, "amoplefttype": type_oid, "amoprighttype": type_oid,
                "amopstrategy": _DISTANCE, "amoppurpose": "o", "amopopr": operator,
                "amopmethod": access_methods()[method], "amopsortfamily": _FLOAT_ORDER_OID,
            }  # fmt: skip


def _functions() -> Iterator[Row]:
    families = {row["oid"]: row for row in builtin_rows("pg_opfamily").to_pylist()}
    vector_methods = {access_methods()[name] for name in VECTOR_FAMILIES}
    found = {
        families[row["amprocfamily"]]["opfname"]: row["amproc"]
        for row in builtin_rows("pg_amproc").to_pylist()
        if row["amprocnum"] == _DISTANCE and families[row["amprocfamily"]]["opfmethod"] in vector_methods
    }
    for (method, name), oid in _own_classes().items():
        type_oid, metric = VECTOR_CLASSES[method, name]
        function = found.get(name) or BIT_DISTANCES.get(f"{metric}_distance")
        if function is not None:
            yield {
                "oid": oid, "amprocfamily": oid, "amproclefttype": type_oid, "amprocrighttype": type_oid,
                "amprocnum": _DISTANCE, "amproc": function,
            }  # fmt: skip


_MAKERS = {
    "pg_am": _methods,
    "pg_opclass": _classes,
    "pg_opfamily": _families,
    "pg_amop": _operators,
    "pg_amproc": _functions,
}


def _register(catalog: str) -> None:
    @rows_of(catalog)
    def own(view: CatalogView) -> tuple[Row, ...]:
        return own_rows(catalog)


for _catalog in _MAKERS:
    _register(_catalog)
