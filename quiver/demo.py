"""`quiver demo`: the product in a minute, through an ordinary PostgreSQL driver.

Starts a real server process on a temporary directory and a free port, loads scikit-learn's bundled handwritten
digits (1,797 images of 8 x 8 pixels as 64-dimensional vectors, with their label and a train/test split),
builds an index, runs SQL and prints each statement with its result.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from quiver.errors import ConfigurationError

if TYPE_CHECKING:
    import psycopg

START_SECONDS_MAX = 30.0
READY = "ready to accept connections on "
ROWS_SHOWN_MAX = 12

QUERY = "(SELECT pixels FROM digits WHERE id = 1796)"
STATEMENTS = (
    (
        "A table of images: a label, a split, and the pixels as a vector.",
        "CREATE TABLE digits (id int PRIMARY KEY, label int NOT NULL, split text, pixels vector(64))",
    ),
    ("COPY", ""),
    ("How many are there of each?", "SELECT label, count(*) FROM digits GROUP BY label ORDER BY label"),
    (
        "Which images look most like number 1796? Without an index the answer is exact.",
        f"SELECT id, label, pixels <-> {QUERY} AS distance FROM digits ORDER BY pixels <-> {QUERY} LIMIT 5",
    ),
    (
        "An index makes it fast on large tables.",
        "CREATE INDEX digits_pixels ON digits USING hnsw (pixels vector_l2_ops) WITH (m = 16, ef_construction = 64)",
    ),
    (
        "The same question with a filter: always five rows if five match.",
        f"SELECT id, label FROM digits WHERE split = 'test' AND label <> 8 ORDER BY pixels <-> {QUERY} LIMIT 5",
    ),
    (
        "How the answer is found.",
        f"EXPLAIN SELECT id FROM digits WHERE split = 'test' ORDER BY pixels <-> {QUERY} LIMIT 5",
    ),
    (
        "Rows change like in any PostgreSQL table.",
        "UPDATE digits SET split = 'kept' WHERE label = 0 AND split = 'test' RETURNING id, label, split",
    ),
)


def run_demo() -> None:
    """Run the demonstration and print it.

    Raises:
        ConfigurationError: scikit-learn or psycopg is not installed, or the server did not start.
    """
    try:
        import psycopg
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ConfigurationError(
            f"the demonstration needs {error.name}", hint="pip install 'quiver-db[demo]'"
        ) from error
    console = Console()
    digits = load_digits()
    with tempfile.TemporaryDirectory(prefix="quiver-demo-") as directory, _server(Path(directory)) as dsn:
        console.print(f"[bold]A Quiver server is running.[/bold] Any PostgreSQL client can connect: {dsn}\n")
        with psycopg.connect(dsn, autocommit=True) as connection:
            for caption, sql in STATEMENTS:
                if sql:
                    _show(console, connection, caption, sql)
                else:
                    _load(console, connection, digits)
    console.print("[bold]Done.[/bold] `quiver serve --data ./mydata` starts a server of your own.")


def _load(console: Console, connection: psycopg.Connection[Any], digits: Any) -> None:
    """Stream the images in with COPY, as a client with data of its own would."""
    console.print("[italic]Load 1,797 images with COPY.[/italic]")
    started = time.perf_counter()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY digits (id, label, split, pixels) FROM STDIN") as copy,
    ):
        for number, (label, pixels) in enumerate(zip(digits.target, digits.data)):
            split = "test" if number % 5 == 0 else "train"
            copy.write_row((number, int(label), split, str([float(x) for x in pixels])))
    console.print(f"COPY {len(digits.target)} in {time.perf_counter() - started:.2f} s\n")


def _show(console: Console, connection: psycopg.Connection[Any], caption: str, sql: str) -> None:
    console.print(f"[italic]{caption}[/italic]")
    console.print(Syntax(sql, "sql", theme="ansi_dark", word_wrap=True))
    started = time.perf_counter()
    cursor = connection.execute(sql.encode())
    elapsed_ms = (time.perf_counter() - started) * 1000
    if cursor.description:
        table = Table(*(column.name for column in cursor.description), box=None, header_style="bold")
        rows = cursor.fetchall()
        for row in rows[:ROWS_SHOWN_MAX]:
            table.add_row(*(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row))
        console.print(table)
        if len(rows) > ROWS_SHOWN_MAX:
            console.print(f"... {len(rows) - ROWS_SHOWN_MAX} more rows")
    console.print(f"[dim]{cursor.statusmessage}, {elapsed_ms:.1f} ms[/dim]\n")


@contextmanager
def _server(directory: Path) -> Iterator[str]:
    """A server process on a free port; gives its DSN and stops it with SIGTERM."""
    command = [sys.executable, "-m", "quiver", "serve", "--data", str(directory / "data"), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield f"postgresql://postgres@{_wait_until_ready(process)}/postgres"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS_MAX)
        if process.stderr is not None:
            process.stderr.close()


def _wait_until_ready(process: subprocess.Popen[str]) -> str:
    """Read the server's log up to its ready line; returns HOST:PORT."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if READY in line:
            return line.rpartition(READY)[2].strip()
    raise ConfigurationError(f"the server did not start: {''.join(said[-3:]).strip()}")
