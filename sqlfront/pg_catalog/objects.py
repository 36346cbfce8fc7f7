"""Rows of the catalogs that describe tables: pg_class, pg_attribute, pg_index, pg_constraint and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from foundation.sqltypes import INT4, SqlType
from planner.vector import is_index_valid
from sqlfront.binder import index_column_names, key_type
from sqlfront.commands.operator_classes import HASH
from sqlfront.pg_catalog.access_methods import access_methods, operator_class_oids
from sqlfront.pg_catalog.definitions import constraint_name
from sqlfront.pg_catalog.partitions import index_is_complete, partition_fields
from sqlfront.pg_catalog.privileges import acl_items, shown_acl
from sqlfront.pg_catalog.relations import (
    Row,
    all_relations,
    builtin_rows,
    is_view,
    not_null_columns,
    rows_of,
)
from sqlfront.pg_catalog.sizes import index_size_bytes, page_count, table_size_bytes
from sqlfront.pg_catalog.standard_domains import all_domains
from sqlfront.pg_catalog.user_types import declared_oid, dimension_count, row_type_oid, stored_form
from sqlfront.pg_catalog.view import CatalogView, Reach
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    INFORMATION_SCHEMA_OID,
    PG_CATALOG_SCHEMA_OID,
    AnyView,
    CheckConstraint,
    Column,
    Extension,
    ForeignKey,
    Index,
    IndexKey,
    MaterializedView,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, UserType

HEAP_AM_OID = 2
PLPGSQL_OID = 13571
FIRST_EXTENSION_OID = 16385
PG_TYPE_OID = 1247
PG_PROC_OID = 1255
PG_CLASS_OID = 1259
PG_ATTRDEF_OID = 2604
PG_NAMESPACE_OID = 2615
PG_EXTENSION_OID = 3079
PG_CONSTRAINT_OID = 2606
PG_REWRITE_OID = 2618
C_COLLATION_OID = 950

SYSTEM_COLUMNS = (
    ("ctid", 27, -1), ("xmin", 28, -2), ("cmin", 29, -3), ("xmax", 28, -4), ("cmax", 29, -5), ("tableoid", 26, -6),
)  # fmt: skip
SEQUENCE_COLUMNS = (("last_value", 20, 1), ("log_cnt", 20, 2), ("is_called", 16, 3))


@rows_of("pg_namespace")
def pg_namespace(view: CatalogView) -> Iterator[Row]:
    for oid, name in sorted(view.schema_names.items()):
        owner_oid = view.schema_owners[oid]
        yield {
            "oid": oid, "nspname": name, "nspowner": owner_oid, "nspacl": shown_acl(view, view.catalog.get(oid)),
        }  # fmt: skip


@rows_of("pg_class")
def pg_class(view: CatalogView) -> Iterator[Row]:
    """Stored relations, then the computed ones."""
    for table in view.objects(Table):
        yield _table_row(view, table)
    for stored in view.objects(View):
        yield {
            **_class_row(stored.oid, stored.name, stored.schema_oid, stored.owner_oid, "v"),
            "reltype": row_type_oid(stored), "relfilenode": 0, "reltuples": -1.0, "relhasrules": True,
            "relacl": shown_acl(view, stored),
            "relnatts": len(stored.columns), "reloptions": _options(stored.options),
            "relpersistence": stored.persistence.value,
        }  # fmt: skip
    methods = access_methods()
    for index in view.objects(Index):
        yield {
            **_class_row(index.oid, index.name, index.schema_oid, index.owner_oid, "i"),
            **partition_fields(view, view.catalog.table(index.table_oid), index),
            "relam": methods.get(index.family, 0),
            "reltuples": float(view.transaction.peek(index.table_oid).row_count),
            "relpersistence": view.catalog.table(index.table_oid).persistence.value,
            "relpages": page_count(index_size_bytes(view, index)),
            "relnatts": len(index.keys) + len(index.included),
            "reloptions": _options(index.options),
        }
    for sequence in view.objects(Sequence):
        yield {
            **_class_row(sequence.oid, sequence.name, sequence.schema_oid, sequence.owner_oid, "S"),
            "relpersistence": sequence.persistence.value,
            "relacl": shown_acl(view, sequence),
            "relnatts": 3,
            "reltuples": 1.0,
        }
    for composite in view.objects(CompositeType):
        yield {
            **_class_row(
                composite.relation_oid, composite.name, composite.schema_oid, composite.owner_oid, "c"
            ),
            "reltype": composite.oid, "relfilenode": 0, "reltuples": 0.0, "relnatts": len(composite.attributes),
        }  # fmt: skip
    schemas = {"pg_catalog": PG_CATALOG_SCHEMA_OID, "information_schema": INFORMATION_SCHEMA_OID}
    for (schema, name), relation in all_relations().items():
        kind = "v" if is_view(schema, name) else "r"
        yield {
            **_class_row(relation.oid, name, schemas[schema], BOOTSTRAP_ROLE_OID, kind),
            "relam": HEAP_AM_OID if kind == "r" else 0,
            "relnatts": len(relation.columns),
        }


def _has_triggers(view: CatalogView, table: Table) -> bool:
    """Whether PostgreSQL checks a constraint of the table by triggers."""
    constraints = (*view.catalog.constraints_of(table.oid), *view.catalog.foreign_keys_to(table.oid))
    is_referenced = any(isinstance(constraint, ForeignKey) for constraint in constraints)
    return is_referenced or any(index.is_deferrable for index in view.catalog.indexes_of(table.oid))


def _table_row(view: CatalogView, table: Table) -> Row:
    indexes = view.catalog.indexes_of(table.oid)
    row_count = view.transaction.peek(table.oid).row_count
    is_view = isinstance(table, MaterializedView)
    return {
        **_class_row(table.oid, table.name, table.schema_oid, table.owner_oid, "m" if is_view else "r"),
        "relispopulated": not isinstance(table, MaterializedView) or table.is_populated,
        "relhasrules": is_view,
        "relacl": shown_acl(view, table),
        "relpersistence": table.persistence.value,
        "reltype": row_type_oid(table),
        "relam": HEAP_AM_OID,
        "relreplident": "d",
        "reltuples": float(row_count),
        "relpages": page_count(table_size_bytes(view, table)),
        "relhasindex": bool(indexes),
        "relchecks": sum(isinstance(c, CheckConstraint) for c in view.catalog.constraints_of(table.oid)),
        # psql asks for foreign keys only where this is true; PostgreSQL checks them by triggers.
        "relhastriggers": _has_triggers(view, table),
        "relnatts": len(table.columns),
        "reloptions": _options(table.options),
        **partition_fields(view, table, table),
    }


def _class_row(oid: int, name: str, schema_oid: int, owner_oid: int, kind: str) -> Row:
    return {
        "oid": oid, "relname": name, "relnamespace": schema_oid, "relowner": owner_oid, "relkind": kind,
        "relfilenode": oid, "reltuples": -1.0, "relpersistence": "p", "relispopulated": True, "relreplident": "n",
        "relacl": None, "reloptions": None, "relpartbound": None,
    }  # fmt: skip


def _options(options: tuple[tuple[str, str], ...]) -> list[str] | None:
    return [f"{name}={value}" for name, value in options] or None


@rows_of("pg_attribute")
def pg_attribute(view: CatalogView) -> Iterator[Row]:
    for table in view.objects(Table):
        for column in table.columns:
            row = _attribute_row(view, table.oid, column)
            if table.parent_oid and not column.is_dropped:
                row |= {"attislocal": False, "attinhcount": 1}
            yield row
        for name, type_oid, attnum in SYSTEM_COLUMNS:
            yield {**_plain_attribute(table.oid, attnum, name, SqlType(type_oid)), "attnotnull": True}
    for stored in view.objects(View):
        for column in stored.columns:
            yield _attribute_row(view, stored.oid, column)
    for composite in view.objects(CompositeType):
        for number, attribute in enumerate(composite.attributes, 1):
            yield _plain_attribute(composite.relation_oid, number, attribute.name, attribute.type)
    for index in view.objects(Index):
        table = view.catalog.table(index.table_oid)
        names = index_column_names(table, index.keys, index.included)
        # A hash index keeps hashes.
        types = [INT4 if index.family == HASH else key_type(table, key) for key in index.keys]
        types += [table.column_at(attnum).type for attnum in index.included]
        collations = [_key_collation(table, key, sql_type) for key, sql_type in zip(index.keys, types)]
        collations += [column_collation(table.column_at(attnum)) for attnum in index.included]
        for number, (column_name, sql_type) in enumerate(zip(names, types, strict=True), 1):
            plain = _plain_attribute(index.oid, number, column_name, sql_type)
            yield {**plain, "attcollation": collations[number - 1]}
    for sequence in view.objects(Sequence):
        for name, type_oid, attnum in (*SEQUENCE_COLUMNS, *SYSTEM_COLUMNS):
            yield {**_plain_attribute(sequence.oid, attnum, name, SqlType(type_oid)), "attnotnull": True}
    for (schema, name), relation in all_relations().items():
        required = not_null_columns(schema, name)
        for item in relation.columns:
            row = _plain_attribute(relation.oid, item.attnum, item.name, item.type)
            if row["attcollation"] and not is_view(schema, name):
                row["attcollation"] = C_COLLATION_OID
            yield {**row, "attnotnull": item.name in required}


def _attribute_row(view: CatalogView, table_oid: int, column: Column) -> Row:
    if column.is_dropped:
        name = f"........pg.dropped.{column.attnum}........"
        return {**_plain_attribute(table_oid, column.attnum, name, SqlType(0)), "attisdropped": True}
    return {
        **_plain_attribute(table_oid, column.attnum, column.name, column.type),
        "attnotnull": column.not_null,
        "atthasdef": column.default_sql is not None or column.generated_sql is not None,
        "atthasmissing": column.missing_value is not None,
        "attidentity": column.identity,
        "attgenerated": "s" if column.generated_sql is not None else "",
        "attcollation": column_collation(column),
        "attacl": acl_items(view, column.acl),
    }


def _plain_attribute(relation_oid: int, attnum: int, name: str, sql_type: SqlType) -> Row:
    stored = stored_form(sql_type.oid) or _NO_TYPE
    return {
        "attrelid": relation_oid, "attname": name, "atttypid": declared_oid(sql_type),
        "atttypmod": -1 if sql_type.domain_oid else sql_type.typmod,
        "attstattarget": -1, "attlen": stored["typlen"], "attnum": attnum, "attcacheoff": -1,
        "attndims": dimension_count(sql_type), "attbyval": stored["typbyval"],
        "attalign": stored["typalign"], "attstorage": stored["typstorage"],
        "attislocal": True, "attcollation": stored["typcollation"],
        "attacl": None, "attoptions": None, "attfdwoptions": None, "attmissingval": None,
    }  # fmt: skip


_NO_TYPE: Row = {
    "typlen": 0, "typcategory": "", "typbyval": False, "typalign": "i", "typstorage": "p", "typcollation": 0,
}  # fmt: skip
"""The type of a dropped column."""


def _collation(type_oid: int) -> int:
    return int((stored_form(type_oid) or _NO_TYPE)["typcollation"])


def column_collation(column: Column) -> int:
    """The OID of a column's collation, 0 where its type has none."""
    return _collation_oids()[column.collation] if column.collation else _collation(column.type.oid)


