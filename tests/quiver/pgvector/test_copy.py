"""Goal: COPY moves every type of pgvector between PostgreSQL and Quiver without changing a byte, in all formats.

Method: random and extreme values of each type, NULLs among them, out of a real PostgreSQL with pgvector, into Quiver, out of
it and into PostgreSQL again; then the streams are compared byte by byte. Broken binary values are refused alike.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.pgvector.arguments import BIT_TEXTS, HALFVEC_TEXTS, SPARSEVEC_TEXTS, VECTOR_TEXTS, long_text
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS = 600
COLUMNS = {
    "v": "vector", "v8": "vector(8)", "h": "halfvec", "h8": "halfvec(8)", "s": "sparsevec", "s8": "sparsevec(8)",
    "b": "bit(8)", "w": "bit varying",
}  # fmt: skip
FORMATS = ("binary", "text", "csv")


def random_value(chance: random.Random, spelled: str) -> str:
    base, _, size = spelled.rstrip(")").partition("(")
    dimensions = int(size or chance.randrange(1, 40))
    if base.startswith("bit"):
        return "".join(chance.choice("01") for _ in range(dimensions))
    numbers = [chance.gauss(0, 1) * 10 ** chance.randrange(-4, 5) for _ in range(dimensions)]
    if base == "halfvec":
        numbers = [max(-65504.0, min(65504.0, number)) for number in numbers]
    if base == "sparsevec":
        kept = sorted(chance.sample(range(dimensions), chance.randrange(dimensions + 1)))
        return "{" + ",".join(f"{place + 1}:{numbers[place]}" for place in kept) + f"}}/{dimensions}"
    return f"[{','.join(map(str, numbers))}]"


def rows() -> Iterator[tuple[object, ...]]:
    chance = random.Random(20260729)
    for number in range(ROWS):
        yield (
            number,
            *(None if chance.random() < 0.1 else random_value(chance, s) for s in COLUMNS.values()),
        )
    edges = zip(VECTOR_TEXTS, HALFVEC_TEXTS, SPARSEVEC_TEXTS, [*BIT_TEXTS, *BIT_TEXTS], strict=False)
    for number, (vector, half, sparse_text, bits) in enumerate(edges, ROWS):
        yield (number, vector, None, half, None, sparse_text, None, None, bits)
    yield (
        ROWS * 2,
        *(
            long_text(name) if name in ("vector", "halfvec", "sparsevec") else None
            for name in COLUMNS.values()
        ),
    )


@pytest.fixture(scope="module")
def connections(
    postgres_uri: str, own_database: Database
) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], psycopg.Connection[tuple[object, ...]]]]:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        columns = ", ".join(f"{name} {spelled}" for name, spelled in COLUMNS.items())
        for connection in (theirs, ours):
            connection.execute("DROP TABLE IF EXISTS copied")
            connection.execute(f"CREATE TABLE copied (id int PRIMARY KEY, {columns})".encode())
        marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
        theirs.cursor().executemany(f"INSERT INTO copied VALUES ({marks})".encode(), list(rows()))
        yield theirs, ours


def copy_out(connection: psycopg.Connection[tuple[object, ...]], form: str) -> bytes:
    statement = f"COPY (SELECT * FROM copied ORDER BY id) TO STDOUT (FORMAT {form})"
    with connection.cursor().copy(statement.encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def copy_in(connection: psycopg.Connection[tuple[object, ...]], form: str, data: bytes) -> None:
    connection.execute("TRUNCATE copied")
    with connection.cursor().copy(f"COPY copied FROM STDIN (FORMAT {form})".encode()) as copy:
        copy.write(data)


@pytest.mark.parametrize("form", FORMATS)
def test_there_and_back(
    connections: tuple[psycopg.Connection[tuple[object, ...]], psycopg.Connection[tuple[object, ...]]],
    form: str,
) -> None:
    theirs, ours = connections
    sent = copy_out(theirs, form)
    copy_in(ours, form, sent)
    assert copy_out(ours, form) == sent
    copy_in(theirs, form, copy_out(ours, form))
    assert copy_out(theirs, form) == sent
    # What came in one format goes out in the others as there.
    for other in FORMATS:
        assert copy_out(ours, other) == copy_out(theirs, other)


BROKEN = (
    ("v", struct.pack("!hh", 0, 0)), ("v", struct.pack("!hhf", 1, 1, 1)), ("v", struct.pack("!hhf", 1, 0, float("nan"))),
    ("v", struct.pack("!hhf", 2, 0, 1)), ("v8", struct.pack("!hhf", 1, 0, 1)), ("v", struct.pack("!hhf", 32767, 0, 1)),
    ("h", struct.pack("!hhe", 1, 0, float("inf"))), ("h8", struct.pack("!hhe", 1, 0, 1)), ("h", struct.pack("!hh", -1, 0)),
    ("s", struct.pack("!iii", 0, 0, 0)), ("s", struct.pack("!iii", 3, 4, 0)), ("s", struct.pack("!iii", 3, -1, 0)),
    ("s", struct.pack("!iii", 3, 0, 7)), ("s", struct.pack("!iiiif", 3, 1, 0, 3, 1)), ("s", struct.pack("!iiiif", 3, 1, 0, 0, 0)),
    ("s", struct.pack("!iiiiiff", 3, 2, 0, 1, 0, 1, 1)), ("s", struct.pack("!iiiiiff", 3, 2, 0, 1, 1, 1, 1)),
    ("s", struct.pack("!iiiif", 3, 1, 0, 0, float("inf"))), ("s8", struct.pack("!iii", 3, 0, 0)), ("s", struct.pack("!ii", 3, 0)),
    ("s", struct.pack("!iii", 1_000_000_001, 0, 0)), ("s", struct.pack("!iii", 20_000, 16_001, 0)),
)  # fmt: skip


@pytest.mark.parametrize(("column", "value"), BROKEN)
def test_broken_binary_values_are_refused_alike(
    connections: tuple[psycopg.Connection[tuple[object, ...]], psycopg.Connection[tuple[object, ...]]],
    column: str,
    value: bytes,
) -> None:
    header = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
    row = struct.pack("!hiii", 2, 4, 999_999, len(value)) + value
    failures = []
    for connection in connections:
        statement = f"COPY copied (id, {column}) FROM STDIN (FORMAT binary)"
        with pytest.raises(psycopg.Error) as failure, connection.cursor().copy(statement.encode()) as copy:
            copy.write(header + row + struct.pack("!h", -1))
        diagnostic = failure.value.diag
        failures.append(
            (diagnostic.sqlstate, diagnostic.message_primary, diagnostic.message_detail, diagnostic.context)
        )
    assert failures[0] == failures[1]
