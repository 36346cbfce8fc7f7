"""The computed relations: which exist, their columns, and who makes their rows.

A relation's rows are those PostgreSQL ships (`builtin/*.arrow`) followed by those of the current database, made
by a function registered with `@rows_of`. A relation nobody registered is empty, as most of PostgreSQL's are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather

from foundation.sqltypes import FLOAT8, INT8, NAME, OID, TEXT, SqlType, arrow_type
from planner.bound import RelationColumn
from sqlfront.binder import VirtualRelation
from sqlfront.pg_catalog.relation_columns import RELATION_COLUMNS
from sqlfront.pg_catalog.vector_rows import with_vector_rows
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import PUBLIC_SCHEMA_OID, Sequence

Row = dict[str, Any]
RowMaker = Callable[[CatalogView], Iterable[Row]]
_ROW_MAKERS: dict[tuple[str, str], RowMaker] = {}

BUILTIN = (
    "pg_aggregate", "pg_am", "pg_amop", "pg_amproc", "pg_cast", "pg_collation", "pg_description", "pg_language", "pg_range",
    "pg_opclass", "pg_operator", "pg_opfamily", "pg_proc", "pg_tablespace", "pg_type",
)  # fmt: skip

# Relations of our own, in pg_catalog so that no search path hides them.
OWN_RELATIONS: dict[str, tuple[int, tuple[tuple[str, SqlType], ...]]] = {
    "quiver_index_status": (
        19001,
        (
            ("index_name", NAME), ("table_name", NAME), ("index_oid", OID), ("table_oid", OID), ("family", TEXT),
            ("rows_served", INT8), ("rows_scanned", INT8), ("segments", INT8), ("segments_scanned", INT8),
            ("size_bytes", INT8), ("state", TEXT),
        ),
    ),
    "quiver_memory": (19002, (("holder", TEXT), ("size_bytes", INT8), ("share", FLOAT8))),
}  # fmt: skip


def rows_of(*names: str, schema: str = "pg_catalog") -> Callable[[RowMaker], RowMaker]:
    """Register the maker of a relation's rows."""

    def register(maker: RowMaker) -> RowMaker:
        for name in names:
            _ROW_MAKERS[schema, name] = maker
        return maker

    return register


@cache
def all_relations() -> dict[tuple[str, str], VirtualRelation]:
    """Every computed relation by (schema, name)."""
    found = {}
    for (schema, name), (signed_oid, words) in RELATION_COLUMNS.items():
        pairs = [word.split(":") for word in words.split()]
        columns = tuple(
            RelationColumn(column, SqlType(int(oid.rstrip("!")), _typmod(schema, column)), attnum)
            for attnum, (column, oid) in enumerate(pairs, 1)
        )
        found[schema, name] = VirtualRelation(schema, name, columns, abs(signed_oid))
    for name, (oid, typed) in OWN_RELATIONS.items():
        columns = tuple(RelationColumn(column, t, attnum) for attnum, (column, t) in enumerate(typed, 1))
        found["pg_catalog", name] = VirtualRelation("pg_catalog", name, columns, oid)
    return found


_YES_OR_NO = frozenset(
    ("as_locator", "cycle_option", "enforced", "identity_cycle", "initially_deferred", "is_deferrable",
     "is_derived_reference_attribute", "is_deterministic", "is_final", "is_grantable", "is_identity",
     "is_implicitly_invocable", "is_insertable_into", "is_instantiable", "is_null_call", "is_nullable", "is_result",
     "is_self_referencing", "is_supported", "is_trigger_deletable", "is_trigger_insertable_into",
     "is_trigger_updatable", "is_typed", "is_udt_dependent", "is_updatable", "is_user_defined_cast",
     "new_savepoint_level", "nulls_distinct", "result_cast_as_locator", "schema_level_routine", "with_hierarchy")
)  # fmt: skip
"""Columns of information_schema of the domain yes_or_no, a varchar(3)."""
_TIME_STAMPS = frozenset(("created", "last_altered"))
"""Columns of its domain time_stamp, a timestamptz(2)."""


def _typmod(schema: str, column: str) -> int:
    if schema != "information_schema":
        return -1
    return 7 if column in _YES_OR_NO else 2 if column in _TIME_STAMPS else -1


@cache
def names_by_oid() -> dict[int, tuple[str, str]]:
    """(schema, name) of every computed relation."""
    return {relation.oid: key for key, relation in all_relations().items()}


