"""Errors that storage raises, beside the shared ones of `foundation.errors`."""

from __future__ import annotations

from foundation.errors import Fault, QuiverError


class DirectoryInUse(QuiverError):
    """Another process holds the data directory."""

    sqlstate = "55006"


class DirectoryUnusable(QuiverError):
    """The path is no data directory, or one of a newer format."""

    sqlstate = "58P01"
    fault = Fault.PERMANENT


class DataCorrupted(QuiverError):
    """A checksum or a structure on disk is wrong; the message says in which file and where.

    Args:
        message: the whole sentence.
        path: the file, where it is one file; its path is part of the message too.
        offset: byte offset of what is wrong in it.
        what: the message without file and offset.
    """

    sqlstate = "XX001"
    fault = Fault.PERMANENT

    def __init__(
        self, message: str, *, path: str = "", offset: int | None = None, what: str | None = None
    ) -> None:
        super().__init__(message)
        self.path = path
        self.offset = offset
        self.what = message if what is None else what


class IoFailure(QuiverError):
    """The operating system refused a file operation. After a failed fsync of the log nothing more is acknowledged."""

    sqlstate = "58030"
    fault = Fault.PERMANENT


class DiskFull(QuiverError):
    """There is no room, or the quota is used up. What was begun is undone; it works again once there is room."""

    sqlstate = "53100"
    fault = Fault.TRANSIENT


class TooManyOpenFiles(QuiverError):
    """The process, or the system, has as many files open as it may; PostgreSQL's code for it."""

    sqlstate = "53000"
    fault = Fault.TRANSIENT


class SequenceLimitExceeded(QuiverError):
    sqlstate = "2200H"


class ReadOnlyTransaction(QuiverError):
    sqlstate = "25006"


class TransactionEnded(QuiverError):
    """A method was called on a transaction that was committed or rolled back."""

    sqlstate = "25000"
    fault = Fault.PERMANENT


class LockNotAvailable(QuiverError):
    """NOWAIT, or lock_timeout."""

    sqlstate = "55P03"
    fault = Fault.TRANSIENT


class DeadlockDetected(QuiverError):
    sqlstate = "40P01"
    fault = Fault.TRANSIENT
