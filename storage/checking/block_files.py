"""A block file by itself: every checksum, and no byte that belongs to nothing unless it is zero.

Reads are sequential and hold one piece at a time. What the blocks mean is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from storage import layout
from storage.blockfile import block_mismatch, read_footer
from storage.checking.problems import Problem
from storage.checksum import crc32c
from storage.errors import DataCorrupted

_PIECE_BYTES = 1 << 22


def check_block_file(path: str, data: memoryview, advance: Callable[[int], None]) -> Iterator[Problem]:
    """Check one file.

    Args:
        path: named in problems.
        data: the mapped file.
        advance: called with numbers of bytes as they have been verified.
    """
    try:
        footer = read_footer(path, data)
    except DataCorrupted as error:
        advance(len(data))
        yield Problem(path, error.offset, error.what)
        return
    trailer_start = len(data) - layout.BLOCK_TRAILER.size
    footer_start, footer_length = layout.BLOCK_TRAILER.unpack_from(data, trailer_start)[:2]
    yield from _check_zeros(path, data, 12, layout.BLOCK_HEADER.size)
    position = layout.BLOCK_HEADER.size
    for name, entry in sorted(
        footer["blocks"].items(), key=lambda item: (item[1]["offset"], item[1]["length"])
    ):
        start, end = entry["offset"], entry["offset"] + entry["length"]
        if not position <= start <= end <= footer_start:
            yield Problem(path, start, f'block "{name}" overlaps what is before or after it')
            continue
        yield from _check_zeros(path, data, position, start)
        yield from _check_block(path, data, name, entry, advance)
        position = end
    yield from _check_zeros(path, data, position, footer_start)
    yield from _check_zeros(path, data, footer_start + footer_length, trailer_start)
    yield from _check_zeros(path, data, len(data) - 4, len(data))
    advance(len(data) - sum(entry["length"] for entry in footer["blocks"].values()))


def _check_block(
    path: str, data: memoryview, name: str, entry: dict[str, Any], advance: Callable[[int], None]
) -> Iterator[Problem]:
    checksum, end = 0, entry["offset"] + entry["length"]
    for start in range(entry["offset"], end, _PIECE_BYTES):
        piece = data[start : min(start + _PIECE_BYTES, end)]
        checksum = crc32c(piece, checksum)
        advance(len(piece))
    if checksum != entry["crc"]:
        error = block_mismatch(path, name, entry)
        yield Problem(path, error.offset, error.what)
    elif "dtype" in entry and prod(entry["shape"]) * np.dtype(entry["dtype"]).itemsize != entry["length"]:
        what = f'block "{name}" has {entry["length"]} bytes, which is not {entry["dtype"]} {entry["shape"]}'
        yield Problem(path, entry["offset"], what)


def _check_zeros(path: str, data: memoryview, start: int, end: int) -> Iterator[Problem]:
    """Padding and reserved fields: no reader looks at them, and still they are as they were written."""
    stray = np.flatnonzero(np.frombuffer(bytes(data[start:end]), dtype=np.uint8))
    if len(stray):
        yield Problem(path, start + int(stray[0]), "a byte between blocks is not zero")
