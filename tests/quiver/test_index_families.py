"""Goal: every index family of the engine's table is served by SQL: made, searched, shown, changed, kept and dropped.

Method: the same statements for each family of `vecengine.families()` and each kind of vector it takes, so that a new record
is covered when it is there; the truth is the same query with indexes switched off. One instance for all, a restart and a
killed server for all at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

import vecengine
from foundation.errors import QuiverError
from foundation.setting_definitions import SETTINGS
from foundation.settings import SettingValues
from foundation.sqltypes import FIRST_USER_OID
from planner.vector.strategy import METRIC_OPERATORS
from quiver.instance import Instance
from sqlfront.commands.operator_classes import VECTOR_CLASSES
from tests.quiver.server_process import ServerProcess
from tests.sqlfront.session.driver import Client, opened

FAMILIES = vecengine.families()
ROWS, GROUPS = 1200, 10
TYPES = {"vector": "vector(8)", "bit": "bit(64)", "sparsevec": "sparsevec(30)"}
COLUMNS = {"vector": "v", "bit": "b", "sparsevec": "s"}
EXPRESSIONS = {"vector": "(v * '[2,2,2,2,2,2,2,2]')::vector(8)", "bit": "(b << 1)::bit(64)"}
"""Values that are near to those of the column, as queries are."""


def first_class(family: str, kind: str) -> tuple[str, str]:
    """The first operator class of a family for a kind of vectors, and its operator; '' where there is none."""
    for (of, name), (_, metric) in VECTOR_CLASSES.items():
        if of == family and name.startswith(f"{kind}_") and metric in METRIC_OPERATORS:
            return name, METRIC_OPERATORS[metric]
    return "", ""


CASES = [(family, kind) for family in FAMILIES for kind in TYPES if first_class(family, kind)[0]]
MAIN_CASES = [next(case for case in CASES if case[0] == family) for family in FAMILIES]
"""Each family with one kind of vectors, where the kind makes no difference."""


def value(kind: str, rng: random.Random) -> str:
    """The text of a vector near to one of some centres."""
    centre = rng.randrange(12)
    if kind == "vector":
        return "[" + ",".join(f"{(centre * (i + 3)) % 7 + rng.gauss(0, 0.4):.3f}" for i in range(8)) + "]"
    if kind == "bit":
        return "".join("1" if (centre * (i + 5) % 11 < 5) ^ (rng.random() < 0.1) else "0" for i in range(64))
    places = sorted({(centre * 5 + rng.randrange(9)) % 30 + 1 for _ in range(6)})
    return "{" + ",".join(f"{place}:{rng.uniform(0.1, 2):.3f}" for place in places) + "}/30"


def copied_rows(count: int = ROWS, seed: int = 7) -> bytes:
    rng = random.Random(seed)
    lines = (
        "\t".join((str(row), str(row % GROUPS), *(value(kind, rng) for kind in TYPES)))
        for row in range(count)
    )
    return "".join(f"{line}\n" for line in lines).encode()


ITEMS = "(id int, n int, v vector(8), b bit(64), s sparsevec(30))"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with opened(tmp_path_factory.mktemp("families")) as found:
        client = Client(found)
        client.script(f"CREATE TABLE items {ITEMS}; COPY items FROM STDIN", copy_data=[copied_rows()])
        yield found


@pytest.fixture
def client(instance: Instance) -> Iterator[Client]:
    client = Client(instance)
    yield client
    client.script("DROP INDEX IF EXISTS items_x; DROP TABLE IF EXISTS parts; RESET ALL")


def search(kind: str, operator: str, *, table: str = "items", k: int = 10, where: str = "true") -> str:
    query = value(kind, random.Random(99))
    operand = f"{COLUMNS[kind]} {operator} '{query}'"
    return f"SELECT id, {operand} AS d FROM {table} WHERE {where} ORDER BY {operand} LIMIT {k}"


def truth(client: Client, sql: str) -> list[tuple[int, float]]:
    client.script("SET enable_indexscan = off")
    rows = client.rows(sql)
    client.script("RESET enable_indexscan")
    return rows


def plan(client: Client, sql: str, options: str = "COSTS OFF") -> list[str]:
    return [str(line).strip() for (line,) in client.rows(f"EXPLAIN ({options}) {sql}")]


def check_search(client: Client, sql: str, recall: float = 0.7) -> None:
    """As many rows as there are, each with its distance, ascending, and most of them the nearest."""
    found, expected = client.rows(sql), truth(client, sql)
    assert len(found) == len(expected) and len({row for row, _ in found}) == len(found)
    distances = [distance for _, distance in found]
    assert distances == sorted(distances)
    farthest = expected[-1][1] if expected else 0.0
    assert sum(distance <= farthest for distance in distances) >= recall * len(expected)


def status(client: Client, name: str = "items_x") -> tuple[str, int, int]:
    ((state, served, scanned),) = client.rows(
        f"SELECT state, rows_served, rows_scanned FROM quiver_index_status WHERE index_name = '{name}'"
    )
    return state, served, scanned


def ready(family: str, rows: int = ROWS) -> tuple[str, int, int]:
    """What `status` says of a family's index that is built."""
    return ("scan", 0, rows) if FAMILIES[family].rows_min is None else ("ready", rows, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), CASES)
