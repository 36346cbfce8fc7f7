"""The write-ahead log: one ordered sequence of record groups, one group per commit. See `FORMATS.md`, "Log".

Writer. A group is written under the commit lock, in LSN order, before its records are applied to anything: where the
disk is full the commit fails, the file is cut back to the group before, and the next commit may succeed. From then
on the process may die, not the machine; `wait_durable` syncs. The first thread that waits becomes the leader and
syncs all that was appended, the others follow: however many threads commit, one fsync is under way. After a failed
fsync nothing is acknowledged again, because the state of the file's pages is unknown then.

Reader. `scan_log` yields whole groups. The last file may end in zeros, the room reserved for more, or be torn:
both are cut. Damage that cannot come from a crash, because a later record proves that the place was durable before,
is an error that names file and offset.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from foundation.errors import QuiverError
from storage import layout
from storage.checksum import crc32c
from storage.errors import DataCorrupted, IoFailure
from storage.files import AppendFile, LocalFiles
from storage.records import CommitRecord, Record, RecordType, decode_record, encode_group

_ROOM_BYTES = 1 << 20
"""Room reserved in the log file at a time: some 1,500 commits of a small row, zeroed in about 1 ms."""
_log = logging.getLogger("quiver.storage")


def create_log_file(files: LocalFiles, folder: str, first_lsn: int) -> tuple[AppendFile, int]:
    """A new, durable, empty log file and its salt."""
    # The salt keeps record bytes that a client stored in a column from being taken for records.
    salt = int.from_bytes(os.urandom(4), "little")
    file = files.create(os.path.join(folder, layout.numbered_name(first_lsn, layout.LOG_SUFFIX)))
    fields = (layout.LOG_FILE_MAGIC, layout.LOG_VERSION, salt, first_lsn)
    head = layout.LOG_FILE_HEADER.pack(*fields, 0, 0)
    try:
        file.append(layout.LOG_FILE_HEADER.pack(*fields, crc32c(head[:24]), 0))
        file.sync()
        files.sync_folder(folder)
    except BaseException:
        file.close()
        with suppress(QuiverError):
            # If it stays, recovery knows an empty file that is older than the last commit for what it is.
            files.remove(file.path)
        raise
    return file, salt


class LogWriter:
    """Appends groups and makes them durable. `on_durable(lsn)` is called in LSN order after each fsync.

    A commit is `append`, then the records are applied, then `admit`; only then may it be synced and published.
    """

    def __init__(
        self,
        files: LocalFiles,
        folder: str,
        *,
        file: AppendFile,
        salt: int,
        lsn: int,
        on_durable: Callable[[int], None],
    ) -> None:
        self._files = files
        self._folder = folder
        self._file = file
        self._salt = salt
        self._on_durable = on_durable
        self._condition = threading.Condition()
        self._is_syncing = False
        self._failure: QuiverError | None = None
        self._end_bytes = file.size_bytes
        """Where the last admitted group ends."""
        self.appended_lsn = lsn
        self.durable_lsn = lsn
        self.bytes_since_rotation = 0
        self.sync_count = 0

    def append(self, records: Sequence[Record], lsn: int) -> None:
        """Write a group behind the last one, not durably. The caller holds the commit lock until `admit`.

        Raises:
            DiskFull: 53100. IoFailure: 58030. Nothing of the group is in the log then.
        """
        self.check()
        data = b"".join(encode_group(records, lsn, durable_lsn=self.durable_lsn, salt=self._salt))
        try:
            self._make_room(len(data))
            self._file.append(data)
        except BaseException:
            self._take_back()
            raise

    def admit(self, lsn: int) -> None:
        """The group that was appended is applied: from now on an fsync makes it durable. Cannot fail."""
        with self._condition:
            self.bytes_since_rotation += self._file.size_bytes - self._end_bytes
            self._end_bytes = self._file.size_bytes
            self.appended_lsn = lsn

    def _take_back(self) -> None:
        """Cut off what was written and not admitted, which also gives its space back.

        Where nothing was written there is nothing to cut, as on a file system that became read-only.
        """
        if self._file.size_bytes == self._end_bytes:
            return
        try:
            self._file.truncate(self._end_bytes)
        except QuiverError as error:
            self.stop(error)

    def stop(self, failure: QuiverError) -> None:
        """Acknowledge nothing from now on. A group that was appended and not admitted never was."""
        with self._condition:
            is_first = self._failure is None
            self._failure = self._failure or failure
            self._condition.notify_all()
        if is_first:
            self._take_back()

    @property
    def has_failed(self) -> bool:
        return self._failure is not None

    def check(self) -> None:
        """Raise the failure that stopped the log, if any."""
        if self._failure is not None:
            message = f"the write-ahead log has failed, restart the server: {self._failure.message}"
            raise IoFailure(message) from self._failure

    def wait_durable(self, lsn: int) -> None:
        """Return when everything up to `lsn` is on disk.

        Raises:
            IoFailure: 58030, when an fsync failed; whether it is on disk is not known.
        """
        while True:
            with self._condition:
                while self._is_syncing and self.durable_lsn < lsn:
                    self._condition.wait()
                if self.durable_lsn >= lsn:
                    return
                self.check()
                self._is_syncing = True
                target = self.appended_lsn
            self._sync(target)

    def _sync(self, target: int) -> None:
        """The leader's work: sync, publish, wake the followers."""
        is_durable, failure = False, None
        try:
            self._file.sync_appended()
            self.sync_count += 1
            is_durable = True
        except QuiverError as error:
            failure = error
        finally:
            with self._condition:
                self._is_syncing = False
                if is_durable:
                    self.durable_lsn = target
                    self._on_durable(target)
                else:
                    self._failure = failure or IoFailure("an fsync was interrupted")
                self._condition.notify_all()
        self.check()

    def _make_room(self, size_bytes: int) -> None:
        """Keep reserved room ahead of small groups; a large one is bound by its bytes, not by metadata."""
        file = self._file
        if file.size_bytes + size_bytes <= file.reserved_bytes or size_bytes > _ROOM_BYTES // 4:
            return
        try:
            file.reserve(_ROOM_BYTES)
        except QuiverError:
            # The room only saves time; whether there is space for the group itself, its write will tell.
            _log.debug("no room reserved in %s", file.path)

    def rotate(self) -> None:
        """Go on in a new file. The caller holds the commit lock; all that was appended is durable after it.

        Raises:
            DiskFull: 53100. IoFailure: 58030. The log goes on in the file it had, unless an fsync of that failed.
        """
        self.wait_durable(self.appended_lsn)
        if self._end_bytes == layout.LOG_FILE_HEADER.size:
            return
        if self._file.reserved_bytes > self._file.size_bytes:
            # Durably, before a later file exists: only the last one may end in something else than records.
            self._file.truncate(self._file.size_bytes)
            try:
                self._file.sync()
            except QuiverError as error:
                self.stop(error)
                raise
        file, salt = create_log_file(self._files, self._folder, self.appended_lsn + 1)
        with self._condition:
            self._file.close()
            self._file, self._salt = file, salt
            self._end_bytes = file.size_bytes
            self.bytes_since_rotation = 0

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one commit, without its commit record."""

    lsn: int
    records: tuple[Record, ...]


@dataclass(slots=True)
class LogEnd:
    """Where writing goes on. `path` is None when there is no usable log file."""

    lsn: int
    path: str | None = None
    size_bytes: int = 0
    salt: int = 0
    torn_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Frame:
    """A record whose checksum is right."""

    type: int
    lsn: int
    end: int
    meta: memoryview
    body: memoryview

    def decoded(self) -> Record:
        return decode_record(self.type, self.meta, self.body)


def scan_log(files: LocalFiles, folder: str, end: LogEnd) -> Iterator[Group]:
    """Yield the groups with LSN above `end.lsn`, in order, and move `end` along.

    Raises:
        DataCorrupted: XX001, when records that were durable are missing or damaged.
    """
    log_files = _log_files(files, folder)
    if not log_files:
        raise DataCorrupted(f'the log is damaged: there is no log file in "{folder}"')
    for file, following in zip(log_files, [*log_files[1:], None]):
        if following is not None and following.first_lsn <= end.lsn + 1:
            continue
        if file.first_lsn > end.lsn + 1:
            missing = (
                f'"{file.path}" starts at LSN {file.first_lsn}, no file has the record of LSN {end.lsn + 1}'
            )
            raise DataCorrupted(f"the log is damaged: {missing}")
        salt = _file_salt(file.path, file.data, following is None)
        if salt is None:
            end.path = None
            return
        end.path, end.salt, durable_lsn = file.path, salt, 0
        if following is not None:
            durable_lsn = following.first_lsn - 1 if following.is_empty else sys.maxsize
        yield from _scan_file(file, end, durable_lsn)
        if end.torn_bytes or (following is not None and end.lsn >= following.first_lsn):
            # The rotation to the empty file that follows failed: this one had not been cut, or was used further.
            return


@dataclass(frozen=True, slots=True)
class _LogFile:
    first_lsn: int
    path: str
    data: memoryview

    @property
    def is_empty(self) -> bool:
        return len(self.data) <= layout.LOG_FILE_HEADER.size


def _log_files(files: LocalFiles, folder: str) -> list[_LogFile]:
    """The log's files in order, without those that a failed rotation left: empty ones before the last."""
    numbers = (layout.number_of(name, layout.LOG_SUFFIX) for name in files.list_names(folder))
    ordered = sorted(number for number in numbers if number is not None)
    paths = [os.path.join(folder, layout.numbered_name(number, layout.LOG_SUFFIX)) for number in ordered]
    found = [_LogFile(number, path, files.map(path)) for number, path in zip(ordered, paths)]
    return [file for file in found if not file.is_empty or file is found[-1]]


