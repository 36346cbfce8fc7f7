"""Goal: pgvector's settings have its names, defaults, ranges and errors, wherever a client may give them.

Method: the same statements to a real PostgreSQL with pgvector and to Quiver, by the simple query protocol; tags, rows,
notices and errors must be equal. Then sessions whose role, database and start-up packet give values. Settings' own
descriptions are ours: they say what a setting does here.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.quiver.pgvector.messages import Listener, listening
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

NAMES = (
    "hnsw.ef_search", "hnsw.iterative_scan", "hnsw.max_scan_tuples", "hnsw.scan_mem_multiplier", "ivfflat.probes",
    "ivfflat.iterative_scan", "ivfflat.max_probes",
)  # fmt: skip
VALUES = (
    "0", "1", "-1", "'1'", "40", "1000", "1001", "1000.4", "1000.5", "32768", "32769", "2147483647", "2147483648", "'99999999999'",
    "'9223372036854775808'", "1.5", "'1.5'", "2.5", "0.4", "0.5", "1.2345678", "'abc'", "''", "' 7 '", "'0x10'", "'010'", "'08'",
    "'1e2'", "1e2", "'0x1p3'", "off", "on", "true", "'off'", "'OFF'", "' off '", "relaxed_order", "strict_order", "'Strict_Order'",
    "relaxed", "DEFAULT", "'10kB'", "'10 s'", "'1,2'", "1, 2", "NULL", "'NaN'", "'Infinity'", "'-inf'", "'1_000'", "'+5'",
    "'0b1'", "'1.'", "'.5'", "'1e'", "'  '", "'1e400'",
)  # fmt: skip
SPELLINGS = (
    'SET "{name}" = "100"', "SET {name} TO '100'", "SET {upper} TO 2", 'SET "{upper}" TO 3', "SHOW {upper}",
    'SHOW "{name}"', "SET SESSION {name} = 4", "RESET {upper}", "SELECT current_setting('{name}'), current_setting('{upper}', true)",
    "SELECT set_config('{name}', '5', false)", "SELECT set_config('{name}', 'off', true)",
    "SELECT set_config('{upper}', '7', false)", "SELECT set_config('{name}', 'x', false)",
    "SELECT set_config('{name}', NULL, false)", "SHOW {name}",
    "BEGIN", "SET LOCAL {name} = 9", "SET LOCAL {name} = off", "SHOW {name}", "ROLLBACK", "SHOW {name}",
    "BEGIN", "SET {name} = 9", "SET LOCAL {name} TO DEFAULT", "SHOW {name}", "COMMIT", "SHOW {name}",
    "BEGIN", "SET {name} = 9", "SAVEPOINT a", "SET {name} = 10", "ROLLBACK TO a", "SHOW {name}", "COMMIT", "SHOW {name}",
    "BEGIN", "SELECT set_config('{name}', '6', true)", "SHOW {name}", "COMMIT", "SHOW {name}",
    "SET LOCAL {name} = 1; SHOW {name}", "SELECT 1; SET LOCAL {name} = 1", "SHOW {name}",
    "SET LOCAL {name} = 9", "SHOW {name}", 'RESET "{name}"', "SHOW {name}", "RESET ALL", "DISCARD ALL", "SHOW {name}",
    "SELECT name, setting, unit, context, vartype, source, min_val, max_val, enumvals, boot_val FROM pg_settings WHERE name = '{name}'",
    "SELECT reset_val, pending_restart, category, sourcefile, sourceline FROM pg_settings WHERE name = '{name}'",
)  # fmt: skip
OTHER_NAMES = (
    "SET hnsw.nope = 1", "SHOW hnsw.nope", "RESET hnsw.nope", "SELECT current_setting('hnsw.nope')",
    "SELECT current_setting('hnsw.nope', true)", "SELECT set_config('hnsw.nope', '1', false)", "SET ivfflat.x = 1",
    'SET "hnsw.Nope" = 1', "SET hnsw. = 1", "SET hnsw = 1", "SHOW hnsw", 'SET "hnsw ef" = 1',
    "SET a.b = 1", "SHOW a.b", "SET a.b.c = 1", "SHOW a.b.c", 'SET "a.1" = 1', 'SET "a. b" = 1',
    "SELECT set_config('a.b-c', '1', false)", "SELECT set_config('', '1', false)", "SELECT set_config(NULL, '1', false)",
    "SELECT current_setting(NULL)", "SELECT current_setting('')", "SELECT current_setting('', true)",
    "SELECT current_setting('nope')", "SELECT current_setting('nope', true)", "SET nope = 1", "RESET nope",
    "SELECT current_setting('zz.y')", "SELECT current_setting('zz.y', true)", "SHOW zz.y",
    "SET a.q TO 'x'", "RESET a.q", "SHOW a.q", "BEGIN", "SET LOCAL w.q TO 'x'", "COMMIT", "SHOW w.q",
    "SELECT current_setting('w.q', true)", "SELECT set_config('w.r', NULL, false)", "SHOW w.r", "SET w.s TO DEFAULT", "SHOW w.s",
    "SET hnsw.ef_search = 77", "SELECT setting, source, reset_val FROM pg_settings WHERE name = 'hnsw.ef_search'", "BEGIN",
    "SET LOCAL hnsw.ef_search = 78", "SELECT setting, source, reset_val FROM pg_settings WHERE name = 'hnsw.ef_search'", "COMMIT",
    "SELECT setting, source FROM pg_settings WHERE name = 'hnsw.ef_search'", "RESET ALL",
    "SELECT count(*) FROM pg_settings WHERE name LIKE 'hnsw.%' OR name LIKE 'ivfflat.%'",
)  # fmt: skip
KEPT = (
    "SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase"
    " LEFT JOIN pg_roles r ON r.oid = s.setrole ORDER BY 1, 2"
)
DEFAULTS_OF_ROLES = (
    "CREATE ROLE searcher LOGIN", "CREATE ROLE other LOGIN", "CREATE DATABASE settings_kept",
    "ALTER ROLE searcher SET hnsw.ef_search = 100", "ALTER ROLE searcher SET hnsw.ef_search = 0",
    "ALTER ROLE searcher SET \"hnsw.ef_search\" = '120'", "ALTER USER searcher SET maintenance_work_mem TO '8GB'",
    'ALTER USER "searcher" SET hnsw.iterative_scan TO strict_order', "ALTER ROLE searcher SET HNSW.SCAN_MEM_MULTIPLIER = 2.5",
    "ALTER ROLE searcher SET hnsw.nope = 1", "ALTER ROLE searcher IN DATABASE settings_kept SET hnsw.ef_search = 150",
    "ALTER DATABASE settings_kept SET ivfflat.probes = 7", "ALTER DATABASE settings_kept SET hnsw.ef_search = 90",
    "ALTER DATABASE settings_kept SET ivfflat.iterative_scan = 'relaxed_order'", KEPT,
    "ALTER ROLE ALL SET hnsw.ef_search = 60", "ALTER ROLE ALL SET hnsw.scan_mem_multiplier = 3",
    "ALTER ROLE ALL IN DATABASE settings_kept SET hnsw.max_scan_tuples = 5", KEPT,
    "SELECT rolconfig FROM pg_roles WHERE rolname = 'searcher'", "SELECT useconfig FROM pg_user WHERE usename = 'searcher'",
    "ALTER ROLE nobody SET hnsw.ef_search = 1", "ALTER DATABASE nodb SET hnsw.ef_search = 1",
    "ALTER ROLE searcher IN DATABASE nodb SET hnsw.ef_search = 1", "ALTER ROLE searcher SET work_mem = 'x'",
    "ALTER ROLE searcher SET port = 1", "ALTER ROLE searcher SET server_version = 1",
    "ALTER DATABASE settings_kept SET max_connections = 7", "ALTER ROLE searcher SET nope = 1", "ALTER ROLE searcher SET a.b = 'q'",
    KEPT, "ALTER ROLE searcher SET a.b = DEFAULT", "ALTER ROLE searcher SET hnsw.iterative_scan TO DEFAULT",
    "ALTER ROLE searcher RESET hnsw.scan_mem_multiplier", "ALTER ROLE searcher RESET nope", "ALTER ROLE searcher RESET hnsw.nope",
    "ALTER ROLE CURRENT_USER SET hnsw.ef_search = 33", "ALTER ROLE SESSION_USER SET hnsw.ef_search = 34", KEPT,
    "ALTER ROLE CURRENT_ROLE RESET hnsw.ef_search", "SHOW hnsw.ef_search", "BEGIN", "ALTER ROLE other SET hnsw.ef_search = 44",
    "ROLLBACK", KEPT, 'ALTER ROLE other SET search_path = a, "B c"', "ALTER ROLE other SET TIME ZONE 'UTC'",
    "ALTER ROLE other SET datestyle = 'ISO, DMY'", "ALTER ROLE other SET statement_timeout = '2min'",
    "ALTER ROLE other SET application_name = ''", "ALTER ROLE other SET enable_seqscan = 0", KEPT, "ALTER ROLE other RESET ALL", KEPT,
)  # fmt: skip
SESSIONS: tuple[dict[str, str], ...] = (
    {"user": "searcher"},
    {"user": "searcher", "dbname": "settings_kept"},
    {"user": "other", "dbname": "settings_kept"},
    {"user": "other"},
    *(
        {"user": "searcher", "dbname": "settings_kept", "options": options}
        for options in (
            "-c hnsw.ef_search=200", "-chnsw.ef_search=201", "--hnsw.ef_search=202", "-c hnsw.ef-search=203",
            "-c hnsw.ef_search=204 -c statement_timeout=600s", "-c HNSW.EF_SEARCH=12", "-c ivfflat.probes=3",
            "-c hnsw.iterative_scan=relaxed_order", "-c a.b=1",
        )
    ),
)  # fmt: skip
IN_A_SESSION = (
    *(f"SHOW {name}" for name in (*NAMES, "maintenance_work_mem", "statement_timeout")),
    "SELECT name, setting, source, reset_val, boot_val FROM pg_settings WHERE name LIKE 'hnsw.%' OR name LIKE 'ivf%' ORDER BY 1",
    "SET hnsw.ef_search = 5", "RESET hnsw.ef_search", "SHOW hnsw.ef_search", "SET hnsw.ef_search = 5", "RESET ALL",
    "SHOW hnsw.ef_search", "SET hnsw.ef_search = 5", "DISCARD ALL", "SHOW hnsw.ef_search", "SET hnsw.ef_search TO DEFAULT",
    "SHOW hnsw.ef_search", "SET hnsw.ef_search = 5", "BEGIN", "SET LOCAL hnsw.ef_search TO DEFAULT", "SHOW hnsw.ef_search", "COMMIT",
    "SHOW hnsw.ef_search", "SELECT set_config('hnsw.ef_search', NULL, false)", "BEGIN", "SET LOCAL hnsw.ef_search = 8",
    "SELECT set_config('hnsw.ef_search', NULL, true)", "COMMIT", "SHOW hnsw.ef_search", "SELECT current_setting('a.b', true)",
)  # fmt: skip
REFUSED_AT_START = (
    ("-c nope=1", "unrecognized configuration parameter"),
    ("-c port=1", "cannot be changed without restarting"),
    ("-c server_version=1", "cannot be changed"),
    ("-c hnsw.ef_search", "requires a value"),
    ("-c transaction_isolation=serializable", "(?i)isolation level"),
)
REFUSED_HERE = (
    ("-c hnsw.ef_search=0", "outside the valid range"),
    ("-c hnsw.iterative_scan=on", "invalid value"),
    ("-c hnsw.nope=1", "reserved prefix"),
)
"""PostgreSQL takes those of pgvector until the session first uses it, and warns then: its library is loaded late."""
REFUSED_BY_NAME = (
    ("ALTER SYSTEM SET hnsw.ef_search = 100", "ALTER SYSTEM"),
    ("ALTER SYSTEM RESET ALL", "ALTER SYSTEM"),
    ("SET hnsw.ef_search FROM CURRENT", "SET ... FROM CURRENT"),
    ("ALTER ROLE postgres SET hnsw.ef_search FROM CURRENT", "SET ... FROM CURRENT"),
    ("LOAD 'vector'", "LOAD"),
)


@pytest.fixture(scope="module")
def listeners(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Listener, Listener]]:
    with listening(postgres_uri) as theirs, listening(server.dsn) as ours:
        # pgvector defines its settings when a session first uses it.
        theirs.run("SELECT '[1]'::vector")
        yield theirs, ours


def check_alike(listeners: tuple[Listener, Listener], statements: tuple[str, ...]) -> None:
    theirs, ours = listeners
    differences = []
    for statement in statements:
        expected, found = theirs.run(statement), ours.run(statement)
        if expected != found:
            differences.append(f"{statement}\n  pgvector {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("name", NAMES)
def test_values(listeners: tuple[Listener, Listener], name: str) -> None:
    statements = [text for value in VALUES for text in (f"SET {name} = {value}", f"SHOW {name}")]
    check_alike(listeners, (f"SHOW {name}", *statements, f"RESET {name}"))


@pytest.mark.parametrize("name", NAMES)
def test_every_way_to_set(listeners: tuple[Listener, Listener], name: str) -> None:
    check_alike(listeners, tuple(text.format(name=name, upper=name.upper()) for text in SPELLINGS))


def test_other_names(listeners: tuple[Listener, Listener]) -> None:
    check_alike(listeners, OTHER_NAMES)


def test_defaults_of_roles_and_databases(
    listeners: tuple[Listener, Listener], postgres_uri: str, server: ServerProcess
) -> None:
    theirs, ours = listeners
    check_alike(listeners, DEFAULTS_OF_ROLES)
    try:
        in_database = make_conninfo(postgres_uri, dbname="settings_kept")
        with psycopg.connect(in_database, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
        for parameters in SESSIONS:
            with listening(postgres_uri, **parameters) as one, listening(server.dsn, **parameters) as other:
                one.run("SELECT '[1]'::vector")
                check_alike((one, other), IN_A_SESSION)
        for options, message in REFUSED_AT_START:
            for dsn in (postgres_uri, server.dsn):
                with pytest.raises(psycopg.OperationalError, match=message):
                    psycopg.connect(dsn, options=options)
        check_alike(listeners, ("ALTER ROLE ALL IN DATABASE settings_kept RESET hnsw.max_scan_tuples",))
        check_alike(
            listeners, ("ALTER ROLE ALL RESET hnsw.ef_search", KEPT, "ALTER ROLE ALL RESET ALL", KEPT)
        )
    finally:
        for statement in ("DROP DATABASE settings_kept", "DROP ROLE searcher", "DROP ROLE other"):
            assert theirs.run(statement) == ours.run(statement)
    check_alike(listeners, (KEPT,))


@pytest.mark.parametrize(("options", "message"), REFUSED_HERE)
def test_refused_at_the_start(server: ServerProcess, options: str, message: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=message):
        psycopg.connect(server.dsn, options=options)


@pytest.mark.parametrize(("statement", "feature"), REFUSED_BY_NAME)
def test_refused_by_name(listeners: tuple[Listener, Listener], statement: str, feature: str) -> None:
    assert listeners[1].run(statement) == (("ERROR", "0A000", f"{feature} is not supported", None, None),)