def _key_collation(table: Table, key: IndexKey, sql_type: SqlType) -> int:
    """A hash index keeps integers, which have none."""
    if key.collation:
        return C_COLLATION_OID
    declared = table.column_at(key.attnum).collation if key.attnum else ""
    own = _collation(sql_type.oid)
    return _collation_oids()[declared] if declared and own else own


@cache
def _collation_oids() -> dict[str, int]:
    return {row["collname"]: row["oid"] for row in builtin_rows("pg_collation").to_pylist()}


@rows_of("pg_attrdef")
def pg_attrdef(view: CatalogView) -> Iterator[Row]:
    for table in view.objects(Table):
        for column in table.live_columns():
            text = column.generated_sql if column.generated_sql is not None else column.default_sql
            if text is not None and not column.identity:
                yield {
                    "oid": default_oid(table, column), "adrelid": table.oid, "adnum": column.attnum,
                    "adbin": text,
                }  # fmt: skip


@rows_of("pg_extension")
def pg_extension(view: CatalogView) -> Iterator[Row]:
    for extension in view.objects(Extension):
        yield {
            "oid": extension_oid(extension), "extname": extension.name, "extowner": extension.owner_oid,
            "extnamespace": extension.schema_oid, "extrelocatable": extension.name != "plpgsql", "extversion": extension.version,
            "extconfig": None, "extcondition": None,
        }  # fmt: skip


