"""Goal: leaving out rows without a partner before a join changes no answer.

Method: random joins of tables with sealed, patched, deleted and in-memory rows and NULL keys, each asked with the reduction and
without it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from planner.relational import join_reduction
from planner.relational.scanned_rows import ScannedRows
from storage.catalog import Table
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow

SCHEMA = """
CREATE TABLE big (id int PRIMARY KEY, mid_id int, code varchar(8), small_id bigint, v int);
CREATE TABLE mid (id int PRIMARY KEY, small_id bigint, code varchar(8), w numeric(8,2));
CREATE TABLE small (id bigint PRIMARY KEY, name text, day date);
INSERT INTO big SELECT i, nullif(i * 7919 % 401, 0), 'c' || i % 97, i % 23, i % 10 FROM generate_series(1, 4500) i;
INSERT INTO mid SELECT i, i % 31, 'c' || i % 89, i / 7.0 FROM generate_series(1, 400) i;
INSERT INTO small SELECT i, 'n' || i % 5, date '2024-01-01' + i::int FROM generate_series(1, 30) i;
"""
LATER = """
CREATE INDEX ON big (mid_id); CREATE INDEX ON mid (small_id);
DELETE FROM big WHERE id % 11 = 0; DELETE FROM mid WHERE id % 13 = 0; UPDATE big SET mid_id = 5 WHERE id % 501 = 1;
INSERT INTO big SELECT i, i % 50, NULL, i % 40, 3 FROM generate_series(5000, 5200) i;
"""
EQUALITIES = (
    "b.mid_id = m.id", "b.code = m.code", "b.small_id = s.id", "m.small_id = s.id", "b.small_id = m.small_id",
    "b.id = m.id", "(b.mid_id = m.id AND b.v = 1 OR b.mid_id = m.id AND m.id < 9)",
)  # fmt: skip
FILTERS = (
    "b.v = 3", "m.w < 2", "m.id = 77", "s.name = 'n2'", "s.id IN (3, 4)", "s.day < '2024-01-05'", "b.id < 40",
    "(m.id = 3 AND b.v = 1 OR m.id = 4 AND b.v = 2)", "m.code LIKE 'c1%'", "s.id = 1000",
)  # fmt: skip
JOINS = ("JOIN", "JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with opened(tmp_path_factory.mktemp("joins") / "data") as instance:
        client = Client(instance)
        client.script(SCHEMA)
        for table in instance.storage.catalog.objects(Table):
            instance.storage.flush_table(table.oid)
        client.script(LATER)
        yield client


def _query(choice: random.Random) -> str:
    tables = choice.sample(["big b", "mid m", "small s"], choice.choice([2, 3, 3]))
    known = tables[0][-1]
    sql = tables[0]
    for table in tables[1:]:
        alias = table[-1]
        usable = [e for e in EQUALITIES if f"{alias}." in e and _aliases(e) <= {*known, alias}]
        condition = " AND ".join(choice.sample(usable, min(len(usable), choice.choice([1, 1, 2])))) or "TRUE"
        kind = "JOIN" if " OR " in condition else choice.choice(JOINS)
        sql += f" {kind} {table} ON {condition}"
        known += alias
    filters = [text for text in FILTERS if _aliases(text) <= set(known)]
    where = " AND ".join(choice.sample(filters, choice.choice([1, 1, 2])))
    sums = ", ".join(f"sum({alias}.id)" for alias in known)
    return f"SELECT count(*), {sums} FROM {sql} WHERE {where}"


def _aliases(condition: str) -> set[str]:
    return {alias for alias in "bms" if f"{alias}." in condition}


def test_no_answer_changes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    restricted = []
    restrict = ScannedRows.restrict

    def counted(scanned: ScannedRows, *arguments: object) -> None:
        before = scanned.count
        restrict(scanned, *arguments)  # type: ignore[arg-type]
        restricted.append(scanned.count < before)

    monkeypatch.setattr(ScannedRows, "restrict", counted)
    choice = random.Random(11)
    queries = [_query(choice) for _ in range(200)]
    answers = []
    for rows_min in (1, 10**9):
        monkeypatch.setattr(join_reduction, "TABLE_ROWS_MIN", rows_min)
        answers.append([client.rows(query) for query in queries])
    for query, reduced, whole in zip(queries, *answers, strict=True):
        assert reduced == whole, query
    assert sum(restricted) > 100
    assert sum(answer[0][0] != "0" for answer in answers[0]) > 80


def test_rows_of_an_outer_join_stay(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_reduction, "TABLE_ROWS_MIN", 1)
    kept = client.rows(
        "SELECT count(*), count(s.id) FROM big b LEFT JOIN small s ON s.id = b.small_id AND s.id = 3"
    )
    assert [int(value) for value in kept[0]] == [4292, 183]


CORRELATED = (
    "EXISTS (SELECT * FROM big i WHERE i.mid_id = m.id AND i.v <> 3)",
    "NOT EXISTS (SELECT i.code FROM big i WHERE i.mid_id = m.id AND i.v = 3)",
    "(SELECT sum(i.v) FROM big i WHERE i.small_id = s.id AND i.code = m.code) > 20",
    "(SELECT count(*) FROM big i WHERE i.small_id = s.id AND i.mid_id = m.id) = 0",
    "(SELECT coalesce(max(i.v), 7) FROM big i WHERE i.mid_id = m.id) = 7",
    "m.id IN (SELECT i.mid_id FROM big i WHERE i.code = m.code)",
    "m.id NOT IN (SELECT i.mid_id FROM big i WHERE i.small_id = s.id AND i.mid_id IS NOT NULL)",
    "EXISTS (SELECT FROM mid j WHERE j.small_id = s.id AND EXISTS (SELECT FROM big i WHERE i.mid_id = j.id AND i.code = m.code))",
    "EXISTS (SELECT FROM big i WHERE i.mid_id = m.id OR i.small_id = s.id)",
    "EXISTS (SELECT FROM big i LEFT JOIN big o ON o.id = m.id WHERE i.code = m.code AND o.v IS NULL)",
    "EXISTS (SELECT 1 FROM big i WHERE i.mid_id = m.id UNION ALL SELECT 1 FROM big i WHERE i.small_id = s.id AND i.v = 1)",
    "(SELECT i.id FROM big i WHERE i.mid_id = m.id ORDER BY i.id LIMIT 1) > 100",
    "EXISTS (SELECT count(*) FROM big i WHERE i.mid_id = m.id)",
    "EXISTS (SELECT FROM big i WHERE i.mid_id = m.id GROUP BY i.v HAVING count(*) > 2)",
    "(WITH c AS MATERIALIZED (SELECT i.v FROM big i WHERE i.mid_id = m.id) SELECT count(*) FROM c) > 3",
)
OUTER_FORMS = (
    "small s JOIN mid m ON m.small_id = s.id",
    "small s LEFT JOIN mid m ON m.small_id = s.id",
    "small s FULL JOIN mid m ON m.small_id = s.id",
    "mid m CROSS JOIN (SELECT * FROM small WHERE id < 4) s",
    "mid m JOIN small s ON m.small_id = s.id JOIN LATERAL (SELECT count(*) FROM big i WHERE i.mid_id = m.id) l(n) ON n > 5",
)


def test_sub_queries_over_rows_without_an_outer_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = random.Random(12)
    queries = [
        f"SELECT count(*), sum(m.id), sum(s.id) FROM {choice.choice(OUTER_FORMS)} WHERE {where} AND {test}"
        for where in ("m.w < 20", "s.id IN (3, 4)", "(m.id < 30 OR m.id IS NULL)")
        for test in CORRELATED
    ]
    answers = []
    for rows_min in (1, 10**9):
        monkeypatch.setattr(join_reduction, "TABLE_ROWS_MIN", rows_min)
        answers.append([client.rows(query) for query in queries])
    for query, reduced, whole in zip(queries, *answers, strict=True):
        assert reduced == whole, query
    assert sum(answer[0][0] != "0" for answer in answers[0]) > len(queries) // 4


def test_a_sub_query_reads_few_rows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_reduction, "TABLE_ROWS_MIN", 1)
    lines = client.rows(
        "EXPLAIN (COSTS OFF) SELECT * FROM mid m JOIN small s ON m.small_id = s.id WHERE m.id < 30 "
        "AND NOT EXISTS (SELECT * FROM big i WHERE i.mid_id = m.id AND i.v = 3)"
    )
    assert any("Partners: (i.mid_id = m.id)" in str(line) for (line,) in lines)
