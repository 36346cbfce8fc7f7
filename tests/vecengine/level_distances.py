"""Distances of every kind of vector at the instruction set of this process, written to the .npz file named: run by test_instruction_sets."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from vecengine import BitVectors, compiled, element_type_names, simd_level
from vecengine.arrays import NO_CANCEL
from vecengine.codes import Codebook
from vecengine.exact import kernel_space
from vecengine.metrics import BIT_METRICS, NUMBER_METRICS, Metric

DIMENSIONS = 150
ROWS = 90


def spaces() -> dict[str, tuple[Any, Any]]:
    """Name -> vectors as kernels take them and a query: whole numbers, others, bit strings and codes."""
    rng = np.random.default_rng(1)
    whole = rng.integers(-90, 90, (ROWS, DIMENSIONS))
    broken = rng.normal(size=(ROWS, DIMENSIONS)) * 30
    found: dict[str, tuple[Any, Any]] = {}
    for kind, numbers in (("whole", whole), ("broken", broken)):
        for element in element_type_names():
            for metric in NUMBER_METRICS:
                name = f"{kind} {element} {metric.name}"
                found[name] = (kernel_space(metric, numbers.astype(element)), numbers[:1].astype(np.float32))
    for size in (DIMENSIONS, 3000):
        bits = BitVectors(np.packbits(rng.random((ROWS, size)) < 0.4, axis=1), size)
        for metric in BIT_METRICS:
            found[f"bits {size} {metric.name}"] = (kernel_space(metric, bits), bits[:1].queries())
    codes = Codebook(Metric.L2, np.zeros(DIMENSIONS, np.float32), 1.0).encode(whole.astype(np.float32))
    found["codes"] = (kernel_space(Metric.L2, codes), codes[:1].queries())
    return found


def main(path: str) -> None:
    folder = compiled.cache_folder()
    kernel = compiled.compile_kernels("vecengine.kernels_scan", folder, ("scan_distances",))["scan_distances"]
    answers: dict[str, Any] = {"level": np.array(simd_level())}
    for name, (space, query) in spaces().items():
        answers[name] = np.empty(ROWS)
        assert kernel(space, query, answers[name], NO_CANCEL) == 0
    np.savez(path, **answers)


if __name__ == "__main__":
    main(sys.argv[1])
