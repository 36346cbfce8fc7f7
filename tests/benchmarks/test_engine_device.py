"""Goal: the benchmark of devices runs, compares the same answers, and says why where there is no card.

Method: PyTorch's CPU device over few rows, and no card.
"""

from __future__ import annotations

import pytest

from benchmarks.engine import device as benchmark


def test_it_says_why_there_is_nothing_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--device", "cuda:999"]) == 0
    assert capsys.readouterr().out.startswith("nothing to measure: ")


@pytest.mark.slow
def test_it_compares_the_same_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(benchmark, "_COPIED_BYTES", 1 << 16)
    monkeypatch.setattr(benchmark, "_PRODUCT_SIZE", 64)
    arguments = "--device torch-cpu --rows 1500 --dimensions 16 --batches 1,8 --turns 1"
    assert benchmark.main(arguments.split()) == 0
    table = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [(row[0].strip("| "), row[1]) for row in table] == [
        (family, batch) for family in benchmark._FAMILIES for batch in ("1", "8")
    ]
    assert all(row[4] == "1.000" for row in table if row[0] == "| flat")
