"""COPY of vectors at 384 and 768 dimensions, text and binary; the bytes are made before the clock starts."""

from __future__ import annotations

import argparse
import io
import struct
import time

import numpy as np
import psycopg

from benchmarks.storage.contenders import Contender, compare, contenders

_CHUNK_BYTES = 1 << 16


def text_rows(vectors: np.ndarray) -> bytes:
    """(n, d) float32 as lines of COPY text: number, tab, vector text."""
    lines = [f"{i}\t[{','.join(map(repr, row))}]\n" for i, row in enumerate(vectors.tolist())]
    return "".join(lines).encode()


def binary_rows(vectors: np.ndarray) -> bytes:
    """(n, d) float32 in COPY's binary format."""
    out = io.BytesIO()
    out.write(b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0))
    dim = vectors.shape[1]
    for i, row in enumerate(vectors.astype(">f4")):
        out.write(struct.pack("!hiqihh", 2, 8, i, 4 + 4 * dim, dim, 0) + row.tobytes())
    out.write(struct.pack("!h", -1))
    return out.getvalue()


def copy_stream(connection: psycopg.Connection, data: bytes, options: str, columns: str = "") -> int:
    """COPY `data` into the table `bench_copy`; how many rows it took."""
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY bench_copy {columns} FROM STDIN {options}".encode()) as copy:
            for offset in range(0, len(data), _CHUNK_BYTES):
                copy.write(data[offset : offset + _CHUNK_BYTES])
        return cursor.rowcount


def copy_rows(contender: Contender, data: bytes, dim: int, rows: int, options: str) -> float:
    """Rows per second of one COPY into a fresh table."""
    contender.run(
        "DROP TABLE IF EXISTS bench_copy", f"CREATE TABLE bench_copy (id bigint PRIMARY KEY, v vector({dim}))"
    )
    with contender.connect() as connection:
        started = time.perf_counter()
        assert copy_stream(connection, data, options) == rows
        return rows / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with contenders() as pair:
        for dim in (384, 768):
            vectors = np.random.default_rng(dim).standard_normal((options.rows, dim), dtype=np.float32)
            for figure, data, words in (
                ("text", text_rows(vectors), ""),
                ("binary", binary_rows(vectors), "WITH (FORMAT binary)"),
            ):

                def take(
                    contender: Contender, data: bytes = data, dim: int = dim, words: str = words
                ) -> float:
                    return copy_rows(contender, data, dim, options.rows, words)

                compare(f"COPY {figure}, {dim} dimensions", "rows/s", pair, take, options.turns)


if __name__ == "__main__":
    main()
