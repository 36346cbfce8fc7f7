"""The widest vector column of a large transaction, written to its segment file while the rows come.

Rows that do not fit in memory are written once they come and once more, column by column, when they are committed. Most
of their bytes are vectors, whose block needs no more than the numbers one after the other. So the file that the commit
will link is begun with that block; the other columns go to the spill file and follow at commit.

The block has no place for NULLs. Whoever appends finds other ways where there is one, or where rows that were appended
are not committed after all. Until the commit the file belongs to nothing: a crash leaves an orphan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from storage import layout
from storage.blockfile import BlockWriter, vector_column
from storage.datafiles import DataFiles
from storage.growable import dense_values

_NO_BYTES = memoryview(b"")


def streamed_attnum(batch: pa.RecordBatch) -> int | None:
    """The column of a batch (named by attnum) that is worth a stream: the widest one of vectors with a dimension."""
    widths = {
        int(field.name): field.type.list_size * field.type.value_type.bit_width
        for field in batch.schema
        if pa.types.is_fixed_size_list(field.type)
    }
    return max(widths, key=lambda attnum: widths[attnum], default=None)


class ColumnStream:
    """One column of one table. `row_count` rows are written; it `is_whole` unless an append failed half-way."""

    def __init__(self, data_files: DataFiles, attnum: int, arrow_type: pa.FixedSizeListType) -> None:
        self.attnum = attnum
        self.arrow_type = arrow_type
        self.segment_id = data_files.allocate_id()
        self.row_count = 0
        self.is_whole = True
        self._dtype = np.dtype(arrow_type.value_type.to_pandas_dtype())
        self._row_bytes = arrow_type.list_size * arrow_type.value_type.bit_width // 8
        self._data_files = data_files
        self._mapped = _NO_BYTES
        self._writer: BlockWriter | None = data_files.writer(self.segment_id, layout.ROWS_SUFFIX)
        self._start = self._writer.begin_array()

    def takes(self, column: pa.Array) -> bool:
        """Whether these rows can follow."""
        return self.is_whole and column.type == self.arrow_type and not column.null_count

    def append(self, column: pa.Array) -> Callable[[], pa.Array]:
        """Write rows that the stream `takes`. What reads them again, mapped, until the stream is closed.

        Raises:
            IoFailure: 58030; DiskFull: 53100. The stream takes no more then.
        """
        assert self._writer is not None, "the stream has ended"
        first, count = self.row_count, len(column)
        self.is_whole = False
        self._writer.extend_array(dense_values(column).to_numpy())
        self.is_whole = True
        self.row_count += count
        return lambda: self._read(first, count)

    def _read(self, first: int, count: int) -> pa.Array:
        begin = self._start + first * self._row_bytes
        end = begin + count * self._row_bytes
        if end > len(self._mapped):
            path = self._data_files.path(self.segment_id, layout.ROWS_SUFFIX)
            self._mapped = self._data_files.files.map(path)
        return vector_column(self._mapped[begin:end], self._dtype, (count, self.arrow_type.list_size))

    def finish(self) -> BlockWriter:
        """The writer of the segment file, which has the block now. The caller adds the rest and finishes it."""
        writer, self._writer = self._writer, None
        assert writer is not None, "a stream ends once"
        shape = (self.row_count, self.arrow_type.list_size)
        writer.end_array(str(self.attnum), self._start, self._dtype, shape)
        return writer

    def close(self) -> None:
        """Remove the file unless it was finished. One that cannot be removed goes later."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
            self._data_files.discard(self.segment_id, layout.ROWS_SUFFIX)
