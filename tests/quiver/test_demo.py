"""Goal: the demonstration runs to its end, answers rightly and reads well. Method: run it; look at what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.errors import QuiverError
from quiver.demo import run_demo

SECONDS_MAX = 60
COLUMNS = 80


@pytest.mark.slow
def test_it_runs_to_its_end(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "quiver", "demo"], capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": str(COLUMNS)},
    )  # fmt: skip
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert "COPY 1797" in finished.stdout
    # The image itself is the nearest, and its neighbours are the same digit.
    assert [line.split() for line in lines if line.endswith(" 0.00")] == [["1796", "8", "0.00"]]
    # A filtered search fills its LIMIT.
    start = next(n for n, line in enumerate(lines) if "label <> 8" in line)
    assert sum(bool(re.fullmatch(r"\s*\d+\s+\d\s+\d+\.\d\d", line)) for line in lines[start : start + 8]) == 5
    assert "Strategy: " in finished.stdout
    too_long = [line for line in lines if len(line) > COLUMNS]
    assert not [line for line in too_long if not line.startswith((" ", "postgresql://"))]
    assert not list(tmp_path.iterdir()), "the temporary directory is left behind"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(QuiverError) as caught:
        run_demo()
    assert caught.value.message.startswith("the demonstration needs sklearn")
    assert caught.value.hint == "pip install 'quiver-db[demo]'"
