"""Processor time and memory of a server: of its first process and all descendants, from /proc (Linux)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.2
_KINDS = ("RssAnon:", "RssShmem:", "RssFile:")


def processor_seconds(process_id: int) -> float:
    """User and system time of a server's processes, and of those that have ended and been waited for."""
    return sum(sum(map(int, fields[11:15])) for _, fields in _family(process_id)) / _TICKS


def resident_bytes(process_id: int) -> int:
    """Resident memory of a server; what its processes share, in memory or of files, is that of the one with most."""
    private, shared, files = 0, 0, 0
    for number, _ in _family(process_id):
        try:
            status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        words = [line.split() for line in status.splitlines()]
        kilobytes = {line[0]: int(line[1]) for line in words if line and line[0] in _KINDS}
        anonymous, memory, mapped = (kilobytes.get(kind, 0) for kind in _KINDS)
        private, shared, files = private + anonymous, max(shared, memory), max(files, mapped)
    return (private + shared + files) * 1024


def _family(process_id: int) -> Iterator[tuple[int, list[str]]]:
    """A process and its descendants: number, and the fields of proc(5)'s stat from the third one on."""
    children: dict[int, list[int]] = {}
    stats: dict[int, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        # The name in parentheses may hold blanks.
        number, fields = int(folder.name), text.rpartition(")")[2].split()
        children.setdefault(int(fields[1]), []).append(number)
        stats[number] = fields
    waiting = [process_id]
    while waiting:
        number = waiting.pop()
        if number in stats:
            yield number, stats[number]
        waiting.extend(children.get(number, ()))


class PeakMemory:
    """The most resident memory of a server while a block runs, by samples; `peak_bytes`."""

    def __init__(self, process_id: int) -> None:
        self.peak_bytes = 0
        self._process_id = process_id
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, resident_bytes(self._process_id))
            if self._is_over.wait(_SAMPLE_SECONDS):
                break

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
