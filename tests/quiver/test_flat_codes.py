"""Goal: a flat index by codes keeps a file, is searched where that is cheaper than the vectors, and gives way to a graph.

Method: one table of enough rows; plans and status as SQL shows them, answers against the same query with indexes switched off.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from quiver.instance import Instance
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS = 8000, 128
QUERY = (
    "[" + ",".join(f"{number:.3f}" for number in np.random.default_rng(2).standard_normal(DIMENSIONS)) + "]"
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    numbers = np.random.default_rng(1).standard_normal((ROWS, DIMENSIONS)).round(3)
    lines = (
        f"{row}\t{row % 10}\t[{','.join(map(str, vector))}]\n" for row, vector in enumerate(numbers.tolist())
    )
    with opened(tmp_path_factory.mktemp("flat_codes")) as found:
        client = Client(found)
        client.script(
            f"CREATE TABLE items (id int, n int, v vector({DIMENSIONS})); COPY items FROM STDIN",
            copy_data=["".join(lines).encode()],
        )
        yield found


@pytest.fixture
def client(instance: Instance) -> Iterator[Client]:
    client = Client(instance)
    yield client
    client.script("DROP INDEX IF EXISTS items_x; DROP INDEX IF EXISTS items_y; RESET ALL")


def nearest(where: str = "true", k: int = 10) -> str:
    return f"SELECT id FROM items WHERE {where} ORDER BY v <-> '{QUERY}' LIMIT {k}"


def plan(client: Client, sql: str) -> str:
    return "\n".join(str(line) for (line,) in client.rows(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}"))


def check_answer(client: Client, sql: str) -> None:
    found = client.rows(sql)
    client.script("SET enable_indexscan = off")
    expected = client.rows(sql)
    client.script("RESET enable_indexscan")
    assert len(found) == len(expected) and len(set(found) & set(expected)) >= 0.9 * len(expected)


def test_codes_are_scanned_where_that_is_cheaper(client: Client) -> None:
    client.script(
        "CREATE INDEX items_x ON items USING flat (v vector_l2_ops) WITH (quantizer = sq8, refine_k = 3)"
    )
    ((state, served),) = client.rows(
        "SELECT state, rows_served FROM quiver_index_status WHERE index_name = 'items_x'"
    )
    assert (state, served) == ("ready", ROWS)
    shown = plan(client, nearest())
    assert "Index Scan using items_x on items" in shown and "Strategy: code scan," in shown
    assert "Considered: code scan" in shown and "exact scan" in shown
    assert "Reranked: 30" in shown and "Estimated Recall: " in shown and "Rows: " not in shown
    check_answer(client, nearest())
    assert "Strategy: filtered code scan," in plan(client, nearest("n < 7"))
    check_answer(client, nearest("n < 7"))
    assert "Strategy: exact scan," in plan(client, nearest("n = 3 AND id < 2000"))
    check_answer(client, nearest("n = 3 AND id < 2000"))
    client.script("SET quiver.target_recall = 1.0; DELETE FROM items WHERE id = -1")
    check_answer(client, nearest(k=50))
    client.script("REINDEX INDEX items_x")
    assert "Strategy: code scan," in plan(client, nearest())


def test_a_graph_comes_first_and_an_exact_scan_last(client: Client) -> None:
    client.script("CREATE INDEX items_x ON items USING flat (v vector_l2_ops) WITH (quantizer = 'sq8')")
    client.script("CREATE INDEX items_y ON items USING flat (v vector_l2_ops)")
    assert "using items_x" in plan(client, nearest())
    client.script("DROP INDEX items_y; CREATE INDEX items_y ON items USING ivfflat (v) WITH (lists = 20)")
    client.script("SET enable_seqscan = off")
    assert "using items_y" in plan(client, nearest())


def test_options_that_it_does_not_have_are_refused(client: Client) -> None:
    for option in ("quantizer = 'sq4'", "quantizer = 'pq'", "refine_k = 101", "m = 3"):
        assert (
            client.sqlstate(f"CREATE INDEX ON items USING flat (v vector_l2_ops) WITH ({option})") == "22023"
        )
