"""Goal: key look-up finds exactly the equal keys. Method: a dictionary over Python values as the oracle."""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import FeatureNotSupported, UniqueViolation
from foundation.sqltypes import (
    BOOL,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VECTOR,
    SqlType,
    arrow_type,
    numeric_typmod,
)
from storage import LocalFiles
from storage import keys as keys_module
from storage.blockfile import BlockFile
from storage.catalog import Column, Index, IndexKey, Table
from storage.errors import LockNotAvailable
from storage.key_specs import KeySpec, key_spec
from storage.keys import GrowingKeys, SortedKeys, first_duplicate, key_batch, matching_rows
from storage.locks import Waiting
from tests.storage.sample_tables import (
    batch,
    columns_batch,
    delete_ids,
    ids_of,
    insert,
    make_table,
    open_storage,
    row_ids_of,
)

SPEC_TYPES: dict[str, tuple[SqlType, Callable[[random.Random], Any]]] = {
    "int2": (INT2, lambda r: r.randrange(-5, 5)),
    "int4": (INT4, lambda r: r.choice([0, -1, 2**31 - 1, -(2**31), r.randrange(9)])),
    "int8": (INT8, lambda r: r.choice([2**63 - 1, -(2**63), 0, r.randrange(9)])),
    "bool": (BOOL, lambda r: r.random() < 0.5),
    "text": (TEXT, lambda r: r.choice(["", "a", "aa", "ä", "b" * 40, "a" * r.randrange(9)])),
    "bytea": (BYTEA, lambda r: bytes(r.randrange(3) for _ in range(r.randrange(3)))),
    "float8": (FLOAT8, lambda r: r.choice([0.0, -0.0, float("nan"), float("inf"), 1.5, r.randrange(4)])),
    "float4": (FLOAT4, lambda r: r.choice([0.0, -0.0, float("nan"), 1.5])),
    "numeric": (
        NUMERIC,
        lambda r: r.choice(["1", "1.0", "1.00", "10", "100", "0.10", "0.1", "NaN", "0", "0.0"]),
    ),
    "numeric(9,2)": (SqlType(1700, numeric_typmod(9, 2)), lambda r: Decimal(r.randrange(9)) / 4),
    "date": (DATE, lambda r: datetime.date(2020, 1, r.randrange(1, 9))),
    "timestamp": (TIMESTAMP, lambda r: datetime.datetime(2020, 1, 1, r.randrange(9))),
    "timestamptz": (
        TIMESTAMPTZ,
        lambda r: datetime.datetime(2020, 1, 1, r.randrange(9), tzinfo=datetime.UTC),
    ),
    "uuid": (UUID, lambda r: bytes([r.randrange(4)] * 15 + [r.randrange(3)])),
    "interval": (
        INTERVAL,
        lambda r: pa.MonthDayNano(r.choice([(1, 0, 0), (0, 30, 0), (0, 1, 0), (0, 0, 5)])),
    ),
    "vector": (SqlType(VECTOR.oid, 2), lambda r: [r.choice([0.0, -0.0, 1.0]), float(r.randrange(2))]),
    "int4[]": (SqlType(1007), lambda r: [r.randrange(3) for _ in range(r.randrange(3))]),
}


def oracle_key(name: str, value: Any) -> Any:
    """A hashable that is equal for equal SQL values; None for NULL."""
    if value is None:
        return None
    if name == "numeric":
        return "NaN" if value == "NaN" else Decimal(value)
    if isinstance(value, float) and value != value:
        return "NaN"
    if name == "interval":
        return (value.months * 30 + value.days, value.nanoseconds)
    return tuple(value) if isinstance(value, list) else value


def random_columns(names: list[str], count: int, rng: random.Random) -> tuple[list[pa.Array], list[Any]]:
    columns, oracle = [], [[] for _ in range(count)]
    for name in names:
        sql_type, draw = SPEC_TYPES[name]
        values = [None if rng.random() < 0.1 else draw(rng) for _ in range(count)]
        columns.append(pa.array(values, type=arrow_type(sql_type)))
        for row, value in zip(oracle, values):
            row.append(oracle_key(name, value))
    return columns, [tuple(row) for row in oracle]


