"""A data set in the files that VectorDBBench's custom cases read, with the true neighbours of every case.

| file | columns |
|---|---|
| train.parquet | `id` int64 from 0 on, `emb` list of float32 |
| scalar_labels.parquet | `id`, `labels`: the label of each row, in no relation to its vector |
| test.parquet | `id`, `emb`: the queries |
| neighbors.parquet | `id` of the query, `neighbors_id`: the k nearest rows by cosine distance, nearest first |
| neighbors_int_Np.parquet | of the rows with `id` at least N % of all rows |
| neighbors_labels_label_Np.parquet | of the rows with the label `label_Np`, which N % of all have |
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.wire.data_sets import DataSet

INT_PERCENTAGES = (1, 50, 99)
"""Of rows that a filter `id >= n` leaves out."""
LABEL_PERCENTAGES = (50, 10, 1)
"""Of rows that have the label."""
_OTHERS = "others"
_DISTANCES_MAX = 10_000_000


def write_files(data: DataSet, folder: Path, k: int) -> None:
    """Write all files of a data set whose vectors have length 1.

    Raises:
        ValueError: fewer than k rows pass one of the filters.
    """
    ids = np.arange(len(data.vectors))
    labels = labels_of(len(ids))
    _write(folder / "train.parquet", ids, "emb", data.vectors)
    pq.write_table(pa.table({"id": ids, "labels": labels}), folder / "scalar_labels.parquet")
    query_ids = np.arange(len(data.queries))
    _write(folder / "test.parquet", query_ids, "emb", data.queries)
    passing = {"neighbors": np.ones(len(ids), np.bool_)}
    for percentage in INT_PERCENTAGES:
        passing[f"neighbors_int_{percentage}p"] = ids >= int(len(ids) * (percentage / 100))
    for percentage in LABEL_PERCENTAGES:
        label = f"label_{percentage}p"
        passing[f"neighbors_labels_{label}"] = labels == label
    for name, mask in passing.items():
        nearest = nearest_rows(data, np.flatnonzero(mask), k)
        _write(folder / f"{name}.parquet", query_ids, "neighbors_id", nearest)


def labels_of(rows: int) -> npt.NDArray[np.str_]:
    """(rows,) labels, of which each percentage has its share."""
    places = np.random.default_rng(23).permutation(rows)
    labels = np.full(rows, _OTHERS, dtype="U16")
    start = 0
    for percentage in LABEL_PERCENTAGES:
        stop = start + rows * percentage // 100
        labels[places[start:stop]] = f"label_{percentage}p"
        start = stop
    return labels


def nearest_rows(data: DataSet, allowed: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    """(nq, k): of each query the k allowed rows with the greatest inner product, greatest first.

    Raises:
        ValueError: there are fewer.
    """
    if len(allowed) < k:
        raise ValueError(f"{len(allowed)} rows pass a filter, which are not {k}")
    vectors = data.vectors[allowed]
    found = np.empty((len(data.queries), k), np.int64)
    batch = max(1, _DISTANCES_MAX // len(vectors))
    for start in range(0, len(found), batch):
        part = slice(start, start + batch)
        products = data.queries[part] @ vectors.T
        best = np.argpartition(-products, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(products, best, axis=1), axis=1, kind="stable")
        found[part] = allowed[np.take_along_axis(best, order, axis=1)]
    return found


def _write(path: Path, ids: npt.NDArray[np.int64], name: str, rows: npt.NDArray[np.generic]) -> None:
    """A column of ids, and one of lists."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int64)
    lists = pa.LargeListArray.from_arrays(offsets, rows.ravel())
    pq.write_table(pa.table({"id": ids, name: lists}), path)
