"""The log by itself: headers, checksums, LSN order, how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from storage import layout
from storage.checking.problems import CheckTotals, Problem, Severity, collecting
from storage.files import LocalFiles
from storage.log import LogEnd, scan_log


def log_numbers(files: LocalFiles, folder: str) -> list[int]:
    """First LSNs of the log files in a folder, ascending."""
    numbers = (layout.number_of(name, layout.LOG_SUFFIX) for name in files.list_names(folder))
    return sorted(number for number in numbers if number is not None)


def check_log(
    files: LocalFiles, folder: str, manifest_lsn: int | None, totals: CheckTotals
) -> Iterator[Problem]:
    """Read all log files from the first on, those before the manifest too.

    Args:
        files, folder: where they are.
        manifest_lsn: the newest manifest's; None when there is no manifest.
        totals: commits and bytes are counted.
    """
    found: list[Problem] = []
    numbers = log_numbers(files, folder)
    before_first = numbers[0] - 1 if numbers else 0
    end = LogEnd(before_first if manifest_lsn is None else min(manifest_lsn, before_first))
    with collecting(found, folder):
        for _group in scan_log(files, folder, end):
            totals.commits += 1
        found += [Problem(*fault) for fault in _end_faults(files, end)]
        if manifest_lsn is not None and end.lsn < manifest_lsn:
            found.append(
                Problem(folder, None, f"the log ends at LSN {end.lsn}, the manifest has LSN {manifest_lsn}")
            )
    for number in numbers:
        path = os.path.join(folder, layout.numbered_name(number, layout.LOG_SUFFIX))
        data = files.map(path)
        totals.bytes_verified += len(data)
        reserved = layout.LOG_FILE_HEADER.size - 4
        if any(data[reserved : reserved + 4]):
            found.append(Problem(path, reserved, "a reserved byte is not zero"))
    yield from found


def _end_faults(files: LocalFiles, end: LogEnd) -> Iterator[tuple[str, int, str, Severity]]:
    """What stands after the last whole commit, unless it is room: zeros."""
    if end.path is None or not end.torn_bytes:
        return
    rest = np.frombuffer(files.map(end.path), dtype=np.uint8)[end.size_bytes :]
    if rest.any():
        what = f"{len(rest)} bytes after LSN {end.lsn} are no whole commit: torn by a crash, cut at the next start"
        yield end.path, end.size_bytes, what, Severity.NOTE
