"""Goal: what clients, drivers and tools send to PostgreSQL is answered alike here.

Method: the captured statements are replayed in their order on a real PostgreSQL 16 and on a server. Of those that run
there a share must run here, with the same columns and types, and with the same rows but for what differs from server to
server. The floors may only go up. What they still leave out are triggers, ties, and what catalogs list of a server itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.quiver.client_replay import Answer, Captured, captured, is_ordered, names_an_oid, replay
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

RUNS, SAME_COLUMNS, SAME_ROWS, SAME_ORDER = 0.999, 0.998, 0.945, 0.98
"""Of what runs on PostgreSQL, how much runs; of that, how much has the same columns, and the same rows; of those with an
ORDER BY, how much has them in the same order, ties included.
"""


@pytest.fixture(scope="module")
def answers(own_postgres_uri: str, server: ServerProcess) -> Iterator[list[tuple[Captured, Answer, Answer]]]:
    """Each statement that PostgreSQL runs, with its answer and ours."""
    statements = captured()
    theirs, ours = replay(own_postgres_uri, statements), replay(server.dsn, statements)
    both = zip(statements, theirs, ours, strict=True)
    yield [(statement, one, other) for statement, one, other in both if not one.sqlstate]


def test_what_runs_there_runs_here(answers: list[tuple[Captured, Answer, Answer]]) -> None:
    refused = Counter(f"{ours.sqlstate} {ours.message}" for _, _, ours in answers if ours.sqlstate)
    assert 1 - refused.total() / len(answers) >= RUNS, refused.most_common(20)
    assert not [text for text in refused if text.startswith("XX")]


def test_columns_are_those_of_postgresql(answers: list[tuple[Captured, Answer, Answer]]) -> None:
    running = [(s, theirs, ours) for s, theirs, ours in answers if not ours.sqlstate]
    other = [s.text for s, theirs, ours in running if theirs.described() != ours.described()]
    assert 1 - len(other) / len(running) >= SAME_COLUMNS, other


def test_rows_are_those_of_postgresql(answers: list[tuple[Captured, Answer, Answer]]) -> None:
    running = [(s, a, b) for s, a, b in answers if not (b.sqlstate or names_an_oid(s.text))]
    same = [(s, theirs, ours) for s, theirs, ours in running if theirs.sorted_rows() == ours.sorted_rows()]
    assert len(same) / len(running) >= SAME_ROWS, (len(running) - len(same), len(running))
    ordered = [(s, theirs, ours) for s, theirs, ours in same if is_ordered(s.text)]
    other = [s.text for s, theirs, ours in ordered if theirs.lasting_rows() != ours.lasting_rows()]
    assert 1 - len(other) / len(ordered) >= SAME_ORDER, other
