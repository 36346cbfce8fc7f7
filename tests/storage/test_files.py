"""Goal: file operations report errors as PostgreSQL does. Method: real files in a temporary folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from storage.errors import DirectoryInUse, DiskFull, IoFailure
from storage.files import LocalFiles

FILES = LocalFiles()


def test_append_truncate_and_map(tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    file = FILES.create(path)
    file.append(b"abc")
    file.append(bytearray(b"def"))
    assert file.size_bytes == 6
    file.truncate(4)
    file.append(memoryview(b"xy"))
    file.sync()
    file.close()
    file.close()
    assert FILES.read(path) == bytes(FILES.map(path)) == b"abcdxy"
    again = FILES.open_append(path)
    assert again.size_bytes == 6
    again.close()
    mapped = FILES.map(path)
    FILES.remove(path)
    FILES.remove(path)
    assert bytes(mapped) == b"abcdxy" and not FILES.exists(path)


def test_empty_file_maps(tmp_path: Path) -> None:
    FILES.create(str(tmp_path / "f")).close()
    assert len(FILES.map(str(tmp_path / "f"))) == 0


def test_errors_carry_sqlstate_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IoFailure, match="No such file or directory") as caught:
        FILES.read(str(tmp_path / "nothing"))
    assert caught.value.sqlstate == "58030" and "nothing" in caught.value.message
    file = FILES.create(str(tmp_path / "f"))

    def refuse(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(DiskFull, match="No space left on device") as full:
        file.append(b"x")
    assert full.value.sqlstate == "53100"
    file.close()


def test_lock_excludes(tmp_path: Path) -> None:
    lock = FILES.lock(str(tmp_path / "LOCK"))
    with pytest.raises(DirectoryInUse, match="in use by another process"):
        FILES.lock(str(tmp_path / "LOCK"))
    lock.release()
    FILES.lock(str(tmp_path / "LOCK")).release()


def test_rename_replaces(tmp_path: Path) -> None:
    for name in "ab":
        file = FILES.create(str(tmp_path / name))
        file.append(name.encode())
        file.close()
    FILES.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    FILES.sync_folder(str(tmp_path))
    assert FILES.list_names(str(tmp_path)) == ["b"] and FILES.read(str(tmp_path / "b")) == b"a"
