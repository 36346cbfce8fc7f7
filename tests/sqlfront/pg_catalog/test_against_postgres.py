"""Goal: the catalogs describe a schema as PostgreSQL describes the same schema.

Method: one schema on a server and on a real PostgreSQL with pgvector; queries that name objects instead of counting on
OIDs must give equal rows, types and names of columns included. Row types, TOAST tables and statistics are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.quiver.catalog_schema import SCHEMA_SQL
from tests.quiver.server_process import serving

Connection = psycopg.Connection[tuple[object, ...]]

USER_SCHEMAS = "('public', 'app', 'Weird Name')"
QUERIES = {
    "classes": "SELECT n.nspname, c.relname, c.relkind, c.relpersistence, c.relispopulated, c.relreplident, c.relnatts,"
    " c.relhasindex, c.relchecks, c.relhasrules, c.relhastriggers, c.relispartition, c.reloptions, m.amname,"
    " c.reltuples::int8, pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_am m ON m.oid = c.relam WHERE n.nspname IN " + USER_SCHEMAS + " ORDER BY 1, 2",
    "attributes": "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, atttypmod, attlen, attnum, attndims,"
    " attbyval, attalign, attstorage, attnotnull, atthasdef, attidentity, attgenerated, attisdropped, attislocal,"
    " attcollation, format_type(atttypid, atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN " + USER_SCHEMAS + " AND c.relkind = 'r'"
    " ORDER BY 1, attnum",
    "index attributes": "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnum, attcollation"
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname IN " + USER_SCHEMAS + " AND c.relkind = 'i' ORDER BY 1, attnum",
    "sequence attributes": "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attlen, attnum, attbyval,"
    " attalign, attstorage, attnotnull, attcollation FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN " + USER_SCHEMAS + " AND c.relkind = 'S'"
    " ORDER BY 1, attnum",
    "indexes": "SELECT indexrelid::regclass::text, indrelid::regclass::text, indnatts, indnkeyatts, indisunique,"
    " indnullsnotdistinct, indisprimary, indisexclusion, indimmediate, indisclustered, indisvalid, indisready, indislive,"
    " indkey::text, indcollation::text, indoption::text, indexprs IS NULL, indpred IS NULL,"
    " pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 1, true), (SELECT opcname FROM pg_opclass o"
    " WHERE o.oid = indclass[0]) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN " + USER_SCHEMAS + " ORDER BY 1",
    "constraints": "SELECT conname, contype, condeferrable, condeferred, convalidated, conrelid::regclass::text,"
    " conindid::regclass::text, conkey, pg_get_constraintdef(c.oid) FROM pg_constraint c"
    " JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname IN " + USER_SCHEMAS + " AND contype IN ('p', 'u')"
    " ORDER BY 1",
    "defaults": "SELECT adrelid::regclass::text, adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef d"
    " JOIN pg_class c ON c.oid = d.adrelid ORDER BY 1, 2",
    "sequences": "SELECT seqrelid::regclass::text, seqtypid::regtype::text, seqstart, seqincrement, seqmax, seqmin,"
    " seqcache, seqcycle FROM pg_sequence ORDER BY 1",
    "owned sequences": "SELECT objid::regclass::text, refobjid::regclass::text, refobjsubid, deptype FROM pg_depend"
    " WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')"
    " AND objid IN (SELECT seqrelid FROM pg_sequence) ORDER BY 1",
    "types": "SELECT oid::regtype::text, typname, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,"
    " typdelim, typelem::regtype::text, typarray::regtype::text, typinput::text, typoutput::text, typreceive::text,"
    " typsend::text, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation FROM pg_type"
    " WHERE typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar', 'bpchar', 'bytea',"
    " 'date', 'time', 'timestamp', 'timestamptz', 'uuid', 'json', 'jsonb', 'bit', 'varbit', 'vector', 'halfvec', '_vector',"
    " '_halfvec', '_text', '_int4', 'name', 'oid', 'regclass', 'interval') ORDER BY 2",
    "comments": "SELECT objoid::regclass::text, objsubid, description, obj_description(objoid, 'pg_class'),"
    " col_description(objoid, objsubid) FROM pg_description WHERE classoid = 'pg_class'::regclass ORDER BY 1, 2",
    "keywords": "SELECT * FROM pg_get_keywords() WHERE word NOT IN ('absent', 'format', 'indent', 'json', 'json_array',"
    " 'json_arrayagg', 'json_object', 'json_objectagg', 'scalar', 'system_user') ORDER BY word",
    "pg_indexes": "SELECT * FROM pg_indexes WHERE schemaname IN " + USER_SCHEMAS + " ORDER BY 1, 2, 3",
    "pg_tables": "SELECT * FROM pg_tables WHERE schemaname IN " + USER_SCHEMAS + " ORDER BY 1, 2",
    "pg_sequences": "SELECT * FROM pg_sequences ORDER BY 1, 2",
    "columns": "SELECT table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,"
    " character_maximum_length, character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale,"
    " datetime_precision, udt_schema, udt_name, is_identity, identity_generation, identity_start, identity_increment,"
    " identity_maximum, identity_minimum, identity_cycle, is_generated, is_updatable, dtd_identifier"
    " FROM information_schema.columns WHERE table_schema IN " + USER_SCHEMAS + " ORDER BY 1, 2, 4",
    "tables": "SELECT table_schema, table_name, table_type, is_insertable_into, is_typed FROM information_schema.tables"
    " WHERE table_schema IN " + USER_SCHEMAS + " ORDER BY 1, 2",
    "table constraints": "SELECT table_schema, table_name, constraint_name, constraint_type, is_deferrable,"
    " initially_deferred, enforced FROM information_schema.table_constraints WHERE constraint_type <> 'CHECK'"
    " AND table_schema IN " + USER_SCHEMAS + " ORDER BY 1, 2, 3",
    "key columns": "SELECT constraint_name, table_name, column_name, ordinal_position"
    " FROM information_schema.key_column_usage WHERE table_schema IN " + USER_SCHEMAS + " ORDER BY 1, 4",
    "schemata": "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN " + USER_SCHEMAS
    + " ORDER BY 1",
    "information sequences": "SELECT sequence_schema, sequence_name, data_type, numeric_precision, start_value,"
    " minimum_value, maximum_value, increment, cycle_option FROM information_schema.sequences ORDER BY 1, 2",
    "names": "SELECT to_regclass('packages')::text, to_regclass('app.orders')::text, to_regclass('nosuch')::text,"
    " to_regtype('vector')::text, to_regtype('int')::text, to_regtype('double precision[]')::text,"
    " 'packages'::regclass::text, '\"Weird Name\".\"Mixed Case\"'::regclass::text, 'trigger'::regtype::text,"
    " to_regnamespace('app')::text, to_regrole('postgres')::text, 'now'::regproc::text, 'abs(integer)'::regprocedure::text,"
    " '+(integer,integer)'::regoperator::text, to_regoperator('-(none,integer)')::text, to_regoper('<%>')::text,"
    " to_regoper('+')::text, (SELECT max(o::regoperator::text) FROM (VALUES ('*(real,real)')) AS v (o))",
    "format_type": "SELECT format_type(1043, 14), format_type(1042, NULL), format_type(1042, -1), format_type(1700, 655366),"
    " format_type(NULL, 1), format_type(0, NULL), format_type(2279, NULL), format_type(2276, NULL), format_type(1231, NULL),"
    " format_type(1184, 3), format_type(99999999, NULL)",
    "serial sequences": "SELECT pg_get_serial_sequence('authors', 'id'), pg_get_serial_sequence('packages', 'id'),"
    " pg_get_serial_sequence('authors', 'name')",
    "descriptions": "SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d JOIN pg_extension e"
    " ON e.oid = d.refobjid WHERE e.extname = 'vector' AND d.deptype = 'e' AND pg_describe_object(d.classid, d.objid,"
    " d.objsubid) ~ '^(type|cast|operator).*(vector|halfvec)' AND pg_describe_object(d.classid, d.objid, d.objsubid)"
    " !~ 'sparsevec|int8vec|bf16vec' AND (pg_describe_object(d.classid, d.objid, d.objsubid) !~ ' access method '"
    " OR pg_describe_object(d.classid, d.objid, d.objsubid) ~ ' access method (btree|hnsw|ivfflat)$') ORDER BY 1",
}  # fmt: skip


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with (
        serving(tmp_path_factory.mktemp("data")) as server,
        psycopg.connect(server.dsn, autocommit=True) as opened,
    ):
        opened.execute(SCHEMA_SQL)
        yield opened


@pytest.fixture(scope="module")
def theirs(postgres_uri: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE catalog_twin")
    with psycopg.connect(make_conninfo(postgres_uri, dbname="catalog_twin"), autocommit=True) as opened:
        opened.execute("CREATE EXTENSION vector;" + SCHEMA_SQL)
        opened.execute("VACUUM ANALYZE")
        yield opened
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE catalog_twin")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUERIES)
def test_rows_are_postgresqls(ours: Connection, theirs: Connection, name: str) -> None:
    found, wanted = (connection.execute(QUERIES[name]) for connection in (ours, theirs))
    assert found.description is not None and wanted.description is not None
    columns = [(column.name, column.type_code) for column in wanted.description]
    assert [(column.name, column.type_code) for column in found.description] == columns
    rows, expected = found.fetchall(), wanted.fetchall()
    assert expected, "the query finds nothing"
    differences = [(row, other) for row, other in zip(rows, expected) if row != other]
    assert not differences
    assert len(rows) == len(expected)
