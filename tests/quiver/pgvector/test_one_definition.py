"""Goal: a distance has one value, to the last bit, wherever a statement computes it.

Method: random float vectors, for every operator: the constant expression, a column against a constant on either side, two
columns, the same through a join and a group on the relational path, a filter that asks for exactly that value, and the order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.quiver.pgvector.outcomes import Session
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

DIMENSIONS = 37
ROWS = 60
OPERATORS = {
    "vector": ("<->", "<#>", "<=>", "<+>"), "halfvec": ("<->", "<#>", "<=>", "<+>"),
    "sparsevec": ("<->", "<#>", "<=>", "<+>"), "bit": ("<~>", "<%>"),
}  # fmt: skip


def random_text(chance: random.Random, type_name: str) -> str:
    if type_name == "bit":
        return "".join(chance.choice("01") for _ in range(DIMENSIONS))
    numbers = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
    if type_name == "sparsevec":
        kept = [place for place in range(DIMENSIONS) if chance.random() < 0.4]
        return "{" + ",".join(f"{place + 1}:{numbers[place]}" for place in kept) + f"}}/{DIMENSIONS}"
    return f"[{','.join(map(str, numbers))}]"


@pytest.fixture(scope="module")
def session(own_database: Database) -> Iterator[Session]:
    chance = random.Random(8)
    with Session(own_database.dsn) as session:
        for type_name in OPERATORS:
            spelled = f"{type_name}({DIMENSIONS})"
            session.connection.execute(
                f"CREATE TABLE {type_name}s (id int PRIMARY KEY, v {spelled}, w {spelled})".encode()
            )
            for number in range(ROWS):
                values = f"{number}, '{random_text(chance, type_name)}', '{random_text(chance, type_name)}'"
                session.connection.execute(f"INSERT INTO {type_name}s VALUES ({values})".encode())
        yield session


CASES = [(type_name, operator) for type_name, operators in OPERATORS.items() for operator in operators]


@pytest.mark.parametrize(("type_name", "operator"), CASES)
def test_same_bits_everywhere(session: Session, type_name: str, operator: str) -> None:
    query = random_text(random.Random(99), type_name)
    literal = f"'{query}'::{type_name}({DIMENSIONS})"
    table = f"{type_name}s"
    shown = session.run(f"SELECT v {operator} {literal} FROM {table} ORDER BY id").rows
    ways = {
        "constant on the left": f"SELECT {literal} {operator} v FROM {table} ORDER BY id",
        "relational": f"SELECT a.v {operator} b.q FROM {table} a, (VALUES ({literal})) b (q) ORDER BY a.id",
        "grouped": f"SELECT max(v {operator} {literal}) FROM {table} GROUP BY id ORDER BY id",
        "sub-query": f"SELECT v {operator} (SELECT {literal}) FROM {table} ORDER BY id",
    }
    for way, statement in ways.items():
        assert session.run(statement).rows == shown, way
    sorted_ids = session.run(f"SELECT id FROM {table} ORDER BY v {operator} {literal}, id").rows
    wanted = sorted(range(ROWS), key=lambda number: (float(shown[number][0] or "nan"), number))
    assert [int(row[0] or -1) for row in sorted_ids] == wanted
    for number in range(0, ROWS, 7):
        vector = session.run(f"SELECT v FROM {table} WHERE id = {number}").rows[0][0]
        constant = session.run(f"SELECT '{vector}'::{type_name}({DIMENSIONS}) {operator} {literal}").rows
        assert constant == (shown[number],)
        filtered = session.run(
            f"SELECT id FROM {table} WHERE v {operator} {literal} = {shown[number][0]}::float8 AND id = {number}"
        )
        assert filtered.rows == ((str(number),),)


@pytest.mark.parametrize(("type_name", "operator"), CASES)
def test_pairs_of_columns(session: Session, type_name: str, operator: str) -> None:
    table = f"{type_name}s"
    native = session.run(f"SELECT v {operator} w FROM {table} ORDER BY id").rows
    relational = f"SELECT a.v {operator} b.w FROM {table} a JOIN {table} b USING (id) ORDER BY id"
    assert session.run(relational).rows == native
