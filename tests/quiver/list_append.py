"""List-append workload: transactions append unique numbers to lists and read lists; the history is then judged.

A list's final value is the order of all writes to its key, so every read tells which writes it saw. From that
follow the dependencies between transactions: ww (next append), wr (reads an append), rw (reads a list that a
later append extends). Adya's phenomena are cycles of them: G0 of ww, G1c of ww and wr, G-single with exactly
one rw; G1a is reading an aborted append, G1b reading some but not all of a transaction's appends to one key.
Kingsbury, Alvaro: Elle: Inferring Isolation Anomalies from Experimental Observations, VLDB 2020.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import IsolationLevel

from tests.quiver.bank import RETRIED

KEYS = 6

_Edges = defaultdict[int, set[int]]
"""Transaction -> those that must come after it."""

SCHEMA = "CREATE TABLE lists (k int PRIMARY KEY, v text NOT NULL)"


@dataclass
class Done:
    """One transaction as its client saw it. Reads are those of lists it had not appended to itself."""

    number: int
    appends: list[tuple[int, int]] = field(default_factory=list)
    reads: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)


@dataclass
class Appender:
    """One client. Numbers of transactions and of appended elements are unique among all clients."""

    number: int
    dsn: str
    isolation: IsolationLevel
    committed: list[Done] = field(default_factory=list)
    aborted: list[Done] = field(default_factory=list)
    error: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        self.random = random.Random(self.number)
        serial = self.number
        try:
            with psycopg.connect(self.dsn) as connection:
                connection.isolation_level = self.isolation
                while not stop.is_set():
                    serial += 1000
                    self._act(connection, Done(serial))
        except BaseException as error:
            self.error = error

    def _act(self, connection: psycopg.Connection[Any], done: Done) -> None:
        gives_up = self.random.random() < 0.1
        try:
            for step in range(self.random.randint(1, 4)):
                key = self.random.randrange(KEYS)
                if self.random.random() < 0.5:
                    self._append(connection, done, key, done.number * 10 + step)
                elif key not in [written for written, _ in done.appends]:
                    done.reads.append((key, read_list(connection, key)))
            if gives_up:
                connection.rollback()
            else:
                connection.commit()
        except RETRIED:
            connection.rollback()
            gives_up = True
        (self.aborted if gives_up else self.committed).append(done)

    def _append(self, connection: psycopg.Connection[Any], done: Done, key: int, element: int) -> None:
        done.appends.append((key, element))
        connection.execute("UPDATE lists SET v = v || %s WHERE k = %s", (f"{element} ", key))


def read_list(connection: psycopg.Connection[Any], key: int) -> tuple[int, ...]:
    """A key's list."""
    ((text,),) = connection.execute("SELECT v FROM lists WHERE k = %s", (key,)).fetchall()
    return tuple(map(int, text.split()))


@dataclass
class History:
    """What all clients did, and the lists they left."""

    committed: list[Done]
    aborted: list[Done]
    final: Mapping[int, tuple[int, ...]]

    def phenomena(self, isolation: IsolationLevel) -> list[str]:
        """What must not happen at the isolation level and did; empty when all is well."""
        found = [*self._lost_or_invented(), *self._impossible_reads()]
        if found:
            return found  # without an order of writes there are no dependencies to judge
        ww, wr, rw = self._dependencies()
        found += [f"G0 {cycle}" for cycle in _cycles(_union(ww))]
        found += [f"G1c {cycle}" for cycle in _cycles(_union(ww, wr))]
        if isolation is not IsolationLevel.READ_COMMITTED:
            found += self._single_antidependency_cycles(_union(ww, wr), rw)
        return found

    def _lost_or_invented(self) -> list[str]:
        appended = defaultdict(set)
        for done in self.committed:
            for key, element in done.appends:
                appended[key].add(element)
        found = []
        for key, elements in self.final.items():
            if len(set(elements)) != len(elements):
                found.append(f"an element is twice in list {key}")
            if lost := appended[key] - set(elements):
                found.append(f"lost from list {key}: {sorted(lost)}")
            if invented := set(elements) - appended[key]:
                found.append(f"aborted or unknown in list {key}: {sorted(invented)}")
        return found

    def _impossible_reads(self) -> list[str]:
        last_of = {(key, self._writer(element)): element for key, e in self.final.items() for element in e}
        found = []
        for done in (*self.committed, *self.aborted):
            for key, elements in done.reads:
                if elements != self.final[key][: len(elements)]:
                    found.append(f"G1a or a fork: transaction {done.number} read {elements} of list {key}")
                elif elements and elements[-1] != last_of[key, self._writer(elements[-1])]:
                    found.append(f"G1b: transaction {done.number} read a part of {elements[-1]}'s appends")
        return found

    @staticmethod
    def _writer(element: int) -> int:
        return element // 10

    def _dependencies(self) -> tuple[_Edges, _Edges, _Edges]:
        ww, wr, rw = _Edges(set), _Edges(set), _Edges(set)
        for elements in self.final.values():
            for earlier, later in itertools.pairwise(elements):
                _connect(ww, self._writer(earlier), self._writer(later))
        for done in self.committed:
            for key, elements in done.reads:
                if elements:
                    _connect(wr, self._writer(elements[-1]), done.number)
                if len(elements) < len(self.final[key]):
                    _connect(rw, done.number, self._writer(self.final[key][len(elements)]))
        return ww, wr, rw

    def _single_antidependency_cycles(self, forward: _Edges, rw: _Edges) -> list[str]:
        everything = _union(forward, rw)
        return [
            f"G-single: {reader} read what {writer} then overwrote and depends on {writer}"
            for component in _cycles(everything)
            for reader in component
            for writer in rw.get(reader, ())
            if writer in component and _reaches(forward, writer, reader, within=component)
        ]


def _connect(edges: _Edges, source: int, target: int) -> None:
    if source != target:
        edges[source].add(target)


def _union(*parts: _Edges) -> _Edges:
    whole = _Edges(set)
    for part in parts:
        for source, targets in part.items():
            whole[source] |= targets
    return whole


def _reaches(edges: _Edges, source: int, target: int, *, within: Iterable[int]) -> bool:
    allowed, seen, waiting = set(within), {source}, [source]
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following == target:
                return True
            if following in allowed and following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def _cycles(edges: _Edges) -> list[frozenset[int]]:
    """Strongly connected components of more than one node.

    Kosaraju's algorithm: finishing order of a depth-first search, then one search against the edges per root.
    """
    backward = _Edges(set)
    for source, targets in edges.items():
        for target in targets:
            backward[target].add(source)
    order = _finishing_order(edges, set(edges) | set(backward))
    seen: set[int] = set()
    components = []
    for root in reversed(order):
        if root not in seen:
            component = _collect(backward, root, seen)
            if len(component) > 1:
                components.append(component)
    return components


def _finishing_order(edges: _Edges, nodes: Iterable[int]) -> list[int]:
    order: list[int] = []
    seen: set[int] = set()
    for root in sorted(nodes):
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(edges.get(root, ())))]
        while path:
            node, following = path[-1]
            step = next((n for n in following if n not in seen), None)
            if step is None:
                order.append(node)
                path.pop()
            else:
                seen.add(step)
                path.append((step, iter(edges.get(step, ()))))
    return order


def _collect(edges: _Edges, root: int, seen: set[int]) -> frozenset[int]:
    component, waiting = {root}, [root]
    seen.add(root)
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following not in seen:
                seen.add(following)
                component.add(following)
                waiting.append(following)
    return frozenset(component)
