"""Constants of every file format, shared by readers and writers. `FORMATS.md` explains them.

All integers are little-endian.
"""

from __future__ import annotations

import struct

FORMAT_NUMBER = 1
"""Number in the FORMAT file. A directory with a greater one is refused."""

FORMAT_FILE = "FORMAT"
LOCK_FILE = "LOCK"
LOG_FOLDER = "log"
MANIFEST_FOLDER = "manifest"
DATA_FOLDER = "data"
SPILL_FOLDER = "spill"
FOLDERS = (LOG_FOLDER, MANIFEST_FOLDER, DATA_FOLDER, SPILL_FOLDER)

BLOCK_ALIGNMENT = 64
"""Array data inside a block file starts at a multiple of this: one cache line, one AVX-512 register."""

BLOCK_MAGIC = b"QVBLOCKS"
BLOCK_HEADER = struct.Struct("<8sII")
"""magic, format version, zero."""

BLOCK_TRAILER = struct.Struct("<QIII8s4x")
"""footer offset, footer length, footer CRC32C, CRC32C of the 16 bytes before, magic."""

BLOCK_VERSION = 1

LOG_FILE_MAGIC = b"QVLOGFIL"
LOG_FILE_HEADER = struct.Struct("<8sIIQII")
"""magic, format version, salt, first LSN, CRC32C of the 24 bytes before, zero."""

LOG_VERSION = 1

RECORD_MAGIC = 0x43525651
"""The bytes `QVRC`."""

RECORD_HEADER = struct.Struct("<IIQQHHI")
"""magic, CRC32C (seeded with the file's salt) of the rest of header and payload, payload length, LSN, type,
zero, meta length."""

RECORD_ALIGNMENT = 8
RECORD_PAYLOAD_BYTES_MAX = 1 << 40

ROWS_SUFFIX = ".rows"
KEYS_SUFFIX = ".keys"
INDEX_SUFFIX = ".index"
OVERLAY_SUFFIX = ".overlay"
LOG_SUFFIX = ".log"
MANIFEST_SUFFIX = ".manifest"
TEMPORARY_SUFFIX = ".tmp"
SPILL_SUFFIX = ".spill"


def numbered_name(number: int, suffix: str) -> str:
    """File name of a numbered file: 16 hex digits, so that names sort as numbers do."""
    return f"{number:016x}{suffix}"


def number_of(name: str, suffix: str) -> int | None:
    """Inverse of `numbered_name`; None for any other name."""
    stem = name[: -len(suffix)]
    if not name.endswith(suffix) or len(stem) != 16:
        return None
    try:
        return int(stem, 16)
    except ValueError:
        return None


def padding(size_bytes: int, alignment: int) -> int:
    """Bytes to add to reach the next multiple of `alignment`."""
    return -size_bytes % alignment
