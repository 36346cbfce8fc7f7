"""`quiver check`: verify a data directory that no server has open, show what is wrong and what was looked at.

Problems go to standard output, one a line, as they are found; a progress bar to standard error, if that is a terminal.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from planner.btree import order_faults
from planner.dml import converted
from planner.vector import index_file_faults
from quiver.instance import memory_limit_bytes, storage_options
from storage import SegmentView
from storage.catalog import Index
from storage.checking import CheckHooks, CheckTotals, Problem, Severity, check_directory
from vecengine import Buffers


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of a check."""

    problems: list[Problem]
    totals: CheckTotals
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing is damaged; notes do not count."""
        return all(problem.severity is Severity.NOTE for problem in self.problems)

    def to_json(self) -> str:
        """One object: `clean`, `problems`, `totals`, `seconds`."""
        return json.dumps(
            {
                "clean": self.is_clean,
                "problems": [
                    {"severity": p.severity.value, "file": p.file, "offset": p.offset, "message": p.message}
                    for p in self.problems
                ],
                "totals": dataclasses.asdict(self.totals),
                "seconds": round(self.seconds, 3),
            },
            indent=2,
        )


def _index_faults(index: Index, segment: SegmentView, buffers: Buffers) -> Iterator[str]:
    """What is wrong with an index file, asked of the family it belongs to."""
    faults = order_faults if index.metric is None else index_file_faults
    return faults(index, segment, buffers)


def check(
    path: Path,
    *,
    on_problem: Callable[[Problem], None] = lambda problem: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CheckReport:
    """Check a data directory. Nothing in it is changed.

    Args:
        path: the directory.
        on_problem: called with each problem as it is found.
        progress: called with (bytes done, bytes in total).

    Raises:
        StorageError subclasses: in use (55006), no data directory or a newer one (58P01), unreadable (58030).
        OutOfMemory: 53200, the rows in the log do not fit in memory, nor would they in a server.
    """
    values = SettingValues({})
    hooks = CheckHooks(
        check_index=_index_faults,
        convert_key=converted,
        memory=MemoryBudget(memory_limit_bytes(values)),
        options=storage_options(values),
        progress=progress,
    )
    started = time.perf_counter()
    totals = CheckTotals()
    problems = []
    for problem in check_directory(str(path), hooks, totals):
        problems.append(problem)
        on_problem(problem)
    return CheckReport(problems, totals, time.perf_counter() - started)


def run_check(path: Path, *, as_json: bool) -> int:
    """Check and print.

    Returns:
        The exit code: 0 clean, 1 damaged.

    Raises:
        QuiverError: it could not be checked.
    """
    console = Console(highlight=False, soft_wrap=True)

    def show(problem: Problem) -> None:
        if not as_json:
            console.print(f"{problem.severity.value}: {problem}", markup=False)

    with _progress_bar() as progress:
        report = check(path, on_problem=show, progress=progress)
    if as_json:
        console.print(report.to_json(), markup=False)
    else:
        _print_summary(console, report)
    return 0 if report.is_clean else 1


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("checking"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("check", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_summary(console: Console, report: CheckReport) -> None:
    totals = report.totals
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in dataclasses.asdict(totals).items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    console.print(table)
    damaged = sum(problem.severity is Severity.DAMAGE for problem in report.problems)
    console.print("no damage found" if not damaged else f"{damaged} problems found")
