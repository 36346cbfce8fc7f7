"""Distances of every kind of vector at the instruction set of this process, written to the .npz file named: run by test_instruction_sets."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from vecengine import BitVectors, compiled, element_type_names, simd_level
from vecengine.arrays import NO_CANCEL
from vecengine.codes import Codebook
from vecengine.codes_short import BITS, ShortBook
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
    for bits in BITS:
        book = ShortBook(
            Metric.L2, np.zeros(DIMENSIONS, np.float32), np.full(DIMENSIONS, 3, np.float32), bits
        )
        short = book.encode(whole.astype(np.float32))
        found[f"codes of {bits} bits"] = (kernel_space(Metric.L2, short), book.query_tables(whole[:1]))
    return found


def tiles() -> dict[str, Any]:
    """Products of bytes: of tiles of every shape, over whole pieces and a part."""
    from numba import njit, types

    from vecengine import kernels_tiles as tiles
    from vecengine.kernels_types import OPTIONS

    @njit([types.void(*[types.int64] * 7)], **OPTIONS)
    def multiply(
        rows: int, queries: int, width: int, count: int, out: int, out_bytes: int, wide: int
    ) -> None:
        if wide:
            tiles.wide_tile(rows, queries, width, count, out, out_bytes)
        else:
            tiles.single_tile(rows, queries, width, count, out, out_bytes)

    rng = np.random.default_rng(2)
    found = {}
    for count in (32, 64, 160, 384):
        rows = rng.integers(-127, 128, (8, count)).astype(np.int8)
        queries = np.zeros((4, count + 32), dtype=np.int8)
        queries[:, :count] = rng.integers(-127, 128, (4, count))
        starts = rows.ctypes.data + count * np.arange(8)
        shifts = tiles.PRODUCT_SHIFT * queries.astype(np.int64).sum(axis=1)[:, None]
        for name, wide, shape in (
            ("wide", 1, (tiles.WIDE_QUERIES, tiles.WIDE_ROWS)),
            ("single", 0, (1, tiles.SINGLE_ROWS)),
        ):
            products = np.zeros((4, 8), dtype=np.int32)
            multiply(
                starts.ctypes.data, queries.ctypes.data, count + 32, count, products.ctypes.data, 32, wide
            )
            # Every level has 2 queries in a tile.
            asked, answered = min(2, shape[0]), shape[1]
            exact = (products - shifts)[:asked, :answered]
            assert (
                exact == queries[:asked, :count].astype(np.int64) @ rows[:answered].astype(np.int64).T
            ).all()
            found[f"{name} tile {count}"] = exact
    return found


def main(path: str) -> None:
    folder = compiled.cache_folder()
    kernel = compiled.compile_kernels("vecengine.kernels_scan", folder, ("scan_distances",))["scan_distances"]
    answers: dict[str, Any] = {"level": np.array(simd_level())}
    for name, (space, query) in spaces().items():
        answers[name] = np.empty(ROWS)
        assert kernel(space, query, answers[name], NO_CANCEL) == 0
    answers |= tiles()
    np.savez(path, **answers)


if __name__ == "__main__":
    main(sys.argv[1])
