"""File access for a check: it reads, and takes the lock of a directory if that has one. All else is our own mistake."""

from __future__ import annotations

import os
from typing import NoReturn

from storage.files import AppendFile, FolderLock, LocalFiles


class ReadOnlyFiles(LocalFiles):
    """Refuses whatever would change the directory."""

    def make_folder(self, path: str) -> None:
        _refuse(path)

    def create(self, path: str) -> AppendFile:
        _refuse(path)

    def open_append(self, path: str) -> AppendFile:
        _refuse(path)

    def rename(self, source: str, target: str) -> None:
        _refuse(source)

    def remove(self, path: str) -> None:
        _refuse(path)

    def sync_folder(self, path: str) -> None:
        _refuse(path)

    def lock(self, path: str) -> FolderLock:
        """Take the lock file if there is one: a copy of a directory may have none and nobody serves it."""
        if not os.path.exists(path):
            return FolderLock(-1)
        return self.lock_existing(path)


def _refuse(path: str) -> NoReturn:
    raise AssertionError(f'a check must not change "{path}"')
