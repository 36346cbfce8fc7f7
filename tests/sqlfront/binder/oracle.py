"""A real PostgreSQL beside the binder: the same schema in both, and what each says of a statement.

The schema is created in PostgreSQL from `schema.sql`; the catalog the binder works on is read back from there,
so the two cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField

from foundation.errors import QuiverError
from foundation.row_types import described_type
from foundation.sqltypes import TYPES_BY_NAME, SqlType
from planner.bound import Delete, Insert, Update, output_columns
from sqlfront.binder import BindContext, bind_query
from sqlfront.parser import QueryStatement, parse_script
from storage.bootstrap import bootstrap_objects
from storage.catalog import (
    DEFAULT_DATABASE_OID,
    Catalog,
    CatalogObject,
    Column,
    Index,
    IndexKey,
    Sequence,
    Table,
)
from tests.sqlfront.binder.tree_check import check_tree

HERE = Path(__file__).parent
OWNER = 10


@dataclass(frozen=True)
class Verdict:
    """What a server says of a statement at Parse and Describe."""

    sqlstate: str = ""
    message: str = ""
    position: int | None = None
    parameters: tuple[int, ...] = ()
    columns: tuple[tuple[str, int, int], ...] = ()
    """(name, type OID, typmod)."""
    detail: str | None = field(default=None, compare=False)
    hint: str | None = field(default=None, compare=False)


class Oracle:
    """PostgreSQL with the test schema."""

    def __init__(self, uri: str) -> None:
        self.connection = psycopg.connect(uri, autocommit=True)
        self.connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION vector")
        for statement in (HERE / "schema.sql").read_text(encoding="utf-8").split(";"):
            if statement.strip():
                self.connection.execute(statement)
        rows = self.connection.execute("SELECT oid, typname FROM pg_type").fetchall()
        self.oids = {oid: TYPES_BY_NAME[name].oid for oid, name in rows if name in TYPES_BY_NAME}

    def close(self) -> None:
        self.connection.close()

    def verdict(self, sql: str) -> Verdict:
        connection = self.connection.pgconn
        result = connection.prepare(b"", sql.encode())
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            position = _field(result, DiagnosticField.STATEMENT_POSITION)
            return Verdict(
                _field(result, DiagnosticField.SQLSTATE) or "",
                _field(result, DiagnosticField.MESSAGE_PRIMARY) or "",
                int(position) if position else None,
                detail=_field(result, DiagnosticField.MESSAGE_DETAIL),
                hint=_field(result, DiagnosticField.MESSAGE_HINT),
            )
        described = connection.describe_prepared(b"")
        mapped = self.oids.get
        return Verdict(
            parameters=tuple(
                mapped(described.param_type(i), described.param_type(i)) for i in range(described.nparams)
            ),
            columns=tuple(
                (
                    (described.fname(i) or b"").decode(),
                    mapped(described.ftype(i), described.ftype(i)),
                    described.fmod(i),
                )
                for i in range(described.nfields)
            ),
        )

    def catalog(self) -> Catalog:
        """The schema as the binder sees it."""
        objects: list[CatalogObject] = list(bootstrap_objects("0.8.5"))
        tables = self.connection.execute(
            "SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for oid, name in tables:
            objects.append(Table(oid, name, DEFAULT_DATABASE_OID, OWNER, columns=tuple(self._columns(oid))))
            objects += self._primary_key(oid, name)
        sequences = self.connection.execute(
            "SELECT c.oid, c.relname, d.refobjid, d.refobjsubid FROM pg_class c JOIN pg_depend d ON d.objid = c.oid "
            "WHERE c.relkind = 'S' AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"
        ).fetchall()
        objects += [
            Sequence(oid, name, DEFAULT_DATABASE_OID, OWNER, owned_by=(table, attnum))
            for oid, name, table, attnum in sequences
        ]
        return Catalog({obj.oid: obj for obj in objects})

    def _columns(self, table_oid: int) -> list[Column]:
        rows = self.connection.execute(
            "SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, pg_get_expr(d.adbin, d.adrelid),"
            " a.attidentity FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND"
            " d.adnum = a.attnum WHERE a.attrelid = %s AND a.attnum > 0 ORDER BY a.attnum",
            [table_oid],
        ).fetchall()
        return [
            Column(num, name, SqlType(self.oids[oid], typmod), not_null, default, identity=identity)
            for num, name, oid, typmod, not_null, default, identity in rows
        ]

    def _primary_key(self, table_oid: int, name: str) -> list[CatalogObject]:
        rows = self.connection.execute(
            "SELECT indexrelid, indkey::int2[] FROM pg_index WHERE indrelid = %s AND indisprimary",
            [table_oid],
        ).fetchall()
        return [
            Index(
                oid, f"{name}_pkey", DEFAULT_DATABASE_OID, OWNER, table_oid=table_oid,
                keys=tuple(IndexKey(n) for n in keys), is_unique=True, is_primary=True,
            )
            for oid, keys in rows
        ]  # fmt: skip


def _field(result: Any, which: DiagnosticField) -> str | None:
    value = result.error_field(which)
    return value.decode() if value is not None else None


def our_verdict(catalog: Catalog, sql: str) -> Verdict:
    """What the binder says of a statement."""
    context = BindContext(catalog, DEFAULT_DATABASE_OID)
    try:
        (parsed,) = parse_script(sql)
        assert isinstance(parsed.node, QueryStatement)
        bound: Any = bind_query(parsed.node.expression, context)
    except QuiverError as error:
        return Verdict(error.sqlstate, error.message, error.position, detail=error.detail, hint=error.hint)
    check_tree(bound)
    if isinstance(bound, Insert | Update | Delete):
        columns = tuple((t.name, *described_type(t.expression.sql_type)) for t in bound.returning)
    else:
        columns = tuple((c.name, *described_type(c.type)) for c in output_columns(bound))
    return Verdict(parameters=tuple(t.oid for t in context.parameter_types()), columns=columns)


def statements(name: str) -> list[str]:
    """The statements of a file, one a line; `--` starts a comment line."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("--")]