def _file_salt(path: str, data: memoryview, is_last: bool) -> int | None:
    """The salt of a log file; None for a last file whose creation a crash cut short."""
    header = layout.LOG_FILE_HEADER
    if is_last and len(data) <= header.size:
        whole = len(data) == header.size and _is_header(data)
        return int(header.unpack_from(data)[2]) if whole else None
    if len(data) < header.size or not _is_header(data):
        raise _damaged(path, 0, "wrong header")
    _, version, salt, _, _, _ = header.unpack_from(data)
    if version > layout.LOG_VERSION:
        what = f"format {version}; this version reads up to 1"
        raise DataCorrupted(f'log file "{path}" has {what}', path=path, offset=8, what=what)
    return int(salt)


def _is_header(data: memoryview) -> bool:
    magic, _, _, _, checksum, _ = layout.LOG_FILE_HEADER.unpack_from(data)
    return bool(magic == layout.LOG_FILE_MAGIC and crc32c(data[:24]) == checksum)


def _scan_file(file: _LogFile, end: LogEnd, durable_lsn: int) -> Iterator[Group]:
    """Groups up to `durable_lsn` must be whole; `sys.maxsize` allows nothing else in the file."""
    data, expected, records = file.data, file.first_lsn, list[Record]()
    offset = end.size_bytes = layout.LOG_FILE_HEADER.size
    problem = None
    while offset < len(data):
        frame = _read_frame(data, offset, end.salt)
        if isinstance(frame, str) or frame.lsn != expected:
            problem = frame if isinstance(frame, str) else f"LSN {frame.lsn} in place of {expected}"
            break
        record = frame.decoded()
        offset = frame.end
        if not isinstance(record, CommitRecord):
            records.append(record)
            continue
        if record.record_count != len(records):
            problem = f"{len(records)} records in place of {record.record_count}"
            break
        if expected > end.lsn:
            yield Group(expected, tuple(records))
            end.lsn = expected
        end.size_bytes, records, expected = offset, [], expected + 1
    if problem is None and not records:
        return
    if expected <= durable_lsn or _was_durable(data, end.size_bytes, end.salt, expected):
        what = problem or "the last commit is incomplete"
        raise _damaged(file.path, offset, f"{what} in the record of LSN {expected}")
    end.torn_bytes = len(data) - end.size_bytes


