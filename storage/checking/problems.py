"""What a check finds, what it counts, and what it must be told about things that storage does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy.typing as npt
import pyarrow as pa

from foundation.errors import OutOfMemory, QuiverError
from foundation.memory import MemoryBudget
from foundation.sqltypes import SqlType
from storage.catalog import Index
from storage.errors import DataCorrupted, DirectoryUnusable, IoFailure
from storage.options import StorageOptions
from storage.view import SegmentView

CHUNK_ROWS = 1 << 16
"""Rows of which keys and row ids are in memory at a time."""

IndexCheck = Callable[[Index, SegmentView, dict[str, npt.NDArray[Any]]], Iterator[str]]
"""(index, the rows it was built for, its buffers) -> what is wrong with it."""

KeyConversion = Callable[[pa.Array, SqlType, SqlType], pa.Array]
"""(n,) values of a referencing column, its type, the referenced type -> (n,) equal values, NULL where there is none."""


class Severity(Enum):
    DAMAGE = "damage"
    """Data or an invariant is broken."""

    NOTE = "note"
    """What a crash may leave behind: the next start repairs it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be.

    `file` is relative to the data directory, empty where no single file is at fault; `offset` is in bytes.
    """

    file: str
    offset: int | None
    message: str
    severity: Severity = Severity.DAMAGE

    def __str__(self) -> str:
        place = self.file if self.offset is None else f"{self.file}, offset {self.offset}"
        return f"{place}: {self.message}" if place else self.message


@dataclass(slots=True)
class CheckTotals:
    """What was looked at. `rows` are those that a reader sees."""

    tables: int = 0
    rows: int = 0
    segments: int = 0
    key_files: int = 0
    index_files: int = 0
    commits: int = 0
    """Groups of the log."""
    bytes_verified: int = 0


@dataclass(frozen=True, slots=True)
class CheckHooks:
    """What the packages above storage know.

    Attributes:
        check_index: the meaning of an index file.
        convert_key: values of one type as equal values of another, for foreign keys.
        memory: budget of the rows that the log and the manifest hold.
        options: with the decoder of missing values.
        progress: called with (bytes done, bytes in total).
    """

    check_index: IndexCheck
    convert_key: KeyConversion
    memory: MemoryBudget
    options: StorageOptions = field(default_factory=StorageOptions)
    progress: Callable[[int, int], None] = lambda done, total: None


@contextmanager
def collecting(found: list[Problem], file: str = "") -> Iterator[None]:
    """Turn an error that damaged content raises into a problem of `file`, so that the check goes on elsewhere.

    Raises:
        DirectoryUnusable, IoFailure, OutOfMemory: these end a check.
    """
    try:
        yield
    except DataCorrupted as error:
        found.append(Problem(error.path or file, error.offset, error.what))
    except (DirectoryUnusable, IoFailure, OutOfMemory):
        raise
    except QuiverError as error:
        found.append(Problem(file, None, error.message))
    except (pa.ArrowException, AssertionError, KeyError, IndexError, TypeError, ValueError) as error:
        # Content whose checksum is right and that is no valid structure all the same: our own mistake when it was written.
        found.append(Problem(file, None, f"content cannot be read: {error}"))
