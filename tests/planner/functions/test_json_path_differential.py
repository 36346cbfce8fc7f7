"""Goal: jsonpath is read, printed and evaluated as PostgreSQL 16 does, errors included.

Method: paths from `json_path_statements` beside a real PostgreSQL: the printed path or SQLSTATE, message and DETAIL of each;
then every function over a random document with random variables, silent and not, with the session's time zone and
without; then both operators; then dates and times with templates.

What differs: some patterns of datetime() templates are refused (0A000), and regular expressions are those of Python's `re`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from foundation.errors import QuiverError
from planner.functions.json_path.evaluation import Mode, path_exists, path_match, path_query
from planner.functions.json_path.parser import parse_json_path
from planner.functions.json_path.printer import displayed_json_path, stored_json_path
from tests.planner.functions.json_path_statements import (
    DOCUMENTS,
    VARIABLES,
    damaged_path,
    random_datetime,
    random_path,
)

pytestmark = pytest.mark.slow

ZONE = "Europe/Berlin"
PATHS = 500
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "jsonb_path_exists": path_exists,
    "jsonb_path_match": path_match,
    "jsonb_path_query_array": lambda *arguments: "[" + ", ".join(path_query(*arguments)) + "]",
    "jsonb_path_query_first": lambda *arguments: next(iter(path_query(*arguments)), None),
}


def theirs(connection: psycopg.Connection[Any], sql: str, arguments: list[Any]) -> Any:
    try:
        row = connection.execute(sql.encode(), arguments).fetchone()
        return None if row is None else row[0]
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.message_hint


def ours(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except QuiverError as error:
        return error.sqlstate, error.message, error.detail, error.hint


def test_paths_are_read_and_printed_alike(postgres: psycopg.Connection[Any]) -> None:
    source = random.Random(1)
    paths = [random_path(source) for _ in range(PATHS)] + [damaged_path(source) for _ in range(2 * PATHS)]
    differences = []
    for path in paths:
        expected = theirs(postgres, "SELECT %s::jsonpath::text", [path])
        found = ours(displayed_json_path, path)
        if expected != found:
            differences.append(f"{path!r}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)


def test_stored_text_is_the_same_path() -> None:
    source = random.Random(2)
    for path in (random_path(source) for _ in range(PATHS)):
        stored = stored_json_path(path)
        assert parse_json_path(stored) == parse_json_path(path)
        assert stored_json_path(stored) == stored


def test_functions_answer_alike(postgres: psycopg.Connection[Any]) -> None:
    postgres.execute(f"SET TimeZone = '{ZONE}'".encode())
    source = random.Random(3)
    differences, answered = [], 0
    for _ in range(PATHS):
        path, variables = random_path(source), source.choice(VARIABLES)
        document = theirs(postgres, "SELECT %s::jsonb::text", [source.choice(DOCUMENTS)])
        has_zone = source.random() < 0.3
        for name, function in FUNCTIONS.items():
            result = "" if name.endswith(("exists", "match")) else "::text"
            sql = f"SELECT {name}{'_tz' if has_zone else ''}(%s, %s, %s, %s){result}"
            for is_silent in (False, True):
                expected = theirs(postgres, sql, [document, path, variables, is_silent])
                mode = Mode(is_silent, ZONE if has_zone else None)
                found = ours(function, document, stored_json_path(path), variables, mode)
                answered += not isinstance(expected, tuple)
                if expected != found:
                    differences.append(
                        f"{name}({document}, {path}, {variables}, {is_silent})\n  postgres {expected}\n"
                        f"  quiver   {found}"
                    )
    assert not differences, "\n".join(differences)
    assert answered > PATHS


def test_operators_answer_alike(postgres: psycopg.Connection[Any]) -> None:
    source = random.Random(4)
    operators = {"@?": path_exists, "@@": path_match}
    differences = []
    for _ in range(PATHS):
        path = random_path(source)
        document = theirs(postgres, "SELECT %s::jsonb::text", [source.choice(DOCUMENTS)])
        for name, function in operators.items():
            expected = theirs(postgres, f"SELECT %s::jsonb {name} %s::jsonpath", [document, path])
            found = ours(function, document, stored_json_path(path), None, Mode(is_silent=True))
            if expected != found:
                differences.append(f"{document} {name} {path}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)


def test_datetimes_are_read_alike(postgres: psycopg.Connection[Any]) -> None:
    source = random.Random(5)
    differences, refused = [], 0
    for _ in range(4 * PATHS):
        text, template = random_datetime(source)
        path = f"$.datetime({json.dumps(template) if template else ''})" + source.choice(("", ".type()"))
        sql = "SELECT jsonb_path_query_array(%s, %s)::text"
        expected = theirs(postgres, sql, [json.dumps(text), path])
        found = ours(FUNCTIONS["jsonb_path_query_array"], json.dumps(text), path, "{}", Mode())
        if found[0] == "0A000":
            refused += 1
        elif expected != found:
            differences.append(f"{text!r} {path}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)
    assert refused < PATHS // 5
