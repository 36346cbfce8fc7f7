"""Which tests of a library's own suite fail on Quiver that pass on PostgreSQL: the list may only get shorter.

A list is a text file: a test a line, in groups under a comment that says why.
"""

from __future__ import annotations

from pathlib import Path


def known_failures(file: Path) -> frozenset[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def check_failures(file: Path, postgres: frozenset[str], quiver: frozenset[str], share_min: float) -> None:
    """Compare the tests that passed on both servers, in the same run, with the list in `file`."""
    known, failed = known_failures(file), postgres - quiver
    assert len(postgres - failed) >= share_min * len(postgres), f"{len(failed)} of {len(postgres)} fail"
    fresh = sorted(failed - known)
    assert not fresh, f"fail and are not in {file.name}:\n" + "\n".join(fresh)
    for name in sorted(known - failed):
        print(f"passes and can be taken out of {file.name}: {name}")
