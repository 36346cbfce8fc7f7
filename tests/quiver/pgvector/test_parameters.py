"""Goal: parameters and results of pgvector's types have the types that pgvector gives them, and travel in both formats.

Method: Parse and Describe of statements with parameters on a real PostgreSQL with pgvector and on Quiver; then values as
text and as binary, bound as both servers take them, and read back in both formats.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import DiagnosticField, ExecStatus

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]

DESCRIBED = (
    "SELECT v <-> $1 FROM described", "SELECT $1 <#> v FROM described", "SELECT v <-> $1::vector FROM described",
    "SELECT l2_distance(h, $1) FROM described", "INSERT INTO described VALUES ($1, $2, $3, $4, $5)",
    "SELECT $1::sparsevec <#> s FROM described", "SELECT id FROM described WHERE s = $1",
    "SELECT id FROM described WHERE v = ANY ($1)", "SELECT vector_send($1)", "SELECT sparsevec_in($1, 0, -1)",
    "SELECT $1::vector", "SELECT $1::halfvec(3)", "SELECT v + $1 FROM described", "SELECT h || $1 FROM described",
    "SELECT b <~> $1 FROM described", "SELECT b <%> $1 FROM described", "SELECT subvector(v, $1, $2) FROM described",
    "UPDATE described SET s = $1 WHERE id = $2", "SELECT $1::vector::sparsevec", "SELECT l2_norm($1)", "SELECT binary_quantize($1)",
    "SELECT array_to_vector($1, 3, true)", "SELECT sum($1)", "SELECT avg($1::halfvec)", "SELECT coalesce($1, s) FROM described",
    "SELECT id FROM described ORDER BY h <=> $1 LIMIT $2", "SELECT vector_accum($1, $2)", "SELECT '[1]' <-> $1",
    "SELECT vector_cmp($1, $2), halfvec_cmp($1, $2)", "SELECT s < $1, v >= $2 FROM described", "SELECT $1::sparsevec[]",
)  # fmt: skip
VALUES = (
    ("vector", "[1,-2.5,3e-05]"), ("halfvec", "[1,-2.5,65504]"), ("sparsevec", "{1:1.5,3:-2}/5"), ("sparsevec", "{}/7"),
    ("bit varying", "10110"), ("vector(3)", "[1,2,3]"), ("sparsevec(5)", "{5:1}/5"),
)  # fmt: skip


@pytest.fixture(scope="module")
def connections(postgres_uri: str, own_database: Database) -> Iterator[tuple[Connection, Connection]]:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            connection.execute("DROP TABLE IF EXISTS described")
            connection.execute(
                "CREATE TABLE described (id int, v vector(3), h halfvec(3), s sparsevec(3), b bit(3))"
            )
        yield theirs, ours


def description(connection: Connection, statement: str) -> object:
    """Types of parameters and columns with typmods by name, or SQLSTATE and message."""
    names = dict(connection.execute("SELECT oid::int8, typname FROM pg_type").fetchall())
    result = connection.pgconn.prepare(b"described", statement.encode())
    if result.status != ExecStatus.COMMAND_OK:
        return result.error_field(DiagnosticField.SQLSTATE), result.error_field(
            DiagnosticField.MESSAGE_PRIMARY
        )
    shown = connection.pgconn.describe_prepared(b"described")
    connection.execute("DEALLOCATE described")
    parameters = [names[shown.param_type(number)] for number in range(shown.nparams)]
    columns = [(names[shown.ftype(number)], shown.fmod(number)) for number in range(shown.nfields)]
    return parameters, columns


@pytest.mark.parametrize("statement", DESCRIBED)
def test_described_alike(connections: tuple[Connection, Connection], statement: str) -> None:
    theirs, ours = connections
    assert description(ours, statement) == description(theirs, statement)


@pytest.mark.parametrize(("spelled", "text"), VALUES)
def test_values_in_both_formats(connections: tuple[Connection, Connection], spelled: str, text: str) -> None:
    seen = []
    for connection in connections:
        statement = f"SELECT $1::{spelled}".encode()
        run = connection.pgconn.exec_params
        binary = run(statement, [text.encode()], result_format=1).get_value(0, 0)
        assert binary is not None
        back = run(statement, [binary], param_formats=[1], result_format=0).get_value(0, 0)
        seen.append(
            (binary, back, run(statement, [binary], param_formats=[1], result_format=1).get_value(0, 0))
        )
    assert seen[0] == seen[1]
