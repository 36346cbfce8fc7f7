"""The element types of arrays of numbers: NumPy's names for them, and the codes by which kernels know them.

bfloat16 is float32 without its lower 16 bits: its range, and 8 bits of precision (a relative error of 2**-9 when rounded). NumPy has no
such type; `ml_dtypes` adds it. int8 are whole numbers from -128 to 127, as quantized embeddings have them. All are widened to
float32 without rounding, so a distance is that of the same row in float32.

Expectation: a scan from memory takes the time of its bytes, half and a quarter of float32's, until the arithmetic is dearer, which the types
share. Measured on 61,666 rows of 384 (one thread of a busy Zen 4, least processor time of interleaved runs), a row under l2: float32 65 ns, float16 40,
bfloat16 45, int8 34; from cache 38, 28, 32 and 30. So bytes no longer count for int8 there.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import numpy.typing as npt

from vecengine.stored_vectors import ELEMENT_BFLOAT16, ELEMENT_FLOAT16, ELEMENT_FLOAT32, ELEMENT_INT8

ELEMENT_CODES: dict[np.dtype[np.generic], int] = {
    np.dtype(np.float32): ELEMENT_FLOAT32,
    np.dtype(np.float16): ELEMENT_FLOAT16,
    np.dtype(ml_dtypes.bfloat16): ELEMENT_BFLOAT16,
    np.dtype(np.int8): ELEMENT_INT8,
}

Numbers = npt.NDArray[np.float32] | npt.NDArray[np.float16] | npt.NDArray[np.int8] | npt.NDArray[np.generic]
"""(n, d) of a type above, C-contiguous, possibly a read-only memory map; bfloat16 is known to type checkers as `generic`."""


def element_type_names() -> tuple[str, ...]:
    """Their names, as NumPy reads them."""
    return tuple(dtype.name for dtype in ELEMENT_CODES)
