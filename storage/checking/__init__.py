"""Checking a data directory without changing it: every byte against its checksum, every structure against the rows.

`check_directory` yields a `Problem` for everything that is not as it should be. See `DESIGN.md`, "Check".
"""

from storage.checking.directory import check_directory
from storage.checking.problems import CheckHooks, CheckTotals, Problem, Severity

__all__ = ["CheckHooks", "CheckTotals", "Problem", "Severity", "check_directory"]