def is_view(schema: str, name: str) -> bool:
    """Whether pg_class shows a computed relation as a view rather than a table."""
    entry = RELATION_COLUMNS.get((schema, name))
    return entry is None or entry[0] < 0


@cache
def not_null_columns(schema: str, name: str) -> frozenset[str]:
    """Columns of a computed relation that PostgreSQL declares NOT NULL."""
    _, words = RELATION_COLUMNS.get((schema, name), (0, ""))
    return frozenset(word.partition(":")[0] for word in words.split() if word.endswith("!"))


class VirtualRelationTable:
    """Implements `sqlfront.binder.VirtualRelations`."""

    def lookup(self, schema: str, name: str) -> VirtualRelation | None:
        return all_relations().get((schema, name))


VIRTUAL_RELATIONS = VirtualRelationTable()


@cache
def builtin_rows(name: str) -> pa.Table:
    """The rows of a catalog that are there from the start: those PostgreSQL ships, and those of our own types."""
    return with_vector_rows(name, _shipped_rows)


@cache
def _shipped_rows(name: str) -> pa.Table:
    packaged = resources.files("sqlfront.pg_catalog") / "builtin" / f"{name}.arrow"
    return feather.read_table(io.BytesIO(packaged.read_bytes()))


@cache
def builtin_by_oid(name: str) -> dict[int, Row]:
    """The rows of a catalog that are there from the start, by OID."""
    return {row["oid"]: row for row in builtin_rows(name).to_pylist()}


def relation_rows(schema: str, name: str, view: CatalogView) -> pa.Table:
    """All rows of a computed relation as the current database and session see it.

    A sequence of the database is one too, with its state as its row.

    Returns:
        A table with the relation's columns in declared order, each of its type's Arrow type. What a row
        maker leaves out, NOT NULL flags, counters and options of catalogs, is filled with the type's empty value.
    """
    relation = all_relations().get((schema, name))
    if relation is None:
        return _sequence_row(schema, name, view)
    maker = _ROW_MAKERS.get((schema, name))
    made = _table_of(relation, list(maker(view)) if maker is not None else [])
    if schema == "pg_catalog" and name in BUILTIN:
        rows = pa.concat_tables([builtin_rows(name), made]).combine_chunks()
        return _in_own_schema(rows, view)
    return made


def _in_own_schema(rows: pa.Table, view: CatalogView) -> pa.Table:
    """The objects of the extension `vector` are shipped in the schema of the first database: put them in this one's."""
    vector = view.catalog.find_extension(view.database_oid, "vector")
    if vector is None or vector.schema_oid == PUBLIC_SCHEMA_OID:
        return rows
    for position, name in enumerate(rows.column_names):
        if name.endswith("namespace"):
            shipped = rows.column(position)
            own = pa.scalar(vector.schema_oid, shipped.type)
            schema_oids = pc.if_else(pc.equal(shipped, PUBLIC_SCHEMA_OID), own, shipped)
            rows = rows.set_column(position, rows.field(position), schema_oids)
    return rows


def _sequence_row(schema: str, name: str, view: CatalogView) -> pa.Table:
    """What a sequence read as a relation shows: (last_value, log_cnt, is_called)."""
    sequence = next(
        found
        for found in view.objects(Sequence)
        if found.name == name and view.schema_names.get(found.schema_oid) == schema
    )
    value, is_called = view.storage.sequences.state(sequence.oid) or (sequence.start, False)
    columns = {"last_value": pa.array([value], pa.int64()), "log_cnt": pa.array([0], pa.int64())}
    return pa.table({**columns, "is_called": pa.array([is_called])})


_EMPTY: dict[int, Any] = {
    16: False,
    18: "",
    19: "",
    20: 0,
    21: 0,
    23: 0,
    26: 0,
    24: 0,
    28: 0,
    700: 0.0,
    701: 0.0,
}
"""What a column PostgreSQL declares NOT NULL holds when nothing is said; other types are NULL."""


def _table_of(relation: VirtualRelation, rows: list[Row]) -> pa.Table:
    arrays = []
    for column in relation.columns:
        # The standard's views have nulls for what they do not know.
        empty = None if relation.schema == "information_schema" else _EMPTY.get(column.type.oid)
        values = [row.get(column.name, empty) for row in rows]
        arrays.append(pa.array(values, arrow_type(column.type)))
    return pa.Table.from_arrays(arrays, names=[column.name for column in relation.columns])