def _damaged(path: str, offset: int, what: str) -> DataCorrupted:
    message = f'the log is damaged: file "{path}", offset {offset}: {what}'
    return DataCorrupted(message, path=path, offset=offset, what=what)


def _read_frame(data: memoryview, offset: int, salt: int) -> _Frame | str:
    """The record at `offset`, or what is wrong with it."""
    header = layout.RECORD_HEADER
    start = offset + header.size
    if start > len(data):
        return "incomplete header"
    magic, checksum, length, lsn, record_type, _, meta_length = header.unpack_from(data, offset)
    if magic != layout.RECORD_MAGIC:
        return "wrong magic number"
    if length > len(data) - start or meta_length > length:
        return "incomplete payload"
    if crc32c(data[offset + 8 : start + length], salt) != checksum:
        return "checksum mismatch"
    middle = start + meta_length
    return _Frame(record_type, lsn, start + length, data[start:middle], data[middle : start + length])


def _was_durable(data: memoryview, offset: int, salt: int, lsn: int) -> bool:
    """Whether a whole commit record after `offset` proves that the group `lsn` had been synced."""
    raw = bytes(data[offset:])
    magic = layout.RECORD_MAGIC.to_bytes(4, "little")
    found = raw.find(magic)
    while found >= 0:
        frame = _read_frame(data, offset + found, salt)
        if isinstance(frame, _Frame) and frame.type == RecordType.COMMIT:
            record = frame.decoded()
            if isinstance(record, CommitRecord) and record.durable_lsn >= lsn:
                return True
        found = raw.find(magic, found + 1)
    return False
