"""Goal: float16 is widened exactly where the CPU has no instruction for it. Method: that code, on every float16."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

kernels_reduce = pytest.importorskip("vecengine.kernels_reduce")


@pytest.mark.slow
def test_portable_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    from vecengine.kernels_types import compile_function

    monkeypatch.setattr(kernels_reduce, "HAS_FLOAT16_CONVERSION", False)
    dot = kernels_reduce._reduction(kernels_reduce._multiply_add, kernels_reduce.FLOAT16)

    def widen_rows(rows: Any, queries: Any, out: Any) -> None:
        count = queries.shape[0]
        for row in range(out.shape[0]):
            out[row] = dot(rows, 2 * row * count, queries, 0, count)

    widen = compile_function(widen_rows)

    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = values[np.isfinite(values)]
    for width in (1, 64):
        # One value in each row, in a lane of its own; zeros beside it.
        rows = np.zeros((finite.size, width), dtype=np.float16)
        lanes = np.arange(finite.size) % width
        rows[np.arange(finite.size), lanes] = finite
        out = np.empty(finite.size, dtype=np.float32)
        widen(rows.view(np.uint8), np.ones(width, dtype=np.float32), out)
        np.testing.assert_array_equal(out, finite.astype(np.float32))
    special = np.array([[np.inf], [-np.inf], [np.nan]], dtype=np.float16)
    out = np.empty(3, dtype=np.float32)
    widen(special.view(np.uint8), np.ones(1, dtype=np.float32), out)
    assert out[0] == np.inf and out[1] == -np.inf and np.isnan(out[2])
