"""What a jsonpath consists of: items in a chain, each applied to what the one before it found.

`$.a[0] + 1` is one ADD item whose operands are a chain (ROOT, KEY a, SUBSCRIPTS) and a NUMBER. Items are immutable, so a
parsed path may be shared by statements and threads.
https://www.postgresql.org/docs/16/functions-json.html#FUNCTIONS-SQLJSON-PATH
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Kind(Enum):
    """Kinds of items; the values of operators and methods are their spellings, which errors name."""

    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    VARIABLE = "variable"
    ROOT = "$"
    CURRENT = "@"
    LAST = "last"
    KEY = "key"
    ANY_KEY = ".*"
    ANY_ELEMENT = "[*]"
    ANY_DEPTH = "**"
    SUBSCRIPTS = "[]"
    FILTER = "?"
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    REMAINDER = "%"
    PLUS = "unary +"
    MINUS = "unary -"
    AND = "&&"
    OR = "||"
    NOT = "!"
    IS_UNKNOWN = "is unknown"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    GREATER = ">"
    LESS_OR_EQUAL = "<="
    GREATER_OR_EQUAL = ">="
    STARTS_WITH = "starts with"
    LIKE_REGEX = "like_regex"
    EXISTS = "exists"
    TYPE = "type"
    SIZE = "size"
    ABS = "abs"
    FLOOR = "floor"
    CEILING = "ceiling"
    DOUBLE = "double"
    DATETIME = "datetime"
    KEYVALUE = "keyvalue"


ARITHMETIC = frozenset((Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE, Kind.REMAINDER))
COMPARISONS = frozenset(
    (Kind.EQUAL, Kind.NOT_EQUAL, Kind.LESS, Kind.GREATER, Kind.LESS_OR_EQUAL, Kind.GREATER_OR_EQUAL)
)
PREDICATES = COMPARISONS | {
    Kind.AND, Kind.OR, Kind.NOT, Kind.IS_UNKNOWN, Kind.STARTS_WITH, Kind.LIKE_REGEX, Kind.EXISTS
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One item and those that follow it.

    `operands`: arguments of operators, filters and exists(); pairs (from, to) one after the other in SUBSCRIPTS, where a
    missing `to` is None. `value`: the literal, the name of a key or variable, the template of datetime() or None,
    (pattern, flags) of LIKE_REGEX, (first, last) of ANY_DEPTH with None for `last`.
    """

    kind: Kind
    value: Any = None
    operands: tuple[Item | None, ...] = ()
    following: Item | None = None

    def followed_by(self, accessors: list[Item]) -> Item:
        """The chain of this one, continued."""
        chain: Item | None = None
        for item in reversed([*self.chain(), *accessors]):
            chain = replace(item, following=chain)
        assert chain is not None
        return chain

    def chain(self) -> list[Item]:
        """This item and all that follow it."""
        items: list[Item] = []
        item: Item | None = self
        while item is not None:
            items.append(item)
            item = item.following
        return items


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A parsed path. In lax mode structural errors are ignored, arrays unwrapped and single items wrapped."""

    first: Item
    is_lax: bool