def test_an_index_is_made_searched_explained_and_changed(client: Client, family: str, kind: str) -> None:
    name, operator = first_class(family, kind)
    column = COLUMNS[kind]
    client.script(
        f"CREATE INDEX items_x ON items USING {family} ({column} {name}) WITH (target_recall = 0.9)"
    )
    assert status(client) == ready(family)
    definition = client.value("SELECT pg_get_indexdef('items_x'::regclass)")
    shown = "" if (family, name) == ("ivfflat", "vector_l2_ops") else f" {name}"
    assert definition == (
        f"CREATE INDEX items_x ON public.items USING {family} ({column}{shown}) WITH (target_recall='0.9')"
    )
    sql = search(kind, operator)
    check_search(client, sql)
    check_search(client, search(kind, operator, where="n = 3", k=200))
    check_search(client, search(kind, operator, k=ROWS + 5), recall=1.0)

    client.script("SET enable_seqscan = off")
    lines = plan(client, sql, "ANALYZE, COSTS OFF, TIMING OFF")
    traversal = FAMILIES[family].traversal
    assert any(line.startswith("->  Index Scan using items_x") for line in lines)
    is_scan = any(line.startswith("Strategy: exact scan") for line in lines)
    assert is_scan == (FAMILIES[family].rows_min is None)
    if not is_scan:
        assert any(line.startswith(f"Strategy: {traversal.word}") for line in lines)
        assert any(line.startswith(f"{traversal.size}: ") for line in lines)
        assert any(line.startswith("Estimated Recall: ") for line in lines)
    client.script("RESET enable_seqscan")
    client.script("REINDEX INDEX items_x")
    assert status(client) == ready(family)
    client.script("DROP INDEX items_x")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind"), [case for case in MAIN_CASES if FAMILIES[case[0]].search_parameter]
)
def test_the_size_of_a_search_is_set_by_session_and_index(client: Client, family: str, kind: str) -> None:
    name, operator = first_class(family, kind)
    knob = FAMILIES[family].search_parameter
    assert knob is not None
    setting = SETTINGS[knob]
    option, label = knob.rpartition(".")[2], FAMILIES[family].traversal.size
    client.script(f"CREATE INDEX items_x ON items USING {family} ({COLUMNS[kind]} {name})")
    sql = search(kind, operator)
    client.script(f"SET {knob} = 11")
    assert f"{label}: 11" in plan(client, sql)
    client.script(f"RESET {knob}; ALTER INDEX items_x SET ({option} = 13)")
    assert f"{label}: 13" in plan(client, sql)
    assert (
        client.value("SELECT reloptions::text FROM pg_class WHERE relname = 'items_x'") == f"{{{option}=13}}"
    )
    client.script(f"SET {knob} = 12")
    assert f"{label}: 12" in plan(client, sql), "the session comes before the index"
    client.script(f"RESET {knob}; ALTER INDEX items_x RESET ({option}); SET quiver.target_recall = 0.6")
    check_search(client, sql, recall=0.3)
    assert setting.minimum is not None
    with pytest.raises(QuiverError, match="out of bounds") as error:
        client.script(f"ALTER INDEX items_x SET ({option} = {int(setting.minimum) - 1})")
    assert error.value.sqlstate == "22023"


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), MAIN_CASES)
def test_partial_expression_and_partitioned_indexes(client: Client, family: str, kind: str) -> None:
    name, operator = first_class(family, kind)
    column = COLUMNS[kind]
    client.script(f"CREATE INDEX CONCURRENTLY items_x ON items USING {family} ({column} {name}) WHERE n < 5")
    assert status(client) == ready(family, ROWS // 2)
    check_search(client, search(kind, operator, where="n < 5"))
    assert "Seq Scan on items" in " ".join(plan(client, search(kind, operator)))
    client.script("DROP INDEX items_x")
    if kind in EXPRESSIONS:
        expression = EXPRESSIONS[kind]
        client.script(f"CREATE INDEX items_x ON items USING {family} (({expression}) {name})")
        query = value(kind, random.Random(99))
        operand = f"{expression} {operator} '{query}'"
        check_search(client, f"SELECT id, {operand} FROM items ORDER BY {operand} LIMIT 10")
        client.script("DROP INDEX items_x")
    client.script(
        f"CREATE TABLE parts {ITEMS} PARTITION BY RANGE (id);"
        f" CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO ({ROWS - 100});"
        f" CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ({ROWS - 100}) TO ({ROWS});"
        f" INSERT INTO parts SELECT * FROM items; CREATE INDEX parts_x ON parts USING {family} ({column} {name})"
    )
    assert status(client, f"parts_1_{column}_idx") == ready(family, ROWS - 100)
    check_search(client, search(kind, operator, table="parts"))


def refusal(client: Client, sql: str) -> QuiverError:
    with pytest.raises(QuiverError) as error:
        client.script(sql)
    return error.value


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_family_does_not_have_is_refused_with_what_it_has(client: Client, family: str) -> None:
    for kind, column in COLUMNS.items():
        valid = [name for of, name in VECTOR_CLASSES if of == family and name.startswith(f"{kind}_")]
        error = refusal(client, f"CREATE INDEX ON items USING {family} ({column} {kind}_other_ops)")
        assert error.sqlstate == "42704"
        message = f'operator class "{kind}_other_ops" does not exist for access method "{family}"'
        assert error.message == message and error.hint is not None
        assert ", ".join(valid) in error.hint if valid else f"{family} has no operator class" in error.hint
        if (family, kind) != ("ivfflat", "vector"):
            error = refusal(client, f"CREATE INDEX ON items USING {family} ({column})")
            assert error.sqlstate == "42704" and "has no default operator class" in error.message
    name, _ = first_class(family, next(kind for of, kind in CASES if of == family))
    error = refusal(client, f"CREATE INDEX ON items USING {family} (n {name})")
    assert error.sqlstate == "42804"
    column = COLUMNS[name.partition("_")[0]]
    error = refusal(client, f"CREATE INDEX ON items USING {family} ({column} {name}) WITH (colour = 1)")
    assert (error.sqlstate, error.message) == ("22023", 'unrecognized parameter "colour"')
    hint = error.hint or ""
    assert "target_recall" in hint
    for parameter in FAMILIES[family].parameters:
        assert parameter.name in hint
        wrong = f"{parameter.name} = {parameter.maximum + 1}"
        error = refusal(client, f"CREATE INDEX ON items USING {family} ({column} {name}) WITH ({wrong})")
        assert error.sqlstate == "22023" and f'option "{parameter.name}"' in error.message
    assert client.sqlstate(f"DROP ACCESS METHOD {family}") == "0A000"


@pytest.mark.parametrize("kind", COLUMNS)
def test_auto_is_one_of_the_families(client: Client, kind: str) -> None:
    column = COLUMNS[kind]
    name, _ = first_class("hnsw", kind)
    client.script(f"CREATE INDEX items_x ON items USING auto ({column} {name})")
    chosen = client.value(
        "SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 'items_x'"
    )
    assert (chosen, kind) in CASES and FAMILIES[chosen].rows_min is not None
    assert status(client) == ready(chosen)
    error = refusal(client, f"CREATE INDEX ON items USING auto ({column} {kind}_other_ops)")
    assert error.sqlstate == "42704" and name in (error.hint or "")
    assert client.sqlstate(f"CREATE INDEX ON items USING auto ({column})") == "42704"
    assert client.sqlstate(f"CREATE INDEX ON items USING auto (n {name})") == "42804"


def test_catalogs_tell_of_every_family_and_class(client: Client) -> None:
    methods = {name for (name,) in client.rows("SELECT amname FROM pg_am WHERE amtype = 'i'")}
    assert set(FAMILIES) <= methods
    rows = client.rows(
        "SELECT a.amname, c.opcname, f.opfname, format_type(c.opcintype, NULL), o.oprname, p.amproc"
        " FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily AND f.opfmethod = a.oid"
        " LEFT JOIN pg_amop m ON m.amopfamily = f.oid LEFT JOIN pg_operator o ON o.oid = m.amopopr"
        " LEFT JOIN pg_amproc p ON p.amprocfamily = f.oid AND p.amprocnum = 1"
    )
    told = {
        (method, name): (of, kind, operator, function) for method, name, of, kind, operator, function in rows
    }
    for (family, name), (_, metric) in VECTOR_CLASSES.items():
        of, kind, operator, function = told[family, name]
        assert (of, kind) == (name, name.partition("_")[0])
        assert operator == METRIC_OPERATORS.get(metric)
        assert function
    assert sum(key in VECTOR_CLASSES for key in ((row[0], row[1]) for row in rows)) == len(VECTOR_CLASSES)
    for catalog in ("pg_am", "pg_opclass", "pg_opfamily", "pg_amop", "pg_amproc"):
        assert client.value(f"SELECT count(*) - count(DISTINCT oid) FROM {catalog}") == 0
        assert client.value(f"SELECT max(oid::bigint) FROM {catalog}") < FIRST_USER_OID
    described = client.rows(
        "SELECT pg_describe_object(classid, objid, 0) FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_am'::regclass"
    )
    assert {text for (text,) in described} == {f"access method {family}" for family in FAMILIES}


def test_every_search_parameter_is_a_setting() -> None:
    values = SettingValues()
    for family in FAMILIES.values():
        if family.search_parameter is not None:
            assert values.get(family.search_parameter) and family.search_parameter in SETTINGS


@pytest.mark.parametrize("family", FAMILIES)
def test_builds_tell_their_phases(family: str) -> None:
    rng = np.random.default_rng(1)
    phases: list[str] = []
    kind = next(kind for of, kind in CASES if of == family)
    if kind == "vector":
        metric = FAMILIES[family].metrics_of(np.ndarray)[0]
        vectors = rng.normal(size=(300, 8)).astype(np.float32)
        vecengine.build_index(family, vectors, metric=metric, on_phase=phases.append)
        assert bool(phases) == (FAMILIES[family].rows_min is not None)


def fill_families(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A table with an index for each family; rows come before it and after it."""
    connection.execute(f"CREATE TABLE items {ITEMS}".encode())
    with connection.cursor().copy(b"COPY items FROM STDIN") as copy:
        copy.write(copied_rows())
    for family, kind in MAIN_CASES:
        name, _ = first_class(family, kind)
        connection.execute(
            f"CREATE TABLE {family}_t AS SELECT * FROM items;"
            f" CREATE INDEX {family}_x ON {family}_t USING {family} ({COLUMNS[kind]} {name});"
            f" INSERT INTO {family}_t SELECT id + {ROWS}, n, v, b, s FROM items WHERE n = 0".encode()
        )


def answers(run: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """What each family's index finds, and its status."""
    found = {}
    for family, kind in MAIN_CASES:
        _, operator = first_class(family, kind)
        found[family] = run(search(kind, operator, table=f"{family}_t", k=20))
        found[f"{family} status"] = run(
            f"SELECT state, rows_served FROM quiver_index_status WHERE index_name = '{family}_x'"
        )
    return found


def served_answers(process: ServerProcess) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(process.dsn, autocommit=True) as connection:
        return answers(lambda sql: connection.execute(sql.encode()).fetchall())


@pytest.mark.slow
def test_all_families_live_through_a_killed_server_and_a_restart(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path)
    with psycopg.connect(process.dsn, autocommit=True) as connection:
        fill_families(connection)
    before = served_answers(process)
    process.kill()
    process = ServerProcess(tmp_path)
    assert served_answers(process) == before
    process.stop()
    with opened(tmp_path) as instance:
        assert answers(Client(instance).rows) == before
