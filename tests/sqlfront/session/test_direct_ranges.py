"""Goal: a search with a bound on its distance has the same rows without a transaction as with one.

Method: every metric, with ties, NULL and zero vectors, deleted and fresh rows, and radiuses of all kinds, asked directly and
through a portal; few and many rows within the radius in turns, because the order of the work depends on the last search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.errors import QuiverError, WouldBlock
from quiver.instance import Instance
from tests.sqlfront.session.driver import Client, opened

ROWS = 3000
DIMENSIONS = 8
OPERATORS = {"l2": "<->", "cosine": "<=>", "ip": "<#>", "l1": "<+>"}
MIDDLE = {"l2": 2.5, "cosine": 0.3, "ip": -6.0, "l1": 5.5}
RADIUSES = (0.05, 0.5, 0.8, 1.0, 1.3, 3.0, 100.0)

ConnectClient = Callable[..., Client]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    assert vecengine.warm_up()
    path: Path = tmp_path_factory.mktemp("ranges")
    with opened(path) as open_instance:
        yield open_instance


@pytest.fixture(scope="module")
def vectors() -> Any:
    """Every hundredth is a zero vector."""
    found = np.random.default_rng(3).standard_normal((ROWS, DIMENSIONS)).round(2)
    found[::100] = 0
    return found


@pytest.fixture(scope="module")
def spread(instance: Instance, vectors: Any) -> None:
    """The table: every metric's index, sealed and deleted rows; some vectors are NULL."""
    client = Client(instance)
    client.script(f"CREATE TABLE spread (id int PRIMARY KEY, bucket int, e vector({DIMENSIONS}))")
    values = (
        f"({i}, {i % 10}, " + ("NULL" if i % 90 == 7 else f"'{v.tolist()}'") + ")"
        for i, v in enumerate(vectors)
    )
    client.script(f"INSERT INTO spread VALUES {', '.join(values)}")
    for metric in OPERATORS:
        client.script(f"CREATE INDEX ON spread USING hnsw (e vector_{metric}_ops)")
    client.script("VACUUM spread; DELETE FROM spread WHERE id % 17 = 3")
    client.close()


@pytest.fixture
def client(spread: None, connect: ConnectClient) -> Iterator[Client]:
    """A client of `spread`, from which it takes the rows that it added."""
    client = connect()
    yield client
    client.script("DELETE FROM spread WHERE id >= 10000")


