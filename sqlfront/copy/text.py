"""COPY in text format: backslash escapes, `\\N` for NULL, `\\.` at the end.

https://www.postgresql.org/docs/16/sql-copy.html#id-1.9.3.55.9.2
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlfront.copy.delimited import DelimitedReader, Positions, cells_equal
from sqlfront.copy.options import END_OF_DATA
from sqlfront.copy.reader import bad_format
from sqlfront.types.columns import Bytes, Mask, cut_cells, used_bytes

_BACKSLASH = 0x5C
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _replacement(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, character = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    return _LETTERS.get(character, character)


def unescape(raw: bytes) -> bytes:
    """A field's value; a lone backslash at its end stays."""
    return _ESCAPE.sub(_replacement, raw)


class CopyTextReader(DelimitedReader):
    """Text format."""

    def _plain_positions(self, data: Bytes) -> Mask | None:
        """All but those behind a backslash that is not itself behind one: runs of backslashes pair up."""
        backslashes = np.flatnonzero(data == _BACKSLASH)
        if not len(backslashes):
            return None
        plain = np.ones(len(data), np.bool_)
        is_run_start = np.ones(len(backslashes), np.bool_)
        is_run_start[1:] = np.diff(backslashes) != 1
        run_starts = np.flatnonzero(is_run_start)
        index = np.arange(len(backslashes))
        place_in_run = index - run_starts[np.cumsum(is_run_start) - 1]
        escaped = backslashes[place_in_run % 2 == 0] + 1
        plain[escaped[escaped < len(data)]] = False
        return plain

    def _end_of_data(self, data: bytes, starts: Positions, ends: Positions) -> int | None:
        if b"\\" not in data:
            # One byte is found ten times as fast as two.
            return None
        marker = super()._end_of_data(data, starts, ends)
        if END_OF_DATA in data:
            limit = int(starts[marker]) if marker is not None else int(ends[-1])
            self._check_no_marker_inside(data, limit, starts)
        return marker

    def _check_no_marker_inside(self, data: bytes, limit: int, starts: Positions) -> None:
        """`\\.` inside a line is damage, unless its backslash is an escaped one."""
        view = np.frombuffer(data, np.uint8)[:limit]
        plain = self._plain_positions(view)
        if plain is None:
            return
        inside = np.flatnonzero(~plain & (view == END_OF_DATA[1]))
        if len(inside):
            line = self._line_number + int(np.searchsorted(starts, inside[0], side="right"))
            raise bad_format("end-of-copy marker corrupt", context=f"COPY {self.relation}, line {line}")

    def _field_column(self, data: Bytes, starts: Positions, ends: Positions, position: int) -> pa.Array:
        is_null = cells_equal(data, starts, ends, self.null)
        valid = ~is_null if is_null.any() else None
        cells = cut_cells(data, starts, ends, valid)
        if (used_bytes(cells) == _BACKSLASH).any():
            # One regular expression a field with escapes, about 1 us; most columns have none.
            has_escape = pc.match_substring(cells, b"\\")
            escaped = cells.filter(has_escape).to_pylist()
            values = pa.array([unescape(raw) for raw in escaped], pa.binary())
            cells = pc.replace_with_mask(cells, has_escape.fill_null(False), values)
        return cells
