"""Goal: what pgvector changed after 0.8.5, which the differential tests run against, is as in the release we claim to be.

Method: the changes that touch types, functions, operators, casts and aggregates, written down by hand with their source, each
with a statement and its answer here.

  0.8.6  `sql/vector--0.8.5--0.8.6.sql` holds no statement: no object came, went or changed, so the inventory of 0.8.5 is
         that of 0.8.6.
  0.8.7  not released, so not claimed. `sql/vector--0.8.6--0.8.7.sql` adds comments on the three types. An `avg` of no rows,
         whose error it corrects, is NULL in both, by every way that leads there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foundation.version import PGVECTOR_VERSION
from tests.quiver.pgvector.outcomes import Session
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

ANSWERS = (
    ("SELECT extversion FROM pg_extension WHERE extname = 'vector'", PGVECTOR_VERSION),
    ("SELECT obj_description('vector'::regtype, 'pg_type')", None),
    ("SELECT avg(v) FROM (VALUES ('[1]'::vector)) t (v) WHERE false", None),
    ("SELECT avg(v) FROM (VALUES (NULL::halfvec)) t (v)", None),
    (
        "SELECT avg(v) OVER (ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM (VALUES ('[1]'::vector)) t (v)",
        None,
    ),
    ("SELECT vector_avg('{0}')", None),
    ("SELECT halfvec_avg('{0,1,2}')", None),
)


@pytest.fixture(scope="module")
def session(server: ServerProcess) -> Iterator[Session]:
    with Session(server.dsn) as session:
        yield session


def test_the_release_we_claim() -> None:
    assert PGVECTOR_VERSION == "0.8.6"


@pytest.mark.parametrize(("statement", "answer"), ANSWERS)
def test_answers(session: Session, statement: str, answer: str | None) -> None:
    assert session.run(statement).rows == ((answer,),)
