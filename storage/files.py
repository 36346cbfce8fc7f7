"""The only place that touches the file system. Tests replace it to lose unsynced bytes or to fail on demand.

All paths are absolute strings. Nothing is durable until it was synced: a file's bytes by `AppendFile.sync`,
its name (creation, rename, removal) by `sync_folder`. Every OSError leaves with PostgreSQL's wording as
`DiskFull` (53100), `TooManyOpenFiles` (53000), `OutOfMemory` (53200, from mmap) or else `IoFailure` (58030).
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from foundation.errors import OutOfMemory, QuiverError
from storage.checksum import BytesLike
from storage.errors import DirectoryInUse, DiskFull, IoFailure, TooManyOpenFiles

_fdatasync = getattr(os, "fdatasync", os.fsync)
"""macOS has no fdatasync."""


@contextmanager
def _reported(action: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise reported_failure(error, action, path) from error


def reported_failure(error: OSError, action: str, path: str) -> QuiverError:
    """What is raised in place of an OSError: could not `action` "`path`"."""
    message = f'could not {action} "{path}": {error.strerror}'
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(message, hint="Check free disk space.")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return TooManyOpenFiles(message)
    return OutOfMemory(message) if error.errno == errno.ENOMEM else IoFailure(message)


class AppendFile:
    """A file open for writing at its end.

    `size_bytes` is where the next append goes. Room that was reserved lies behind it, as zeros.
    """

    def __init__(self, path: str, descriptor: int, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.reserved_bytes = size_bytes
        """What the file occupies, room included: appends up to here change none of its metadata."""
        self._descriptor = descriptor

    def append(self, data: BytesLike) -> None:
        """Write all of `data` at the end; not durable before `sync`."""
        view = memoryview(data).cast("B")
        with _reported("extend file", self.path):
            while view:
                written = os.write(self._descriptor, view)
                view = view[written:]
                self.size_bytes += written
        self.reserved_bytes = max(self.reserved_bytes, self.size_bytes)

    def reserve(self, room_bytes: int) -> None:
        """Make room for `room_bytes` more by zeros behind the end, as far as they are not there yet.

        An fsync of bytes that lie in such room writes them and nothing else. Elsewhere the file grows, and
        the fsync waits for the file system's journal with whatever other files put into it.
        """
        end = self.size_bytes + room_bytes
        with _reported("extend file", self.path):
            while (position := self.reserved_bytes) < end:
                self.reserved_bytes += os.pwrite(self._descriptor, bytes(end - position), position)

    def start_writing(self, begin: int) -> None:
        """Let the disk begin with what was appended from byte `begin` on: a later `sync` has less to wait for.

        A hint, by the means of PostgreSQL's `pg_flush_data` where there is no `sync_file_range`: the kernel starts to
        write dirty pages that are said not to be needed, and keeps them while it does.
        """
        if hasattr(os, "posix_fadvise"):
            with _reported("extend file", self.path):
                os.posix_fadvise(self._descriptor, begin, self.size_bytes - begin, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        with _reported("fsync file", self.path):
            os.fsync(self._descriptor)

    def sync_appended(self) -> None:
        """Make the appended bytes durable, though not the file's times. Not enough after `truncate`."""
        with _reported("fsync file", self.path):
            _fdatasync(self._descriptor)

    def truncate(self, size_bytes: int) -> None:
        """Cut the file, reserved room included."""
        with _reported("truncate file", self.path):
            os.ftruncate(self._descriptor, size_bytes)
            os.lseek(self._descriptor, 0, os.SEEK_END)
            self.size_bytes = self.reserved_bytes = size_bytes

    def close(self) -> None:
        """Give unused room back, if that is possible, and let the file go."""
        if self._descriptor >= 0:
            if self.reserved_bytes > self.size_bytes:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self.size_bytes)
            os.close(self._descriptor)
            self._descriptor = -1


class FolderLock:
    """An exclusive advisory lock; the operating system drops it when the process dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class LocalFiles:
    """File operations on the local disk."""

    def make_folder(self, path: str) -> None:
        """Create a folder and its parents; nothing happens when it exists."""
        with _reported("create directory", path):
            os.makedirs(path, mode=0o700, exist_ok=True)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list_names(self, folder: str) -> list[str]:
        """Names in a folder, sorted."""
        with _reported("read directory", folder):
            return sorted(os.listdir(folder))

    def create(self, path: str) -> AppendFile:
        """A new empty file; one that is there already (left by a crash) is overwritten."""
        with _reported("create file", path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        return AppendFile(path, descriptor, 0)

    def open_append(self, path: str) -> AppendFile:
        with _reported("open file", path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            size_bytes = os.lseek(descriptor, 0, os.SEEK_END)
        return AppendFile(path, descriptor, size_bytes)

    def read(self, path: str) -> bytes:
        with _reported("read file", path), open(path, "rb") as file:
            return file.read()

    def map(self, path: str) -> memoryview:
        """The whole file, read-only and memory-mapped. It stays readable after the file's removal."""
        with _reported("map file", path), open(path, "rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if not size_bytes:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), size_bytes, access=mmap.ACCESS_READ))

    def rename(self, source: str, target: str) -> None:
        """Atomically give a file its name, replacing what had it."""
        with _reported("rename file", source):
            os.replace(source, target)

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is gone already."""
        with _reported("remove file", path):
            try:
                os.unlink(path)
            except FileNotFoundError:
                return

    def sync_folder(self, path: str) -> None:
        """Make creations, renames and removals in a folder durable."""
        with _reported("fsync file", path):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def lock(self, path: str) -> FolderLock:
        """Take the lock file `path`.

        Raises:
            DirectoryInUse: 55006, when another process (or another open storage) holds it.
        """
        with _reported("open file", path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._locked(descriptor, path)

    def lock_existing(self, path: str) -> FolderLock:
        """Take a lock file that is there, without writing anything: the disk may be read-only.

        Raises:
            DirectoryInUse: 55006.
        """
        with _reported("open file", path):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return self._locked(descriptor, path)

    def _locked(self, descriptor: int, path: str) -> FolderLock:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            folder = os.path.dirname(path)
            raise DirectoryInUse(f'data directory "{folder}" is in use by another process') from error
        return FolderLock(descriptor)
