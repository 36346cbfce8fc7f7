"""The door of the engine: checks arrays once, then hands kernels what they may trust.

Kernels take raw memory, so everything a caller passes goes through `check_vectors`, `check_queries` and
`check_allowed` first. Nothing is copied unless its layout forces it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, byte_length
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled, QuiverError
from vecengine.element_types import ELEMENT_CODES, Numbers, element_type_names
from vecengine.errors import DimensionMismatch
from vecengine.metrics import Float32s, Vectors
from vecengine.stored_vectors import BitVectors, StoredVectors

CancelWord = npt.NDArray[np.int32]
"""(1,) int32, the `word` of a CancelToken."""

NO_CANCEL: CancelWord = np.zeros(1, dtype=np.int32)
NO_CANCEL.flags.writeable = False

NO_BITS: Bitset = np.zeros(0, dtype=np.uint8)
"""What kernels take for "all rows are allowed"."""


Queries = Float32s | StoredVectors
"""What searches are asked: (nq, d) float32, or vectors of the same kind as those that are searched."""


def check_vectors(vectors: Vectors) -> Vectors:
    """The same rows, numbers as a C-contiguous, aligned (n, d) array of float32, float16, bfloat16 or int8.

    Raises:
        TypeError: another element type or number of axes; the caller's mistake, not a client's.
    """
    if isinstance(vectors, StoredVectors):
        return vectors
    native = vectors.dtype.newbyteorder("=") if isinstance(vectors, np.ndarray) else None
    if native not in ELEMENT_CODES or vectors.ndim != 2:
        raise TypeError(f"vectors must be an (n, d) array of {' or '.join(element_type_names())}")
    if vectors.flags.c_contiguous and vectors.flags.aligned and vectors.dtype.isnative:
        return vectors
    return np.require(vectors, dtype=native, requirements=("C", "A"))


def check_queries(queries: Queries, vectors: Vectors) -> Float32s:
    """The queries as kernels take them for such vectors: a C-contiguous (nq, w) float32 array.

    Raises:
        DimensionMismatch: 22000, in pgvector's words, with the column's dimensions first.
        TypeError: not a matrix, or of another kind than the vectors.
    """
    dimensions = vectors.shape[1]
    if isinstance(vectors, StoredVectors) or isinstance(queries, StoredVectors):
        if not isinstance(queries, StoredVectors) or type(queries) is not type(vectors):
            raise TypeError("queries must be of the kind of the vectors")
        if queries.shape[1] != dimensions:
            raise DimensionMismatch(different_dimensions(vectors, queries.shape[1]))
        return queries.queries()
    # np.require takes 2 us to see that there is nothing to do.
    if not isinstance(queries, np.ndarray) or queries.dtype != np.float32 or not queries.flags.carray:
        queries = np.require(queries, dtype=np.float32, requirements=("C", "A"))
    if queries.ndim != 2:
        raise TypeError("queries must be an (nq, d) array")
    if queries.shape[1] != dimensions:
        raise DimensionMismatch(different_dimensions(vectors, queries.shape[1]))
    return queries


def different_dimensions(vectors: Vectors, other: int) -> str:
    """pgvector's message."""
    measure = "vector dimensions"
    if isinstance(vectors, StoredVectors):
        measure = "bit lengths" if isinstance(vectors, BitVectors) else "sparsevec dimensions"
    return f"different {measure} {vectors.shape[1]} and {other}"


def queries_from(vectors: Vectors) -> Float32s:
    """Checked vectors as kernels take queries: (n, w) float32."""
    if isinstance(vectors, StoredVectors):
        return vectors.queries()
    return np.ascontiguousarray(vectors, dtype=np.float32)


def query_words(vectors: Vectors) -> int:
    """Width w of any of the vectors as a query."""
    return vectors.query_words if isinstance(vectors, StoredVectors) else int(vectors.shape[1])


def check_allowed(allowed_bits: Bitset | None, row_count: int) -> Bitset | None:
    """The bitset, contiguous.

    Raises:
        ValueError: it is not one of `row_count` rows; kernels would read past its end.
    """
    if allowed_bits is None:
        return None
    if allowed_bits.dtype != np.uint8 or allowed_bits.shape != (byte_length(row_count),):
        raise ValueError(f"allowed_bits must be ({byte_length(row_count)},) uint8 for {row_count} rows")
    return np.ascontiguousarray(allowed_bits)


def as_bytes(vectors: Numbers) -> npt.NDArray[np.uint8]:
    """View of checked (n, d) vectors as (n * d * element size,) bytes."""
    return vectors.reshape(-1).view(np.uint8)


def cancel_error(cancel: CancelWord) -> QuiverError:
    """The error of a set cancel word: 57014 by user request or statement timeout, 57P01 at shutdown."""
    token = CancelToken()
    token.word = cancel
    return token.error() if cancel[0] else QueryCanceled("canceling statement due to user request")


def check_cancel(cancel: CancelWord | None) -> None:
    """Raise the cancel word's error if it is set."""
    if cancel is not None and cancel[0]:
        raise cancel_error(cancel)