def query(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(DIMENSIONS).round(2).astype(np.float32)


def same(client: Client, name: str, *parameters: Any) -> list[tuple[Any, ...]] | None:
    """The rows asked directly, None where a portal is needed; a portal's are the same."""
    directly = client.read_directly(name, *parameters)
    if directly is not None:
        assert directly == client.execute_prepared(name, *parameters).rows
    return directly


@pytest.mark.parametrize("metric", OPERATORS)
def test_rows_within_are_those_of_a_portal(client: Client, metric: str) -> None:
    distance, sizes = f"e {OPERATORS[metric]} $1", set()
    client.prepare(
        "less", f"SELECT id, {distance} AS d FROM spread WHERE {distance} < $2 ORDER BY d LIMIT 30"
    )
    client.prepare(
        "filtered",
        f"SELECT id FROM spread WHERE $2 >= {distance} AND bucket <= $3 ORDER BY {distance} LIMIT 20 OFFSET 2",
    )
    for fresh in range(2):
        for seed in range(3):
            for scale in RADIUSES:
                radius = MIDDLE[metric] * (scale if metric != "ip" else 2 - scale)
                rows = same(client, "less", query(seed), radius)
                assert rows is not None and all(d < radius for _, d in rows)
                sizes.add(len(rows))
                # Compared one by one, zero vectors have no place among the nearest.
                filtered = same(client, "filtered", query(seed), radius, seed * 4)
                assert filtered is not None or metric == "cosine"
        added = [query(seed) for seed in range(3)] * 2
        values = (f"({10_000 + 10 * fresh + i}, {i}, '{v.tolist()}')" for i, v in enumerate(added))
        client.script(f"INSERT INTO spread VALUES {', '.join(values)}")
    assert {0, 30} <= sizes and len(sizes) > 4


def test_ties_with_the_radius(client: Client, vectors: Any) -> None:
    """The query is a stored vector, the radius a distance that a row has to the last bit."""
    client.prepare("all", "SELECT id, e <-> $1 AS d FROM spread ORDER BY d LIMIT 40")
    client.prepare("less", "SELECT id, e <-> $1 AS d FROM spread WHERE e <-> $1 < $2 ORDER BY d LIMIT 30")
    client.prepare("most", "SELECT id, e <-> $1 AS d FROM spread WHERE e <-> $1 <= $2 ORDER BY d LIMIT 30")
    asked = vectors[41].astype(np.float32)
    rows = client.execute_prepared("all", asked).rows
    for rank in (1, 5, 29, 30, 31, 35):
        radius = rows[rank][1]
        within = [row for row in rows if row[1] < radius][:30]
        assert same(client, "less", asked, radius) == within
        assert same(client, "most", asked, radius) == [row for row in rows if row[1] <= radius][:30]


def test_a_vector_that_is_sent_twice(client: Client) -> None:
    client.prepare("twice", "SELECT id FROM spread WHERE e <-> $1 < $2 ORDER BY e <-> $3 LIMIT 5")
    asked = query(1)
    assert len(same(client, "twice", asked, 2.5, asked.copy()) or ()) == 5
    assert client.read_directly("twice", asked, 2.5, query(2)) is None
    assert client.read_directly("twice", None, 2.5, asked) is None
    assert client.read_directly("twice", asked[:3], 2.5, asked) is None


@pytest.mark.parametrize(
    "condition",
    [
        "e <-> $1 < 1.5",
        "e <-> $1 < 2",
        "e <-> $1 < '1.5'",
        "2 >= l2_distance(e, $1)",
        "bucket <> 3 AND e <-> $1 < 1.75 AND id > 9",
    ],
)
def test_constants_bound(client: Client, condition: str) -> None:
    client.prepare("constant", f"SELECT id FROM spread WHERE {condition} ORDER BY e <-> $1 LIMIT 50")
    for seed in range(4):
        assert same(client, "constant", query(seed)) is not None


@pytest.mark.parametrize("radius", [None, math.nan, math.inf, -math.inf, 0.0, -1.0])
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_radiuses_that_are_no_distance(client: Client, metric: str, radius: float | None) -> None:
    distance = f"e {OPERATORS[metric]} $1"
    client.prepare("odd", f"SELECT id FROM spread WHERE {distance} <= $2 ORDER BY {distance} LIMIT 5000")
    directly = same(client, "odd", query(1), radius)
    assert directly == ([] if radius == -1.0 and metric == "l2" else None)


@pytest.mark.parametrize(
    "condition",
    [
        "e <-> $1 > $2",
        "e <=> $1 < $2",
        "e <-> $1 < $2 AND e <-> $1 > 0.1",
        "e <-> $1 < $2 OR bucket = 1",
        "1 - (e <-> $1) > $2",
        "e <-> $1 < $2 AND e <-> $1 < 3",
        "e <-> $1 < $2 + bucket",
        "e <-> $1 < $2::real",
        "e <-> $1 < $2::text::float8",
    ],
)
def test_other_conditions_need_a_portal(client: Client, condition: str) -> None:
    client.prepare("other", f"SELECT id FROM spread WHERE {condition} ORDER BY e <-> $1 LIMIT 5")
    value: Any = "2.5" if "text" in condition else 2.5
    assert client.read_directly("other", query(1), value) is None
    client.execute_prepared("other", query(1), value)


def test_numbers_that_fail_in_the_cast_fail(client: Client) -> None:
    client.prepare("large", "SELECT id FROM spread WHERE e <-> $1 < 1e400 ORDER BY e <-> $1 LIMIT 5")
    assert client.read_directly("large", query(1)) is None
    with pytest.raises(QuiverError):
        client.execute_prepared("large", query(1))


def test_what_takes_long_is_left_to_who_may_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison of all rows counts as such from the second time on, and within the first."""
    client.prepare("less", "SELECT id FROM spread WHERE e <-> $1 < $2 ORDER BY e <-> $1 LIMIT 30")
    assert len(same(client, "less", query(1), 100.0) or ()) == 30
    monkeypatch.setattr("sqlfront.session.direct_reads.SHORT_MS", 0.1)
    client.session.may_block = False
    try:
        for _ in range(2):
            with pytest.raises(WouldBlock):
                client.read_directly("less", query(1), 0.5)
        monkeypatch.setattr("sqlfront.session.direct_reads.SHORT_MS", 2.0)
        few = client.read_directly("less", query(1), 0.5)
    finally:
        client.session.may_block = True
    assert few == client.execute_prepared("less", query(1), 0.5).rows
