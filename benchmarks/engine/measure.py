"""Queries a second and recall of every contender at every knob, in turns, so that a slow minute of the machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks.engine.contenders import Contender
from benchmarks.engine.data_sets import DataSet, Offsets

_SECONDS_PER_POINT = 0.4


@dataclass(frozen=True, slots=True)
class Load:
    """How searches are asked: so many queries a call, on so many threads."""

    batch: int
    threads: int

    @property
    def name(self) -> str:
        return f"batch {self.batch}, {self.threads} thread{'s' if self.threads > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Point:
    """A contender at a knob: recall at 10, and queries a second of each turn."""

    knob: int
    recall: float
    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def build(contender: Contender, data: DataSet, threads: int) -> float:
    """Build it and return the seconds that took."""
    started = time.perf_counter()
    contender.build(data.vectors, threads)
    return time.perf_counter() - started


def recall_of(found: Offsets, truth: Offsets) -> float:
    """Share of the true rows that were found."""
    hits = sum(len(np.intersect1d(some, true)) for some, true in zip(found, truth, strict=True))
    return float(hits / truth.size)


def sweep(contenders: Sequence[Contender], data: DataSet, load: Load, turns: int) -> dict[str, list[Point]]:
    """The points of every contender under a load, its knobs ascending."""
    recalls = {
        (contender.name, knob): recall_of(contender.search(data.queries, knob), data.nearest)
        for contender in contenders
        for knob in contender.knobs
    }
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in recalls}
    with ThreadPoolExecutor(load.threads) as pool:
        for turn in range(turns):
            pairs = [(contender, knob) for contender in contenders for knob in contender.knobs]
            for contender, knob in pairs if turn % 2 == 0 else reversed(pairs):
                rates[contender.name, knob].append(_rate(pool, contender, data, knob, load))
    return {
        contender.name: [
            Point(knob, recalls[contender.name, knob], tuple(rates[contender.name, knob]))
            for knob in contender.knobs
        ]
        for contender in contenders
    }


def _rate(pool: ThreadPoolExecutor, contender: Contender, data: DataSet, knob: int, load: Load) -> float:
    """Queries a second over about `_SECONDS_PER_POINT` seconds."""

    def ask(first: int) -> int:
        asked = 0
        deadline = time.perf_counter() + _SECONDS_PER_POINT
        while time.perf_counter() < deadline:
            begin = (first + asked) % (len(data.queries) - load.batch + 1)
            contender.search(data.queries[begin : begin + load.batch], knob)
            asked += load.batch
        return asked

    started = time.perf_counter()
    firsts = [number * len(data.queries) // load.threads for number in range(load.threads)]
    return sum(pool.map(ask, firsts)) / (time.perf_counter() - started)


def rate_at(points: Sequence[Point], recall: float) -> float | None:
    """Queries a second at a recall: between the two points around it, the logarithm by the recall; None where none reaches it."""
    reached = [point for point in points if point.recall >= recall]
    if not reached:
        return None
    above = max(reached, key=lambda point: point.rate)
    below = [p for p in points if p.recall < recall and p.rate > above.rate]
    if not below:
        return above.rate
    under = max(below, key=lambda point: point.recall)
    share = (recall - under.recall) / (above.recall - under.recall)
    return float(np.exp(np.log(under.rate) + share * (np.log(above.rate) - np.log(under.rate))))
