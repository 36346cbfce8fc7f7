"""Goal: a device is found by name or searches stay on the CPU with one reason, PyTorch is never imported unasked, and the cost model has sense.

Method: wrong names, machines without PyTorch or cards (played by monkeypatching), a fresh interpreter, and monotonicity of the choice.
"""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest

import vecengine
from vecengine.device import places
from vecengine.device.places import DeviceUnavailable, check_device, find_device
from vecengine.errors import UnknownDevice


def small_index() -> vecengine.VectorIndex:
    return vecengine.build_index("flat", np.eye(4, dtype=np.float32), metric="l2")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "", "torch-cpu:0", "cpu:1"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(UnknownDevice, match="does not exist") as raised:
        vecengine.on_device(small_index(), name)
    assert raised.value.sqlstate == "22023"


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:3", "torch-cpu"])
def test_known_devices_are_taken(name: str) -> None:
    assert check_device(name) == name


def test_without_pytorch_the_index_answers_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    index = small_index()
    with caplog.at_level(logging.INFO, logger="quiver.vecengine"):
        device = vecengine.on_device(index)
        for _ in range(3):
            _, offsets = device.search(np.eye(4, dtype=np.float32), 1)
    np.testing.assert_array_equal(offsets[:, 0], range(4))
    answer = device.range_search(np.eye(4, dtype=np.float32)[:1], 0.5)
    assert answer.offsets.tolist() == [0]
    assert (device.device, device.resident_bytes) == ("cpu", 0)
    assert [record.message for record in caplog.records] == [
        "searches of an index of family flat stay on the CPU: PyTorch is not installed"
    ]


def test_missing_cards_are_told_apart() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(DeviceUnavailable, match="CPU was asked for"):
        find_device("cpu")
    if torch.cuda.is_available():
        with pytest.raises(DeviceUnavailable, match="no CUDA device 999"):
            find_device("cuda:999")
    else:
        for name in ("auto", "cuda", "cuda:0"):
            with pytest.raises(DeviceUnavailable, match="no CUDA device"):
                find_device(name)


@pytest.mark.slow
def test_importing_the_engine_imports_no_pytorch() -> None:
    program = "import sys, vecengine, vecengine.device.index; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_choice_weighs_launches_transfers_and_batches() -> None:
    choose = vecengine.choose_device
    # One query over few rows waits for its launches; many over many are what a card is for.
    assert choose(1, 1000, 128, True) == "cpu"
    assert choose(1000, 1_000_000, 128, True) == "cuda"
    # Rows that have to come over the bus are not worth it for one query.
    assert choose(1, 1_000_000, 128, False) == "cpu"
    assert choose(1000, 1_000_000, 128, False) == "cuda"
    # A product for each list has to be worth its launches.
    assert choose(100, 10_000, 128, True) == "cuda"
    assert choose(100, 10_000, 128, True, stretches=1000) == "cpu"
    for is_resident in (True, False):
        chosen = [choose(queries, 100_000, 384, is_resident) for queries in (0, 1, 10, 100, 1000, 10_000)]
        assert chosen == sorted(chosen, key=("cpu", "cuda").index)


def test_a_card_is_never_chosen_for_less_than_its_launches() -> None:
    least = places._LAUNCHES * places._LAUNCH_SECONDS
    rows = int(least / places._CPU_SECONDS_PER_NUMBER / 64)
    assert vecengine.choose_device(1, rows, 64, True) == "cpu"
