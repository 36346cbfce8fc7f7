"""inet, cidr, macaddr and macaddr8: functions and operators on addresses, networks and hardware addresses.

Values of inet and cidr are in the stored form of `foundation.network`, hardware addresses are their bytes.
https://www.postgresql.org/docs/15/functions-net.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidParameterValue, NumericValueOutOfRange
from foundation.network import (
    address_bits,
    address_text,
    longest_zeros,
    masked,
    pack_inet,
    unpack_inet,
)
from foundation.sqltypes import BPCHAR, CIDR, INET, MACADDR, MACADDR8, TEXT, VARCHAR
from planner.functions.datum import CallSite, Kernel
from planner.functions.rowwise import by_value, row_kernel

_INT64_END = 1 << 63

# ---------------------------------------------------------------------------------------------------------
# Text


def _full_text(value: bytes) -> str:
    """What a cast to text gives: the prefix is shown always."""
    address, prefix = unpack_inet(value)
    return f"{address_text(address)}/{prefix}"


def _shown(value: bytes) -> str:
    address, prefix = unpack_inet(value)
    return address_text(address) if prefix == address_bits(address) else _full_text(value)


def _abbreviated(value: bytes) -> str:
    """abbrev(cidr): without the octets or words behind the prefix (`inet_cidr_ntop` of PostgreSQL's inet_cidr_ntop.c)."""
    address, prefix = unpack_inet(value)
    if len(address) == 4:
        octets = address[: -(-prefix // 8)]
        return f"{'.'.join(map(str, octets)) or '0'}/{prefix}"
    return f"{_abbreviated_words(address, prefix)}/{prefix}" if prefix else "::/0"


def _abbreviated_words(address: bytes, prefix: int) -> str:
    count = max(-(-prefix // 16), 2)
    words = [int.from_bytes(address[i : i + 2], "big") for i in range(0, 2 * count, 2)]
    first, length = longest_zeros(words)
    is_mapped = length != count and first == 0
    is_mapped = is_mapped and (
        length == 6
        or (length == 5 and address[10:12] == b"\xff\xff")
        or (length == 7 and address[14] != 0 and address[15] != 1)
    )
    pieces: list[str] = []
    for at, word in enumerate(words):
        if first <= at < first + length:
            pieces += [":"] * ((at == first) + (at == count - 1))
        elif is_mapped and at > 5:
            pieces.append(f"{':' if at == 6 else '.'}{word >> 8}")
            if at != 7 or prefix > 120:
                pieces.append(f".{word & 255}")
        else:
            pieces.append(f"{':' if pieces else ''}{word:x}")
    return "".join(pieces)


# ---------------------------------------------------------------------------------------------------------
# Parts


def _all_ones(address: bytes) -> int:
    return (1 << address_bits(address)) - 1


def _number_of(address: bytes) -> int:
    return int.from_bytes(address, "big")


def _host_bits(address: bytes, prefix: int) -> int:
    """A number with ones behind the prefix."""
    return _all_ones(address) >> prefix


def _network(value: bytes) -> bytes:
    address, prefix = unpack_inet(value)
    return pack_inet(masked(address, prefix), prefix)


def _broadcast(value: bytes) -> bytes:
    address, prefix = unpack_inet(value)
    last = _number_of(address) | _host_bits(address, prefix)
    return pack_inet(last.to_bytes(len(address), "big"), prefix)


def _hostmask(value: bytes) -> bytes:
    address, prefix = unpack_inet(value)
    return pack_inet(_host_bits(address, prefix).to_bytes(len(address), "big"), address_bits(address))


def _netmask(value: bytes) -> bytes:
    address, prefix = unpack_inet(value)
    mask = _all_ones(address) ^ _host_bits(address, prefix)
    return pack_inet(mask.to_bytes(len(address), "big"), address_bits(address))


def _checked_prefix(address: bytes, prefix: int) -> int:
    if prefix == -1:
        return address_bits(address)
    if not 0 <= prefix <= address_bits(address):
        raise InvalidParameterValue(f"invalid mask length: {prefix}")
    return prefix


def _with_prefix(value: bytes, prefix: int) -> bytes:
    address, _ = unpack_inet(value)
    return pack_inet(address, _checked_prefix(address, prefix))


def _merged(left: bytes, right: bytes) -> bytes:
    """The smallest network that holds both."""
    (a, first), (b, second) = unpack_inet(left), unpack_inet(right)
    if len(a) != len(b):
        raise InvalidParameterValue("cannot merge addresses from different families")
    different = (_number_of(a) ^ _number_of(b)).bit_length()
    prefix = min(first, second, address_bits(a) - different)
    return pack_inet(masked(a, prefix), prefix)


# ---------------------------------------------------------------------------------------------------------
# Containment


def _contains(left: bytes, right: bytes) -> bool:
    """Whether the network of the left value holds that of the right one, or is it."""
    (a, first), (b, second) = unpack_inet(left), unpack_inet(right)
    return len(a) == len(b) and first <= second and masked(b, first) == masked(a, first)


def _contains_more(left: bytes, right: bytes) -> bool:
    return unpack_inet(left)[1] < unpack_inet(right)[1] and _contains(left, right)


def _overlaps(left: bytes, right: bytes) -> bool:
    return _contains(left, right) or _contains(right, left)


# ---------------------------------------------------------------------------------------------------------
# Arithmetic


def _combined(word: str, operation: Callable[[int, int], int]) -> Callable[[bytes, bytes], bytes]:
    def function(left: bytes, right: bytes) -> bytes:
        (a, first), (b, second) = unpack_inet(left), unpack_inet(right)
        if len(a) != len(b):
            raise InvalidParameterValue(f"cannot {word} inet values of different sizes")
        result = operation(_number_of(a), _number_of(b))
        return pack_inet(result.to_bytes(len(a), "big"), max(first, second))

    return function


def _inverted(value: bytes) -> bytes:
    address, prefix = unpack_inet(value)
    return pack_inet((_number_of(address) ^ _all_ones(address)).to_bytes(len(address), "big"), prefix)


def _moved(value: bytes, step: int) -> bytes:
    address, prefix = unpack_inet(value)
    number = _number_of(address) + step
    if not 0 <= number <= _all_ones(address):
        raise NumericValueOutOfRange("result is out of range")
    return pack_inet(number.to_bytes(len(address), "big"), prefix)


def _difference(left: bytes, right: bytes) -> int:
    a, b = unpack_inet(left)[0], unpack_inet(right)[0]
    if len(a) != len(b):
        raise InvalidParameterValue("cannot subtract inet values of different sizes")
    result = _number_of(a) - _number_of(b)
    if not -_INT64_END <= result < _INT64_END:
        raise NumericValueOutOfRange("result is out of range")
    return result


# ---------------------------------------------------------------------------------------------------------
# Hardware addresses


def _bytewise(operation: Callable[[int, int], int]) -> Callable[[bytes, bytes], bytes]:
    return lambda left, right: bytes(operation(a, b) for a, b in zip(left, right))


def _widened(value: bytes) -> bytes:
    return value[:3] + b"\xff\xfe" + value[3:]


def _narrowed(value: bytes) -> bytes:
    """macaddr8 -> macaddr. Raises NumericValueOutOfRange (22003) where it is not the longer form of one."""
    if value[3:5] != b"\xff\xfe":
        raise NumericValueOutOfRange(
            "macaddr8 data out of range to convert to macaddr",
            hint="Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example "
            "xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
        )
    return value[:3] + value[5:]


# ---------------------------------------------------------------------------------------------------------
# Tables


def network_conversions() -> dict[tuple[int, int], Callable[[pa.Array, CallSite], pa.Array]]:
    """Casts by (source OID, target OID)."""
    conversions = {
        (CIDR.oid, INET.oid): lambda column, site: column,
        (INET.oid, CIDR.oid): by_value(_network, pa.binary()),
        (MACADDR.oid, MACADDR8.oid): by_value(_widened, pa.binary(8)),
        (MACADDR8.oid, MACADDR.oid): by_value(_narrowed, pa.binary(6)),
    }
    for source in (INET.oid, CIDR.oid):
        for target in (TEXT.oid, VARCHAR.oid, BPCHAR.oid):
            conversions[source, target] = by_value(_full_text, pa.utf8())
    return conversions


def network_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    functions: dict[str, Callable[..., Any]] = {
        "abbrev(869)": _shown, "abbrev(650)": _abbreviated, "broadcast": _broadcast,
        "cidr(869)": _network, "network": _network, "family": lambda v: 4 if len(unpack_inet(v)[0]) == 4 else 6,
        "host": lambda v: address_text(unpack_inet(v)[0]), "text(869)": _full_text, "hostmask": _hostmask,
        "netmask": _netmask, "masklen": lambda v: unpack_inet(v)[1], "set_masklen(869,23)": _with_prefix,
        "set_masklen(650,23)": lambda v, prefix: _network(_with_prefix(v, prefix)),
        "inet_merge": _merged, "inet_same_family": lambda a, b: a[0] == b[0],
        "inetand": _combined("AND", int.__and__), "inetor": _combined("OR", int.__or__), "inetnot": _inverted,
        "inetpl": _moved, "int8pl_inet": lambda step, v: _moved(v, step), "inetmi_int8": lambda v, step: _moved(v, -step),
        "inetmi": _difference, "network_overlap": _overlaps,
        "network_supeq": _contains, "network_sup": _contains_more,
        "network_subeq": lambda a, b: _contains(b, a), "network_sub": lambda a, b: _contains_more(b, a),
        "trunc(829)": lambda v: v[:3] + bytes(3), "trunc(774)": lambda v: v[:3] + bytes(5),
        "macaddr8_set7bit": lambda v: bytes((v[0] | 2,)) + v[1:],
        "macaddr(774)": _narrowed, "macaddr8(829)": _widened,
    }  # fmt: skip
    for name in ("macaddr", "macaddr8"):
        functions[f"{name}_and"] = _bytewise(int.__and__)
        functions[f"{name}_or"] = _bytewise(int.__or__)
        functions[f"{name}_not"] = lambda v: bytes(byte ^ 255 for byte in v)
    return {name: row_kernel(function) for name, function in functions.items()}
