"""File systems that fail: at the n-th operation, once or for ever, and by losing what was not synced.

`FaultyFiles` counts every changing operation and fails at a chosen one. As a crash: from then on all fail, and
`crash` brings the directory to what a power failure may leave: bytes after the last fsync of a file are gone (or
some of them), names that no folder fsync covered are gone, renames undone, removals too. As an error of the
operating system: that operation alone fails, an append after half of its bytes. With `is_full` no file can grow.
Nothing is really synced, which makes a run ten times as fast: what would be lost is known without it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from storage.checksum import BytesLike
from storage.errors import IoFailure
from storage.files import AppendFile, LocalFiles, reported_failure


@dataclass(frozen=True, slots=True)
class Torn:
    """An append that a crash cut short: where it began, and what it was to write."""

    path: str
    position: int
    data: bytes


class _TrackedFile(AppendFile):
    def __init__(self, owner: FaultyFiles, inner: AppendFile) -> None:
        super().__init__(inner.path, inner._descriptor, inner.size_bytes)
        self._owner = owner

    def append(self, data: BytesLike) -> None:
        view = memoryview(data).cast("B")
        room_bytes = max(0, self.reserved_bytes - self.size_bytes)
        if self._owner.is_full and len(view) > room_bytes:
            super().append(view[: room_bytes + (len(view) - room_bytes) // 2])
            self._owner.fail("extend file", self.path, errno.ENOSPC)
        try:
            self._owner.step("extend file", self.path)
        except BaseException:
            if self._owner.refuses_writes is None and self._owner.torn is None:
                self._owner.torn = Torn(self.path, self.size_bytes, bytes(view))
                super().append(view[: self._owner.torn_bytes(len(view))])
            raise
        super().append(view)

    def sync(self) -> None:
        self._owner.step("fsync file", self.path)
        self._owner.synced_bytes[self.path] = self.size_bytes

    def sync_appended(self) -> None:
        self.sync()

    def reserve(self, room_bytes: int) -> None:
        if self._owner.is_full:
            self._owner.fail("extend file", self.path, errno.ENOSPC)
        self._owner.step("extend file", self.path)
        super().reserve(room_bytes)

    def truncate(self, size_bytes: int) -> None:
        self._owner.step("truncate file", self.path)
        super().truncate(size_bytes)
        self._owner.synced_bytes[self.path] = min(self._owner.synced_bytes[self.path], size_bytes)


class FaultyFiles(LocalFiles):
    """Fails at operation number `fail_at` (1 = the first; 0 = never).

    Args:
        fail_at: the operation.
        error_number: of the one failure, after which everything works; None: it is a crash, nothing works any more.
        torn_share: how much of an append is written that fails.
        keeps_torn_half: `crash` leaves half of the bytes that were not synced.
    """

    def __init__(
        self,
        fail_at: int = 0,
        *,
        error_number: int | None = None,
        torn_share: float = 0.5,
        keeps_torn_half: bool = False,
    ) -> None:
        self.fail_at = fail_at
        self.operation_count = 0
        self.operations: list[str] = []
        """What was done to which file, in order."""
        self.torn: Torn | None = None
        """The append that failed first."""
        self.is_full = False
        self.refuses_names: int | None = None
        """errno of everything that makes, renames or removes a file, as in a directory that is read-only."""
        self.refuses_writes: int | None = None
        """errno of every write, none of which writes anything, as on a file system that became read-only."""
        self.synced_bytes: dict[str, int] = {}
        self._error_number = error_number
        self._torn_share = torn_share
        self._keeps_torn_half = keeps_torn_half
        self._undo: dict[str, list[Callable[[], None]]] = {}

    def step(self, action: str, path: str) -> None:
        if self.refuses_writes is not None and action in ("extend file", "truncate file"):
            self.fail(action, path, self.refuses_writes)
        self.operation_count += 1
        self.operations.append(f"{action} {path}")
        if self._error_number is not None:
            if self.operation_count == self.fail_at:
                self.fail(action, path, self._error_number)
        elif self.fail_at and self.operation_count >= self.fail_at:
            raise IoFailure(f"injected failure at operation {self.operation_count}: {action} {path}")

    def fail(self, action: str, path: str, error_number: int) -> None:
        raise reported_failure(OSError(error_number, os.strerror(error_number)), action, path)

    def torn_bytes(self, size_bytes: int) -> int:
        """How much is written of an append that fails. After a crash nothing is."""
        is_crashed = self._error_number is None and self.operation_count > self.fail_at
        return 0 if is_crashed else int(size_bytes * self._torn_share)

    def _name_step(self, action: str, path: str) -> None:
        if self.refuses_names is not None:
            self.fail(action, path, self.refuses_names)
        self.step(action, path)

    def create(self, path: str) -> AppendFile:
        self._name_step("create file", path)
        self.synced_bytes[path] = 0
        self._on_crash(path, lambda: _unlink(path))
        return _TrackedFile(self, super().create(path))

    def open_append(self, path: str) -> AppendFile:
        file = super().open_append(path)
        self.synced_bytes.setdefault(path, file.size_bytes)
        return _TrackedFile(self, file)

    def make_folder(self, path: str) -> None:
        if not os.path.exists(path):
            self._name_step("create directory", path)
        super().make_folder(path)

    def map(self, path: str) -> memoryview:
        self.step("map file", path)
        return super().map(path)

    def rename(self, source: str, target: str) -> None:
        self._name_step("rename file", source)
        # The old name may come back; what had the new name before is not needed by these tests.
        self._on_crash(target, lambda: os.path.exists(target) and os.replace(target, source))
        super().rename(source, target)
        if source in self.synced_bytes:
            self.synced_bytes[target] = self.synced_bytes.pop(source)

    def remove(self, path: str) -> None:
        if self.refuses_names is None or os.path.exists(path):
            self._name_step("remove file", path)
        if os.path.exists(path):
            shadow = path + ".removed"
            shutil.copy2(path, shadow)
            self._on_crash(path, lambda: os.path.exists(shadow) and os.replace(shadow, path))
        super().remove(path)

    def sync_folder(self, path: str) -> None:
        self.step("fsync file", path)
        for undone in self._undo.pop(path, []):
            del undone
        for name in os.listdir(path):
            if name.endswith(".removed"):
                os.unlink(os.path.join(path, name))

    def list_names(self, folder: str) -> list[str]:
        return [name for name in super().list_names(folder) if not name.endswith(".removed")]

    def _on_crash(self, path: str, undo: Callable[[], object]) -> None:
        self._undo.setdefault(os.path.dirname(path), []).append(lambda: undo() and None)

    def crash(self, *, bytes_too: bool = True, folders_too: bool = True) -> None:
        """Lose what was not synced. The storage that used these files must have been abandoned."""
        for path, size_bytes in self.synced_bytes.items() if bytes_too else ():
            if not os.path.exists(path):
                continue
            written = os.path.getsize(path)
            kept = size_bytes + ((written - size_bytes) // 2 if self._keeps_torn_half else 0)
            if written > kept:
                os.truncate(path, kept)
        if folders_too:
            for undos in self._undo.values():
                for undo in reversed(undos):
                    undo()
        self._undo.clear()


def _unlink(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
