"""The records of the log, as values and as bytes. See `FORMATS.md`, "Log".

A record's payload is a small JSON object (its meta) and a binary body. Applying records is `apply.py`'s work;
a commit and recovery apply the same values in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from storage import layout
from storage.catalog import CatalogObject
from storage.catalog_records import object_from_record
from storage.checksum import BytesLike, crc32c
from storage.keys import KeyBatch
from storage.rows import RowIds, SegmentEntry, dense_ids

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format"""

_to_json = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` makes an encoder at every call that has separators."""


class RecordType(IntEnum):
    INSERT = 1
    DELETE = 2
    TRUNCATE = 3
    CATALOG = 4
    LINK = 5
    EDIT = 6
    ATTACH = 7
    SEQUENCE = 8
    OIDS = 9
    PATCH = 10
    COMMIT = 15


class Record(Protocol):
    """One change. `meta` is JSON-ready; `body` is what does not belong into JSON."""

    type: ClassVar[RecordType]

    def meta(self) -> dict[str, Any]: ...

    def body(self) -> BytesLike: ...


@dataclass(frozen=True, slots=True)
class InsertRecord:
    """Rows appended to a table's growing segment; their ids are dense from `first_row_id`."""

    type: ClassVar[RecordType] = RecordType.INSERT

    table_oid: int
    first_row_id: int
    batch: pa.RecordBatch
    encoded: BytesLike | None = field(default=None, repr=False)
    """`encode_batch(batch)` when the caller has made it already, outside the commit lock."""
    keys: Mapping[int, KeyBatch] = field(default_factory=dict, repr=False)
    """The rows' keys by index OID, as far as the caller has made them already."""
    memory_bytes: int | None = None
    """`rows_bytes(batch)`, if the caller knows it already."""

    def meta(self) -> dict[str, Any]:
        return {"table": self.table_oid, "first": self.first_row_id, "rows": len(self.batch)}

    def body(self) -> BytesLike:
        return encode_batch(self.batch) if self.encoded is None else self.encoded


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Tombstones: rows of a table that are no longer current."""

    type: ClassVar[RecordType] = RecordType.DELETE

    table_oid: int
    row_ids: RowIds

    def meta(self) -> dict[str, Any]:
        return {"table": self.table_oid}

    def body(self) -> BytesLike:
        return self.row_ids.tobytes()


REPLACED_COLUMN = "replaced"
ROW_IDS_COLUMN = "row_ids"


@dataclass(frozen=True, slots=True)
class PatchRecord:
    """Rows of sealed segments that got new versions in their place, with other values in some columns.

    `batch` has the column `replaced` (uint64 ids of the versions that end), the changed columns named by attnum, and,
    when `first_row_id` is None, the column `row_ids` of the new versions; else their ids are dense from there.
    """

    type: ClassVar[RecordType] = RecordType.PATCH

    table_oid: int
    first_row_id: int | None
    batch: pa.RecordBatch
    encoded: BytesLike | None = field(default=None, repr=False)
    """`encode_batch(batch)` when the caller has made it already, outside the commit lock."""

    @property
    def replaced_ids(self) -> RowIds:
        """(m,) uint64."""
        ids: RowIds = self.batch.column(REPLACED_COLUMN).to_numpy()
        return ids

    @property
    def row_ids(self) -> RowIds:
        """(m,) uint64 ids of the new versions."""
        if self.first_row_id is not None:
            return dense_ids(self.first_row_id, len(self.batch))
        ids: RowIds = self.batch.column(ROW_IDS_COLUMN).to_numpy()
        return ids

    @property
    def columns(self) -> dict[int, pa.Array]:
        """(m,) values of the changed columns by attnum."""
        ids = (REPLACED_COLUMN, ROW_IDS_COLUMN)
        named = zip(self.batch.schema.names, self.batch.columns, strict=True)
        return {int(name): column for name, column in named if name not in ids}

    def meta(self) -> dict[str, Any]:
        return {"table": self.table_oid, "first": self.first_row_id, "rows": len(self.batch)}

    def body(self) -> BytesLike:
        return encode_batch(self.batch) if self.encoded is None else self.encoded


def patch_batch(
    replaced_ids: RowIds, columns: Mapping[int, pa.Array], row_ids: RowIds | None = None
) -> pa.RecordBatch:
    """The batch of a PatchRecord."""
    named = {REPLACED_COLUMN: pa.array(replaced_ids)}
    if row_ids is not None:
        named[ROW_IDS_COLUMN] = pa.array(row_ids)
    named |= {str(attnum): column for attnum, column in columns.items()}
    return pa.RecordBatch.from_arrays(list(named.values()), names=list(named))


@dataclass(frozen=True, slots=True)
class TruncateRecord:
    """All rows of a table are gone."""

    type: ClassVar[RecordType] = RecordType.TRUNCATE

    table_oid: int

    def meta(self) -> dict[str, Any]:
        return {"table": self.table_oid}

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class CatalogRecord:
    """Catalog objects put and dropped; a dropped table takes its rows along, a dropped index its files."""

    type: ClassVar[RecordType] = RecordType.CATALOG

    puts: tuple[CatalogObject, ...]
    drops: tuple[int, ...]

    def meta(self) -> dict[str, Any]:
        return {"puts": [obj.to_record() for obj in self.puts], "drops": list(self.drops)}

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A sealed segment that a large transaction wrote before its commit."""

    type: ClassVar[RecordType] = RecordType.LINK

    table_oid: int
    entry: SegmentEntry

    def meta(self) -> dict[str, Any]:
        return {"table": self.table_oid, "segment": self.entry.to_json()}

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class EditRecord:
    """Segments replaced by one that holds their live rows (seal, merge).

    `removed` are sealed segments; rows in memory with ids up to `covered_through` are replaced too;
    `deleted` are rows of the added segment that were deleted after it was written.
    """

    type: ClassVar[RecordType] = RecordType.EDIT

    table_oid: int
    removed: tuple[int, ...]
    covered_through: int
    added: SegmentEntry | None
    deleted: RowIds

    def meta(self) -> dict[str, Any]:
        return {
            "table": self.table_oid,
            "removed": list(self.removed),
            "covered": self.covered_through,
            "added": None if self.added is None else self.added.to_json(),
        }

    def body(self) -> BytesLike:
        return self.deleted.tobytes()


@dataclass(frozen=True, slots=True)
class AttachRecord:
    """An index file or a key file that now belongs to a segment, in place of an earlier one."""

    type: ClassVar[RecordType] = RecordType.ATTACH

    table_oid: int
    segment_id: int
    index_oid: int
    file_id: int
    is_keys: bool

    def meta(self) -> dict[str, Any]:
        return {
            "table": self.table_oid,
            "segment": self.segment_id,
            "index": self.index_oid,
            "file": self.file_id,
            "keys": self.is_keys,
        }

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class SequenceRecord:
    """A sequence goes on after `value` (or, not called yet, at it) when it is read after a restart."""

    type: ClassVar[RecordType] = RecordType.SEQUENCE

    sequence_oid: int
    value: int
    is_called: bool

    def meta(self) -> dict[str, Any]:
        return {"sequence": self.sequence_oid, "value": self.value, "called": self.is_called}

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class OidsRecord:
    """OIDs below `limit` may have been given out."""

    type: ClassVar[RecordType] = RecordType.OIDS

    limit: int

    def meta(self) -> dict[str, Any]:
        return {"limit": self.limit}

    def body(self) -> BytesLike:
        return b""


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """The end of a group. `durable_lsn` was on disk when this was written: proof of what must be intact."""

    type: ClassVar[RecordType] = RecordType.COMMIT

    record_count: int
    durable_lsn: int

    def meta(self) -> dict[str, Any]:
        return {"records": self.record_count, "durable": self.durable_lsn}

    def body(self) -> BytesLike:
        return b""


def encode_batch(batch: pa.RecordBatch) -> BytesLike:
    """An Arrow IPC stream with one record batch."""
    return b"".join((batch.schema.serialize(), batch.serialize(), _END_OF_STREAM))


def encode_record(record: Record, lsn: int, salt: int) -> list[BytesLike]:
    """The record's bytes in pieces: header, meta, body, padding."""
    meta = _to_json(record.meta()).encode()
    meta += b" " * layout.padding(len(meta), layout.RECORD_ALIGNMENT)
    body = record.body()
    body_padding = bytes(layout.padding(len(body), layout.RECORD_ALIGNMENT))
    length = len(meta) + len(body) + len(body_padding)
    head = layout.RECORD_HEADER.pack(layout.RECORD_MAGIC, 0, length, lsn, record.type, 0, len(meta))
    checksum = crc32c(body_padding, crc32c(body, crc32c(meta, crc32c(head[8:], salt))))
    head = layout.RECORD_HEADER.pack(layout.RECORD_MAGIC, checksum, length, lsn, record.type, 0, len(meta))
    return [head + meta, body, body_padding]


def encode_group(records: Iterable[Record], lsn: int, *, durable_lsn: int, salt: int) -> list[BytesLike]:
    """A commit's records and its commit record."""
    pieces: list[BytesLike] = []
    count = 0
    for record in records:
        pieces += encode_record(record, lsn, salt)
        count += 1
    return pieces + encode_record(CommitRecord(count, durable_lsn), lsn, salt)


def decode_record(record_type: int, meta_bytes: memoryview, body: memoryview) -> Record:
    """Inverse of meta() and body(), for a payload whose checksum was right."""
    meta = json.loads(bytes(meta_bytes))
    match record_type:
        case RecordType.INSERT:
            return InsertRecord(meta["table"], meta["first"], _decoded_batch(body))
        case RecordType.PATCH:
            return PatchRecord(meta["table"], meta["first"], _decoded_batch(body))
        case RecordType.DELETE:
            return DeleteRecord(meta["table"], np.frombuffer(bytes(body), dtype=np.uint64))
        case RecordType.TRUNCATE:
            return TruncateRecord(meta["table"])
        case RecordType.CATALOG:
            return CatalogRecord(tuple(object_from_record(r) for r in meta["puts"]), tuple(meta["drops"]))
        case RecordType.LINK:
            return LinkRecord(meta["table"], SegmentEntry.from_json(meta["segment"]))
        case RecordType.EDIT:
            added = None if meta["added"] is None else SegmentEntry.from_json(meta["added"])
            deleted = np.frombuffer(bytes(body), dtype=np.uint64)
            return EditRecord(meta["table"], tuple(meta["removed"]), meta["covered"], added, deleted)
        case RecordType.ATTACH:
            return AttachRecord(meta["table"], meta["segment"], meta["index"], meta["file"], meta["keys"])
        case RecordType.SEQUENCE:
            return SequenceRecord(meta["sequence"], meta["value"], meta["called"])
        case RecordType.OIDS:
            return OidsRecord(meta["limit"])
        case RecordType.COMMIT:
            return CommitRecord(meta["records"], meta["durable"])
    raise ValueError(f"unknown record type {record_type}")


def _decoded_batch(body: memoryview) -> pa.RecordBatch:
    # Copied: the record outlives the mapping of the log file.
    with pa.ipc.open_stream(pa.py_buffer(bytes(body))) as reader:
        return reader.read_next_batch()
