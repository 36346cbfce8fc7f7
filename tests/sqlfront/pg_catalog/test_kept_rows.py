"""Goal: rows that are kept are the rows that would be made, whatever changed, and keep nothing alive.

Method: sessions over one directory change objects, rows, settings and the search path, committed and not; after every step
every relation is asked for through the kept rows and made anew, from the view of each session.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from quiver.instance import Instance
from sqlfront.pg_catalog import relation_rows
from sqlfront.pg_catalog.kept_rows import KeptRows
from sqlfront.pg_catalog.relations import all_relations
from sqlfront.pg_catalog.view import CatalogView
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow

CLOCKS = {"pg_stat_activity", "pg_timezone_names", "quiver_memory"}
"""What differs from one moment to the next."""
STEPS = (
    "CREATE TABLE t (id int PRIMARY KEY, n numeric(5, 2) DEFAULT 1, tags text[], u int UNIQUE)",
    "CREATE SCHEMA s; CREATE TABLE s.t (id int REFERENCES t); CREATE VIEW v AS SELECT * FROM s.t",
    "SET search_path = s, public",
    "INSERT INTO public.t SELECT i, i, ARRAY['a'], i FROM generate_series(1, 50) i",
    "BEGIN; ALTER TABLE public.t ADD COLUMN later date; INSERT INTO public.t (id) VALUES (99)",
    "COMMENT ON TABLE public.t IS 'inside'",
    "ROLLBACK",
    "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE SEQUENCE q",
    "DELETE FROM public.t WHERE id < 10",
    "SELECT nextval('q'); ALTER TYPE mood RENAME TO humour; CREATE ROLE somebody",
    "BEGIN; CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'; COMMIT",
    "SET DateStyle = 'ISO, DMY'; RESET search_path",
    "DROP TABLE public.t CASCADE",
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path / "data") as instance:
        yield instance


def view_of(client: Client) -> CatalogView:
    return CatalogView(client.session, client.session.block.open_transaction())


def test_kept_rows_are_the_rows(instance: Instance) -> None:
    kept, clients = KeptRows(), [Client(instance), Client(instance)]
    relations = [key for key in all_relations() if key[1] not in CLOCKS]
    for step in STEPS:
        clients[0].script(step)
        for client in clients:
            was_idle = client.status == "I"
            for schema, name in relations:
                made = relation_rows(schema, name, view_of(client))
                for _ in range(2):
                    found = kept.rows(schema, name, view_of(client))
                    assert found.equals(made), (step, schema, name)
            if was_idle:
                client.session.block.rollback()


def test_rows_are_made_once_while_nothing_changes(instance: Instance) -> None:
    makes: list[str] = []

    def counted(schema: str, name: str, view: CatalogView) -> pa.Table:
        makes.append(name)
        return relation_rows(schema, name, view)

    kept, client = KeptRows(counted), Client(instance)
    client.script("CREATE TABLE t (id int)")
    names = ("pg_attribute", "pg_class", "pg_settings")
    for step in ("", "", "INSERT INTO t VALUES (1)", ""):
        client.script(step)
        for name in names:
            kept.rows("pg_catalog", name, view_of(client))
        client.session.block.rollback()
    assert [makes.count(name) for name in names] == [1, 2, 4]


def test_what_is_kept_is_bounded_and_keeps_no_state_alive(instance: Instance) -> None:
    client = Client(instance)
    client.script("CREATE TABLE t (id int)")
    rows = relation_rows("pg_catalog", "pg_class", view_of(client))
    kept = KeptRows(size_bytes_max=rows.nbytes)
    kept.rows("pg_catalog", "pg_namespace", view_of(client))
    kept.rows("pg_catalog", "pg_class", view_of(client))
    assert [key[1] for key in kept._kept] == ["pg_class"]
    state = weakref.ref(instance.storage.published)
    client.session.block.rollback()
    client.script("INSERT INTO t VALUES (1)")
    gc.collect()
    assert state() is None
