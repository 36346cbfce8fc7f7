"""Prints the tables of functions, operators and casts as Python, from a running PostgreSQL with pgvector.

    python -m planner.functions.generate_signatures "postgresql://..." functions > signatures_functions.py
    python -m planner.functions.generate_signatures "postgresql://..." operators > signatures_operators.py
    python -m planner.functions.generate_signatures "postgresql://..." casts > signatures_casts.py
    python -m planner.functions.generate_signatures "postgresql://..." type_functions > signatures_type_functions.py
    python -m planner.functions.generate_signatures "postgresql://..." unsupported > signatures_unsupported.py

A development tool. Kept is what speaks only of types in `foundation.sqltypes` and what a client may sensibly call;
left out are input and output functions, index and statistics support, replication, files of the server and large objects. Of pgvector every function is kept, also those that take or return `internal`, which nobody can call.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import psycopg

from foundation.sqltypes import PSEUDO_TYPES, TYPES_BY_NAME
from planner.functions.signature import ANY, POLYMORPHIC_TYPES

LEFT_OUT = re.compile(
    r"(binary_upgrade|brin|gin|gist|spg|gbt|ts_stat|ts_typanalyze|gtsvector|tsvector_update|pg_replication|pg_logical|lo_|fmgr_|xml|ri_|"
    r"lo(read|write|import|export|create|open|close|unlink)|pg_wal|pg_backup|pg_stat_(?!clear_snap|reset$)|"
    r"pg_ls_|pg_read_|pg_rotate|pg_reload|pg_switch|pg_create_|pg_drop_|pg_promote|pg_log_|pg_import|pg_nextoid|"
    r"pg_stop_making|pg_control|pg_ndistinct|pg_dependencies|pg_mcv|pg_last_|pg_xact|pg_config|pg_hba|pg_split_|"
    r"pg_ident_file|pg_show|pg_tablespace_databases|pg_lock_status|pg_prepared_|pg_cursor|pg_event_trigger|"
    r"pg_get_(multixact|replication|publication|shmem|wal|backend_memory|catalog_foreign)|pg_is_wal|pg_isolation|"
    r"pg_safe_snapshot|pg_filenode|pg_available_wal|hash_|hash(?!text)|(ivfflat|hnsw)_|currtid|in_range|"
    r"cursor_to|query_to|table_to|schema_to|database_to|satisfies_hash|float8_(?!.*l2)[a-z_]+$|int8inc|int8dec|"
    r".*(_?recv|_?send|_support|_selfunc|sel|joinsel|_transfn|_finalfn|_combinefn|_accum|_accum_inv|_combine|"
    r"typmod_?in|typmod_?out|_invfn|larger|smaller|_validator|_statefunc|_subdiff|_hash|_hash_extended|_handler|"
    r"\d_(sum|avg)|interval_avg|vector_avg|halfvec_avg|sortsupport)$)"
)

EXTENSION_SCHEMA = "public"
FIRST_EXTENSION_OID = 17000
"""Of the functions, operators and other objects of pgvector: their OIDs here, whatever they are in an installation."""

SOURCE_EXTENSION = """
    SELECT classid::regclass::text, objid::int8 FROM pg_depend
    WHERE deptype = 'e' AND classid <> 'pg_type'::regclass ORDER BY 1, 2"""
SOURCE_TYPES = """
    SELECT t.oid, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname IN ('pg_catalog', 'public')"""
SOURCE_FUNCTIONS = """
    SELECT p.oid, p.proname, p.proargtypes::oid[], p.prorettype, p.prokind, p.proretset, p.provolatile,
           p.proisstrict, p.provariadic, p.pronargdefaults, p.proallargtypes, p.proargmodes, p.proargnames,
           n.nspname, a.aggkind, ARRAY(SELECT pg_get_function_arg_default(p.oid, i)
                                       FROM generate_series(1, p.pronargs) i)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
    WHERE (n.nspname IN ('pg_catalog', 'public') OR p.proname = '_pg_expandarray') AND p.prokind <> 'p'
    ORDER BY p.proname, p.oid"""
SOURCE_TYPE_FUNCTIONS = """
    SELECT DISTINCT p.proname, oidvectortypes(p.proargtypes), p.oid FROM pg_type t, pg_proc p
    WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout)
    AND t.typname = ANY(%s) AND p.oid < 16384 ORDER BY p.proname, p.oid"""
SOURCE_CALLABLE_NAMES = """
    SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('pg_catalog', 'public') AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'cstring'::regtype]
    AND p.prorettype <> ALL (ARRAY['internal', 'cstring', 'trigger', 'event_trigger', 'index_am_handler',
                                   'table_am_handler', 'language_handler', 'fdw_handler']::regtype[])
    AND (p.proname !~ '(recv|send|cmp|support|eq|ne|lt|le|gt|ge)$' OR p.proname ~ 'range$')"""
SOURCE_OPERATORS = """
    SELECT o.oid, o.oprname, o.oprleft, o.oprright, o.oprresult, p.proname, n.nspname
    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_namespace n ON n.oid = o.oprnamespace
    WHERE n.nspname IN ('pg_catalog', 'public') ORDER BY o.oprname, o.oid"""
SOURCE_CASTS = """
    SELECT castsource, casttarget, castcontext, castmethod FROM pg_cast ORDER BY castsource, casttarget"""


def extension_oids(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """OIDs of the extension's objects in this installation, types left out -> those they have here."""
    rows = connection.execute(SOURCE_EXTENSION).fetchall()
    return {oid: FIRST_EXTENSION_OID + number for number, (_, oid) in enumerate(rows)}


