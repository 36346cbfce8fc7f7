"""An index as named buffers: one JSON metadata buffer, and arrays whose shapes the metadata tells.

`storage` writes and maps the buffers and checks their bytes; here their *meaning* is checked, because kernels
follow links without bounds checks. Damage is XX002; a format of another version is 0A000: rebuild the index.
"""

from __future__ import annotations

import json
import os
import zipfile
from enum import Enum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vecengine.errors import DamagedIndex, IndexFormatNotSupported, UnsupportedByFamily
from vecengine.index import Buffers
from vecengine.metrics import METRIC_NAMES, Vectors, check_metric

METADATA = "metadata"
FORMAT_VERSION = 1

Metadata = dict[str, Any]
Member = TypeVar("Member", bound=Enum)


def encode_metadata(family: str, metric: str, vectors: Vectors, **fields: Any) -> npt.NDArray[np.uint8]:
    """The metadata buffer: what every family says about itself, and the family's own fields."""
    text = json.dumps(
        {
            "format": FORMAT_VERSION,
            "family": family,
            "metric": metric,
            "vector_rows": vectors.shape[0],
            "dimensions": vectors.shape[1],
            **fields,
        },
        sort_keys=True,
    )
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def decode_metadata(buffers: Buffers) -> Metadata:
    """Read the metadata buffer.

    Raises:
        DamagedIndex: XX002, it is missing or malformed.
        IndexFormatNotSupported: 0A000, written by another version.
    """
    try:
        metadata = json.loads(np.asarray(buffers[METADATA], dtype=np.uint8).tobytes())
        version, family, metric = metadata["format"], metadata["family"], metadata["metric"]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndex("index metadata is not readable", detail=str(error)) from error
    if version != FORMAT_VERSION:
        raise IndexFormatNotSupported(
            f"index format {version} is not supported, this version reads {FORMAT_VERSION}",
            hint="Rebuild the index with REINDEX.",
        )
    if not isinstance(family, str) or metric not in METRIC_NAMES:
        raise DamagedIndex(f'index metadata names metric "{metric}" and family "{family}"')
    return dict(metadata)


def check_matches(metadata: Metadata, vectors: Vectors) -> None:
    """Raise DamagedIndex (XX002) unless the index was built for vectors of this shape, under a metric of theirs."""
    expected = (metadata.get("vector_rows"), metadata.get("dimensions"))
    if expected != vectors.shape:
        raise DamagedIndex(f"index was built for vectors of shape {expected}, not {vectors.shape}")
    try:
        check_metric(metadata["metric"], vectors)
    except UnsupportedByFamily as error:
        raise DamagedIndex("index was built for vectors of another kind", detail=str(error)) from error


def take_integer(metadata: Metadata, name: str, low: int, high: int) -> int:
    """An integer field within [low, high], else DamagedIndex (XX002)."""
    value = metadata.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DamagedIndex(f'index metadata field "{name}" is {value!r}, expected {low} to {high}')
    return value


def take_member(metadata: Metadata, name: str, default: Member) -> Member:
    """A field that is the lower-case name of a member of the default's enum; the default where it is missing.

    Raises:
        DamagedIndex: XX002.
    """
    value = metadata.get(name, default.name)
    try:
        return type(default)[str(value).upper()]
    except KeyError:
        raise DamagedIndex(f'index metadata field "{name}" is {value!r}') from None


def take_array(
    buffers: Buffers, name: str, dtype: type[np.generic], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """A buffer of the given type and shape, aligned and C-contiguous; a flat one is given its shape.

    Raises:
        DamagedIndex: XX002, it is missing or of another type or size.
    """
    array = buffers.get(name)
    if array is None:
        raise DamagedIndex(f'index buffer "{name}" is missing')
    size = int(np.prod(shape))
    if array.dtype != dtype or array.size != size or (array.ndim > 1 and array.shape != shape):
        raise DamagedIndex(
            f'index buffer "{name}" is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}'
        )
    return np.require(array.reshape(shape), requirements=("C", "A"))


def check_range(name: str, array: npt.NDArray[Any], low: int, high: int) -> None:
    """Raise DamagedIndex (XX002) unless all values are within [low, high]."""
    if array.size and (array.min() < low or array.max() > high):
        raise DamagedIndex(
            f'index buffer "{name}" holds {array.min()} to {array.max()}, expected {low} to {high}'
        )


def check_offsets(offsets: npt.NDArray[np.int64], vector_rows: int) -> None:
    """Raise DamagedIndex (XX002) unless the offsets ascend strictly inside the vectors."""
    check_range("offsets", offsets, 0, vector_rows - 1)
    if np.any(offsets[1:] <= offsets[:-1]):
        raise DamagedIndex('index buffer "offsets" does not ascend')


def write_file(path: str | os.PathLike[str], buffers: Buffers) -> None:
    """All buffers in one uncompressed .npz file, under exactly this name."""
    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, **buffers)


def read_file(path: str | os.PathLike[str]) -> Buffers:
    """The buffers of a file that `write_file` wrote.

    Raises:
        DamagedIndex: XX002, it is no such file.
    """
    try:
        # Opened here: a file that numpy does not recognise it leaves open.
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except (ValueError, EOFError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise DamagedIndex(f'"{os.fspath(path)}" is not an index file', detail=str(error)) from error
