"""Where the time of one prepared search goes, from the bytes that arrive to the bytes that leave; see README.md here.

A conversation is fed the messages by which drivers execute a prepared statement, without a socket. Every phase is a few
functions whose calls are timed; a phase has what is spent in them and in no other phase. The medians over many searches
are shown, the number of Python calls, and beside them the whole without the timers.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from benchmarks.wire.data_sets import DataSet, synthetic
from benchmarks.wire.in_process import Client, execution, search_text, searches, served
from planner import repeated_lookup, repeated_topk
from sqlfront.protocol import direct_shapes, query_loop
from sqlfront.session import direct_reads as session_reads
from vecengine.hnsw import repeated

_PHASES: dict[str, tuple[tuple[Any, str], ...]] = {
    "decode": ((direct_shapes.DirectShapes, "of"), (direct_shapes.DirectShape, "values")),
    "look-up, snapshot": ((session_reads, "_read"),),
    "mask, strategy": ((repeated_topk.RepeatedTopK, "_entry"), (repeated_topk.RepeatedTopK, "_key")),
    "search, Python": ((repeated.RepeatedSearch, "run"),),
    "search, kernel": (),
    "gather": ((repeated_topk.RepeatedTopK, "_batch"),),
    "probe of a key": ((repeated_lookup.RepeatedLookup, "run"),),
    "encode": (),
    "ready": ((query_loop.QueryLoop, "_ready"),),
}


class Stopwatch:
    """Time by phase, of one search after the other."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {phase: [] for phase in (*_PHASES, "rest")}
        self._spent = dict.fromkeys(self.taken, 0.0)
        self._open = ["rest"]
        self._since = 0.0

    def wrapped(self, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            self._turn()
            self._open.append(phase)
            try:
                return call(*args, **named)
            finally:
                self._turn()
                self._open.pop()

        return timed

    def _turn(self) -> None:
        now = time.perf_counter()
        self._spent[self._open[-1]] += now - self._since
        self._since = now

    def measure(self, call: Callable[[], object]) -> None:
        self._spent = dict.fromkeys(self.taken, 0.0)
        self._since = time.perf_counter()
        call()
        self._turn()
        for phase, seconds in self._spent.items():
            self.taken[phase].append(seconds * 1e6)


@contextmanager
def timed_phases(watch: Stopwatch, client: Client) -> Iterator[None]:
    """Every function of every phase is timed in the block, the client's codecs and the kernel among them."""
    kernels = repeated.kernels()
    assert kernels is not None
    kernel = kernels._replace(search_graph=watch.wrapped("search, kernel", kernels.search_graph))
    with ExitStack() as stack:
        for phase, places in _PHASES.items():
            for owner, name in places:
                own = getattr(owner, name)
                setattr(owner, name, watch.wrapped(phase, own))
                stack.callback(setattr, owner, name, own)
        stack.callback(setattr, repeated, "kernels", repeated.kernels)
        repeated.kernels = lambda: kernel
        codecs = client.codecs
        stack.callback(setattr, client, "codecs", codecs)
        client.codecs = replace(
            codecs,
            decode_parameter=watch.wrapped("decode", codecs.decode_parameter),
            encode_data_rows=watch.wrapped("encode", codecs.encode_data_rows),
        )
        yield


def calls_of(client: Client, messages: Sequence[bytes]) -> float:
    """Calls of Python and C functions for each message."""
    profile = cProfile.Profile()
    profile.enable()
    for message in messages:
        client.ask(message)
    profile.disable()
    return float(pstats.Stats(profile).total_calls) / len(messages)  # type: ignore[attr-defined]


def median_us(client: Client, messages: Sequence[bytes]) -> float:
    taken = []
    for message in messages:
        started = time.perf_counter()
        client.ask(message)
        taken.append((time.perf_counter() - started) * 1e6)
    return statistics.median(taken)


def show(name: str, client: Client, messages: Sequence[bytes]) -> None:
    for message in messages[:100]:
        client.ask(message)
    whole, calls = median_us(client, messages), calls_of(client, messages)
    watch = Stopwatch()
    with timed_phases(watch, client):
        for message in messages:
            watch.measure(lambda message=message: client.ask(message))  # type: ignore[misc]
    phases = {phase: statistics.median(taken) for phase, taken in watch.taken.items()}
    print(f"\n{name}: {whole:.0f} us, {calls:.0f} calls")
    print("| phase | us |\n|---|---|")
    for phase, microseconds in phases.items():
        if microseconds:
            print(f"| {phase} | {microseconds:.1f} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=128)
    options = parser.parse_args(arguments)
    data: DataSet = synthetic(options.rows, options.dimensions)
    with served(data) as client:
        client.run("SET hnsw.ef_search = 60")
        client.prepare("plain", search_text(data))
        show("prepared search", client, searches(data, "plain"))
        client.prepare("filtered", search_text(data, "WHERE bucket < 500"))
        show("with a filter that half of the rows pass", client, searches(data, "filtered"))
        client.prepare("key", f"SELECT bucket FROM {data.table} WHERE id = $1")
        keys = [execution("key", (number * 7 % options.rows).to_bytes(4, "big")) for number in range(1000)]
        show("row by its key", client, keys)


if __name__ == "__main__":
    main()
