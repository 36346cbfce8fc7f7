"""A parsed path as text: as PostgreSQL prints it, and as it is stored.

PostgreSQL leaves out parentheses around an operator with accessors behind it: `($ == 1).type()` may be printed as
`$ == 1.type()`, which does not read back. It stores a tree; we store text, so the stored one has these parentheses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from foundation.errors import StatementTooComplex
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.json_path.items import ARITHMETIC, COMPARISONS, PREDICATES, Item, JsonPath, Kind
from planner.functions.json_path.parser import parse_json_path

_BINARY = COMPARISONS | ARITHMETIC | {Kind.AND, Kind.OR, Kind.STARTS_WITH}
_OPERATORS = PREDICATES | ARITHMETIC | {Kind.PLUS, Kind.MINUS}
_PRIORITIES = (
    {Kind.OR: 0, Kind.AND: 1, Kind.STARTS_WITH: 2, Kind.ADD: 3, Kind.SUBTRACT: 3, Kind.MULTIPLY: 4, Kind.DIVIDE: 4}
    | {Kind.REMAINDER: 4, Kind.PLUS: 5, Kind.MINUS: 5}
    | dict.fromkeys(COMPARISONS, 2)
)  # fmt: skip
_PRIORITY_OF_OTHERS = 6
_PLAIN = {
    Kind.NULL: "null", Kind.CURRENT: "@", Kind.ROOT: "$", Kind.LAST: "last", Kind.ANY_ELEMENT: "[*]",
    Kind.TYPE: ".type()", Kind.SIZE: ".size()", Kind.ABS: ".abs()", Kind.FLOOR: ".floor()",
    Kind.CEILING: ".ceiling()", Kind.DOUBLE: ".double()", Kind.KEYVALUE: ".keyvalue()",
}  # fmt: skip


@lru_cache(maxsize=1024)
def displayed_json_path(text: str) -> str:
    """What PostgreSQL prints for the path that `text` stands for. Raises what `parse_json_path` raises."""
    return _print(parse_json_path(text), _Printer(is_readable=False))


@lru_cache(maxsize=1024)
def stored_json_path(text: str) -> str:
    """The text in which the path is stored; it reads back as the same path. Raises what `parse_json_path` raises."""
    return stored_text(parse_json_path(text))


def stored_text(path: JsonPath) -> str:
    """The text in which a parsed path is stored."""
    return _print(path, _Printer(is_readable=True))


def _print(path: JsonPath, printer: _Printer) -> str:
    try:
        return ("" if path.is_lax else "strict ") + printer.chain(path.first, is_bracketed=True)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None


@dataclass(frozen=True, slots=True)
class _Printer:
    is_readable: bool
    """Whether operators with accessors behind them always have parentheses."""

    def chain(self, item: Item, *, is_bracketed: bool = False) -> str:
        parts = item.chain()
        first = self._text(item, is_bracketed=is_bracketed)
        if self.is_readable and item.kind in _OPERATORS and item.following is not None:
            first = f"({self._text(item)})"
        return first + "".join(self._text(part, is_accessor=True) for part in parts[1:])

    def _operand(self, item: Item | None, of: Item) -> str:
        assert item is not None
        return self.chain(item, is_bracketed=_priority(item) <= _priority(of))

    def _text(self, item: Item, *, is_accessor: bool = False, is_bracketed: bool = False) -> str:
        kind = item.kind
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind is Kind.BOOLEAN:
            return "true" if item.value else "false"
        if kind is Kind.NUMBER:
            number = numeric_text(item.value)
            return f"({number})" if item.following is not None else number
        if kind in (Kind.STRING, Kind.VARIABLE, Kind.KEY):
            sign = {Kind.STRING: "", Kind.VARIABLE: "$", Kind.KEY: "."}[kind]
            return sign + _quoted(item.value)
        if kind in (Kind.ANY_KEY, Kind.ANY_DEPTH):
            star = "*" if kind is Kind.ANY_KEY else "**" + _levels(*item.value)
            return "." + star if is_accessor else star
        if kind is Kind.SUBSCRIPTS:
            return f"[{self._subscripts(item)}]"
        if kind is Kind.DATETIME:
            return f".datetime({'' if item.value is None else _quoted(item.value)})"
        return self._operator(item, is_bracketed=is_bracketed)

    def _operator(self, item: Item, *, is_bracketed: bool) -> str:
        kind = item.kind
        first = item.operands[0]
        assert first is not None
        if kind is Kind.FILTER:
            return f"?({self.chain(first)})"
        if kind is Kind.NOT:
            return f"!({self.chain(first)})"
        if kind is Kind.EXISTS:
            return f"exists ({self.chain(first)})"
        if kind is Kind.IS_UNKNOWN:
            return f"({self.chain(first)}) is unknown"
        if kind in _BINARY:
            inner = f"{self._operand(first, item)} {kind.value} {self._operand(item.operands[1], item)}"
        elif kind is Kind.LIKE_REGEX:
            pattern, flags = item.value
            inner = f"{self._operand(first, item)} like_regex {_quoted(pattern)}"
            inner += f' flag "{flags}"' if flags else ""
        else:
            inner = ("-" if kind is Kind.MINUS else "+") + self._operand(first, item)
        return f"({inner})" if is_bracketed else inner

    def _subscripts(self, item: Item) -> str:
        pairs = zip(item.operands[::2], item.operands[1::2])
        return ",".join(
            self.chain(first) if last is None else f"{self.chain(first)} to {self.chain(last)}"
            for first, last in pairs
            if first is not None
        )


def _priority(item: Item) -> int:
    return _PRIORITIES.get(item.kind, _PRIORITY_OF_OTHERS)


def _levels(first: int | None, last: int | None) -> str:
    if first == 0 and last is None:
        return ""
    names = ["last" if level is None else str(level) for level in (first, last)]
    return "{" + (names[0] if names[0] == names[1] else " to ".join(names)) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
