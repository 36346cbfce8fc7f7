"""Searches of copies of indexes on a card beside the CPU, and how near they come to what the card can do.

    python -m benchmarks.engine.device --rows 1000000 --dimensions 128
    python -m benchmarks.engine.device --device torch-cpu --rows 20000

For each index and batch: milliseconds a call on the CPU (one thread) and on the device, whether the answers agree, what
`choose_device` says, and shares of the card's roofline: of its bytes a second if each call reads every row it has to once, and of its
products a second. The roofline is the card's own, of a copy and of a matrix product of float32. Without a card it says why there is nothing to measure;
PyTorch on the CPU shows that the program runs, and no more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import vecengine
from benchmarks.engine.data_sets import DataSet, K, clustered
from vecengine.device.places import CUDA, Device, DeviceUnavailable, find_device

_FAMILIES = ("flat", "ivfflat", "ivf_sq8", "ivf_pq")
_PROBES = 16
_COPIED_BYTES = 1 << 28
_PRODUCT_SIZE = 4096
_WARM_UP_CALLS = 2


@dataclass(frozen=True, slots=True)
class Roofline:
    """What a device does at best: bytes read and written, and operations of float32, a second."""

    bytes_per_second: float
    flops: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One index and batch: milliseconds a call, the share of equal row offsets, and what the device did of what it can."""

    family: str
    batch: int
    cpu_ms: float
    device_ms: float
    equal: float
    chosen: str
    bytes_share: float
    flops_share: float


def roofline(device: Device) -> Roofline:
    """Of a large copy and of a large matrix product."""
    torch = device.module
    source = torch.ones(_COPIED_BYTES // 4, dtype=torch.float32, device=device.handle)
    target = torch.empty_like(source)
    factor = torch.ones((_PRODUCT_SIZE, _PRODUCT_SIZE), dtype=torch.float32, device=device.handle)
    copied = _seconds(lambda: target.copy_(source), device, 5)
    multiplied = _seconds(lambda: factor @ factor, device, 5)
    return Roofline(2 * _COPIED_BYTES / copied, 2 * _PRODUCT_SIZE**3 / multiplied)


def cells(device: Device, data: DataSet, batches: list[int], turns: int) -> Iterator[Cell]:
    """All indexes and batches, the CPU and the device in turns."""
    best = roofline(device)
    rows, dimensions = data.vectors.shape
    for family in _FAMILIES:
        index = vecengine.build_index(family, data.vectors, metric="l2")
        copy = vecengine.on_device(index, device.name)
        for batch in batches:
            queries = np.resize(data.queries, (batch, dimensions))
            stats = vecengine.SearchStats()
            _, found = copy.search(queries, K, None, _PROBES, stats=stats)
            _, expected = index.search(queries, K, None, _PROBES)
            on_cpu, on_device = _in_turns(index, copy, queries, device, turns)
            weighed = stats.distances - stats.reranked
            read_bytes = min(rows, weighed) * copy.resident_bytes / rows
            compared, lists = (
                max(1, weighed // batch),
                min(stats.expansions, index.statistics.numbers.get("lists", 1)),
            )
            yield Cell(
                family, batch, 1000 * on_cpu, 1000 * on_device,
                float((found == expected).mean()),
                vecengine.choose_device(batch, compared, dimensions, True, stretches=max(1, int(lists))),
                read_bytes / on_device / best.bytes_per_second,
                2.0 * weighed * dimensions / on_device / best.flops,
            )  # fmt: skip


def _in_turns(
    index: vecengine.VectorIndex,
    copy: vecengine.DeviceIndex,
    queries: np.ndarray,
    device: Device,
    turns: int,
) -> tuple[float, float]:
    """Seconds of a call on the CPU and on the device, medians."""
    on_cpu, on_device = [], []
    for _ in range(turns):
        on_cpu.append(_seconds(lambda: index.search(queries, K, None, _PROBES), device, 1))
        on_device.append(_seconds(lambda: copy.search(queries, K, None, _PROBES), device, 1))
    return statistics.median(on_cpu), statistics.median(on_device)


def _seconds(work: Callable[[], object], device: Device, calls: int) -> float:
    """Of one call, waited for."""
    for _ in range(_WARM_UP_CALLS):
        work()
    _wait(device)
    started = time.perf_counter()
    for _ in range(calls):
        work()
    _wait(device)
    return (time.perf_counter() - started) / calls


def _wait(device: Device) -> None:
    if device.is_cuda:
        device.module.cuda.synchronize(device.handle)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default=CUDA, help="cuda, cuda:N or torch-cpu")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--batches", default="1,16,256,4096")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args(arguments)
    try:
        device = find_device(options.device)
    except DeviceUnavailable as unavailable:
        print(f"nothing to measure: {unavailable}")
        return 0
    if not device.is_cuda:
        device.module.set_num_threads(1)
    vecengine.warm_up()
    name = device.module.cuda.get_device_name(device.handle) if device.is_cuda else device.name
    data = clustered(options.rows, options.dimensions)
    print(f"{name}, {data.name}, l2, {K} nearest, {_PROBES} lists of those that have lists")
    print(
        "| index | batch | CPU ms | device ms | equal | chosen | of bytes/s | of flops |\n|---|---|---|---|---|---|---|---|"
    )
    for cell in cells(device, data, [int(batch) for batch in options.batches.split(",")], options.turns):
        print(
            f"| {cell.family} | {cell.batch} | {cell.cpu_ms:.2f} | {cell.device_ms:.2f} | {cell.equal:.3f} "
            f"| {cell.chosen} | {cell.bytes_share:.1%} | {cell.flops_share:.1%} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
