"""A cursor over tokens: what every part of the grammar is written with.

Grammar methods consume what they recognise and raise at the first token that fits nothing, which is the token
PostgreSQL names in `syntax error at or near`. `parse_x` must find x; `maybe_x` returns None when x is not next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from sqlfront.parser.keywords import COLUMN_NAME, NEED_AS, RESERVED, TYPE_FUNCTION, UNRESERVED
from sqlfront.parser.lexer import END, FLOAT, INTEGER, QUOTED, STRING, WORD, Token
from sqlfront.parser.nodes import located

_T = TypeVar("_T")

_NAME_CATEGORIES = ("", UNRESERVED, COLUMN_NAME)
_FUNCTION_CATEGORIES = ("", UNRESERVED, TYPE_FUNCTION)


class Grammar:
    """The cursor. `token` is the next token, `tokens[index]`."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.index = 0
        self.token = tokens[0]
        self._closing: dict[int, int] | None = None
        self._partial = (-1, -1)

    # -- moving

    def advance(self) -> Token:
        """Consume and return the next token."""
        token = self.token
        self.index += 1
        self.token = self.tokens[self.index]
        return token

    def back_to(self, index: int) -> None:
        self.index = index
        self.token = self.tokens[index]

    def peek(self, distance: int = 1) -> Token:
        """The token `distance` after the next one; END beyond the end."""
        index = self.index + distance
        return self.tokens[index] if index < len(self.tokens) else self.tokens[-1]

    @property
    def last(self) -> Token:
        """The token consumed last."""
        return self.tokens[self.index - 1]

    def looking_at(self, *keys: str) -> bool:
        """Whether the next tokens are these words or marks."""
        return all(self.peek(i).key == key for i, key in enumerate(keys))

    def accept(self, *keys: str) -> bool:
        """Consume these words or marks if they are next."""
        if self.token.key != keys[0]:
            return False
        if len(keys) == 1:
            self.advance()
            return True
        for distance, key in enumerate(keys):
            if self.peek(distance).key != key:
                self._partial = (self.index, self.index + distance)
                return False
        for _ in keys:
            self.advance()
        return True

    def accept_any(self, *keys: str) -> str | None:
        """Consume the next token if it is one of these, and return its key."""
        return self.advance().key if self.token.key in keys and self.token.key else None

    def expect(self, *keys: str) -> Token:
        for key in keys:
            if self.token.key != key:
                self.error()
            token = self.advance()
        return token

    def matching(self, index: int) -> int | None:
        """Index of the parenthesis that closes the one at `index`, None when nothing does."""
        if self._closing is None:
            self._closing = {}
            open_ones: list[int] = []
            for i, token in enumerate(self.tokens):
                if token.key == "(":
                    open_ones.append(i)
                elif token.key == ")" and open_ones:
                    self._closing[open_ones.pop()] = i
        return self._closing.get(index)

    # -- errors

    def error(self, token: Token | None = None) -> NoReturn:
        """Raise 42601 at a token, by default the next one."""
        if token is None:
            # `NOT x` where only NOT NULL may stand: PostgreSQL names x, not NOT.
            start, furthest = self._partial
            token = self.tokens[furthest] if start == self.index else self.token
        if token.kind == END:
            raise SyntaxErrorInStatement("syntax error at end of input", position=token.start + 1)
        raise SyntaxErrorInStatement(
            f'syntax error at or near "{self.text[token.start : token.end]}"', position=token.start + 1
        )

    def unsupported(self, what: str, token: Token | None = None, *, hint: str = "") -> NoReturn:
        """Raise 0A000 for something PostgreSQL has and this version has not."""
        position = (token or self.token).start + 1
        raise FeatureNotSupported(f"{what} is not supported", hint=hint or None, position=position)

    def at_end(self) -> bool:
        return self.token.kind == END or self.token.key == ";"

    # -- names

    def is_name(self, token: Token | None = None) -> bool:
        """Whether a token may name a column or relation (ColId)."""
        token = token or self.token
        return token.kind == QUOTED or (token.kind == WORD and token.category in _NAME_CATEGORIES)

    def is_function_name(self, token: Token | None = None) -> bool:
        """Whether a token may name a function or type."""
        token = token or self.token
        return token.kind == QUOTED or (token.kind == WORD and token.category in _FUNCTION_CATEGORIES)

    def is_label(self, token: Token | None = None) -> bool:
        """Whether a token may follow AS or a dot."""
        return (token or self.token).kind in (WORD, QUOTED)

    def is_bare_label(self, token: Token | None = None) -> bool:
        """Whether a token may be a label without AS."""
        token = token or self.token
        return token.kind == QUOTED or (token.kind == WORD and token.key not in NEED_AS)

    def name(self) -> str:
        """A ColId as text."""
        if not self.is_name():
            self.error()
        return self.advance().value

    def label(self) -> str:
        """A ColLabel as text: any word."""
        if not self.is_label():
            self.error()
        return self.advance().value

    def names(self) -> tuple[str, ...]:
        """A comma list of ColIds."""
        return tuple(self.comma_list(self.name))

    def qualified_name(self) -> tuple[str, ...]:
        """A dotted name, outermost part first."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.label())
        return tuple(parts)

    def identifier(self) -> exp.Identifier:
        """A ColId as a node."""
        if not self.is_name():
            self.error()
        return identifier_of(self.advance())

    def label_identifier(self) -> exp.Identifier:
        if not self.is_label():
            self.error()
        return identifier_of(self.advance())

    # -- literals and lists

    def string(self) -> str:
        if self.token.kind != STRING:
            self.error()
        return self.advance().value

    def signed_integer(self) -> int:
        """An integer constant with an optional sign."""
        sign = self.accept_any("+", "-")
        if self.token.kind != INTEGER:
            self.error()
        value = int(self.advance().value)
        return -value if sign == "-" else value

    def signed_number(self) -> str:
        """A numeric constant's text with an optional sign."""
        sign = self.accept_any("+", "-")
        if self.token.kind not in (INTEGER, FLOAT):
            self.error()
        return ("-" if sign == "-" else "") + self.advance().value

    def comma_list(self, item: Callable[[], _T]) -> list[_T]:
        items = [item()]
        while self.accept(","):
            items.append(item())
        return items

    def parenthesized(self, item: Callable[[], _T]) -> list[_T]:
        """( item, ... )"""
        self.expect("(")
        items = self.comma_list(item)
        self.expect(")")
        return items

    def source(self, first: int, last: int) -> str:
        """Text of the tokens `first` to `last` - 1."""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end] if last > first else ""


def identifier_of(token: Token) -> exp.Identifier:
    """The Identifier of a name token; `quoted` only where printing needs it."""
    needs_quotes = token.kind == QUOTED or token.category in (RESERVED, TYPE_FUNCTION, COLUMN_NAME)
    return located(exp.Identifier(this=token.value, quoted=needs_quotes), token.start, token.end - 1)