class Rows:
    """`KeyedRows` over plain arrays, with one or the other look-up structure."""

    def __init__(self, spec: KeySpec, columns: list[pa.Array], *, growing: bool) -> None:
        self.columns = dict(zip(spec.attnums, columns))
        keys = key_batch(spec, columns)
        self.structure: GrowingKeys | SortedKeys = SortedKeys.build(keys)
        if growing:
            self.structure = GrowingKeys()
            half = [column.slice(0, len(keys) // 2) for column in columns]
            self.structure.catch_up(key_batch(spec, half), 0)
            self.structure.catch_up(keys, 0)

    def probe_keys(self, spec: KeySpec, hashes: Any) -> Any:
        return self.structure.probe(hashes)

    def take_column(self, attnum: int, offsets: Any) -> pa.Array:
        return self.columns[attnum].take(pa.array(offsets))


def check_matches(names: list[str], seed: int, growing: bool, *, nulls_not_distinct: bool = False) -> None:
    rng = random.Random(seed)
    types = tuple(SPEC_TYPES[n][0] for n in names)
    spec = KeySpec(1, tuple(range(1, len(names) + 1)), types, nulls_not_distinct)
    stored, stored_keys = random_columns(names, 60, rng)
    asked, asked_keys = random_columns(names, 40, rng)
    asked = [pa.concat_arrays([a.slice(5), a.slice(0, 5)]).slice(3) for a in asked]
    asked_keys = (asked_keys[5:] + asked_keys[:5])[3:]
    by_key = defaultdict(list)
    for offset, key in enumerate(stored_keys):
        by_key[key].append(offset)
    rows = Rows(spec, stored, growing=growing)
    for by_equality in (False, True):
        finds_nulls = nulls_not_distinct and not by_equality
        found = ((p, key) for p, key in enumerate(asked_keys) if finds_nulls or None not in key)
        expected = {(p, o) for p, key in found for o in by_key[key]}
        keys = key_batch(spec, asked, by_equality=by_equality)
        positions, offsets = matching_rows(rows, spec, keys)
        assert set(zip(positions.tolist(), offsets.tolist())) == expected
        assert len(positions) == len(expected) and (np.diff(positions) >= 0).all()


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("name", list(SPEC_TYPES))
def test_single_column_keys(name: str, growing: bool) -> None:
    for seed in range(3):
        check_matches([name], seed, growing)
        check_matches([name], seed, growing, nulls_not_distinct=True)


@pytest.mark.parametrize("growing", [False, True])
def test_many_column_keys(growing: bool) -> None:
    for seed in range(10):
        names = random.Random(seed).sample([n for n in SPEC_TYPES if n != "text"], 2)
        check_matches(["bool", *names], seed, growing)
        check_matches(["bool", *names], seed, growing, nulls_not_distinct=True)


def test_hash_collisions_cost_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "_mixed", lambda values: values & np.uint64(1))
    for seed in range(5):
        for growing in (False, True):
            check_matches(["bytea"], seed, growing)
            check_matches(["int4", "uuid"], seed, growing)
    spec = KeySpec(1, (1,), (INT4,))
    assert first_duplicate(key_batch(spec, [pa.array([1, 3, 5, 7, 3], pa.int32())])) == (1, 4)
    assert first_duplicate(key_batch(spec, [pa.array([1, 3, 5, 7, 9], pa.int32())])) is None


@pytest.mark.parametrize("nulls_not_distinct", [False, True])
def test_first_duplicate_against_a_set(nulls_not_distinct: bool) -> None:
    rng = random.Random(9)
    spec = KeySpec(1, (1, 2), (INT4, TEXT), nulls_not_distinct)
    for _ in range(100):
        columns, keys = random_columns(["int4", "text"], rng.randrange(0, 12), rng)
        seen: dict[Any, int] = {}
        expected = None
        for row, key in enumerate(keys):
            if key in seen and (nulls_not_distinct or None not in key):
                expected = row
                break
            seen[key] = row
        pair = first_duplicate(key_batch(spec, columns))
        assert (None if pair is None else pair[1]) == expected
        assert pair is None or keys[pair[0]] == keys[pair[1]]


def test_empty_batches() -> None:
    spec = KeySpec(1, (1,), (TEXT,))
    empty = key_batch(spec, [pa.array([], pa.utf8())])
    assert len(empty) == 0 and first_duplicate(empty) is None
    positions, offsets = matching_rows(Rows(spec, [pa.array([], pa.utf8())], growing=False), spec, empty)
    assert len(positions) == len(offsets) == 0


def test_hashes_do_not_change() -> None:
    """Key files hold them: a changed hash function would need another format number."""
    spec = KeySpec(1, (1, 2), (INT4, TEXT))
    hashes = key_batch(spec, [pa.array([1, 2], pa.int32()), pa.array(["a", "bc"])]).hashes
    assert hashes.tolist() == [12718524262010718960, 2275156377296933255]
    nulls = replace(spec, nulls_not_distinct=True)
    hashes = key_batch(nulls, [pa.array([None, 2], pa.int32()), pa.array([None, "bc"])]).hashes
    assert hashes.tolist() == [9998068925682041297, 2275156377296933255]


def test_sorted_keys_find_what_a_dictionary_finds() -> None:
    """Few and many keys at once, repeated in the rows and among the wanted ones, below and above all hashes."""
    generator = np.random.default_rng(6)
    hashes = np.sort(generator.integers(10, 3000, 2000).astype(np.uint64))
    offsets = generator.permutation(2000).astype(np.uint32)
    rows = defaultdict(list)
    for key_hash, offset in zip(hashes.tolist(), offsets.tolist()):
        rows[key_hash].append(offset)
    keys = SortedKeys(hashes, offsets)
    for count in (0, 1, 7, 255, 256, 257, 5000):
        wanted = generator.integers(0, 3010, count).astype(np.uint64)
        positions, found = keys.probe(wanted)
        pairs = [(i, offset) for i, key_hash in enumerate(wanted.tolist()) for offset in rows[key_hash]]
        assert list(zip(positions.tolist(), found.tolist())) == pairs


def test_the_hash_of_one_key_is_that_of_the_key_among_others() -> None:
    generator = np.random.default_rng(5)
    values = generator.integers(-(2**63), 2**63 - 1, 500, endpoint=True).tolist()
    values += [0, 1, -1, 2**63 - 1, -(2**63)]
    for sql_type, items in ((INT8, values), (TEXT, [str(value) for value in values])):
        spec = KeySpec(1, (1,), (sql_type,))
        column = pa.array(items, arrow_type(sql_type))
        together = key_batch(spec, [column]).hashes
        alone = [key_batch(spec, [column.slice(i, 1)]).hashes[0] for i in range(len(items))]
        assert together.tolist() == alone


def test_what_storage_cannot_evaluate_is_refused() -> None:
    table = Table(1, "t", 5, 10, columns=(Column(1, "a", INT4),))
    index = Index(2, "i", 5, 10, table_oid=1, keys=(IndexKey(1),), is_unique=True, predicate_sql="a > 0")
    with pytest.raises(FeatureNotSupported, match="partial unique indexes"):
        key_spec(table, index)
    index = Index(2, "i", 5, 10, table_oid=1, keys=(IndexKey(0, expression_sql="lower(a)"),), is_unique=True)
    with pytest.raises(FeatureNotSupported, match="expressions"):
        key_spec(table, index)


def test_violations_name_the_key(tmp_path: Path) -> None:
    columns = (Column(1, "a", INT4), Column(2, "b", TEXT))
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, columns=columns, key=(2, 1))
    with storage.begin() as transaction:
        transaction.insert(table.oid, columns_batch(columns, [[1, 2, None, None], ["x", "x", "x", "x"]]))
        transaction.commit()
    for _ in range(2):
        transaction = storage.begin()
        with pytest.raises(UniqueViolation) as caught:
            transaction.insert(table.oid, columns_batch(columns, [[3, 2], ["x", "x"]]))
        assert caught.value.message == 'duplicate key value violates unique constraint "t_pkey"'
        assert caught.value.detail == "Key (b, a)=(x, 2) already exists."
        with pytest.raises(UniqueViolation, match="t_pkey"):
            transaction.insert(table.oid, columns_batch(columns, [[9, 9], ["y", "y"]]))
        transaction.rollback()
        storage.flush_table(table.oid)
    storage.close()


