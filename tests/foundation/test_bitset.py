"""Goal: bitsets agree with plain boolean lists. Method: seeded random masks of awkward lengths."""

import numpy as np
import pytest

from foundation import bitset


@pytest.mark.parametrize("row_count", [0, 1, 7, 8, 9, 63, 64, 65, 1000])
def test_round_trips_and_popcount(row_count: int) -> None:
    rng = np.random.default_rng(row_count)
    mask = rng.random(row_count) < 0.3
    bits = bitset.bits_from_mask(mask)
    assert bits.dtype == np.uint8 and len(bits) == bitset.byte_length(row_count)
    assert np.array_equal(bitset.mask_from_bits(bits, row_count), mask)
    assert bitset.popcount(bits, row_count) == int(mask.sum())
    offsets = bitset.offsets_from_bits(bits, row_count)
    assert offsets.tolist() == np.flatnonzero(mask).tolist()
    assert np.array_equal(bitset.bits_from_offsets(offsets, row_count), bits)
    assert [bitset.is_set(bits, i) for i in range(row_count)] == mask.tolist()


@pytest.mark.parametrize("row_count", [0, 1, 8, 13])
def test_all_and_none(row_count: int) -> None:
    assert bitset.popcount(bitset.all_bits(row_count), row_count) == row_count
    assert bitset.popcount(bitset.no_bits(row_count), row_count) == 0
    assert bitset.popcount(None, row_count) == row_count
    assert bitset.offsets_from_bits(None, row_count).tolist() == list(range(row_count))


def test_none_is_the_neutral_element() -> None:
    bits = bitset.bits_from_mask(np.array([True, False, True]))
    assert bitset.and_bits(None, None) is None
    assert bitset.and_bits(bits, None) is bits
    assert bitset.and_bits(None, bits) is bits
    other = bitset.bits_from_mask(np.array([True, True, False]))
    both = bitset.and_bits(bits, other)
    assert both is not None and bitset.mask_from_bits(both, 3).tolist() == [True, False, False]


def test_bit_order_is_arrows() -> None:
    import pyarrow as pa

    mask = np.arange(19) % 3 == 0
    assert bitset.bits_from_mask(mask).tobytes() == pa.array(mask).buffers()[1].to_pybytes()[:3]
