"""Block files: named, checksummed, 64-byte aligned blocks behind one footer. See `FORMATS.md`, "Block files".

Segments, key arrays, indexes and manifests are all block files, so there is one reader and one writer. A
block is a raw array (dtype and shape in the footer), a run of bytes, or an Arrow IPC stream with one record
batch of one column; a column of vectors may be a raw array too. The header and the footer are checked when a file is opened, each block once, when it is
first touched: that is also what warms the page cache.

A block file is written under its final name and is meaningless until a log record or a manifest names it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import QuiverError
from storage import layout
from storage.checksum import BytesLike, crc32c
from storage.errors import DataCorrupted
from storage.files import LocalFiles
from storage.growable import without_null_values

_WRITE_BUFFER_BYTES = 1 << 16
_IPC_ALIGNMENT = 8
"""What Arrow's IPC writer pads buffers to."""
_IPC_OPTIONS = pa.ipc.IpcWriteOptions(allow_64bit=True, metadata_version=pa.ipc.MetadataVersion.V5)


class BlockWriter:
    """Writes one block file; `finish` makes its bytes durable, the caller syncs the folder.

    As a context manager it removes the file after a failure, if that is possible: nothing names it.
    """

    def __init__(self, files: LocalFiles, path: str) -> None:
        self.path = path
        self._files = files
        self._file = files.create(path)
        self._pending = bytearray()
        self._position = 0
        self._checksum = 0
        self._blocks: dict[str, dict[str, Any]] = {}
        self._write(layout.BLOCK_HEADER.pack(layout.BLOCK_MAGIC, layout.BLOCK_VERSION, 0))

    def add_array(self, name: str, array: npt.NDArray[Any]) -> None:
        """Add a raw array of any shape and fixed-width dtype."""
        array = np.ascontiguousarray(array)
        start = self._begin(0)
        if array.size:
            self._write(array.reshape(-1).view(np.uint8))
        self._end(name, start, dtype=array.dtype.str, shape=list(array.shape))

    def begin_array(self) -> int:
        """Start a raw array of rows that come piece by piece; where its bytes will be in the file."""
        return self._begin(0)

    def extend_array(self, rows: npt.NDArray[Any]) -> None:
        """Add rows to it. They can be read from the file, and the disk begins to write them, before `finish`."""
        start = self._position
        self._write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8))
        self._flush()
        self._file.start_writing(start)

    def end_array(self, name: str, start: int, dtype: npt.DTypeLike, shape: Sequence[int]) -> None:
        """All of it is written: give it its name."""
        self._end(name, start, dtype=np.dtype(dtype).str, shape=list(shape))

    def add_bytes(self, name: str, data: BytesLike) -> None:
        start = self._begin(0)
        self._write(data)
        self._end(name, start)

    def add_column(self, name: str, column: pa.Array) -> None:
        """Add an Arrow array as an IPC stream whose values (of a vector column: its matrix) are aligned."""
        column = without_null_values(column)
        batch = pa.record_batch([column], names=[name])
        bitmap_bytes = (len(column) + 7 >> 3) if column.null_count else 0
        bitmap_bytes += layout.padding(bitmap_bytes, _IPC_ALIGNMENT)
        start = self._begin(_ipc_prefix_bytes(batch) + bitmap_bytes)
        with pa.PythonFile(_Sink(self), mode="w") as sink:
            writer = pa.ipc.new_stream(sink, batch.schema, options=_IPC_OPTIONS)
            writer.write_batch(batch)
            writer.close()
        self._end(name, start)

    def finish(self, meta: dict[str, Any]) -> None:
        """Write footer and trailer, fsync, close. `meta` is JSON-ready."""
        footer = json.dumps({"blocks": self._blocks, "meta": meta}, separators=(",", ":")).encode()
        offset = self._begin(0)
        self._write(footer)
        head = layout.BLOCK_TRAILER.pack(offset, len(footer), crc32c(footer), 0, layout.BLOCK_MAGIC)[:16]
        trailer = layout.BLOCK_TRAILER.pack(
            offset, len(footer), crc32c(footer), crc32c(head), layout.BLOCK_MAGIC
        )
        self._write(trailer)
        self._flush()
        self._file.sync()
        self._file.close()

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.abandon()

    def abandon(self) -> None:
        """Remove the unfinished file, if that is possible."""
        self._file.close()
        with suppress(QuiverError):
            self._files.remove(self.path)

    def _begin(self, prefix_bytes: int) -> int:
        """Pad so that the byte `prefix_bytes` from here is aligned; start a block and its checksum."""
        self._write(bytes(layout.padding(self._position + prefix_bytes, layout.BLOCK_ALIGNMENT)))
        self._checksum = 0
        return self._position

    def _end(self, name: str, start: int, **attributes: Any) -> None:
        entry = {"offset": start, "length": self._position - start, "crc": self._checksum}
        self._blocks[name] = {**entry, **attributes}

    def _write(self, data: BytesLike) -> None:
        size_bytes = len(data)
        self._checksum = crc32c(data, self._checksum)
        self._position += size_bytes
        if size_bytes < _WRITE_BUFFER_BYTES:
            self._pending += memoryview(data)
            if len(self._pending) < _WRITE_BUFFER_BYTES:
                return
        self._flush()
        if size_bytes >= _WRITE_BUFFER_BYTES:
            self._file.append(data)

    def _flush(self) -> None:
        if self._pending:
            self._file.append(self._pending)
            self._pending = bytearray()