class Generator:
    """Reads the catalogs of one server and renders the tables."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._extension_oids = extension_oids(connection)
        self._oids: dict[int, int] = {oid: oid for oid in (ANY, *POLYMORPHIC_TYPES)}
        for oid, name in connection.execute(SOURCE_TYPES).fetchall():
            known = TYPES_BY_NAME.get(name)
            if known is not None:
                self._oids[oid] = known.oid

    def map_types(self, oids: Iterable[int], *, with_pseudo: bool = False) -> tuple[int, ...] | None:
        """Our OIDs, or None when one of the types is not ours."""
        mapped = tuple(
            self._oids.get(oid, oid if with_pseudo and oid in PSEUDO_TYPES else -1) for oid in oids
        )
        return None if -1 in mapped else mapped

    def _object_oid(self, oid: int) -> int:
        return self._extension_oids.get(oid, oid)

    def functions(self) -> list[tuple[Any, ...]]:
        """Rows in the field order of `signatures.function_from_row`."""
        cstring = TYPES_BY_NAME["cstring"].oid
        rows = []
        for row in self._connection.execute(SOURCE_FUNCTIONS).fetchall():
            name, variadic = row[1], row[8]
            arguments = [*list(row[2][:-1]), variadic] if variadic else list(row[2])
            is_extension = row[13] == EXTENSION_SCHEMA
            types = self.map_types([*arguments, row[3]], with_pseudo=is_extension)
            if types is None or (not is_extension and (cstring in types or self._is_left_out(name))):
                continue
            columns = self._result_columns(row)
            if columns is None:
                continue
            kind = "s" if row[5] else row[4]
            defaults = tuple(text for text in row[15] if text is not None)
            names = tuple(row[12][: len(arguments)]) if row[12] and all(row[12][: len(arguments)]) else ()
            rows.append(
                (name, types[:-1], types[-1], kind, row[6], bool(row[7]), bool(variadic), columns, row[13],
                 names, defaults, row[14] in ("o", "h"), self._object_oid(row[0]))
            )  # fmt: skip
        return rows

    def _result_columns(self, row: tuple[Any, ...]) -> tuple[tuple[str, int], ...] | None:
        if not row[11] or not row[12]:
            return ()
        outputs = [(n, t) for t, m, n in zip(row[10], row[11], row[12]) if m in ("o", "t", "b")]
        types = self.map_types(t for _, t in outputs)
        return None if types is None else tuple((n, t) for (n, _), t in zip(outputs, types))

    def _is_left_out(self, name: str) -> bool:
        return LEFT_OUT.match(name) is not None

    def operators(self) -> list[tuple[Any, ...]]:
        """(name, left, right, result, function, schema, oid)."""
        rows = []
        for oid, name, left, right, result, function, schema in self._connection.execute(SOURCE_OPERATORS):
            types = self.map_types([oid_ for oid_ in (left, right, result) if oid_])
            if types is not None and right:
                rows.append(
                    (name, *(types if left else (0, *types)), function, schema, self._object_oid(oid))
                )
        return rows

    def casts(self) -> list[tuple[Any, ...]]:
        """(source, target, context, method)."""
        rows = []
        for source, target, context, method in self._connection.execute(SOURCE_CASTS).fetchall():
            types = self.map_types([source, target])
            if types is not None:
                rows.append((*types, context, method))
        return sorted(rows)

    def type_functions(self) -> list[tuple[Any, ...]]:
        """(name, argument types as written, oid) of what reads and writes the types' values."""
        return self._connection.execute(SOURCE_TYPE_FUNCTIONS, [list(TYPES_BY_NAME)]).fetchall()

    def unsupported(self) -> list[tuple[Any, ...]]:
        """(kind, name) of the functions ('f') and operators ('o') that exist in no form here."""
        kept_functions = {row[0] for row in self.functions()}
        kept_operators = {row[0] for row in self.operators()}
        functions = {row[0] for row in self._connection.execute(SOURCE_CALLABLE_NAMES).fetchall()}
        operators = {row[1] for row in self._connection.execute(SOURCE_OPERATORS).fetchall()}
        rows = [("f", name) for name in functions - kept_functions]
        return sorted(rows + [("o", name) for name in operators - kept_operators])


def render(title: str, variable: str, rows: list[tuple[Any, ...]]) -> str:
    """A Python module with one tuple of tuples."""
    lines = [f'"""{title}\n\nGenerated by planner/functions/generate_signatures.py; do not edit.\n"""', ""]
    lines += [f"{variable}: tuple[tuple[Any, ...], ...] = ("]
    lines += [f"    {row!r}," for row in rows]
    return "\n".join(
        [
            lines[0],
            "",
            "from __future__ import annotations",
            "",
            "from typing import Any",
            "",
            "# fmt: off",
            *lines[2:],
            ")",
            "",
        ]
    )


def main(dsn: str, table: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        generator = Generator(connection)
        rows = getattr(generator, table)()
    print(render(f"PostgreSQL's {table} over the types of this server.", table.upper(), rows), end="")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
