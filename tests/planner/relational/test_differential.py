"""Goal: SELECTs and data changes give PostgreSQL's types, rows and errors.

Method: every statement of `same_as_postgres.sql`, and a script of data changes, on a real PostgreSQL and here over
the same tables: type OIDs, rows in text form, SQLSTATE of errors. All statements are run; all differences shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.planner.relational.side_by_side import SideBySide, sample_rows
from tests.planner.stored_tables import StoredTables

pytestmark = pytest.mark.slow

QUERIES = Path(__file__).with_name("same_as_postgres.sql")

DATA_CHANGES = """
insert into w values (1,'abc',1.234,'[1,2,3]','2024-01-01',1.50), (2,'x',2,'[4,5,6]',null,2) returning *
insert into w (id) values (3) returning id, s, n
insert into w (id, s) values (4, 'toolong')
insert into w (id, n) values (4, 12345)
insert into w (id, e) values (4, '[1,2]')
insert into w values (10),(11),(10)
select count(*) from w
insert into w values (null)
insert into w (id, s) select k + 100, v from z
insert into z select i, 'v' || i from generate_series(1,10) i returning k, v
insert into w (id, s, u) select k + 100, v, k / 3.0 from z where k < 4 returning id, s, u
insert into w (id, s) select id + 1000, s from w returning id
update w set s = 'upd' where id < 3 returning id, s, n, e
update w set n = n * 2, u = u + 1 where n is not null returning id, n, u
update w set s = 'toolong' where id = 1
update w set n = 99999 where id = 1
update w set id = 2 where id = 1
update w set id = id + 1 where id < 3 returning id
update w set s = z.v from z where z.k = w.id - 100 returning w.id, w.s, z.k
update w set u = (select max(k) from z) where id = 3 returning u
update w set (s, u) = ('a', 3.25) where id = 3 returning s, u
update w set e = e + '[1,1,1]' where e is not null returning id, e
delete from w using z where z.k + 100 = w.id and z.k = 1 returning w.id, z.v
delete from w where id in (select k + 100 from z where k = 2) returning id
with q as (select k from z where k = 3) delete from w using q where w.id = q.k + 100 returning id
with q as (select 77 as a) insert into w (id) select a from q returning id
insert into w (id) values ((select max(id) + 1 from w)) returning id
update w set n = 1/0 where id = 3
delete from w where s = 'a' returning id, (select count(*) from w)
insert into w (id, s) values (9000, 'r') returning id, (select count(*) from w where id = 9000)
insert into w select 9100, 'a', 1.005, null, null, 'NaN' returning *
select id, s, n, e, d, u from w order by id
delete from w
select count(*) from w
"""


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, postgres: Any) -> Iterator[SideBySide]:
    stored = StoredTables(tmp_path_factory.mktemp("data"))
    both = SideBySide(stored, postgres)
    columns, rows = sample_rows(60)
    both.create("t", columns, rows)
    names = ["a", "b", "c", None, "b", "a"]
    both.create(
        "k", [("id", "int"), ("name", "text"), ("w", "numeric")],
        [[str(i), names[i % 6], f"{i}.5"] for i in range(12)],
    )  # fmt: skip
    both.create("empty", [("id", "int"), ("x", "numeric")], [])
    both.create(
        "w",
        [("id", "int"), ("s", "varchar(3)"), ("n", "numeric(5,2)"), ("e", "vector(3)"), ("d", "date"),
         ("u", "numeric")],
        [], key="id",
    )  # fmt: skip
    both.create("z", [("k", "int"), ("v", "text")], [])
    yield both
    stored.storage.close()


def test_queries(sides: SideBySide) -> None:
    statements = QUERIES.read_text().splitlines()
    differences = [sides.difference(sql) for sql in statements if sql and not sql.startswith("--")]
    assert not [text for text in differences if text], "\n".join(text for text in differences if text)


def test_data_changes(sides: SideBySide) -> None:
    differences = [sides.difference(sql) for sql in DATA_CHANGES.strip().splitlines()]
    assert not [text for text in differences if text], "\n".join(text for text in differences if text)