class _Sink:
    """The file object that pyarrow's IPC writer writes to."""

    def __init__(self, writer: BlockWriter) -> None:
        self._writer = writer
        self.closed = False

    def write(self, data: BytesLike) -> int:
        self._writer._write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: the block writer flushes at the end."""

    def close(self) -> None:
        self.closed = True


def _ipc_prefix_bytes(batch: pa.RecordBatch) -> int:
    """Bytes an IPC stream of `batch` has before its first buffer.

    One row is serialised to learn it: flatbuffers leave zero fields out, so an empty batch would be shorter,
    and any other row count gives the same length.
    """
    message = batch.slice(0, 1).serialize()
    return int(batch.schema.serialize().size) + 8 + int.from_bytes(memoryview(message)[4:8], "little")


class BlockFile:
    """A mapped block file. Arrays and columns are read-only views of the mapping."""

    def __init__(self, path: str, data: memoryview, footer: dict[str, Any]) -> None:
        self.path = path
        self.meta: dict[str, Any] = footer["meta"]
        self.size_bytes = len(data)
        self.is_damaged = False
        """Set when a block was touched whose checksum is wrong."""
        self._data = data
        self._blocks: dict[str, dict[str, Any]] = footer["blocks"]
        self._verified: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, files: LocalFiles, path: str) -> BlockFile:
        """Map a file and check its header and footer.

        Raises:
            DataCorrupted: XX001, with the file and what is wrong.
        """
        if not files.exists(path):
            raise DataCorrupted(f'file "{path}" is missing', path=path, what="the file is missing")
        data = files.map(path)
        return cls(path, data, read_footer(path, data))

    def names(self) -> list[str]:
        return list(self._blocks)

    def has(self, name: str) -> bool:
        return name in self._blocks

    def bytes_of(self, name: str) -> memoryview:
        """A block's bytes, checked at first touch.

        Raises:
            DataCorrupted: XX001, with file, block and offset.
        """
        entry = self._blocks[name]
        start, length = entry["offset"], entry["length"]
        block = self._data[start : start + length]
        if name not in self._verified:
            with self._lock:
                if len(block) != length or crc32c(block) != entry["crc"]:
                    self.is_damaged = True
                    raise block_mismatch(self.path, name, entry)
                self._verified.add(name)
        return block

    def array(self, name: str) -> npt.NDArray[Any]:
        """A raw array, read-only, 64-byte aligned."""
        entry = self._blocks[name]
        dtype = np.dtype(entry["dtype"])
        array = np.frombuffer(self.bytes_of(name), dtype=dtype) if entry["length"] else np.empty(0, dtype)
        return array.reshape(entry["shape"])

    def column(self, name: str) -> pa.Array:
        """An Arrow column, zero-copy. A matrix is a column of vectors."""
        entry = self._blocks[name]
        if "dtype" in entry:
            return vector_column(self.bytes_of(name), np.dtype(entry["dtype"]), entry["shape"])
        with pa.ipc.open_stream(pa.py_buffer(self.bytes_of(name))) as reader:
            return reader.read_next_batch().column(0)


def vector_column(data: BytesLike, dtype: np.dtype[Any], shape: Sequence[int]) -> pa.Array:
    """(n, d) numbers as n vectors of d elements, none of them NULL; no copy."""
    rows, dimensions = shape
    element = pa.from_numpy_dtype(dtype)
    values = pa.Array.from_buffers(element, rows * dimensions, [None, pa.py_buffer(data)])
    return pa.Array.from_buffers(pa.list_(element, dimensions), rows, [None], children=[values])


def block_mismatch(path: str, name: str, entry: dict[str, Any]) -> DataCorrupted:
    """The error of a block whose checksum is not the one in the footer."""
    start, length = entry["offset"], entry["length"]
    return DataCorrupted(
        f'checksum mismatch in file "{path}", block "{name}" at offset {start}, {length} bytes',
        path=path,
        offset=start,
        what=f'checksum mismatch in block "{name}", {length} bytes',
    )


def read_footer(path: str, data: memoryview) -> dict[str, Any]:
    """Check header, trailer and footer of a block file.

    Returns:
        {"blocks": {name: entry}, "meta": {...}}

    Raises:
        DataCorrupted: XX001, with the file and what is wrong.
    """

    def damaged(what: str, offset: int) -> DataCorrupted:
        message = f'file "{path}" is damaged: {what} at offset {offset}'
        return DataCorrupted(message, path=path, offset=offset, what=what)

    header, trailer = layout.BLOCK_HEADER, layout.BLOCK_TRAILER
    if len(data) < header.size + trailer.size:
        message = f"it has only {len(data)} bytes"
        raise DataCorrupted(f'file "{path}" is damaged: {message}', path=path, what=message)
    magic, version, _ = header.unpack_from(data)
    if magic != layout.BLOCK_MAGIC:
        raise damaged("wrong magic number", 0)
    if not 1 <= version <= layout.BLOCK_VERSION:
        what = f"format {version}; this version reads 1"
        raise DataCorrupted(f'file "{path}" has {what}', path=path, offset=8, what=what)
    position = len(data) - trailer.size
    offset, length, footer_crc, trailer_crc, magic = trailer.unpack_from(data, position)
    if magic != layout.BLOCK_MAGIC or crc32c(data[position : position + 16]) != trailer_crc:
        raise damaged("wrong trailer", position)
    footer = data[offset : offset + length]
    if len(footer) != length or crc32c(footer) != footer_crc:
        raise damaged("checksum mismatch in the footer", offset)
    parsed: dict[str, Any] = json.loads(bytes(footer))
    return parsed


def write_block_bytes(files: LocalFiles, path: str, data: bytes) -> None:
    """Write a small file durably under a temporary name, then give it its own: it is whole or absent."""
    temporary = path + layout.TEMPORARY_SUFFIX
    file = files.create(temporary)
    try:
        file.append(data)
        file.sync()
    except BaseException:
        with suppress(QuiverError):
            files.remove(temporary)
        raise
    finally:
        file.close()
    give_name(files, temporary, path)


def give_name(files: LocalFiles, temporary: str, path: str) -> None:
    """Durably give a synced file the name that makes it count."""
    try:
        files.rename(temporary, path)
    except BaseException:
        with suppress(QuiverError):
            files.remove(temporary)
        raise
    files.sync_folder(os.path.dirname(path))
