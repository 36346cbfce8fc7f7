"""PostgreSQL's default text search parser: a text as tokens, one after the other, without a gap.

A machine of the states and rules in `parser_states`. A rule may try another state and come back from it; the tokens of a
hyphenated word and of a URL overlap, as the parser goes back behind the whole to its parts. Plain words, numbers and what is
between them are most of any text; these the machine would always read the same way, so a regular expression reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from planner.text_search.characters import CLASSES
from planner.text_search.parser_states import STATES, Rule
from planner.text_search.token_types import TokenType

_ENDS = r"[\x00-,;-?\[-^`{-\x7f]"
_ENDS_HERE = rf"(?=\Z|{_ENDS}|[.:\-](?:\Z|{_ENDS}))"
_PLAIN = re.compile(
    rf"(?:([A-Za-z]+){_ENDS_HERE}|([0-9]+){_ENDS_HERE}|([A-Za-z]+(?:-[A-Za-z]+)+){_ENDS_HERE})?"
    r"((?:[\x00-%'-*,:;=?@\[-`{-}\x7f]|\.(?![./])|[-+](?![0-9])|&(?![#A-Za-z:_])|~(?![A-Za-z0-9_/])|/(?![A-Za-z0-9._~])"
    r"|<(?![/!?A-Za-z:_]))[\x00-%'-*,.:;=->?@\[-`{-\x7f]*(?=\Z|[A-Za-z0-9<\-+&/]))?"
)
"""A word, a number or words joined by hyphens, and what stands between it and the next one; each may be missing."""

Token = tuple[TokenType, str]


@dataclass(slots=True)
class _Position:
    """Where the machine stands: in the text, in the token, in a state, and from which rule on that is tried again."""

    at: int
    length: int = 0
    state: str = "Base"
    next_rule: int = 0
    before: _Position | None = None


class Parser:
    """One text; `next_token` gives a token after the other."""

    def __init__(self, text: str, at: int = 0, *, wants_host: bool = False) -> None:
        self._text = text
        self._position = _Position(at)
        self._token_at = at
        self._ignores = False
        self._wants_host = wants_host

    def plain_from(self) -> int:
        """Where what comes next may be plain, -1 where the machine is about to read something in its own way."""
        position = self._position
        if self._ignores or self._wants_host:
            return -1
        if position.state == "Base":
            return position.at
        letter = self._text[position.at : position.at + 1]
        is_after_parts = position.state == "ParseHyphen" and letter.isascii() and letter != "-"
        return position.at if is_after_parts and not letter.isalnum() else -1

    def next_token(self, at: int) -> Token | None:
        """The next token, None at the end of the text, or where what is left of it makes none.

        `at` is where plain text before it has ended, -1 if there was none.
        """
        if at >= 0:
            self._position = _Position(at)
        return self._run() if self._position.at < len(self._text) else None

    def _run(self) -> Token | None:
        self._token_at = self._position.at
        self._position.next_rule = 0
        end = len(self._text)
        while self._position.at <= end:
            rule = self._matching_rule()
            if rule.special:
                self._special(rule.special)
            position = self._position
            token_length = position.length
            if rule.token is not None:
                position.length = 0
            self._move_stack(rule)
            if rule.to is not None:
                self._position.state = rule.to
            if rule.token is not None:
                return rule.token, self._text[self._token_at : self._token_at + token_length]
            if self._position.at >= end and rule.sign != "!":
                return None
            if rule.sign not in ("!", "<"):
                self._position.at += 1
                self._position.length += 1
        return None

    def _matching_rule(self) -> Rule:
        position = self._position
        letter = self._text[position.at : position.at + 1]
        rules = STATES[position.state]
        number, position.next_rule = position.next_rule, 0
        while True:
            number = _next_candidate(position.state, number, letter)
            rule = rules[number]
            if rule.test not in _DYNAMIC or self._holds(rule.test):
                break
            number += 1
        if rule.sign == "^":
            position.next_rule = number + 1
        return rule

    def _move_stack(self, rule: Rule) -> None:
        position = self._position
        if rule.sign == "^":
            self._position = replace(position, next_rule=0, before=position)
        elif rule.forgets_all:
            position.before = None
        elif rule.sign in ("<", "+", "-"):
            before = position.before
            assert before is not None
            if rule.sign == "-":
                position.before = before.before
                return
            self._position = before
            if rule.sign == "+":
                before.at, before.length = position.at, position.length

    def _holds(self, test: str) -> bool:
        if test == "ignore":
            return self._ignores
        if test == "stophost":
            wanted, self._wants_host = self._wants_host, False
            return wanted
        inner = Parser(self._text, self._position.at, wants_host=test == "host")
        if test == "urlpath":
            inner._position = _Position(inner._position.at, state="URLPathFirst", before=inner._position)
        token = inner.next_token(-1)
        if token is None or token[0] is not (TokenType.HOST if test == "host" else TokenType.URL_PATH):
            return False
        self._position.at += len(token[1])
        self._position.length += len(token[1])
        return True

    def _special(self, name: str) -> None:
        position = self._position
        if name == "tags":
            self._note_tag(self._text[self._token_at : self._token_at + position.length].lower())
            return
        position.at -= position.length
        if name == "url":
            self._wants_host = True
        elif name == "restart":
            position.length = 0

    def _note_tag(self, tag: str) -> None:
        """What stands between the tags of scripts and styles is no text."""
        if tag in ("</script", "</style"):
            self._ignores = False
        elif tag in ("<script", "<style"):
            self._ignores = True


_DYNAMIC = frozenset(("ignore", "stophost", "host", "urlpath"))


@cache
def _next_candidate(state: str, number: int, letter: str) -> int:
    """The first rule from `number` on whose test holds for the letter ("" at the end), or needs more than it."""
    rules = STATES[state]
    while not _may_hold(rules[number].test, letter):
        number += 1
    return number


def _may_hold(test: str, letter: str) -> bool:
    if test in _DYNAMIC:
        return True
    if test == "eof":
        return not letter
    if test.startswith("'"):
        return letter == test[1]
    return test == "any" or (bool(letter) and CLASSES[test](letter))


def parse_tokens(text: str) -> Iterator[Token]:
    """The tokens of a text."""
    parser = Parser(text)
    at = 0
    while True:
        while at >= 0:
            found = _PLAIN.match(text, at)
            if found is None or found.end() == at:
                break
            word, number, compound, gap = found.groups()
            if word is not None:
                yield TokenType.ASCIIWORD, word
            elif number is not None:
                yield TokenType.UINT, number
            elif compound is not None:
                yield from _parts(compound)
            if gap is not None:
                yield TokenType.BLANK, gap
            at = found.end()
        token = parser.next_token(at)
        if token is None:
            return
        yield token
        at = parser.plain_from()


def _parts(compound: str) -> Iterator[Token]:
    yield TokenType.ASCIIHWORD, compound
    for number, part in enumerate(compound.split("-")):
        if number:
            yield TokenType.BLANK, "-"
        yield TokenType.HWORD_ASCIIPART, part
