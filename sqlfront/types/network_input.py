"""Texts of addresses and networks, read as PostgreSQL reads them.

Follows `inet_net_pton_ipv4`, `inet_cidr_pton_ipv4` and `inet_cidr_pton_ipv6` of
postgres/postgres:src/backend/utils/adt/inet_net_pton.c, which read what the C library's functions do not: prefixes,
networks without their last octets (`10.1/16`, as cidr also `192.168.1`), hexadecimal networks (`0x0a01`).
"""

from __future__ import annotations

import re
from typing import TypeAlias

from foundation.network import pack_inet

Parsed: TypeAlias = tuple[bytes, int]
"""(address of 4 or 16 bytes, prefix length)."""

_OCTETS = re.compile(r"([0-9]+(?:\.[0-9]+)*)(\.?)(?:/([0-9]+))?", re.ASCII)
_HEXADECIMAL = re.compile(r"0[xX]([0-9a-fA-F]+)(?:/([0-9]+))?", re.ASCII)
_PREFIX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_OCTET = re.compile(r"0?|[1-9][0-9]*", re.ASCII)
_WORD = re.compile(r"[0-9a-fA-F]{1,4}", re.ASCII)


def parse_inet(text: str) -> Parsed | None:
    """An address with or without a prefix; None when it is none."""
    if ":" in text:
        return _parse_ipv6(text)
    match = _OCTETS.fullmatch(text)
    octets = _octets(match[1]) if match else None
    if match is None or octets is None:
        return None
    if match[3] is None:
        return (octets, 32) if len(octets) == 4 else None
    prefix = int(match[3])
    if prefix > 32 or prefix // 8 > len(octets):
        return None
    return octets.ljust(4, b"\0"), prefix


def parse_cidr(text: str) -> Parsed | None:
    """A network; without a prefix that of its class, or of the octets given. None when it is none."""
    if ":" in text:
        return _parse_ipv6(text)
    match = _HEXADECIMAL.fullmatch(text)
    if match is not None:
        octets: bytes | None = bytes.fromhex(match[1] + "0" * (len(match[1]) % 2))
        given = match[2]
    else:
        match = _OCTETS.fullmatch(text)
        if match is None or match[2]:
            return None
        octets, given = _octets(match[1]), match[3]
    if octets is None or len(octets) > 4:
        return None
    prefix = _class_prefix(octets) if given is None else int(given)
    return (octets.ljust(4, b"\0"), prefix) if prefix <= 32 else None


def _octets(text: str) -> bytes | None:
    numbers = [int(part) for part in text.split(".")]
    return bytes(numbers) if len(numbers) <= 4 and max(numbers) <= 255 else None


def _class_prefix(octets: bytes) -> int:
    """The prefix of a network's class (A to E), widened to the octets that are given."""
    first = octets[0]
    prefix = next(p for bound, p in ((240, 32), (224, 8), (192, 24), (128, 16), (0, 8)) if first >= bound)
    prefix = max(prefix, 8 * len(octets))
    return 4 if prefix == 8 and first == 224 else prefix


def _parse_ipv6(text: str) -> Parsed | None:
    """Words between colons, `::` for zeros, perhaps four octets at the end, perhaps a prefix.

    Token by token as PostgreSQL does it, because what it takes follows from that: `1:2:3:4:5:6:7:8:/64` and `::1.2` are
    addresses, `1:` is none.
    """
    body, slash, suffix = text.partition("/")
    if slash and (not _PREFIX.fullmatch(suffix) or int(suffix) > 128):
        return None
    if body.startswith(":"):
        if not body.startswith("::"):
            return None
        body = body[1:]
    words, gap = bytearray(), -1
    parts = body.split(":")
    for at, part in enumerate(parts):
        is_last = at == len(parts) - 1
        if not part:
            # Two colons, or a colon at the end.
            if is_last:
                if not slash and gap != len(words):
                    return None
            elif gap >= 0:
                return None
            else:
                gap = len(words)
        elif "." in part:
            octets = _dotted(part, has_prefix=bool(slash)) if is_last else None
            if octets is None:
                return None
            words += octets
        elif _WORD.fullmatch(part):
            words += int(part, 16).to_bytes(2, "big")
        else:
            return None
    if gap >= 0 and len(words) < 16:
        words[gap:gap] = bytes(16 - len(words))
    elif gap >= 0:
        return None
    return (bytes(words), int(suffix) if slash else 128) if len(words) == 16 else None


def _dotted(text: str, *, has_prefix: bool) -> bytes | None:
    """Up to four octets, those that are left out at the end, or between points, being zero."""
    octets = text.split(".")
    if len(octets) > 4 or (not octets[-1] and not has_prefix):
        return None
    if not all(_OCTET.fullmatch(octet) and int(octet or 0) <= 255 for octet in octets):
        return None
    return bytes(int(octet or 0) for octet in octets).ljust(4, b"\0")


def peer_address(host: str) -> bytes | None:
    """The stored inet of a client's host as the socket names it; None for a Unix socket and the embedded API."""
    parsed = parse_inet(host.partition("%")[0])
    return pack_inet(*parsed) if parsed else None
