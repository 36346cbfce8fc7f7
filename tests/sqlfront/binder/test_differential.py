"""Goal: the binder accepts, refuses, names and types as a real PostgreSQL does.

Method: the same schema in PostgreSQL 16 and in the binder's catalog; each statement is prepared there and bound
here, and the verdicts are compared. First hand-written statements with everything compared; then, combined by
machine, operators, casts, constructs with a common type, assignments and functions over a column of each type.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator

import psycopg
import pytest

from planner.functions.signatures import all_functions, all_operators, functions_named
from storage.catalog import Catalog
from tests.sqlfront.binder.oracle import Oracle, Verdict, our_verdict, statements

COLUMNS = [
    "i2",
    "i4",
    "i8",
    "f4",
    "f8",
    "n",
    "t",
    "v",
    "c",
    "b",
    "d",
    "tm",
    "ts",
    "tz",
    "u",
    "j",
    "jb",
    "ia",
    "ta",
    "bo",
    "vec",
    "bits",
    "vb",
    "nm",
    "iv",
]
COLUMN_OF_TYPE = {
    21: "i2", 23: "i4", 20: "i8", 700: "f4", 701: "f8", 1700: "n", 25: "t", 1043: "v", 1042: "c", 17: "b", 1082: "d",
    1083: "tm", 1114: "ts", 1184: "tz", 2950: "u", 114: "j", 3802: "jb", 1007: "ia", 1009: "ta", 16: "bo",
    16385: "vec", 1560: "bits", 1562: "vb", 19: "nm", 1186: "iv",
}  # fmt: skip
CAST_TYPES = [
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "json",
    "jsonb",
    "int[]",
    "text[]",
    "bool",
    "vector",
    "halfvec",
    "bit",
    "varbit",
    "name",
    "interval",
    "oid",
    "regclass",
    '"char"',
    "vector(3)",
    "varchar(5)",
    "numeric(5,2)",
    "real[]",
    "float8[]",
    "numeric[]",
]

# Refused by name, or decided earlier than PostgreSQL decides it (a literal's length at Parse).
DELIBERATE = ("0A000", "22000", "22001", "22003", "22026")
# A PostgreSQL 16 notation, and places where the grammar and not the binder differs.
OTHER = {
    "select 9999999999 + 1, 2147483647 + 1, 1e400, 1.0e-5, 00012, 1_000",
    "insert into items (id) default values",
    "update items set (id) = (5), (title) = row('x')",
}


@pytest.fixture(scope="module")
def oracle(postgres_uri: str) -> Iterator[Oracle]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with psycopg.connect(postgres_uri, autocommit=True) as connection:
            connection.execute("CREATE DATABASE binder")
        oracle = Oracle(psycopg.conninfo.make_conninfo(postgres_uri, dbname="binder"))
    yield oracle
    oracle.close()


@pytest.fixture(scope="module")
def catalog(oracle: Oracle) -> Catalog:
    return oracle.catalog()


def is_deliberate(sql: str, theirs: Verdict, ours: Verdict) -> bool:
    return sql in OTHER or (not theirs.sqlstate and ours.sqlstate in DELIBERATE)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["statements.sql", "statements_hard.sql"])
def test_statements_agree(oracle: Oracle, catalog: Catalog, file: str) -> None:
    """Verdicts, SQLSTATEs, parameter types and columns are equal; messages nearly always; positions mostly."""
    wrong, messages, positions = [], 0, 0
    for sql in statements(file):
        theirs, ours = oracle.verdict(sql), our_verdict(catalog, sql)
        if is_deliberate(sql, theirs, ours):
            continue
        if (theirs.sqlstate, theirs.parameters, theirs.columns) != (
            ours.sqlstate,
            ours.parameters,
            ours.columns,
        ):
            wrong.append((sql, theirs, ours))
        messages += theirs.message != ours.message
        positions += theirs.position != ours.position
    count = len(statements(file))
    assert len(wrong) <= 2, wrong
    assert messages <= 0.01 * count
    assert positions <= 0.03 * count


def combined_operators() -> Iterator[str]:
    names = sorted({operator.name for operator in all_operators() if operator.left_type})
    for name in names:
        for left in [*COLUMNS, "'x'", "$1"]:
            for right in [*COLUMNS, "'1'", "$2"]:
                yield f"select {left} {name} {right} from typed"


def combined_casts() -> Iterator[str]:
    for source in [*COLUMNS, "$1", "null"]:
        for target in CAST_TYPES:
            yield f"select {source}::{target} from typed"


def combined_common_types() -> Iterator[str]:
    for left in [*COLUMNS, "'x'", "null", "$1"]:
        for right in [*COLUMNS, "'1'", "null"]:
            yield f"select coalesce({left}, {right}) from typed"
            yield f"select case when true then {left} else {right} end from typed"
            yield f"select {left} from typed union all select {right} from typed"
            yield f"select {left} in ({right}, {right}) from typed"
            yield f"select array[{left}, {right}] from typed"
            yield f"select nullif({left}, {right}) from typed"


def combined_assignments() -> Iterator[str]:
    for column in COLUMNS:
        for value in [*COLUMNS, "'1'", "null", "$1", "1", "1.5"]:
            yield f"insert into typed ({column}) select {value} from typed"
            yield f"update typed set {column} = {value}"


_FIRST_OID_OF_OURS = 17565
"""Of functions that neither PostgreSQL nor pgvector has."""


def combined_calls() -> Iterator[str]:
    """Each function with arguments of its own types, and with a few at random."""
    chance = random.Random(20)
    for function in all_functions():
        name, count = function.name, len(function.argument_types)
        if not name.isidentifier() or function.is_ordered_set or function.oid >= _FIRST_OID_OF_OURS:
            continue
        over = " over ()" if function.kind.value == "w" else ""
        own = [COLUMN_OF_TYPE.get(oid, "null") for oid in function.argument_types]
        guesses = [own, ["'1'", *own[1:]] if own else own]
        guesses += [
            [chance.choice([*COLUMNS, "'1'", "$1", "null", "5"]) for _ in range(count)] for _ in range(2)
        ]
        for arguments in guesses:
            yield f'select "{name}"({", ".join(arguments)}){over} from typed'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("combine", "share", "floor"),
    [
        (combined_operators, 4, 0.995),
        (combined_casts, 1, 1.0),
        (combined_common_types, 1, 0.995),
        (combined_assignments, 1, 0.995),
        (combined_calls, 1, 0.98),
    ],
)
def test_combinations_agree(
    oracle: Oracle, catalog: Catalog, combine: object, share: int, floor: float
) -> None:
    """SQLSTATE, message, parameter types and columns are equal for at least `floor` of 1 / `share` of them.

    What PostgreSQL accepts is never refused but by name, and never typed differently.
    """
    chance = random.Random(21)
    generated = [sql for sql in combine() if share == 1 or chance.random() < 1 / share]  # type: ignore[operator]
    equal, mistyped = 0, []
    for sql in generated:
        theirs, ours = oracle.verdict(sql), our_verdict(catalog, sql)
        equal += (theirs.sqlstate, theirs.message) == (ours.sqlstate, ours.message)
        if not theirs.sqlstate and not is_deliberate(sql, theirs, ours) and theirs != ours:
            mistyped.append((sql, theirs, ours))
    assert not mistyped
    assert equal >= floor * len(generated)


@pytest.mark.slow
def test_hints_and_details_agree(oracle: Oracle, catalog: Catalog) -> None:
    """HINT and DETAIL of the hand-written statements that both refuse."""
    different = [
        (sql, theirs, ours)
        for sql in statements("statements.sql")
        if (theirs := oracle.verdict(sql)).sqlstate
        and (ours := our_verdict(catalog, sql)).sqlstate == theirs.sqlstate
        and (theirs.detail, theirs.hint) != (ours.detail, ours.hint)
    ]
    assert len(different) <= 2, different


def test_every_function_can_be_looked_up() -> None:
    assert all(function in functions_named(function.name) for function in all_functions())
