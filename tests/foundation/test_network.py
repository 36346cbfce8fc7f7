"""Goal: the stored form of inet is reversible and sorts as PostgreSQL does; texts of addresses read back.

Method: seeded random addresses; the order's definition (family, common bits, prefix, address) and Python's ipaddress
module are the oracles.
"""

from __future__ import annotations

import functools
import ipaddress
import random

from foundation.network import address_text, masked, pack_inet, unpack_inet

Value = tuple[bytes, int]


def drawn_values(count: int) -> list[Value]:
    source = random.Random(5)
    values = []
    for _ in range(count):
        size = source.choice((4, 16))
        address = bytes(source.choice((0, 0, 10, 128, 255)) for _ in range(size))
        values.append((address, source.choice((8 * size, source.randrange(8 * size + 1)))))
    return values


def compared(left: Value, right: Value) -> int:
    """network_cmp_internal, as PostgreSQL's network.c has it."""
    (a, first), (b, second) = left, right
    if len(a) != len(b):
        return len(a) - len(b)
    common = min(first, second)
    for x, y in ((masked(a, common), masked(b, common)), (first, second), (a, b)):
        if x != y:
            return -1 if x < y else 1  # type: ignore[operator]
    return 0


def test_bytes_sort_as_the_type_does() -> None:
    values = drawn_values(2000)
    by_meaning = sorted(values, key=functools.cmp_to_key(compared))
    assert sorted(values, key=lambda value: pack_inet(*value)) == by_meaning
    assert [unpack_inet(pack_inet(*value)) for value in values] == values


def test_a_value_has_one_form() -> None:
    forms = {pack_inet(*value) for value in drawn_values(2000)}
    assert len(forms) == len(set(drawn_values(2000)))


def test_texts_name_the_address() -> None:
    for address, _ in drawn_values(2000):
        assert ipaddress.ip_address(address_text(address)).packed == address