def extension_oid(extension: Extension) -> int:
    """PL/pgSQL has an OID of those that PostgreSQL starts with, so that pg_dump leaves it out."""
    return PLPGSQL_OID if extension.name == "plpgsql" else extension.oid


def default_oid(table: Table, column: Column) -> int:
    """A made-up OID that is stable and unlike any stored object's."""
    return (1 << 31) | (table.oid << 11 & 0x7FFFFFFF) | column.attnum


@rows_of("pg_rewrite")
def pg_rewrite(view: CatalogView) -> Iterator[Row]:
    """The rule _RETURN of each view."""
    for stored in view.views():
        yield {
            "oid": rule_oid(stored), "rulename": "_RETURN", "ev_class": stored.oid, "ev_type": "1", "ev_enabled": "O",
            "is_instead": True, "ev_qual": "<>", "ev_action": "<>",
        }  # fmt: skip


def rule_oid(stored: AnyView) -> int:
    """A made-up OID of a view's rule, unlike any stored object's."""
    return (3 << 30) | stored.oid


@rows_of("pg_index")
def pg_index(view: CatalogView) -> Iterator[Row]:
    view.reach = Reach.EVERYTHING  # A file may turn out to be damaged at any moment.
    operator_classes = operator_class_oids()
    for index in view.objects(Index):
        table = view.catalog.table(index.table_oid)
        types = [key_type(table, key).oid for key in index.keys]
        expressions = [key.expression_sql for key in index.keys if key.expression_sql]
        yield {
            "indexrelid": index.oid, "indrelid": index.table_oid, "indnatts": len(index.keys) + len(index.included),
            "indnkeyatts": len(index.keys), "indisunique": index.is_unique, "indisprimary": index.is_primary,
            "indisexclusion": index.is_exclusion,
            "indnullsnotdistinct": index.nulls_not_distinct, "indimmediate": not index.is_deferrable,
            "indisvalid": is_index_valid(view.transaction, index) and index_is_complete(view.catalog, index),
            "indisready": True, "indislive": True,
            "indkey": [*index.key_attnums(), *index.included],
            "indcollation": [
                _key_collation(table, key, SqlType(oid)) for key, oid in zip(index.keys, types)
            ],
            "indclass": [
                operator_classes.get((index.family, key.operator_class), operator_classes.get((index.family, oid), 0))
                for key, oid in zip(index.keys, types)
            ],
            "indoption": [int(key.is_descending) | int(key.nulls_first) << 1 for key in index.keys],
            "indexprs": ", ".join(expressions) or None, "indpred": index.predicate_sql,
        }  # fmt: skip


