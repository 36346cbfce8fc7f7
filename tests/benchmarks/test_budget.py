"""Goal: the benchmark of one search's time finds the functions it names.

Method: it is run over a little data; the phases of a search have taken time.
"""

from __future__ import annotations

import pytest

from benchmarks.wire import budget


@pytest.mark.slow
def test_every_phase_of_a_search_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    budget.main(["--rows", "2000", "--dimensions", "64"])
    shown = capsys.readouterr().out
    for phase in budget._PHASES:
        assert f"| {phase} |" in shown
