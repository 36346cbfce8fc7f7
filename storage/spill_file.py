"""The private file that rows of one transaction go to when they do not fit in memory."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa

from foundation.errors import QuiverError
from storage.datafiles import DataFiles
from storage.files import AppendFile
from storage.records import encode_batch


class SpillFile:
    """A file of record batches for one transaction. Never synced: it dies with the process.

    `data_files` is where columns go that the commit need not write again.
    """

    def __init__(self, data_files: DataFiles, path: str) -> None:
        self.data_files = data_files
        self._files = data_files.files
        self._path = path
        self._file: AppendFile = self._files.create(path)
        self._mapped = memoryview(b"")

    def append(self, batch: pa.RecordBatch) -> tuple[int, int]:
        """Add a batch; its (offset, length) for `read`."""
        data = encode_batch(batch)
        offset = self._file.size_bytes
        self._file.append(data)
        self._file.append(bytes(-len(data) % 64))
        return offset, len(data)

    def read(self, offset: int, length: int) -> pa.RecordBatch:
        """A batch, mapped."""
        if offset + length > len(self._mapped):
            self._mapped = self._files.map(self._path)
        with pa.ipc.open_stream(pa.py_buffer(self._mapped[offset : offset + length])) as reader:
            return reader.read_next_batch()

    def close(self) -> None:
        """Let the file go. One that cannot be removed is left to the next start: the transaction has ended."""
        self._file.close()
        with suppress(QuiverError):
            self._files.remove(self._path)
