"""inet and cidr between their stored form and bytes of addresses.

A stored value is: one byte family (2 IPv4, 3 IPv6), the network (4 or 16 bytes, the address with all bits behind the
prefix zero), one byte prefix length, and the address itself where it is not the network. PostgreSQL orders by family,
then by the bits that both prefixes have, then by the length of the prefix, then by the address (`network_cmp_internal` of
postgres/postgres:src/backend/utils/adt/network.c); bytes in this form sort the same. inet and cidr share it.

    10.1.2.3/8     02  0a000000  08  0a010203
    10.0.0.0/8     02  0a000000  08
"""

from __future__ import annotations

IPV4, IPV6 = 2, 3
"""PostgreSQL's numbers of the families, in its binary form too."""
_BITS = {IPV4: 32, IPV6: 128}


def address_bits(address: bytes) -> int:
    """How many bits an address has: 32 or 128."""
    return 8 * len(address)


def masked(address: bytes, prefix: int) -> bytes:
    """The address with all bits behind the prefix zero."""
    bits = address_bits(address)
    kept = int.from_bytes(address, "big") >> (bits - prefix) << (bits - prefix)
    return kept.to_bytes(len(address), "big")


def pack_inet(address: bytes, prefix: int) -> bytes:
    """The stored form of an address of 4 or 16 bytes with a prefix length that it may have."""
    family = IPV4 if len(address) == 4 else IPV6
    network = masked(address, prefix)
    head = bytes((family,)) + network + bytes((prefix,))
    return head if network == address else head + address


def unpack_inet(value: bytes) -> tuple[bytes, int]:
    """(address of 4 or 16 bytes, prefix length)."""
    size = _BITS[value[0]] // 8
    prefix = value[1 + size]
    address = value[2 + size :]
    return address or value[1 : 1 + size], prefix


def address_text(address: bytes) -> str:
    """`10.1.2.3` or `2001:db8::1`: the longest run of zero words is left out, mapped IPv4 addresses end dotted.

    As `pg_inet_net_ntop` of postgres/postgres:src/port/inet_net_ntop.c.
    """
    if len(address) == 4:
        return ".".join(map(str, address))
    words = [int.from_bytes(address[i : i + 2], "big") for i in range(0, 16, 2)]
    first, length = longest_zeros(words)
    if length < 2:
        first, length = -1, 0
    pieces: list[str] = []
    for at, word in enumerate(words):
        if first <= at < first + length:
            if at == first:
                pieces.append(":")
            continue
        if at:
            pieces.append(":")
        is_mapped = first == 0 and at == 6
        if is_mapped and (
            length == 6 or (length == 7 and words[7] != 1) or (length == 5 and words[5] == 0xFFFF)
        ):
            return "".join(pieces) + address_text(address[12:])
        pieces.append(f"{word:x}")
    if first != -1 and first + length == 8:
        pieces.append(":")
    return "".join(pieces)


def longest_zeros(words: list[int]) -> tuple[int, int]:
    """(first, length) of the longest run of zeros, the first of several; (-1, 0) without one."""
    best = (-1, 0)
    start = -1
    for at, word in enumerate([*words, 1]):
        if word == 0:
            start = at if start < 0 else start
        elif start >= 0:
            best = (start, at - start) if at - start > best[1] else best
            start = -1
    return best
