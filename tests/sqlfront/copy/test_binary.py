"""Goal: rows that are found many at a time are those that are found one by one.

Method: streams with runs of rows of the same sizes between rows of other sizes, NULLs and empty values, seeded, cut
anywhere, some of them damaged; a reader that looks at every length for itself is the oracle.
"""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from foundation.errors import QuiverError
from foundation.sqltypes import BYTEA, INT4, INT8
from sqlfront.copy import CopyColumn, binary
from sqlfront.copy.binary import SIGNATURE, CopyBinaryReader
from sqlfront.types import CodecContext

COLUMNS = [CopyColumn("a", 1, INT8), CopyColumn("b", 2, BYTEA), CopyColumn("c", 3, INT4)]

Row = list[bytes | None]


def random_rows(draw: random.Random) -> list[Row]:
    rows: list[Row] = []
    for _ in range(draw.randrange(1, 8)):
        size = draw.choice([None, 0, 1, 3, 40])
        c = None if draw.random() < 0.3 else b"\0\0\0\7"
        for _ in range(draw.choice([1, 2, 7, 30, 200, 900])):
            value = None if size is None else draw.randbytes(size)
            rows.append([draw.randbytes(8), value, c])
    return rows


def encoded(rows: list[Row], *, has_trailer: bool) -> bytes:
    out = [SIGNATURE, struct.pack("!ii", 0, 0)]
    for row in rows:
        out.append(struct.pack("!h", len(row)))
        for value in row:
            out.append(struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value)
    return b"".join(out) + (b"\xff\xff" if has_trailer else b"")


def outcome(data: bytes, cuts: list[int]) -> Any:
    """The rows, then the SQLSTATE, message and context of the error that ended the stream."""
    reader = CopyBinaryReader("t", COLUMNS, CodecContext())
    rows: list[tuple[Any, ...]] = []
    try:
        batches = [reader.feed(data[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(data)])]
        for batch in [*(batch for some in batches for batch in some), *reader.finish()]:
            rows += zip(*(column.to_pylist() for column in batch.columns))
    except QuiverError as error:
        return error.sqlstate, error.message, error.context
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_rows_found_at_once_are_those_found_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr("sqlfront.copy.reader.BATCH_BYTES", draw.choice([64, 1000, 1 << 20]))
    for damaged in (False, True):
        rows = random_rows(draw)
        data = bytearray(encoded(rows, has_trailer=draw.random() < 0.5))
        cuts = sorted(draw.randrange(len(data)) for _ in range(draw.randrange(6)))
        if damaged:
            for _ in range(2):
                data[draw.randrange(len(SIGNATURE) + 8, len(data))] ^= 1 << draw.randrange(8)
        together = outcome(bytes(data), cuts)
        with monkeypatch.context() as alone:
            alone.setattr(binary, "_rows_alike", lambda data, first, end, starts: 0)
            assert together == outcome(bytes(data), cuts)
        if not damaged:
            expected = [
                (
                    struct.unpack("!q", a or b"")[0],
                    b,
                    None if c is None else struct.unpack("!i", c)[0],
                )
                for a, b, c in rows
            ]
            assert together == expected
