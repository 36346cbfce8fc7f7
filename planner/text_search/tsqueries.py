"""Values of tsquery: trees of operators over lexemes, and their stored form.

A stored value is a key that sorts as `CompareTSQ` of postgres/postgres:src/backend/utils/adt/tsquery_op.c does, then one byte
for each operand (weights, and 10 for a prefix), then how many they are (uint32). The order does not see weights and prefixes,
so values may be equal and differ. The key is

    header    the number of nodes, then PostgreSQL's size of the value in bytes: uint32 each
    operator  00, ff less the operator's number; the right side, the left side; of a phrase ffff less the distance (uint16)
    operand   01, 7fffffff less the checksum of the lexeme (uint32), the lexeme in UTF-8, 00

https://www.postgresql.org/docs/16/datatype-textsearch.html#DATATYPE-TSQUERY
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa

from foundation.errors import ProgramLimitExceeded, StatementTooComplex

DEPTH_MAX = 400
"""How often an operator may be the right side of another: functions here call themselves once for each time.

Along left sides, where `a & b & c & ...` is deep, they go by `left_spine`."""
_QUERY_BYTES_MAX = (1 << 20) - 1
_HEADER_BYTES, _NODE_BYTES = 8, 12
_IS_PREFIX = 0x10
_ALL_WEIGHTS = 0xF


class Kind(IntEnum):
    """The operators by their numbers in PostgreSQL, which order them and are their binary form."""

    NOT = 1
    AND = 2
    OR = 3
    PHRASE = 4


@dataclass(frozen=True, slots=True)
class Operand:
    """A lexeme that must be there; `weights` has bit 1 << w for each weight that it may have, 0 for any."""

    lexeme: bytes
    weights: int = 0
    is_prefix: bool = False

    def allows(self, place: int) -> bool:
        """Whether a place has one of the weights."""
        return not self.weights or bool(self.weights >> (place & 3) & 1)

    def matches(self, lexeme: bytes) -> bool:
        return lexeme.startswith(self.lexeme) if self.is_prefix else lexeme == self.lexeme


@dataclass(frozen=True, slots=True)
class Operator:
    """`left` is None for NOT alone; `distance` is that of a phrase, else 0."""

    kind: Kind
    left: Node | None
    right: Node
    distance: int = 0

    def sides(self) -> tuple[Node, ...]:
        """Right before left, which is PostgreSQL's order of nodes."""
        return (self.right,) if self.left is None else (self.right, self.left)


Node: TypeAlias = Operand | Operator


def conjunction(left: Node, right: Node) -> Operator:
    return Operator(Kind.AND, left, right)


def left_spine(node: Node) -> tuple[Node, list[Operator]]:
    """(first operand or negation, the operators over it from the innermost on) along the left sides of a tree."""
    operators = []
    while isinstance(node, Operator) and node.left is not None:
        operators.append(node)
        node = node.left
    return node, operators[::-1]


def walk(node: Node | None) -> Iterator[Node]:
    """All nodes, an operator before its right side and that before its left."""
    pending = [] if node is None else [node]
    while pending:
        found = pending.pop()
        yield found
        if isinstance(found, Operator):
            pending += reversed(found.sides())


def operands(node: Node | None) -> list[Operand]:
    """The operands in the order of `walk`."""
    return [found for found in walk(node) if isinstance(found, Operand)]


def node_count(node: Node | None) -> int:
    """What numnode() counts."""
    return sum(1 for _ in walk(node))


def check_depth(node: Node | None) -> None:
    """Raises StatementTooComplex (54001) for operators nested deeper than functions here go down."""
    pending = [] if node is None else [(node, 0)]
    while pending:
        first, operators = left_spine(pending[-1][0])
        depth = pending.pop()[1] + 1
        if depth > DEPTH_MAX:
            raise StatementTooComplex("tsquery is nested too deeply")
        pending += ((operator.right, depth) for operator in operators)
        if isinstance(first, Operator):
            pending.append((first.right, depth))


# ---------------------------------------------------------------------------------------------------------
# Stored form


def _crc_table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0xEDB88320 if number & 1 else 0)
        table.append(number)
    return tuple(table)


_CRC_TABLE = _crc_table()


@lru_cache(1 << 12)
def checksum(lexeme: bytes) -> int:
    """PostgreSQL's legacy CRC-32, a signed number: the table of the reflected algorithm, used by the other one."""
    crc = 0xFFFFFFFF
    for byte in lexeme:
        crc = _CRC_TABLE[crc >> 24 ^ byte] ^ crc << 8 & 0xFFFFFFFF
    crc ^= 0xFFFFFFFF
    return crc - (1 << 32) if crc >> 31 else crc


