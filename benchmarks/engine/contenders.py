"""The indexes that are compared, ours and others', each with a ladder of what it is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

import vecengine
from benchmarks.engine.data_sets import Float32s, K, Offsets

M = 16
EF_CONSTRUCTION = 128
BEAMS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)
_LISTS_PER_ROOT = 4
_PROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_REORDERED = 10
_BYTES_PER_LINK = 4


class Contender(ABC):
    """One index over (n, d) vectors under l2, built with some threads; every search runs on its caller's thread."""

    name: str
    knobs: tuple[int, ...]

    @abstractmethod
    def build(self, vectors: Float32s, threads: int) -> None:
        """Build it; the vectors stay alive meanwhile and after."""

    @abstractmethod
    def search(self, queries: Float32s, knob: int) -> Offsets:
        """(nq, d) queries to (nq, K) row offsets."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """Of the index and of what it holds of the vectors; ours holds none, so they are added."""


class Ours(Contender):
    """A family of `vecengine` with some parameters."""

    def __init__(self, name: str, family: str, knobs: tuple[int, ...], **parameters: str | int) -> None:
        self.name, self.knobs = f"quiver {name}", knobs
        self._family, self._parameters = family, parameters

    def build(self, vectors: Float32s, threads: int) -> None:
        parameters = dict(self._parameters)
        if parameters.get("lists") == 0:
            parameters["lists"] = _list_count(vectors)
        self.vectors = vectors
        self.index = vecengine.build_index(self._family, vectors, metric="l2", threads=threads, **parameters)

    def search(self, queries: Float32s, knob: int) -> Offsets:
        return self.index.search(queries, K, None, knob)[1]

    @property
    def size_bytes(self) -> int:
        return self.index.size_bytes + self.vectors.nbytes


class Faiss(Contender):
    """An index of faiss, made by a function of the number of vectors and dimensions."""

    def __init__(
        self,
        name: str,
        make: Callable[[Float32s], Any],
        knobs: tuple[int, ...],
        set_knob: Callable[[Any, int], None],
    ) -> None:
        self.name, self.knobs = f"faiss {name}", knobs
        self._make, self._set_knob = make, set_knob

    def build(self, vectors: Float32s, threads: int) -> None:
        import faiss

        faiss.omp_set_num_threads(threads)
        self.index = self._make(vectors)
        if not self.index.is_trained:
            self.index.train(vectors)
        self.index.add(vectors)

    def search(self, queries: Float32s, knob: int) -> Offsets:
        import faiss

        # OpenMP keeps it by thread.
        faiss.omp_set_num_threads(1)
        self._set_knob(self.index, knob)
        return np.asarray(self.index.search(queries, K)[1], dtype=np.int64)

    @property
    def size_bytes(self) -> int:
        import faiss

        return len(faiss.serialize_index(self.index))


class Hnswlib(Contender):
    name, knobs = "hnswlib", BEAMS

    def build(self, vectors: Float32s, threads: int) -> None:
        import hnswlib  # type: ignore[import-not-found, unused-ignore]

        self.vectors = vectors
        self.index = hnswlib.Index("l2", vectors.shape[1])
        self.index.init_index(len(vectors), EF_CONSTRUCTION, M)
        self.index.add_items(vectors, num_threads=threads)

    def search(self, queries: Float32s, knob: int) -> Offsets:
        self.index.set_ef(knob)
        return np.asarray(self.index.knn_query(queries, K, num_threads=1)[0], dtype=np.int64)

    @property
    def size_bytes(self) -> int:
        return int(self.index.index_file_size())


class Usearch(Contender):
    name, knobs = "usearch", BEAMS

    def build(self, vectors: Float32s, threads: int) -> None:
        from usearch.index import Index  # type: ignore[import-not-found, unused-ignore]

        self.index = Index(
            ndim=vectors.shape[1],
            metric="l2sq",
            dtype="f32",
            connectivity=M,
            expansion_add=EF_CONSTRUCTION,
        )
        self.index.add(np.arange(len(vectors)), vectors, threads=threads)

    def search(self, queries: Float32s, knob: int) -> Offsets:
        self.index.expansion_search = knob
        keys: npt.NDArray[Any] = self.index.search(queries, K, threads=1).keys
        return np.asarray(keys, dtype=np.int64).reshape(-1, K)

    @property
    def size_bytes(self) -> int:
        return int(self.index.serialized_length)


def _list_count(vectors: Float32s) -> int:
    return int(_LISTS_PER_ROOT * np.sqrt(len(vectors)))


def _hnsw_flat(vectors: Float32s) -> Any:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], M)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    return index


def _ivf_flat(vectors: Float32s) -> Any:
    import faiss

    quantizer = faiss.IndexFlatL2(vectors.shape[1])
    return faiss.IndexIVFFlat(quantizer, vectors.shape[1], _list_count(vectors))


def _ivf_fast_scan(vectors: Float32s) -> Any:
    import faiss

    dimensions = vectors.shape[1]
    quantizer = faiss.IndexFlatL2(dimensions)
    index = faiss.IndexIVFPQFastScan(quantizer, dimensions, _list_count(vectors), dimensions // 2, 4)
    refined = faiss.IndexRefineFlat(index)
    refined.k_factor = _REORDERED
    return refined


def _flat(vectors: Float32s) -> Any:
    import faiss

    return faiss.IndexFlatL2(vectors.shape[1])


def _set_beam(index: Any, knob: int) -> None:
    index.hnsw.efSearch = knob


def _set_probes(index: Any, knob: int) -> None:
    index.nprobe = knob


def _set_refined_probes(index: Any, knob: int) -> None:
    import faiss

    faiss.downcast_index(index.base_index).nprobe = knob


def _no_knob(_index: Any, _knob: int) -> None:
    return


def contenders(names: Iterable[str]) -> list[Contender]:
    """New ones of these names, in the order of the table."""
    wanted = set(names)
    unknown = wanted - set(CONTENDERS)
    if unknown:
        raise ValueError(f"no contender {sorted(unknown)}; there are {sorted(CONTENDERS)}")
    return [make() for name, make in CONTENDERS.items() if name in wanted]


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "hnsw": lambda: Ours("hnsw sq8", "hnsw", BEAMS, m=M, ef_construction=EF_CONSTRUCTION),
    "hnsw-none": lambda: Ours(
        "hnsw float32", "hnsw", BEAMS, m=M, ef_construction=EF_CONSTRUCTION, quantizer="none"
    ),
    "hnsw-pq": lambda: Ours("hnsw pq", "hnsw", BEAMS, m=M, ef_construction=EF_CONSTRUCTION, quantizer="pq"),
    "hnsw-rabitq": lambda: Ours(
        "hnsw rabitq", "hnsw", BEAMS, m=M, ef_construction=EF_CONSTRUCTION, quantizer="rabitq"
    ),
    "faiss-hnsw": lambda: Faiss("IndexHNSWFlat", _hnsw_flat, BEAMS, _set_beam),
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "ivf": lambda: Ours("ivf_flat", "ivfflat", _PROBES, lists=0),
    "faiss-ivf": lambda: Faiss("IndexIVFFlat", _ivf_flat, _PROBES, _set_probes),
    "faiss-ivf-fast": lambda: Faiss("IndexIVFPQFastScan", _ivf_fast_scan, _PROBES, _set_refined_probes),
    "flat": lambda: Ours("flat", "flat", (0,)),
    "flat-sq8": lambda: Ours("flat sq8", "flat", (0,), quantizer="sq8"),
    "faiss-flat": lambda: Faiss("IndexFlat", _flat, (0,), _no_knob),
}
