"""Goal: block files give back what was written, aligned, and notice any damage. Method: round trips, flips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from storage.blockfile import BlockFile, BlockWriter
from storage.errors import DataCorrupted
from storage.files import LocalFiles

FILES = LocalFiles()


def write(path: Path) -> None:
    writer = BlockWriter(FILES, str(path))
    writer.add_array("ids", np.arange(5, dtype=np.uint64))
    writer.add_array("empty", np.zeros((0, 3), dtype=np.float16))
    writer.add_column("1", pa.array(["a", None, "ü" * 50]))
    writer.add_column("2", vectors(7, with_null=True))
    writer.add_bytes("raw", b"xyz")
    writer.finish({"rows": 3})


def vectors(count: int, *, with_null: bool) -> pa.Array:
    rows = [None if with_null and i == 2 else [float(i), i + 0.5, -float(i)] for i in range(count)]
    return pa.array(rows, type=pa.list_(pa.float32(), 3))


def test_round_trip(tmp_path: Path) -> None:
    write(tmp_path / "f")
    file = BlockFile.open(FILES, str(tmp_path / "f"))
    assert file.meta == {"rows": 3} and file.names() == ["ids", "empty", "1", "2", "raw"]
    assert file.array("ids").tolist() == [0, 1, 2, 3, 4] and not file.array("ids").flags.writeable
    assert file.array("empty").shape == (0, 3) and file.array("empty").dtype == np.float16
    assert file.column("1").to_pylist() == ["a", None, "ü" * 50]
    assert file.column("2").to_pylist() == vectors(7, with_null=True).to_pylist()
    assert bytes(file.bytes_of("raw")) == b"xyz"


@pytest.mark.parametrize("with_null", [False, True])
@pytest.mark.parametrize("count", [1, 3, 64, 1000, 50_000])
def test_vector_columns_are_aligned(tmp_path: Path, count: int, with_null: bool) -> None:
    writer = BlockWriter(FILES, str(tmp_path / "f"))
    writer.add_bytes("before", b"odd")
    writer.add_column("v", vectors(count, with_null=with_null).slice(0, count))
    writer.add_column("w", vectors(count + 5, with_null=with_null).slice(1, count))
    writer.finish({})
    file = BlockFile.open(FILES, str(tmp_path / "f"))
    assert file.column("v").to_pylist() == vectors(count, with_null=with_null).to_pylist()
    assert file.column("w").to_pylist() == vectors(count + 5, with_null=with_null).slice(1, count).to_pylist()
    for name in "vw":
        assert file.column(name).values.buffers()[1].address % 64 == 0


@pytest.mark.slow
def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write(path)
    whole = path.read_bytes()
    file = BlockFile.open(FILES, str(path))
    covered = bytearray(len(whole))
    for entry in file._blocks.values():
        covered[entry["offset"] : entry["offset"] + entry["length"]] = b"\1" * entry["length"]
    footer_at = int.from_bytes(whole[-32:-24], "little")
    covered[footer_at:-4] = b"\1" * (len(whole) - 4 - footer_at)
    del file
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x40
        path.write_bytes(damaged)
        if not covered[position]:
            continue  # padding, and the header's fields that are read below
        with pytest.raises(DataCorrupted, match=r"damaged|checksum mismatch"):
            read_all(path)
    path.write_bytes(b"x" + whole[1:])
    with pytest.raises(DataCorrupted, match="wrong magic number at offset 0"):
        read_all(path)


def test_truncated_missing_and_newer_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write(path)
    whole = path.read_bytes()
    for size in (0, 10, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataCorrupted):
            read_all(path)
    with pytest.raises(DataCorrupted, match="is missing"):
        read_all(tmp_path / "nothing")
    path.write_bytes(whole[:8] + b"\x02" + whole[9:])
    with pytest.raises(DataCorrupted, match="has format 2"):
        read_all(path)


def read_all(path: Path) -> None:
    file = BlockFile.open(FILES, str(path))
    for name in file.names():
        file.bytes_of(name)


def test_abort_removes_the_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), BlockWriter(FILES, str(tmp_path / "f")):
        raise ZeroDivisionError
    assert not (tmp_path / "f").exists()
