"""Goal: a run is exactly the pipelined executions at the front of the buffer, with the cells their Binds decode to.

Method: random pipelines, cut anywhere, with messages of other shapes in between; the oracle decodes frame by frame.
"""

from __future__ import annotations

import random

from sqlfront.protocol.bind_runs import ROWS_MAX, BindRun, RunCollector
from sqlfront.protocol.extended_query import Bind, Describe, Execute, Sync, Target
from sqlfront.protocol.framing import FrameReader

HEADER_BYTES = 5
VALUES = (None, b"", b"1", b"B\0\0\0\x0a", b"\xff" * 300)


def random_bind(chance: random.Random, count: int, *, portal: str = "", statement: str = "s") -> Bind:
    values = tuple(chance.choice(VALUES) for _ in range(count))
    return Bind(portal, statement, (1,), values, (1,))


def executed(bind: Bind, *, is_described: bool) -> list[bytes]:
    described = [Describe(Target.PORTAL, bind.portal).encode()] if is_described else []
    return [bind.encode(), *described, Execute(bind.portal, 0).encode()]


def find_run(first: Bind, reader: FrameReader) -> BindRun | None:
    """What is collected of what has arrived."""
    collector = RunCollector(first, reader)
    collector.collect()
    return collector.run()


def may_grow(first: Bind, reader: FrameReader) -> bool:
    return RunCollector(first, reader).collect()


def reader_of(messages: list[bytes], cut_bytes: int = 0) -> tuple[Bind, FrameReader]:
    """The Bind that is the first message, and a reader with the rest."""
    data = b"".join(messages)
    reader = FrameReader()
    reader.feed(data[len(messages[0]) : len(data) - cut_bytes])
    return Bind.decode(messages[0][HEADER_BYTES:]), reader


def test_cells_and_end_of_random_pipelines() -> None:
    chance = random.Random(5)
    for _ in range(300):
        count, rows, is_described = chance.randrange(4), chance.randrange(2, 12), chance.random() < 0.5
        binds = [random_bind(chance, count) for _ in range(rows)]
        pipeline = [part for bind in binds for part in executed(bind, is_described=is_described)]
        other = chance.choice(
            [
                [Sync().encode()],
                executed(random_bind(chance, count, statement="t"), is_described=is_described),
                executed(random_bind(chance, count, portal="p"), is_described=is_described),
                executed(random_bind(chance, count + 1), is_described=is_described),
                executed(random_bind(chance, count), is_described=not is_described),
                [random_bind(chance, count).encode(), Execute("", 5).encode()],
            ]
        )
        first, reader = reader_of(pipeline + other)
        run = find_run(first, reader)
        assert run is not None and run.first == binds[0] and run.is_described == is_described
        assert run.count == rows
        assert [list(column) for column in run.columns] == [
            [bind.parameters[number] for bind in binds] for number in range(count)
        ]
        reader.skip(run.unread_bytes)
        assert reader.peek(0, 1 << 20) == b"".join(other)


def test_only_whole_executions_are_taken() -> None:
    chance = random.Random(6)
    binds = [random_bind(chance, 2) for _ in range(4)]
    pipeline = [part for bind in binds for part in executed(bind, is_described=False)]
    last_bytes = sum(map(len, pipeline[-2:]))
    for cut_bytes in range(1, last_bytes + 1):
        first, reader = reader_of(pipeline, cut_bytes)
        run = find_run(first, reader)
        assert run is not None and run.count == 3


def test_a_bind_alone_is_no_run() -> None:
    chance = random.Random(7)
    bind = random_bind(chance, 2)
    for following in ([], executed(bind, is_described=False)[1:], [Sync().encode()]):
        first, reader = reader_of([bind.encode(), *following])
        assert find_run(first, reader) is None


def test_a_run_is_bounded() -> None:
    bind = Bind("", "s", (), (b"1",), ())
    first, reader = reader_of(executed(bind, is_described=True) * (ROWS_MAX + 5))
    run = find_run(first, reader)
    assert run is not None and run.count == ROWS_MAX


def test_lengths_that_lie_end_the_run() -> None:
    chance = random.Random(8)
    for _ in range(500):
        binds = [random_bind(chance, 2) for _ in range(3)]
        messages = [part for bind in binds for part in executed(bind, is_described=False)]
        broken = bytearray(messages[2])
        broken[chance.randrange(1, len(broken))] ^= 1 << chance.randrange(8)
        messages[2] = bytes(broken)
        first, reader = reader_of(messages)
        run = find_run(first, reader)
        assert run is None or run.count in (2, 3)


def test_a_run_grows_until_something_else_comes() -> None:
    chance = random.Random(9)
    for is_described in (False, True):
        binds = [random_bind(chance, 2) for _ in range(3)]
        parts = [part for bind in binds for part in executed(bind, is_described=is_described)]
        whole = b"".join(parts)
        for length in range(len(parts[0]), len(whole) + 1):
            first, reader = reader_of([parts[0], whole[len(parts[0]) : length]])
            assert may_grow(first, reader), length
        for other in (Sync().encode(), Execute("p", 0).encode(), b"H\0\0\0\4", b"H", b"Q\0\0"):
            for count in (1, 2, 3):
                first, reader = reader_of([*parts[: count * (3 if is_described else 2)], other])
                assert not may_grow(first, reader)
    first, reader = reader_of([random_bind(chance, 2, portal="p").encode()])
    assert not may_grow(first, reader)


def test_what_arrives_in_pieces_is_the_same_run() -> None:
    chance = random.Random(10)
    for _ in range(200):
        is_described = chance.random() < 0.5
        binds = [random_bind(chance, 2) for _ in range(chance.randrange(2, 9))]
        parts = [part for bind in binds for part in executed(bind, is_described=is_described)]
        data = b"".join(parts[1:])
        reader = FrameReader()
        collector = RunCollector(binds[0], reader)
        position = 0
        while position < len(data):
            assert collector.collect()
            size = chance.randrange(1, 40)
            reader.feed(data[position : position + size])
            position += size
        assert collector.collect()
        reader.feed(Sync().encode())
        assert not collector.collect()
        run = collector.run()
        assert run is not None and run.count == len(binds) and run.is_described == is_described
        assert [list(row) for row in zip(*run.columns)] == [list(bind.parameters) for bind in binds]
        reader.skip(run.unread_bytes)
        assert reader.peek(0, 100) == Sync().encode()
