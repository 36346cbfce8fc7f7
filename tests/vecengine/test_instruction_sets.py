"""Goal: kernels compiled for lesser machines say what those of this machine say.

Method: a child process for each level writes the distances of one scan over every kind of vector; they are compared to the last bit,
but for sums that round where multiply-add is not fused. Levels above the machine's are not tested on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecengine import instruction_sets
from vecengine.compiled import cache_folder
from vecengine.instruction_sets import AVX2, AVX512, LEVEL_VARIABLE, NEON, PORTABLE, simd_level

_PROGRAM = Path(__file__).with_name("level_distances.py")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return distances_at(None, tmp_path_factory.mktemp("own") / "distances.npz")


def distances_at(level: str | None, path: Path) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != LEVEL_VARIABLE}
    environment["PYTHONPATH"] = str(Path(instruction_sets.__file__).parents[1])
    if level is not None:
        environment[LEVEL_VARIABLE] = level
    subprocess.run([sys.executable, str(_PROGRAM), str(path)], env=environment, check=True)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.slow
@pytest.mark.parametrize("level", [AVX512, AVX2, PORTABLE])
def test_a_level_says_what_the_machine_says(level: str, own: dict[str, Any], tmp_path: Path) -> None:
    found = distances_at(level, tmp_path / "distances.npz")
    if found["level"] != level:
        pytest.skip(f"this machine is {own['level']}")
    assert own["level"] != level and found.keys() == own.keys()
    for name, values in own.items():
        if name == "level":
            continue
        is_rounded = name.startswith("broken") or name.endswith("COSINE")
        if level == PORTABLE and is_rounded:
            tolerance = 5e-7 * np.abs(values).max()
            np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_levels_below_the_machine_take_features_away(monkeypatch: pytest.MonkeyPatch) -> None:
    features = dict.fromkeys(
        ("sse2", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vnni", "gfni"), True
    )
    monkeypatch.setattr(instruction_sets, "_machine_features", lambda: features)
    monkeypatch.setattr(instruction_sets, "_machine_level", lambda: "avx512-vnni")
    kept = {
        AVX512: {"sse2", "avx2", "fma", "f16c", "avx512f", "avx512bw"},
        AVX2: {"sse2", "avx2", "fma", "f16c"},
        PORTABLE: {"sse2"},
        "avx512-vnni": set(features),
        "unknown": set(features),
    }
    for level, expected in kept.items():
        monkeypatch.setenv(LEVEL_VARIABLE, level)
        assert {name for name in features if instruction_sets.has_feature(name)} == expected
        assert simd_level() == (level if level != "unknown" else "avx512-vnni")
    monkeypatch.setattr(instruction_sets, "_machine_level", lambda: AVX2)
    monkeypatch.setenv(LEVEL_VARIABLE, AVX512)
    assert simd_level() == AVX2, "no level gives a machine what it lacks"
    monkeypatch.setattr(instruction_sets, "_machine_level", lambda: NEON)
    monkeypatch.setenv(LEVEL_VARIABLE, PORTABLE)
    assert simd_level() == NEON and instruction_sets.converts_float16()


@pytest.mark.skipif(
    simd_level() not in ("avx512-vnni", "avx512", "avx2"), reason="nothing below this machine's level"
)
def test_each_level_has_a_cache_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_folder()
    monkeypatch.setenv(LEVEL_VARIABLE, PORTABLE)
    assert cache_folder() != folder