@rows_of("pg_constraint")
def pg_constraint(view: CatalogView) -> Iterator[Row]:
    for index in view.objects(Index):
        if index.constraint_oid:
            yield {
                **_constraint_row(index.constraint_oid, constraint_name(index), index.schema_oid, index.table_oid),
                "contype": "p" if index.is_primary else "x" if index.is_exclusion else "u", "conindid": index.oid, "connoinherit": True,
                "condeferrable": index.is_deferrable, "condeferred": index.is_initially_deferred,
                "conkey": list(index.key_attnums()),
                "conexclop": [key.exclusion_operator for key in index.keys] if index.is_exclusion else None, **_inherited(_constraint_of(view, index.parent_oid)),
            }  # fmt: skip
    for check in view.objects(CheckConstraint):
        schema_oid = view.catalog.table(check.table_oid).schema_oid
        yield {
            **_constraint_row(check.oid, check.name, schema_oid, check.table_oid),
            "contype": "c", "convalidated": check.is_validated, "connoinherit": check.is_no_inherit,
            "conkey": list(check.attnums), "conbin": check.expression_sql,
            "conislocal": not check.is_inherited, "coninhcount": int(check.is_inherited),
        }  # fmt: skip
    for domain in all_domains(view):
        for constraint in domain.constraints:
            yield {
                **_constraint_row(constraint.oid, constraint.name, domain.schema_oid, 0), "contype": "c",
                "contypid": domain.oid, "convalidated": constraint.is_validated, "connoinherit": False,
                "conbin": constraint.expression_sql,
            }  # fmt: skip
    for key in view.objects(ForeignKey):
        schema_oid = view.catalog.table(key.table_oid).schema_oid
        yield {
            **_constraint_row(key.oid, key.name, schema_oid, key.table_oid), **_foreign_key_columns(view, key),
            **_inherited(key.parent_oid),
        }  # fmt: skip


