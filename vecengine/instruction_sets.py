"""Which instructions of this machine the kernels use: all of them, or fewer where `$QUIVER_SIMD_LEVEL` says so.

The levels are those of x86-64's psABI (gitlab.com/x86-psABIs/x86-64-ABI, "Micro-Architecture Levels"): `avx512` is x86-64-v4, `avx2` v3,
`portable` the baseline, SSE2 without fused multiply-add. They exist so that one machine can test what others will run. Integer
keys (bit strings, codes) and sums in which nothing is rounded are the same on every level; sums of float32 are
the same wherever multiply-add is fused, so on all levels but `portable`.

Only a level below the machine's own has an effect, and only on x86-64. numba has one target for a process: another user of
numba in it that compiles after the kernels gets the level, too.
"""

from __future__ import annotations

import os
from typing import Any

LEVEL_VARIABLE = "QUIVER_SIMD_LEVEL"
AVX512_VNNI, AVX512, AVX2, NEON, PORTABLE = "avx512-vnni", "avx512", "avx2", "neon", "portable"

_LEVELS = (PORTABLE, AVX2, AVX512, AVX512_VNNI)
_CPU_NAMES = {PORTABLE: "x86-64", AVX2: "x86-64-v3", AVX512: "x86-64-v4"}
_PORTABLE_FEATURES = frozenset({"sse", "sse2"})
_AVX2_FEATURES = _PORTABLE_FEATURES | {
    "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe",
}  # fmt: skip
_AVX512_FEATURES = _AVX2_FEATURES | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_FEATURES = {PORTABLE: _PORTABLE_FEATURES, AVX2: _AVX2_FEATURES, AVX512: _AVX512_FEATURES}


def simd_level() -> str:
    """The instruction set distances run on: avx512-vnni, avx512, avx2, neon or portable."""
    return _lowered() or _machine_level()


def has_feature(name: str) -> bool:
    """Whether the kernels may use a feature of the CPU, by LLVM's name."""
    level = _lowered()
    return bool(_machine_features().get(name)) and (level is None or name in _FEATURES[level])


def converts_float16() -> bool:
    """Whether there is an instruction that widens float16."""
    return simd_level() == NEON or has_feature("f16c")


def target_name() -> str:
    """What machine code is compiled for: part of the key of its cache."""
    import llvmlite.binding as llvm

    level = _lowered()
    return (
        f"{llvm.get_host_cpu_name()} {_machine_features().flatten()}" if level is None else _CPU_NAMES[level]
    )


def set_target(config: Any) -> None:
    """Tell numba's configuration the level, before anything is compiled."""
    level = _lowered()
    if level is not None:
        config.CPU_NAME, config.CPU_FEATURES = _CPU_NAMES[level], ""


def _lowered() -> str | None:
    """The level asked for, None where it is not below the machine's."""
    asked, own = os.environ.get(LEVEL_VARIABLE), _machine_level()
    if asked in _LEVELS and own in _LEVELS and _LEVELS.index(asked) < _LEVELS.index(own):
        return asked
    return None


def _machine_level() -> str:
    import llvmlite.binding as llvm

    if llvm.get_process_triple().startswith(("aarch64", "arm64")):
        return NEON
    features = _machine_features()
    if features.get("avx512f"):
        return AVX512_VNNI if features.get("avx512vnni") else AVX512
    return AVX2 if features.get("avx2") and features.get("fma") else PORTABLE


def _machine_features() -> Any:
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_features()
