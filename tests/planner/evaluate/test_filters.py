"""Goal: filter bitsets are right for every kind of segment, cheap the third time, and never hide an error.

Method: a stored table against Python's filter of the same rows; the cache is watched through its counters.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foundation.bitset import and_bits, mask_from_bits, offsets_from_bits
from foundation.errors import DivisionByZero
from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, INT8, TEXT
from planner import bound
from planner.evaluate import filter_bits
from planner.evaluate.bitset_cache import BITSETS, BitsetCache
from planner.evaluate.filters import bits_of_booleans
from planner.evaluate.zone_maps import can_match
from storage import SegmentView
from tests.planner.stored_items import ID, SECTION, SIZE, TABLE, Items, random_rows, run, scan, topk
from tests.planner.trees import all_of, const, integer, op, param, text


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    table = Items(tmp_path / "data")
    yield table
    table.close()
    BITSETS.clear()


def segments(items: Items) -> tuple[SegmentView, ...]:
    return items.storage.begin().table_view(TABLE).segments


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 1001])
@pytest.mark.parametrize("offset", [0, 3, 8])
def test_bits_of_booleans(length: int, offset: int) -> None:
    random = np.random.default_rng(length)
    values = [None if r < 0.2 else bool(r < 0.6) for r in random.random(length + offset)]
    array = pa.array(values, pa.bool_()).slice(offset)
    mask = mask_from_bits(bits_of_booleans(array), length)
    assert mask.tolist() == [value is True for value in values[offset:]]


def test_filter_over_all_segments(items: Items) -> None:
    items.insert(random_rows(1, 0, 100))
    items.seal()
    items.insert(random_rows(2, 100, 50))
    items.delete([3, 50, 120])
    predicate = all_of(op("=", SECTION, text("python")), op(">", SIZE, param(0, INT8)))
    found = []
    for segment in segments(items):
        bits = and_bits(segment.visible_bits, filter_bits(predicate, segment, scan(), items.context(100)))
        found += np.asarray(segment.column(1))[offsets_from_bits(bits, segment.row_count)].tolist()
    wanted = [
        row["id"] for row in items.rows.values()
        if row["section"] == "python" and row["size"] is not None and row["size"] > 100
    ]  # fmt: skip
    assert sorted(found) == sorted(wanted)


def test_all_rows_is_none(items: Items) -> None:
    items.insert(random_rows(1, 0, 20))
    (segment,) = segments(items)
    assert filter_bits(op(">=", ID, integer(0)), segment, scan(), items.context()) is None
    assert filter_bits(const(True, bound.BOOL), segment, scan(), items.context()) is None
    nothing = filter_bits(op("=", ID, integer(None)), segment, scan(), items.context())
    assert nothing is not None and not nothing.any()


def test_errors_of_deleted_rows_do_not_show(items: Items) -> None:
    items.insert([{"id": i, "section": None, "size": i, "embedding": None} for i in range(10)])
    items.seal()
    quotient = op("=", op("/", const(10, INT8), SIZE), const(5, INT8))
    with pytest.raises(DivisionByZero):
        run(topk([], where=quotient), items.context())
    items.delete([0])
    assert run(topk([], where=quotient), items.context()) == [(2,)]


def test_cached_from_the_second_use(items: Items) -> None:
    items.insert(random_rows(1, 0, 3000))
    items.seal()
    BITSETS.clear()
    (segment,) = segments(items)
    predicate = op("=", SECTION, param(0, TEXT))
    before = BITSETS.hit_count
    answers = [filter_bits(predicate, segment, scan(), items.context("rust")) for _ in range(4)]
    assert BITSETS.hit_count - before == 2
    assert all(np.array_equal(answers[0], answer) for answer in answers)
    assert items.memory.held()["filter bitsets"] == BITSETS.size_bytes > 0
    other = filter_bits(predicate, segment, scan(), items.context("libs"))
    assert not np.array_equal(answers[0], other)
    items.delete([0, 1, 2])
    (after_delete,) = segments(items)
    filter_bits(predicate, after_delete, scan(), items.context("rust"))
    assert BITSETS.hit_count - before == 3, "deletes do not change what a predicate selects"
    BITSETS.clear()
    assert "filter bitsets" not in items.memory.held()


def test_volatile_and_stable_predicates_are_not_cached(items: Items) -> None:
    from tests.planner.trees import fn

    items.insert(random_rows(1, 0, 50))
    items.seal()
    BITSETS.clear()
    (segment,) = segments(items)
    predicate = op("<", fn("random"), const(0.5, bound.SqlType(701)))
    for _ in range(4):
        filter_bits(predicate, segment, scan(), items.context())
    assert BITSETS.size_bytes == 0


def test_cache_is_bounded_and_keeps_sparse_sets_small() -> None:
    cache, budget = BitsetCache(limit_bytes=20_000), MemoryBudget(1 << 20)
    dense = np.full(1000, 0xAA, dtype=np.uint8)
    sparse = np.zeros(1000, dtype=np.uint8)
    sparse[500] = 1
    for key in range(100):
        for _ in range(2):
            cache.put(key, sparse if key % 2 else dense, 8000, budget)
    assert cache.size_bytes <= 20_000
    assert budget.held()["filter bitsets"] == cache.size_bytes
    found = cache.get(99)
    assert found is not None and np.array_equal(found, sparse)
    assert np.array_equal(cache.get(98), dense)
    assert cache.get(0) is None


def test_cache_gives_way_to_the_memory_limit() -> None:
    cache, budget = BitsetCache(), MemoryBudget(100)
    for _ in range(3):
        cache.put("key", np.zeros(1000, dtype=np.uint8), 8000, budget)
    assert cache.get("key") is None and not budget.held()


def test_zone_maps_rule_segments_out(items: Items) -> None:
    items.insert([{"id": i, "section": f"s{i:03}", "size": None, "embedding": None} for i in range(100)])
    items.seal()
    (segment,) = segments(items)
    context = items.context(500)

    def matches(predicate: bound.Expression) -> bool:
        return can_match(predicate, segment, scan(), context)

    assert matches(op("=", ID, integer(99))) and not matches(op("=", ID, integer(100)))
    assert matches(op("<", integer(98), ID)) and not matches(op("<", integer(99), ID))
    assert not matches(op(">=", ID, param(0, INT4)))
    assert matches(op("=", SECTION, text("s050"))) and not matches(op("<", SECTION, text("s000")))
    assert not matches(all_of(op("=", ID, integer(1)), op("=", SECTION, text("zzz"))))
    assert not matches(op("=", ID, integer(None)))
    assert not matches(op("=", SIZE, const(1, INT8)))
    for number in (-1, 0, 50, 99, 100):
        assert len(run(topk([], where=op("=", ID, integer(number))), context)) == (0 <= number < 100)
