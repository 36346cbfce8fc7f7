"""What all COPY readers share: buffering of the stream, columns out of cells, errors with line and column.

A reader is fed pieces of any size and hands out RecordBatches of whole rows, their columns named by attnum. It
holds at most about `BATCH_BYTES` of input, or one row when a row is larger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa

from foundation.errors import ArrayShapeNotSupported, QuiverError
from foundation.sqltypes import SqlType
from sqlfront.copy.errors import BadCopyFileFormat
from sqlfront.copy.options import CopyColumn
from sqlfront.types.context import CodecContext, CodecSettings, context_of

BATCH_BYTES = 4 << 20
"""Input that is gathered before it is parsed; about 2,600 rows with a 384-dimensional vector."""
_SHOWN_CHARACTERS_MAX = 100


def shown(text: str) -> str:
    """Input as CONTEXT quotes it: long input is cut."""
    if len(text) <= _SHOWN_CHARACTERS_MAX:
        return f'"{text}"'
    return f'"{text[:_SHOWN_CHARACTERS_MAX]}..."'


class CopyReader(ABC):
    """Bytes of COPY FROM STDIN in, batches of rows out.

    Raises (feed, finish):
        BadCopyFileFormat: 22P04, and whatever input functions raise; CONTEXT names line and column.
    """

    def __init__(self, relation: str, columns: Sequence[CopyColumn], settings: CodecSettings) -> None:
        self.relation = relation
        self.columns = tuple(columns)
        self.context: CodecContext = context_of(settings)
        self.names = [str(column.attnum) for column in columns]
        self._parts: list[bytes] = []
        self._buffered_bytes = 0
        self._threshold_bytes = BATCH_BYTES

    def feed(self, data: bytes) -> list[pa.RecordBatch]:
        """Take a piece of the stream; rows may start and end anywhere. After an error, b"" tries what came once more."""
        self._parts.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes < self._threshold_bytes:
            return []
        return self._parse_buffered(is_last=False)

    def finish(self) -> list[pa.RecordBatch]:
        """The stream has ended: the rows that are left."""
        return self._parse_buffered(is_last=True)

    def retype(self, attnum: int, sql_type: SqlType) -> None:
        """Read a column as another type from the rows on that are not handed out yet."""
        self.columns = tuple(
            replace(column, type=sql_type) if column.attnum == attnum else column for column in self.columns
        )

    def _parse_buffered(self, *, is_last: bool) -> list[pa.RecordBatch]:
        data = b"".join(self._parts)
        before = dict(self.__dict__)
        try:
            batch, used_bytes = self._parse(data, is_last=is_last)
        except ArrayShapeNotSupported:
            # Who can retype the column has the same input read again, so nothing of it counts as read.
            self.__dict__.update(before)
            raise
        rest = data[used_bytes:]
        self._parts = [rest]
        self._buffered_bytes = len(rest)
        # A row larger than the buffer is looked at again only after as much has come once more.
        self._threshold_bytes = max(BATCH_BYTES, 2 * len(rest))
        return [] if batch is None or batch.num_rows == 0 else [batch]

    @abstractmethod
    def _parse(self, data: bytes, *, is_last: bool) -> tuple[pa.RecordBatch | None, int]:
        """The rows that are complete in `data`, and how many bytes of it they and what is skipped take."""

    def _batch(self, arrays: Sequence[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(list(arrays), names=self.names)

    def _decode_columns(
        self,
        cells: Sequence[pa.Array],
        decode: Callable[[pa.Array, CopyColumn], pa.Array],
        error_context: Callable[[int, int, QuiverError], str],
    ) -> list[pa.Array]:
        """All columns decoded; of several bad values the one in the first row is reported, as row by row."""
        try:
            return [decode(column, spec) for column, spec in zip(cells, self.columns, strict=True)]
        except QuiverError:
            pass
        first: tuple[int, int, QuiverError] | None = None
        for position, (column, spec) in enumerate(zip(cells, self.columns, strict=True)):
            limit = len(column) if first is None else first[0]
            found = _first_bad_row(column.slice(0, limit), spec, decode)
            if found is not None:
                first = (found[0], position, found[1])
        assert first is not None, "a column that failed decodes now"
        row, position, error = first
        if isinstance(error, ArrayShapeNotSupported):
            error.attnum = self.columns[position].attnum
        inner = f"{error.context}\n" if error.context else ""
        error.context = inner + error_context(row, position, error)
        raise error


def _first_bad_row(
    cells: pa.Array, spec: CopyColumn, decode: Callable[[pa.Array, CopyColumn], pa.Array]
) -> tuple[int, QuiverError] | None:
    """The first row whose value cannot be decoded, and its error; bisected, so that it costs two passes."""
    try:
        decode(cells, spec)
        return None
    except QuiverError as error:
        last = error
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            decode(cells.slice(low, middle - low), spec)
            low = middle
        except QuiverError as error:
            last, high = error, middle
    try:
        decode(cells.slice(low, 1), spec)
    except QuiverError as error:
        last = error
    return low, last


def bad_format(message: str, hint: str | None = None, context: str | None = None) -> BadCopyFileFormat:
    return BadCopyFileFormat(message, hint=hint, context=context)
