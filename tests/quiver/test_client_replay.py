"""Goal: what clients, drivers and tools send to PostgreSQL is answered alike here.

Method: the captured statements are replayed in their order on a real PostgreSQL 16 and on a server. Of those that run
there a share must run here, with the same columns and types, and with the same rows but for what differs from server to
server. The floors may only go up. What they still leave out are triggers, privileges, and what catalogs list of a server itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.quiver.client_replay import Answer, Captured, captured, replay
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

RUNS, SAME_COLUMNS, SAME_ROWS = 0.998, 0.998, 0.93
"""Of what runs on PostgreSQL, how much runs; of that, how much has the same columns, and the same rows."""


@pytest.fixture(scope="module")
def answers(postgres_uri: str, server: ServerProcess) -> Iterator[list[tuple[Captured, Answer, Answer]]]:
    """Each statement that PostgreSQL runs, with its answer and ours."""
    statements = captured()
    theirs, ours = replay(postgres_uri, statements), replay(server.dsn, statements)
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
    running = [(s, theirs, ours) for s, theirs, ours in answers if not ours.sqlstate]
    other = [
        s.text
        for s, theirs, ours in running
        if theirs.comparable_rows(s.text) != ours.comparable_rows(s.text)
    ]
    assert 1 - len(other) / len(running) >= SAME_ROWS, (len(other), len(running))
