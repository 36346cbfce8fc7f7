"""Stored expressions as psql shows them: with the parentheses that a reader needs, and no more.

An expression is stored as PostgreSQL prints it without its "pretty" option, every operator in parentheses. The option
takes those away that change nothing for somebody who knows the basic precedences. Which ones follows
isSimpleNode() in postgres/postgres:src/backend/utils/adt/ruleutils.c.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from foundation.errors import QuiverError
from sqlfront.parser import parse_expression
from sqlfront.parser.nodes import InfixOperator, PrefixOperator, ValueFunction

_SEPARATED = (
    exp.Anonymous, exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, exp.Array, exp.Bracket, exp.Case, exp.If,
    exp.Tuple, exp.Slice,
)  # fmt: skip
"""Nodes whose parts have separators of their own around them."""
_SIMPLE = (
    exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Parameter, ValueFunction, exp.Anonymous, exp.Coalesce,
    exp.Greatest, exp.Least, exp.Nullif, exp.Array, exp.Bracket, exp.Case, exp.Tuple,
)  # fmt: skip
_OPERATORS = (exp.Binary, exp.Like, exp.ILike, exp.Neg, PrefixOperator)
_LOGIC = (exp.And, exp.Or, exp.Not)
_SUMS = (exp.Add, exp.Sub)
_PRODUCTS = (exp.Mul, exp.Div, exp.Mod)


def pretty_expression(text: str) -> str:
    """The text without the parentheses that PostgreSQL's pretty printing leaves out."""
    try:
        tree: Any = parse_expression(text).tree
    except QuiverError:
        return text  # Not in the form that is stored today; as it is it is still right.
    closing = _closing_places(text)
    dropped: set[int] = set()
    for node in tree.walk():
        if isinstance(node, exp.Paren) and not _is_needed(node):
            start = node.meta["start"]
            dropped |= {start, closing[start]}
    return "".join(letter for place, letter in enumerate(text) if place not in dropped)


def _is_needed(node: exp.Paren) -> bool:
    inner, outer = _inside(node), _around(node)
    if _is_query_test(node.this):
        return True
    if outer is None or _is_simple(inner) or isinstance(node.this, exp.Paren):
        return False
    if _is_array_test(inner):
        return True
    if isinstance(inner, exp.Not) and inner.meta.get("is_infix"):
        inner = inner.this  # IS NOT NULL and its like are tests, not negations.
    if isinstance(inner, _LOGIC):
        return not isinstance(outer, _SEPARATED) and not _binds_tighter(inner, outer)
    if isinstance(inner, _OPERATORS):
        if isinstance(outer, _SUMS + _PRODUCTS):
            return not _is_same_sum(inner, outer, node)
        return not isinstance(outer, (*_SEPARATED, *_LOGIC)) or bool(outer.meta.get("is_infix"))
    return True


def _binds_tighter(inner: Any, outer: Any) -> bool:
    if isinstance(inner, exp.Or):
        return isinstance(outer, exp.Or)
    return isinstance(outer, exp.And | exp.Or)


def _is_same_sum(inner: Any, outer: Any, node: exp.Paren) -> bool:
    """Whether precedence, or reading from left to right, says what the parentheses say."""
    if isinstance(inner, _PRODUCTS) and isinstance(outer, _SUMS):
        return True
    is_level = any(isinstance(inner, kind) and isinstance(outer, kind) for kind in (_SUMS, _PRODUCTS))
    return is_level and outer.this is node


def _is_simple(node: Any) -> bool:
    if isinstance(node, exp.Cast):
        return _is_simple(_inside(node))
    if isinstance(node, exp.Dot):
        return isinstance(node.expression, exp.Anonymous)
    return isinstance(node, _SIMPLE)


def _is_array_test(node: Any) -> bool:
    return isinstance(node, exp.Binary | InfixOperator) and isinstance(node.expression, exp.Any | exp.All)


def _is_query_test(node: Any) -> bool:
    """EXISTS, IN, ANY and ALL of a query: PostgreSQL prints these parentheses always."""
    if isinstance(node, exp.In):
        return node.args.get("query") is not None
    right = node.args.get("expression")
    is_quantified = isinstance(right, exp.Any | exp.All) and isinstance(right.this, exp.Query | exp.Subquery)
    return isinstance(node, exp.Exists) or is_quantified


def _inside(node: Any) -> Any:
    """What a node is around, parentheses aside."""
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    return inner


def _around(node: exp.Paren) -> Any:
    """What a node is part of, parentheses aside; None for nothing."""
    outer = node.parent
    while isinstance(outer, exp.Paren):
        outer = outer.parent
    return outer


def _closing_places(text: str) -> dict[int, int]:
    """Where each opening parenthesis outside constants and quoted names is closed."""
    places: dict[int, int] = {}
    opened: list[int] = []
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            # A doubled quote ends and begins again at once.
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            opened.append(place)
        elif letter == ")":
            places[opened.pop()] = place
    return places
