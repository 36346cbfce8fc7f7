"""Goal: queries of any length are worked with, and those nested too deeply are refused.

Method: chains of a thousand operands through every function that walks a tree; parentheses and negations beyond the limit.
"""

from __future__ import annotations

import pyarrow as pa
import pytest

from foundation.errors import InternalError, StatementTooComplex
from planner.text_search.column_matching import match_column
from planner.text_search.query_text import parse_query, print_node, print_query, receive_query, send_query
from planner.text_search.tsqueries import (
    DEPTH_MAX,
    Kind,
    Node,
    Operand,
    Operator,
    node_count,
    pack_query,
    unpack_query,
    without_negations,
)
from planner.text_search.vector_text import BinaryReader, parse_vector

OPERANDS = 1_000


@pytest.mark.parametrize(("sign", "is_match"), [("&", True), ("|", True), ("<->", False)])
def test_long_chains(sign: str, is_match: bool) -> None:
    text = f" {sign} ".join(["a"] * OPERANDS)
    value = pack_query(parse_query(text))
    node = unpack_query(value)
    assert node is not None and node_count(node) == 2 * OPERANDS - 1
    assert print_query(value) == text.replace("a", "'a'")
    assert print_node(without_negations(node) or node) == print_query(value)
    received = receive_query(BinaryReader(send_query(value), InternalError("short"), bytes.decode))
    assert pack_query(received) == value
    vectors = pa.array([parse_vector("a:1 b:2"), None, parse_vector("b")], pa.binary())
    assert match_column(vectors, node).to_pylist() == [is_match, None, False]


def test_parentheses_beyond_the_limit() -> None:
    with pytest.raises(StatementTooComplex):
        parse_query("(" * (DEPTH_MAX + 2) + "a" + ")" * (DEPTH_MAX + 2))


def test_right_sides_beyond_the_limit() -> None:
    node: Node = Operand(b"a")
    for _ in range(DEPTH_MAX):
        node = Operator(Kind.AND, Operand(b"b"), node)
    with pytest.raises(StatementTooComplex):
        pack_query(node)