def _inherited(parent_oid: int) -> Row:
    """What is different in the row of a constraint that is part of another one."""
    if not parent_oid:
        return {}
    return {"conparentid": parent_oid, "conislocal": False, "coninhcount": 1, "connoinherit": False}


def _constraint_of(view: CatalogView, index_oid: int) -> int:
    """The constraint behind which an index is; 0 for none."""
    index = view.catalog.get(index_oid)
    return index.constraint_oid if isinstance(index, Index) else 0


def _constraint_row(oid: int, name: str, schema_oid: int, table_oid: int) -> Row:
    return {
        "oid": oid, "conname": name, "connamespace": schema_oid, "convalidated": True, "conrelid": table_oid,
        "confupdtype": " ", "confdeltype": " ", "confmatchtype": " ", "conislocal": True, "connoinherit": True,
        "conkey": None, "confkey": None, "conpfeqop": None, "conppeqop": None, "conffeqop": None, "conexclop": None,
        "conbin": None, "confdelsetcols": None,
    }  # fmt: skip


def _foreign_key_columns(view: CatalogView, key: ForeignKey) -> Row:
    return {
        "contype": "f", "convalidated": key.is_validated, "conindid": key.referenced_index_oid,
        "condeferrable": key.is_deferrable, "condeferred": key.is_initially_deferred,
        "confrelid": key.referenced_oid, "confupdtype": key.on_update.value, "confdeltype": key.on_delete.value,
        "confmatchtype": "f" if key.is_match_full else "s",
        "conkey": list(key.attnums), "confkey": list(key.referenced_attnums),
        "confdelsetcols": list(key.set_attnums) or None,
    }  # fmt: skip


@rows_of("pg_sequence")
def pg_sequence(view: CatalogView) -> Iterator[Row]:
    for sequence in view.objects(Sequence):
        yield {
            "seqrelid": sequence.oid, "seqtypid": sequence.type.oid, "seqstart": sequence.start,
            "seqincrement": sequence.increment, "seqmax": sequence.maximum, "seqmin": sequence.minimum,
            "seqcache": sequence.cache, "seqcycle": sequence.cycle,
        }  # fmt: skip


@rows_of("pg_description")
def pg_description(view: CatalogView) -> Iterator[Row]:
    for table in (*view.objects(Table), *view.objects(View)):
        for column in table.live_columns():
            if column.comment is not None:
                yield _comment(table.oid, PG_CLASS_OID, column.attnum, column.comment)
    others: list[Schema | UserType | UserFunction] = [
        *view.objects(Schema), *view.objects(UserType), *view.objects(UserFunction),
    ]  # fmt: skip
    for described in (*view.stored_relations(), *others):
        if described.comment is not None:
            yield _comment(described.oid, class_oid_of(described), 0, described.comment)
    for extension in view.objects(Extension):
        if extension.comment is not None:
            yield _comment(extension_oid(extension), PG_EXTENSION_OID, 0, extension.comment)
    for constraint in (*view.objects(CheckConstraint), *view.objects(ForeignKey)):
        if constraint.comment is not None:
            yield _comment(constraint.oid, PG_CONSTRAINT_OID, 0, constraint.comment)
    for index in view.objects(Index):
        if index.constraint_comment is not None:
            yield _comment(index.constraint_oid, PG_CONSTRAINT_OID, 0, index.constraint_comment)


def class_oid_of(
    stored: Table
    | View
    | Index
    | Sequence
    | Schema
    | Extension
    | CheckConstraint
    | ForeignKey
    | UserType
    | UserFunction,
) -> int:
    """The OID of the catalog an object is a row of."""
    match stored:
        case Schema():
            return PG_NAMESPACE_OID
        case Extension():
            return PG_EXTENSION_OID
        case CheckConstraint() | ForeignKey():
            return PG_CONSTRAINT_OID
        case UserType():
            return PG_TYPE_OID
        case UserFunction():
            return PG_PROC_OID
        case _:
            return PG_CLASS_OID


def _comment(oid: int, class_oid: int, attnum: int, text: str) -> Row:
    return {"objoid": oid, "classoid": class_oid, "objsubid": attnum, "description": text}