def pack_query(node: Node | None) -> bytes:
    """The stored form of a query, None being the empty one.

    Raises:
        ProgramLimitExceeded: 54000, more than a megabyte. StatementTooComplex: 54001.
    """
    check_depth(node)
    nodes = list(walk(node))
    lexeme_bytes = sum(len(found.lexeme) + 1 for found in nodes if isinstance(found, Operand))
    if lexeme_bytes > _QUERY_BYTES_MAX:
        raise ProgramLimitExceeded("tsquery is too large")
    key: list[bytes] = [
        struct.pack("!II", len(nodes), _HEADER_BYTES + _NODE_BYTES * len(nodes) + lexeme_bytes)
    ]
    flags = bytearray()
    if node is not None:
        _append_key(node, key, flags)
    return b"".join((*key, bytes(flags), struct.pack("!I", len(flags))))


def _append_key(node: Node, key: list[bytes], flags: bytearray) -> None:
    first, operators = left_spine(node)
    for operator in reversed(operators):
        key.append(bytes((0, 0xFF - operator.kind)))
        _append_key(operator.right, key, flags)
    if isinstance(first, Operand):
        key += (struct.pack("!BI", 1, 0x7FFFFFFF - checksum(first.lexeme)), first.lexeme, b"\0")
        flags.append(first.weights | (_IS_PREFIX if first.is_prefix else 0))
    else:
        key.append(bytes((0, 0xFF - first.kind)))
        _append_key(first.right, key, flags)
    key += (struct.pack("!H", 0xFFFF - phrase.distance) for phrase in operators if phrase.kind is Kind.PHRASE)


def order_key(value: bytes) -> bytes:
    """Bytes that sort, and are equal, as PostgreSQL compares stored values."""
    (count,) = struct.unpack("!I", value[-4:])
    return value[: len(value) - 4 - count]


def order_keys(column: pa.Array) -> pa.Array:
    """(n,) stored values -> (n,) binary keys, NULL stays NULL."""
    return pa.array(
        [None if value is None else order_key(value) for value in column.to_pylist()], pa.binary()
    )


def evaluate_query_order(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(tsquery) -> binary order keys."""
    return order_keys(columns[0])


@lru_cache(1 << 10)
def unpack_query(value: bytes) -> Node | None:
    """The tree of a stored value, None for the empty query."""
    (count,) = struct.unpack("!I", value[:4])
    if not count:
        return None
    (operand_count,) = struct.unpack("!I", value[-4:])
    flags = iter(value[len(value) - 4 - operand_count : -4])
    node, _ = _read_node(value, _HEADER_BYTES, flags)
    return node


def _read_node(value: bytes, at: int, flags: Iterator[int]) -> tuple[Node, int]:
    """(node, where the next one begins)."""
    node: Node | None = None
    over: list[tuple[Kind, Node]] = []
    while value[at] == 0:
        kind = Kind(0xFF - value[at + 1])
        right, at = _read_node(value, at + 2, flags)
        if kind is Kind.NOT:
            node = Operator(kind, None, right)
            break
        over.append((kind, right))
    if node is None:
        end = value.index(b"\0", at + 5)
        flag = next(flags)
        node = Operand(value[at + 5 : end], flag & _ALL_WEIGHTS, bool(flag & _IS_PREFIX))
        at = end + 1
    for kind, right in reversed(over):
        distance = 0
        if kind is Kind.PHRASE:
            distance = 0xFFFF - int.from_bytes(value[at : at + 2], "big")
            at += 2
        node = Operator(kind, node, right, distance)
    return node, at


# ---------------------------------------------------------------------------------------------------------
# Trees


def joined(kind: Kind, left: Node | None, right: Node | None, distance: int = 0) -> Node | None:
    """Two queries under an operator; one that is empty leaves the other."""
    if left is None or right is None:
        return right if left is None else left
    return Operator(kind, left, right, distance)


def negated(node: Node | None) -> Node | None:
    return None if node is None else Operator(Kind.NOT, None, node)


def without_negations(node: Node) -> Node | None:
    """What is left of a query for an index to look for (querytree); None when that is nothing or everything.

    As `clean_NOT_intree` of postgres/postgres:src/backend/utils/adt/tsquery_cleanup.c.
    """
    first, operators = left_spine(node)
    left: Node | None = first if isinstance(first, Operand) else None
    for operator in operators:
        right = without_negations(operator.right)
        if left is not None and right is not None:
            left = replace(operator, left=left, right=right)
        else:
            left = None if operator.kind is Kind.OR else left or right
    return left
