"""COPY in CSV format: quoted fields with embedded line ends, NULL told from the empty string by quotes.

https://www.postgresql.org/docs/16/sql-copy.html#id-1.9.3.55.9.3
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlfront.copy.delimited import DelimitedReader, Positions, cells_equal
from sqlfront.copy.options import CopyColumn, CopyOptions, forced_columns
from sqlfront.copy.reader import bad_format, shown
from sqlfront.types.columns import Bytes, Mask, cut_cells
from sqlfront.types.context import CodecSettings

_NEWLINE, _RETURN = 10, 13


class CopyCsvReader(DelimitedReader):
    """CSV format."""

    literal = "unquoted"
    newline_hint = "Use quoted CSV field to represent newline."
    return_hint = "Use quoted CSV field to represent carriage return."

    def __init__(
        self, relation: str, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings
    ) -> None:
        super().__init__(relation, columns, options, settings)
        self.quote = ord(options.quote)
        self.escape = ord(options.escape)
        self._force_null = forced_columns(options.force_null, "FORCE_NULL", columns)
        self._force_not_null = forced_columns(options.force_not_null, "FORCE_NOT_NULL", columns)
        special = re.escape(bytes({self.quote, self.escape}))
        self._special = re.compile(b"[" + special + b"]")

    def _quotes(self, data: Bytes) -> Mask:
        """(n,) True at the quotes that open or close; a doubled quote closes and opens, which comes to the same."""
        quotes: Mask = data == self.quote
        if self.escape == self.quote or not (data == self.escape).any():
            return quotes
        # A separate escape character: its pairs inside quotes must be found in order.
        raw = data.tobytes()
        is_open = False
        position = 0
        while (match := self._special.search(raw, position)) is not None:
            position = match.end()
            follower = raw[position] if position < len(raw) else -1
            if is_open and raw[match.start()] == self.escape and follower in (self.quote, self.escape):
                quotes[position] = False
                position += 1
                continue
            if raw[match.start()] == self.quote:
                is_open = not is_open
        return quotes

    def _plain_positions(self, data: Bytes) -> Mask | None:
        quotes = self._quotes(data)
        if not quotes.any():
            return None
        # The parity of the quotes so far; uint8 wraps at 256, which keeps it.
        parity = np.cumsum(quotes, dtype=np.uint8) & np.uint8(1)
        plain: Mask = parity == 0
        return plain

    def _check_complete(self, data: bytes) -> None:
        view = np.frombuffer(data, np.uint8)
        plain = self._plain_positions(view)
        if plain is None or plain[-1] or np.count_nonzero(self._quotes(view)) % 2 == 0:
            return
        # Errors of the lines before the open quote come first.
        ends = np.flatnonzero(plain & ((view == _NEWLINE) | (view == _RETURN)))
        start = int(ends[-1]) + 1 if len(ends) else 0
        if start:
            self._parse(data[:start], is_last=False)
        line = shown(data[start:].decode("utf-8", "replace"))
        context = f"COPY {self.relation}, line {self._line_number + 1}: {line}"
        raise bad_format("unterminated CSV quoted field", context=context)

    def _field_column(self, data: Bytes, starts: Positions, ends: Positions, position: int) -> pa.Array:
        is_null = cells_equal(data, starts, ends, self.null)
        if self._force_not_null[position]:
            is_null[:] = False
        quote_count = self._counts(data == self.quote, starts, ends)
        quoted = quote_count > 0
        if not quoted.any():
            return cut_cells(data, starts, ends, ~is_null if is_null.any() else None)
        is_simple = (quote_count == 2) & (data[np.minimum(starts, len(data) - 1)] == self.quote)
        is_simple &= data[ends - 1] == self.quote
        if self.escape != self.quote:
            is_simple &= self._counts(data == self.escape, starts, ends) == 0
        cells = cut_cells(data, starts + is_simple, ends - is_simple)
        hard = quoted & ~is_simple
        if hard.any():
            # One pass over each field with quotes inside it, about 1 us.
            mask = pa.array(hard)
            values = [self._unquote(raw) for raw in cells.filter(mask).to_pylist()]
            cells = pc.replace_with_mask(cells, mask, pa.array(values, pa.binary()))
        if self._force_null[position]:
            equal = pc.equal(cells, pa.scalar(self.null, pa.binary()))
            is_null |= quoted & equal.to_numpy(zero_copy_only=False)
        return pc.if_else(pa.array(~is_null), cells, pa.scalar(None, pa.binary())) if is_null.any() else cells

    @staticmethod
    def _counts(mask: Mask, starts: Positions, ends: Positions) -> Positions:
        """How many positions of a mask lie in each piece."""
        positions = np.flatnonzero(mask)
        counts: Positions = np.searchsorted(positions, ends) - np.searchsorted(positions, starts)
        return counts

    def _unquote(self, raw: bytes) -> bytes:
        """A field's value: quotes open and close anywhere in it, the escape character counts between them."""
        quote, escape = bytes([self.quote]), bytes([self.escape])
        parts: list[bytes] = []
        is_open = False
        position = kept = 0
        while (match := self._special.search(raw, position)) is not None:
            at, position = match.start(), match.end()
            follower = raw[position : position + 1]
            if is_open and match.group() == escape and follower and follower in (quote, escape):
                parts.append(raw[kept:at] + follower)
                position += 1
                kept = position
            elif match.group() == quote:
                parts.append(raw[kept:at])
                kept = position
                is_open = not is_open
        return b"".join(parts) + raw[kept:]
