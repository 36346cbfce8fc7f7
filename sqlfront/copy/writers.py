"""COPY TO in text and CSV format: whole batches to CopyData messages, one a row.

Values are printed, escaped or quoted by the column; the rows are joined in C++.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlfront.copy.binary import CopyBinaryWriter
from sqlfront.copy.options import END_OF_DATA, CopyColumn, CopyFormat, CopyHeader, CopyOptions, forced_columns
from sqlfront.types.columns import array_of_bytes, byte_set, bytes_of, only_bytes
from sqlfront.types.context import CodecSettings, context_of
from sqlfront.types.conversion import text_array

_TEXT_ESCAPES = (
    ("\b", "\\b"), ("\f", "\\f"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\v", "\\v"),
)  # fmt: skip


class _DelimitedWriter:
    """What text and CSV share."""

    def __init__(self, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings) -> None:
        self.columns = tuple(columns)
        self.options = options
        self.context = context_of(settings)

    def header(self) -> bytes:
        """The message of the header line; empty without the option HEADER."""
        if self.options.header is CopyHeader.OFF:
            return b""
        names = [pa.array([column.name], pa.utf8()) for column in self.columns]
        return self._frame(names, 1, is_header=True)

    def frames(self, batch: pa.RecordBatch) -> bytes:
        """One message a row."""
        texts = [
            text_array(batch.column(i), column.type, self.context) for i, column in enumerate(self.columns)
        ]
        return self._frame(texts, batch.num_rows)

    def trailer(self) -> bytes:
        return b""

    def _frame(self, texts: Sequence[pa.Array], count: int, *, is_header: bool = False) -> bytes:
        if count == 0:
            return b""
        fields = [self._field(text, i, is_header=is_header) for i, text in enumerate(texts)]
        if not fields:
            fields = [pa.array([""] * count, pa.utf8())]
        lines = pc.binary_join_element_wise(*fields, self.options.delimiter)
        lengths = np.diff(bytes_of(lines)[1])
        header = np.empty((count, 5), np.uint8)
        header[:, 0] = ord("d")
        header[:, 1:] = (lengths + 5).astype(">i4").view(np.uint8).reshape(-1, 4)
        heads = array_of_bytes(header.reshape(-1), np.arange(count + 1) * 5, None, pa.binary())
        messages = pc.binary_join_element_wise(
            heads, lines.cast(pa.binary()), pa.scalar(b"\n", pa.binary()), pa.scalar(b"", pa.binary())
        )
        data, offsets = bytes_of(messages)
        return data[offsets[0] : offsets[-1]].tobytes()

    def _field(self, texts: pa.Array, position: int, *, is_header: bool) -> pa.Array:
        raise NotImplementedError


class CopyTextWriter(_DelimitedWriter):
    """Text format."""

    def __init__(self, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings) -> None:
        super().__init__(columns, options, settings)
        letters = tuple((raw, escape) for raw, escape in _TEXT_ESCAPES)
        delimiter = options.delimiter
        own = () if delimiter in (raw for raw, _ in letters) else ((delimiter, "\\" + delimiter),)
        self._escapes = (("\\", "\\\\"), *letters, *own)
        self._safe = ~byte_set("".join(raw for raw, _ in self._escapes).encode())

    def _field(self, texts: pa.Array, position: int, *, is_header: bool) -> pa.Array:
        if not only_bytes(texts, self._safe):
            for raw, escape in self._escapes:
                texts = pc.replace_substring(texts, raw, escape)
        return texts.fill_null(self.options.null) if texts.null_count else texts


class CopyCsvWriter(_DelimitedWriter):
    """CSV format."""

    def __init__(self, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings) -> None:
        super().__init__(columns, options, settings)
        self._force_quote = forced_columns(options.force_quote, "FORCE_QUOTE", columns)
        special = {options.delimiter, options.quote, "\n", "\r"}
        self._special = "[" + "".join(f"\\x{ord(character):02x}" for character in sorted(special)) + "]"
        self._safe = ~byte_set("".join(special).encode())

    def _field(self, texts: pa.Array, position: int, *, is_header: bool) -> pa.Array:
        options = self.options
        if self._force_quote[position] and not is_header:
            needs_quotes = pa.array(np.ones(len(texts), np.bool_))
        else:
            needs_quotes = pc.equal(texts, options.null)
            if len(self.columns) == 1:
                needs_quotes = pc.or_(needs_quotes, pc.equal(texts, END_OF_DATA.decode()))
            if not only_bytes(texts, self._safe):
                needs_quotes = pc.or_(needs_quotes, pc.match_substring_regex(texts, self._special))
        if pc.any(needs_quotes).as_py():
            body = texts
            if options.escape != options.quote:
                body = pc.replace_substring(body, options.escape, options.escape * 2)
            body = pc.replace_substring(body, options.quote, options.escape + options.quote)
            quoted = pc.binary_join_element_wise(options.quote, body, options.quote, "")
            texts = pc.if_else(needs_quotes, quoted, texts)
        return texts.fill_null(options.null) if texts.null_count else texts


CopyWriter = CopyTextWriter | CopyCsvWriter | CopyBinaryWriter


def copy_writer(columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings) -> CopyWriter:
    """The writer of the options' format.

    Raises:
        InvalidColumnReference: 42P10, FORCE_QUOTE names no column of the stream.
    """
    if options.format is CopyFormat.BINARY:
        return CopyBinaryWriter(columns, settings)
    if options.format is CopyFormat.CSV:
        return CopyCsvWriter(columns, options, settings)
    return CopyTextWriter(columns, options, settings)
