"""Goal: the queries of TPC-H have PostgreSQL's answers, through psql.

Method: both servers hold the tables at scale 0.01 and print the 22 answers.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from benchmarks.tpch.workload import ask, generate, load, queries
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

SCALE = 0.01


def test_answers_are_those_of_postgresql(postgres_uri: str, own_database: Database, tmp_path: Path) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tpch")
        connection.execute("CREATE DATABASE tpch")
    theirs = psycopg.conninfo.make_conninfo(postgres_uri, dbname="tpch")
    generate(tmp_path, SCALE)
    for dsn in (theirs, own_database.dsn):
        load(dsn, tmp_path)
    asked = queries()
    assert len(asked) == 22
    for number, (expected, found) in enumerate(
        zip(ask(theirs, asked), ask(own_database.dsn, asked), strict=True), 1
    ):
        assert found.text == expected.text, f"query {number}"
