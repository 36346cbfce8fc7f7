"""Rewriting block files with checksums that are right: damage that only a look at the meaning finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storage import LocalFiles
from storage.blockfile import BlockFile, BlockWriter


def rewrite(
    path: Path,
    *,
    arrays: Mapping[str, npt.NDArray[Any]] | None = None,
    without: str = "",
    meta: Callable[[dict[str, Any]], None] = lambda meta: None,
) -> None:
    """Write a block file again with some arrays replaced or added, one block left out, and its meta changed in place."""
    files = LocalFiles()
    old = BlockFile.open(files, str(path))
    blocks = {name: bytes(old.bytes_of(name)) for name in old.names() if name != without}
    entries = {name: old._blocks[name] for name in blocks}
    meta(old.meta)
    writer = BlockWriter(files, str(path) + ".rewritten")
    given = dict(arrays or {})
    for name, data in blocks.items():
        if name in given:
            writer.add_array(name, given.pop(name))
        elif "dtype" in entries[name]:
            dtype = np.dtype(entries[name]["dtype"])
            writer.add_array(name, np.frombuffer(data, dtype=dtype).reshape(entries[name]["shape"]))
        else:
            writer.add_bytes(name, data)
    for name, array in given.items():
        writer.add_array(name, array)
    writer.finish(old.meta)
    os.replace(writer.path, path)


def array_of(path: Path, name: str) -> npt.NDArray[Any]:
    """A copy of one array of a block file."""
    return BlockFile.open(LocalFiles(), str(path)).array(name).copy()


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    """Change bits of one byte of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ mask]))
