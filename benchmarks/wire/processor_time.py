"""Processor time of a server: user and system time of all its processes, from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(process_id: int) -> float:
    """Of a process, its descendants, and those of them that have ended and been waited for."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        # The name in parentheses may hold blanks; behind it the fields of proc(5) go on with the third.
        fields = text.rpartition(")")[2].split()
        number = int(folder.name)
        children.setdefault(int(fields[1]), []).append(number)
        ticks[number] = sum(map(int, fields[11:15]))
    total, waiting = 0, [process_id]
    while waiting:
        number = waiting.pop()
        total += ticks.get(number, 0)
        waiting.extend(children.get(number, ()))
    return total / _TICKS
