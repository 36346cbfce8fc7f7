"""Goal: what was granted and revoked outlives the server, holds at once for plans that are kept, and is in a dump.

Method: a server that is killed; prepared statements of one session while another one grants and revokes; pg_dump into a second database.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow

LISTS = (
    "SELECT relname, relacl FROM pg_class WHERE relname IN ('kept', 'kept_id_seq') ORDER BY 1",
    "SELECT attname, attacl FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0 ORDER BY 1",
    "SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'public'",
    "SELECT defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1",
)
GRANTS = (
    "CREATE TABLE kept (id serial, a int)",
    "GRANT SELECT, INSERT (a) ON kept TO k_ada WITH GRANT OPTION",
    "GRANT USAGE ON SEQUENCE kept_id_seq TO k_staff",
    "GRANT CREATE ON SCHEMA public TO k_staff",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO k_staff",
)


def access_lists(connection: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [connection.execute(text.encode()).fetchall() for text in LISTS]


def test_grants_outlive_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        for text in ("CREATE ROLE k_staff", "CREATE ROLE k_ada LOGIN IN ROLE k_staff", *GRANTS):
            connection.execute(text.encode())
        connection.execute("CHECKPOINT")
        connection.execute("REVOKE GRANT OPTION FOR SELECT ON kept FROM k_ada")
        before = access_lists(connection)
        server.kill()
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert access_lists(connection) == before
        connection.execute("SET ROLE k_ada")
        assert connection.execute("SELECT pg_has_role('k_staff', 'MEMBER')").fetchone() == (True,)
        connection.execute("INSERT INTO kept (a) VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM kept")


def test_kept_plans_are_checked_again(server: ServerProcess) -> None:
    dsn = psycopg.conninfo.make_conninfo(server.dsn, user="k_reader")
    with psycopg.connect(server.dsn, autocommit=True) as owner:
        owner.execute("CREATE ROLE k_reader LOGIN")
        owner.execute("CREATE TABLE looked_at (id int PRIMARY KEY, a int)")
        owner.execute("GRANT SELECT, INSERT ON looked_at TO k_reader")
        with psycopg.connect(dsn, autocommit=True) as reader:
            insert, read = "INSERT INTO looked_at VALUES (%s, 1)", "SELECT a FROM looked_at WHERE id = %s"
            for number in range(4):
                reader.execute(insert, (number,), prepare=True)
                assert reader.execute(read, (number,), prepare=True).fetchall() == [(1,)]
            owner.execute("REVOKE ALL ON looked_at FROM k_reader")
            for text in (insert, read):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(text, (9,), prepare=True)
            owner.execute("GRANT SELECT (id) ON looked_at TO k_reader")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(read, (1,), prepare=True)
            owner.execute("GRANT SELECT (a) ON looked_at TO k_reader")
            assert reader.execute(read, (1,), prepare=True).fetchall() == [(1,)]


def test_a_dump_has_the_grants(server: ServerProcess) -> None:
    dsns = [psycopg.conninfo.make_conninfo(server.dsn, dbname=name) for name in ("k_one", "k_two")]
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for text in (
            "CREATE ROLE k_staff",
            "CREATE ROLE k_ada",
            "CREATE DATABASE k_one",
            "CREATE DATABASE k_two",
        ):
            connection.execute(text.encode())
    with psycopg.connect(dsns[0], autocommit=True) as connection:
        for text in GRANTS:
            connection.execute(text.encode())
        expected = access_lists(connection)
    dump = subprocess.run(["pg_dump", "-d", dsns[0]], capture_output=True, text=True, check=True).stdout
    restore = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsns[1]]
    subprocess.run(restore, input=dump, capture_output=True, text=True, check=True)
    with psycopg.connect(dsns[1]) as connection:
        assert access_lists(connection) == expected
