"""Goal: sequence values never repeat, also after a crash. Method: scripts against PostgreSQL's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.sqltypes import INT8
from storage.catalog import Sequence
from storage.errors import SequenceLimitExceeded
from tests.storage.sample_tables import open_storage


def sequence(**options: int | bool) -> Sequence:
    return Sequence(15000, "s", 5, 10, type=INT8, **options)  # type: ignore[arg-type]


def test_values_and_state(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    s = sequence(start=5, increment=3)
    assert storage.next_sequence_values(s, 1).tolist() == [5]
    assert storage.next_sequence_values(s, 3).tolist() == [8, 11, 14]
    assert storage.sequence_state(15000) == (14, True)
    storage.set_sequence(15000, 50, False)
    assert storage.sequence_state(15000) == (50, False)
    assert storage.next_sequence_values(s, 2).tolist() == [50, 53]
    storage.set_sequence(15000, 50, True)
    assert storage.next_sequence_values(s, 100).tolist() == list(range(53, 353, 3))
    storage.close()


def test_unused_sequence_shows_its_start(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    with storage.begin() as transaction:
        transaction.put(sequence(start=9))
        transaction.commit()
    assert storage.sequence_state(15000) == (9, False)
    storage.close()


@pytest.mark.parametrize("is_clean", [True, False])
def test_restart_skips_at_most_what_was_logged_ahead(tmp_path: Path, is_clean: bool) -> None:
    s, last = sequence(), 0
    for _ in range(4):
        storage = open_storage(tmp_path)
        for count in (1, 5, 40, 1):
            values = storage.next_sequence_values(s, count).tolist()
            assert last < values[0] <= last + 33 and values == list(range(values[0], values[0] + count))
            last = values[-1]
        if is_clean:
            storage.close()
        else:
            storage.abandon()


def test_values_cost_one_fsync_in_33(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    before = storage.log.sync_count
    for _ in range(330):
        storage.next_sequence_values(sequence(), 1)
    assert storage.log.sync_count - before == 10
    storage.close()


def test_limits_and_cycles(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    up = sequence(minimum=1, maximum=5)
    assert storage.next_sequence_values(up, 4).tolist() == [1, 2, 3, 4]
    with pytest.raises(SequenceLimitExceeded, match=r'reached maximum value of sequence "s" \(5\)'):
        storage.next_sequence_values(up, 2)
    assert storage.next_sequence_values(up, 1).tolist() == [5]
    with pytest.raises(SequenceLimitExceeded):
        storage.next_sequence_values(up, 1)
    cycling = sequence(minimum=1, maximum=5, cycle=True)
    assert storage.next_sequence_values(cycling, 7).tolist() == [1, 2, 3, 4, 5, 1, 2]
    storage.abandon()
    storage = open_storage(tmp_path)
    down = sequence(minimum=-4, maximum=-1, start=-1, increment=-2)
    storage.set_sequence(15000, -1, False)
    assert storage.next_sequence_values(down, 2).tolist() == [-1, -3]
    with pytest.raises(SequenceLimitExceeded, match=r"reached minimum value"):
        storage.next_sequence_values(down, 1)
    storage.close()


def test_largest_values(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    s = sequence(start=2**63 - 2)
    assert storage.next_sequence_values(s, 2).tolist() == [2**63 - 2, 2**63 - 1]
    with pytest.raises(SequenceLimitExceeded):
        storage.next_sequence_values(s, 1)
    storage.close()


def test_dropped_sequence_is_forgotten(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    with storage.begin() as transaction:
        transaction.put(sequence())
        transaction.commit()
    storage.next_sequence_values(sequence(), 5)
    with storage.begin() as transaction:
        transaction.drop(15000)
        transaction.commit()
    storage.close()
    storage = open_storage(tmp_path)
    assert storage.sequence_state(15000) == (1, False)
    storage.close()