def test_an_insert_waits_for_the_transaction_that_inserts_its_key(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    first, second, third = storage.begin(), storage.begin(), storage.begin()
    second.locks.waiting = Waiting(lock_timeout_ms=1)
    first.insert(table.oid, batch([1]))
    with pytest.raises(LockNotAvailable):
        second.insert(table.oid, batch([5, 1]))
    third.insert(table.oid, batch([2]))
    third.commit()
    first.commit()
    with pytest.raises(UniqueViolation) as caught:
        second.insert(table.oid, batch([5, 1]))
    assert caught.value.detail == "Key (id)=(1) already exists."
    second.rollback()
    storage.close()


def test_an_insert_waits_for_the_transaction_that_deletes_its_key(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    first, second = storage.begin(), storage.begin()
    second.locks.waiting = Waiting(lock_timeout_ms=1)
    delete_ids(first, table, [1])
    with pytest.raises(LockNotAvailable):
        second.insert(table.oid, batch([1]))
    first.commit()
    second.insert(table.oid, batch([1]))
    second.commit()
    assert ids_of(storage, table) == [1]
    storage.close()


def test_an_insert_waits_for_the_transaction_that_updates_the_row_with_its_key(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1])
    first, second = storage.begin(), storage.begin()
    second.locks.waiting = Waiting(lock_timeout_ms=1)
    first.update(table.oid, row_ids_of(first, table, [1]), batch([1], ["x"]), changed=frozenset([2]))
    with pytest.raises(LockNotAvailable):
        second.insert(table.oid, batch([1]))
    first.rollback()
    with pytest.raises(UniqueViolation):
        second.insert(table.oid, batch([1]))
    second.rollback()
    storage.close()


def test_damaged_key_file_is_computed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(10))
    storage.flush_table(table.oid)
    storage.close()
    for damage in (lambda b: b[:70] + bytes([b[70] ^ 1]) + b[71:], lambda b: b[:50], None):
        (key_file,) = (tmp_path / "data").glob("*.keys")
        if damage is None:
            key_file.unlink()
        else:
            key_file.write_bytes(damage(key_file.read_bytes()))
        storage = open_storage(tmp_path)
        with pytest.raises(UniqueViolation):
            insert(storage, table, [7])
        insert(storage, table, [100 + len(caplog.records)])
        storage.close()
        (written,) = (tmp_path / "data").glob("*.keys")
        assert BlockFile.open(LocalFiles(), str(written)).array("offsets").tolist(), (
            "the checkpoint wrote it anew"
        )
    assert any("computed again" in record.message for record in caplog.records)
    assert len(list((tmp_path / "data").glob("*.keys"))) == 1


def test_one_hash_is_probed_as_among_others() -> None:
    """Hashes that are there once, several times, and not at all, below and beyond all others among them."""
    generator = np.random.default_rng(4)
    hashes = np.sort(generator.integers(10, 60, 80).astype(np.uint64))
    keys = SortedKeys(hashes, generator.permutation(80).astype(np.uint32))
    asked = np.arange(70, dtype=np.uint64)
    positions, offsets = keys.probe(asked)
    for position, one in enumerate(asked):
        alone, found = keys.probe(np.array([one]))
        assert found.tolist() == offsets[positions == position].tolist()
        assert alone.tolist() == [0] * len(found) and found.dtype == alone.dtype == np.int64
    nothing = SortedKeys(hashes[:0], np.zeros(0, dtype=np.uint32)).probe(asked[:1])
    assert [len(part) for part in nothing] == [0, 0]
