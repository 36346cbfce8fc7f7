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

IMAGE = 1796
STATEMENTS: tuple[tuple[str, str], ...] = (
    ("How many are there of each digit?", "SELECT label, count(*) FROM digits GROUP BY label ORDER BY label"),
    (
        f"Which images look most like image {IMAGE}? Without an index, exactly:",
        f"""SELECT id, label, pixels <-> (SELECT pixels FROM digits WHERE id = {IMAGE})
  AS distance
FROM digits
ORDER BY distance LIMIT 5""",
    ),
    (
        "An index, for large tables. (A machine's first one waits for a compiler.)",
        "CREATE INDEX digits_pixels ON digits USING hnsw (pixels vector_l2_ops)",
    ),
    (
        "And among test images that are no 8? Always five rows if five match.",
        f"""SELECT id, label, pixels <-> (SELECT pixels FROM digits WHERE id = {IMAGE})
  AS distance
FROM digits
WHERE split = 'test' AND label <> 8
ORDER BY distance LIMIT 5""",
    ),
    (
        "How? The cheaper of exact scan and index, given the rows the filter allows.",
        f"""EXPLAIN (COSTS off)
SELECT id FROM digits WHERE split = 'test'
ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = {IMAGE}) LIMIT 5""",
    ),
    (
        "Rows change like in any PostgreSQL table.",
        """UPDATE digits SET split = 'kept' WHERE label = 0 AND split = 'test' AND id < 100
RETURNING id, label, split""",
    ),
)
TABLE = (
    "A table of images: a label, a split, and the pixels as a vector.",
    """CREATE TABLE digits
  (id int PRIMARY KEY, label int NOT NULL, split text, pixels vector(64))""",
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
    console = Console(highlight=False)
    digits = load_digits()
    with tempfile.TemporaryDirectory(prefix="quiver-demo-") as directory, _server(Path(directory)) as dsn:
        console.print("[bold]A Quiver server is running.[/bold] Any PostgreSQL client can connect to it:")
        console.print(f"{dsn}\n", soft_wrap=True)
        with psycopg.connect(dsn, autocommit=True) as connection:
            _show(console, connection, *TABLE)
            _load(console, connection, digits)
            for caption, sql in STATEMENTS:
                _show(console, connection, caption, sql)
    console.print("[bold]Done;[/bold] the server has stopped and its directory is gone. One of your own:")
    console.print(f"{_command()} serve --data ./mydata", soft_wrap=True)


def _load(console: Console, connection: psycopg.Connection[Any], digits: Any) -> None:
    """Stream the images in with COPY, as a client with data of its own would."""
    _say(console, f"Load {len(digits.target):,} images of handwritten digits.")
    sql = "COPY digits (id, label, split, pixels) FROM STDIN"
    _print_sql(console, sql)
    started = time.perf_counter()
    with (
        connection.cursor() as cursor,
        cursor.copy(sql) as copy,
    ):
        for number, (label, pixels) in enumerate(zip(digits.target, digits.data)):
            split = "test" if number % 5 == 0 else "train"
            copy.write_row((number, int(label), split, str([float(x) for x in pixels])))
    elapsed_ms = (time.perf_counter() - started) * 1000
    console.print(f"[dim]COPY {len(digits.target)}, {elapsed_ms:.0f} ms[/dim]\n")


def _show(console: Console, connection: psycopg.Connection[Any], caption: str, sql: str) -> None:
    _say(console, caption)
    _print_sql(console, sql)
    started = time.perf_counter()
    cursor = connection.execute(sql.encode())
    elapsed_ms = (time.perf_counter() - started) * 1000
    if cursor.description:
        _print_rows(console, [column.name for column in cursor.description], cursor.fetchall())
    console.print(f"[dim]{cursor.statusmessage}, {elapsed_ms:.0f} ms[/dim]\n")


def _say(console: Console, caption: str) -> None:
    console.print(f"[bold]-- {caption}[/bold]")


def _print_sql(console: Console, sql: str) -> None:
    console.print(Syntax(f"{sql};", "sql", theme="ansi_dark", background_color="default", word_wrap=True))


def _print_rows(console: Console, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    if names == ["QUERY PLAN"]:
        # A plan is indented text: longer lines than the terminal are left to it.
        console.print("\n".join(str(line) for (line,) in rows), soft_wrap=True, markup=False)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, value in zip(names, rows[0] if rows else names):
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row))
    console.print(table)


def _command() -> str:
    """How this program was called, as a newcomer can type it again."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "quiver" and not called.is_absolute() else "quiver"


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
