"""File systems that fail: at the n-th operation, or by losing what was not synced.

`FaultyFiles` counts every changing operation and raises at a chosen one; from then on all fail, as after a
crash. `crash` then brings the directory to what a power failure may leave: bytes after the last fsync of a
file are gone (or half of them), names that no folder fsync covered are gone, renames undone, removals too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from storage.checksum import BytesLike
from storage.errors import IoFailure
from storage.files import AppendFile, LocalFiles


class _TrackedFile(AppendFile):
    def __init__(self, owner: FaultyFiles, inner: AppendFile) -> None:
        super().__init__(inner.path, inner._descriptor, inner.size_bytes)
        self._owner = owner

    def append(self, data: BytesLike) -> None:
        self._owner.step(f"append {self.path}")
        super().append(data)

    def sync(self) -> None:
        self._owner.step(f"fsync {self.path}")
        super().sync()
        self._owner.synced_bytes[self.path] = self.size_bytes

    def sync_appended(self) -> None:
        self._owner.step(f"fsync {self.path}")
        super().sync_appended()
        self._owner.synced_bytes[self.path] = self.size_bytes

    def reserve(self, room_bytes: int) -> None:
        self._owner.step(f"reserve {self.path}")
        super().reserve(room_bytes)

    def truncate(self, size_bytes: int) -> None:
        self._owner.step(f"truncate {self.path}")
        super().truncate(size_bytes)


class FaultyFiles(LocalFiles):
    """Fails at operation number `fail_at` (1 = the first; 0 = never) and ever after."""

    def __init__(self, fail_at: int = 0, *, keeps_torn_half: bool = False) -> None:
        self.fail_at = fail_at
        self.operation_count = 0
        self.synced_bytes: dict[str, int] = {}
        self._keeps_torn_half = keeps_torn_half
        self._undo: dict[str, list[Callable[[], None]]] = {}

    def step(self, what: str) -> None:
        self.operation_count += 1
        if self.fail_at and self.operation_count >= self.fail_at:
            raise IoFailure(f"injected failure at operation {self.operation_count}: {what}")

    def create(self, path: str) -> AppendFile:
        self.step(f"create {path}")
        self.synced_bytes[path] = 0
        self._on_crash(path, lambda: _unlink(path))
        return _TrackedFile(self, super().create(path))

    def open_append(self, path: str) -> AppendFile:
        file = super().open_append(path)
        self.synced_bytes.setdefault(path, file.size_bytes)
        return _TrackedFile(self, file)

    def rename(self, source: str, target: str) -> None:
        self.step(f"rename {source}")
        # The old name may come back; what had the new name before is not needed by these tests.
        self._on_crash(target, lambda: os.path.exists(target) and os.replace(target, source))
        super().rename(source, target)
        if source in self.synced_bytes:
            self.synced_bytes[target] = self.synced_bytes.pop(source)

    def remove(self, path: str) -> None:
        self.step(f"remove {path}")
        if os.path.exists(path):
            shadow = path + ".removed"
            shutil.copy2(path, shadow)
            self._on_crash(path, lambda: os.path.exists(shadow) and os.replace(shadow, path))
        super().remove(path)

    def sync_folder(self, path: str) -> None:
        self.step(f"fsync folder {path}")
        super().sync_folder(path)
        for undone in self._undo.pop(path, []):
            del undone
        for name in os.listdir(path):
            if name.endswith(".removed"):
                os.unlink(os.path.join(path, name))

    def list_names(self, folder: str) -> list[str]:
        return [name for name in super().list_names(folder) if not name.endswith(".removed")]

    def _on_crash(self, path: str, undo: Callable[[], object]) -> None:
        self._undo.setdefault(os.path.dirname(path), []).append(lambda: undo() and None)

    def crash(self, *, folders_too: bool = True) -> None:
        """Lose what was not synced. The storage that used these files must have been abandoned."""
        for path, size_bytes in self.synced_bytes.items():
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
