"""A small catalog for tests that need no PostgreSQL."""

from __future__ import annotations

from foundation.sqltypes import BOOL, INT4, INT8, JSONB, TEXT, VARCHAR, VECTOR, SqlType, numeric_typmod
from planner.bound import BoundStatement, RelationColumn
from sqlfront.binder import BindContext, VirtualRelation, bind_query
from sqlfront.parser import QueryStatement, parse_script
from storage.bootstrap import bootstrap_objects
from storage.catalog import (
    DEFAULT_DATABASE_OID,
    Catalog,
    Column,
    Index,
    IndexKey,
    Sequence,
    Table,
)

OWNER = 10
DOCS, TAGS, KEYED = 30001, 30002, 30003
PRICE = SqlType(1700, numeric_typmod(10, 2))
TITLE = SqlType(VARCHAR.oid, 44)
EMBEDDING = SqlType(VECTOR.oid, 3)


class OneRelation:
    """pg_catalog with a single relation."""

    def lookup(self, schema: str, name: str) -> VirtualRelation | None:
        if (schema, name) != ("pg_catalog", "pg_am"):
            return None
        columns = (RelationColumn("oid", SqlType(26), 1), RelationColumn("amname", SqlType(19), 2))
        return VirtualRelation("pg_catalog", "pg_am", columns, 2601)


def small_catalog() -> Catalog:
    docs = Table(
        DOCS, "docs", DEFAULT_DATABASE_OID, OWNER,
        columns=(
            Column(1, "id", INT8, True),
            Column(2, "title", TITLE),
            Column(3, "gone", TEXT, is_dropped=True),
            Column(4, "price", PRICE, default_sql="0"),
            Column(5, "embedding", EMBEDDING),
            Column(6, "meta", JSONB),
            Column(7, "active", BOOL, default_sql="true"),
        ),
    )  # fmt: skip
    tags = Table(
        TAGS, "tags", DEFAULT_DATABASE_OID, OWNER,
        columns=(Column(1, "doc_id", INT8), Column(2, "tag", TEXT)),
    )  # fmt: skip
    keyed = Table(
        KEYED, "keyed", DEFAULT_DATABASE_OID, OWNER,
        columns=(Column(1, "id", INT4, True, identity="a"), Column(2, "x", TEXT)),
    )  # fmt: skip
    objects = [
        *bootstrap_objects("0.8.5"), docs, tags, keyed,
        Index(30010, "docs_pkey", DEFAULT_DATABASE_OID, OWNER, table_oid=DOCS, keys=(IndexKey(1),),
              is_unique=True, is_primary=True),
        Sequence(30011, "keyed_id_seq", DEFAULT_DATABASE_OID, OWNER, owned_by=(KEYED, 1)),
    ]  # fmt: skip
    return Catalog({obj.oid: obj for obj in objects})


CATALOG = small_catalog()


def new_context(*parameter_oids: int) -> BindContext:
    return BindContext(
        CATALOG, DEFAULT_DATABASE_OID, parameter_oids=parameter_oids, virtual_relations=OneRelation()
    )


def bind(sql: str, context: BindContext | None = None) -> BoundStatement:
    (parsed,) = parse_script(sql)
    assert isinstance(parsed.node, QueryStatement)
    return bind_query(parsed.node.expression, context or new_context())
