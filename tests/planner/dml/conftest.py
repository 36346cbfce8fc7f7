"""Fixtures of the data-change tests: a stored table of items with a key and a vector column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.sqltypes import INT4, NUMERIC, TEXT, SqlType
from tests.planner.stored_tables import StoredTables

VECTOR_3 = SqlType(16385, 3)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[StoredTables]:
    stored = StoredTables(tmp_path / "data")
    rows = [(i, f"s{i % 3}", [float(i), 1.0, 2.0], None if i % 2 else "1.5") for i in range(10)]
    columns = [("id", INT4), ("s", TEXT), ("e", VECTOR_3), ("n", NUMERIC)]
    stored.create("items", columns, rows, key="id")
    yield stored
    stored.storage.close()
