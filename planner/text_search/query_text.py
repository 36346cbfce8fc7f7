"""tsquery as text and in its binary form, and the three ways to read a query.

Follows postgres/postgres:src/backend/utils/adt/tsquery.c: operands and operators become a tree by precedence (| & <-> !), all but !
from the left. What an operand stands for is the caller's: its lexeme as written, or what a configuration makes of it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from foundation.errors import (
    InternalError,
    InvalidParameterValue,
    ProgramLimitExceeded,
    StatementTooComplex,
    SyntaxErrorInStatement,
)
from planner.text_search.tsqueries import (
    DEPTH_MAX,
    Kind,
    Node,
    Operand,
    Operator,
    left_spine,
    unpack_query,
    walk,
)
from planner.text_search.tsvectors import LEXEME_BYTES_MAX, POSITION_END
from planner.text_search.vector_text import OPERATORS, BinaryReader, WordReader, is_space, quoted_lexeme


@dataclass(frozen=True, slots=True)
class StopWord:
    """In place of an operand that means nothing, until the tree is cleaned."""


RawNode: TypeAlias = "Operand | StopWord | RawOperator"


@dataclass(slots=True)
class RawOperator:
    """An operator over sides that may be stop words."""

    kind: Kind
    left: RawNode | None
    right: RawNode
    distance: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """An operand as written."""

    text: str
    weights: int = 0
    is_prefix: bool = False


MakeOperand: TypeAlias = Callable[[Word], RawNode]
_PRIORITIES = {Kind.NOT: 4, Kind.PHRASE: 3, Kind.AND: 2, Kind.OR: 1}
_OPERATORS_PENDING_MAX = 32
_WEIGHT_BITS = {"a": 8, "b": 4, "c": 2, "d": 1}
_PHRASE = re.compile(r"<(?:-|([0-9]+))>(?=.)", re.DOTALL)
"""Where the text ends with it, PostgreSQL does not take it for an operator."""
_DISTANCE = re.compile(r"<([0-9]+)")
_OPEN, _CLOSE = "(", ")"

Token: TypeAlias = "Word | tuple[Kind, int] | str | StopWord"
"""An operand, an operator with its distance, a parenthesis, or an operand that is missing."""


# ---------------------------------------------------------------------------------------------------------
# Tokens


def _standard_tokens(text: str) -> Iterator[Token]:
    reader = WordReader(text, is_query=True)
    depth, waits_for_operand, is_first = 0, True, True
    while True:
        reader.skip_spaces()
        letter = reader.peek()
        if waits_for_operand:
            if letter in ("!", "(") and letter:
                reader.at += 1
                depth += letter == "("
                is_first = False
                yield (Kind.NOT, 0) if letter == "!" else _OPEN
            elif letter == ":":
                raise reader.syntax_error()
            else:
                word = reader.word()
                if word is None:
                    if is_first:
                        return
                    raise SyntaxErrorInStatement(f'no operand in tsquery: "{text}"')
                yield Word(word, *_modifiers(reader))
                waits_for_operand = False
        elif not letter:
            if depth:
                raise reader.syntax_error()
            return
        elif letter == ")":
            reader.at += 1
            depth -= 1
            if depth < 0:
                raise reader.syntax_error()
            yield _CLOSE
        else:
            yield _operator(reader)
            waits_for_operand, is_first = True, False


def _operator(reader: WordReader) -> tuple[Kind, int]:
    letter = reader.peek()
    if letter in "&|":
        reader.at += 1
        return Kind.AND if letter == "&" else Kind.OR, 0
    match = _PHRASE.match(reader.text, reader.at)
    distance = _DISTANCE.match(reader.text, reader.at)
    if distance is not None and int(distance[1]) > POSITION_END:
        raise InvalidParameterValue(
            f"distance in phrase operator must be an integer value between zero and {POSITION_END} inclusive"
        )
    if match is None:
        raise reader.syntax_error()
    reader.at = match.end()
    return Kind.PHRASE, 1 if match[1] is None else int(match[1])


def _modifiers(reader: WordReader) -> tuple[int, bool]:
    """(weights, is_prefix) of `:AB*` behind an operand."""
    weights, is_prefix = 0, False
    if reader.peek() != ":":
        return weights, is_prefix
    reader.at += 1
    while (letter := reader.peek().lower()) and (letter == "*" or letter in _WEIGHT_BITS):
        is_prefix = is_prefix or letter == "*"
        weights |= _WEIGHT_BITS.get(letter, 0)
        reader.at += 1
    return weights, is_prefix


def _web_tokens(text: str) -> Iterator[Token]:
    """As search engines take it: words are joined by AND, `or` and `-` are operators, quoted words are a phrase."""
    reader = WordReader(text, is_query=True, is_web=True)
    waits_for_operand, is_first = True, True
    while True:
        reader.skip_spaces()
        letter = reader.peek()
        if not waits_for_operand:
            if not letter:
                return
            if letter in OPERATORS:
                reader.at += 1
                continue
            is_or = _is_or(text, reader.at)
            reader.at += 2 * is_or
            waits_for_operand, is_first = True, False
            yield (Kind.OR if is_or else Kind.AND), 0
        elif letter == "-":
            reader.at += 1
            is_first = False
            yield Kind.NOT, 0
        elif letter == '"':
            end = text.find('"', reader.at + 1)
            end = len(text) if end < 0 else end
            quoted = text[reader.at + 1 : end]
            reader.at = min(end + 1, len(text))
            waits_for_operand = False
            yield Word(quoted)
        elif letter and letter in OPERATORS:
            reader.at += 1
            is_first = False
        else:
            word = reader.word()
            if word is None:
                if not is_first:
                    yield StopWord()
                return
            waits_for_operand = False
            yield Word(word)


def _is_or(text: str, at: int) -> bool:
    """Whether `or` stands here as an operator: behind it is no letter of the same word, and something to come."""
    if text[at : at + 2].lower() != "or" or at + 2 >= len(text):
        return False
    following = text[at + 2]
    if following in "-_" or following.isalpha() or following.isdecimal():
        return False
    return any(not is_space(letter) for letter in text[at + 3 :])


# ---------------------------------------------------------------------------------------------------------
# The tree


@dataclass(slots=True)
class _Builder:
    """Makes a tree of tokens; `output` has complete trees, the operators that wait for theirs are a level's own."""

    text: str
    make_operand: MakeOperand
    output: list[RawNode] = field(default_factory=list)

    def read(self, tokens: Iterator[Token], depth: int = 0) -> None:
        """Up to the end, or to the parenthesis that closes this level."""
        if depth > DEPTH_MAX:
            raise StatementTooComplex("tsquery is nested too deeply")
        pending: list[tuple[Kind, int]] = []
        for token in tokens:
            if isinstance(token, Word):
                self.output.append(self.make_operand(token))
            elif isinstance(token, StopWord):
                self.output.append(token)
            elif token == _OPEN:
                self.read(tokens, depth + 1)
            elif token == _CLOSE:
                break
            else:
                assert isinstance(token, tuple)
                self._apply(pending, token[0])
                if len(pending) == _OPERATORS_PENDING_MAX:
                    raise InternalError("tsquery stack too small")
                pending.append(token)
        self._apply(pending, Kind.OR)

    def _apply(self, pending: list[tuple[Kind, int]], coming: Kind) -> None:
        """Give the operators before `coming` that bind at least as strongly their sides; ! waits for its own."""
        while pending:
            priority, before = _PRIORITIES[coming], _PRIORITIES[pending[-1][0]]
            if priority > before or (coming is Kind.NOT and priority == before):
                return
            kind, distance = pending.pop()
            right = self.output.pop()
            left = None if kind is Kind.NOT else self.output.pop()
            self.output.append(RawOperator(kind, left, right, distance))


def parse_query_tree(text: str, make_operand: MakeOperand, *, is_web: bool = False) -> RawNode | None:
    """The tree of a query in PostgreSQL's notation or in that of web searches; None when there are no operands.

    Raises:
        SyntaxErrorInStatement: 42601. InvalidParameterValue: 22023, a distance. StatementTooComplex: 54001.
    """
    builder = _Builder(text, make_operand)
    builder.read(_web_tokens(text) if is_web else _standard_tokens(text))
    return builder.output[-1] if builder.output else None


def checked_operand(lexeme: bytes, word: Word, text: str) -> Operand:
    """The operand of a lexeme. Raises ProgramLimitExceeded (54000)."""
    if len(lexeme) >= LEXEME_BYTES_MAX:
        raise ProgramLimitExceeded(f'word is too long in tsquery: "{text}"')
    return Operand(lexeme, word.weights, word.is_prefix)


def parse_query(text: str) -> Node | None:
    """The query of a tsquery's text, lexemes as written; None for an empty one. Raises as `parse_query_tree`."""
    tree = parse_query_tree(text, lambda word: checked_operand(word.text.encode(), word, text))
    return cleaned(tree)


def cleaned(node: RawNode | None) -> Node | None:
    """The tree without stop words, the distances of phrases around them kept."""
    return None if node is None else _cleaned(node).tree


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """A tree without stop words, and what is added to the distance of a phrase before it, and behind it."""

    tree: Node | None
    before: int = 0
    behind: int = 0


def _cleaned(node: RawNode) -> _Cleaned:
    """`clean_stopword_intree` of postgres/postgres:src/backend/utils/adt/tsquery_cleanup.c, which explains the cases."""
    over: list[RawOperator] = []
    while isinstance(node, RawOperator) and node.left is not None:
        over.append(node)
        node = node.left
    if isinstance(node, RawOperator):
        found = _cleaned(node.right)
        if found.tree is not None:
            found = replace(found, tree=Operator(Kind.NOT, None, found.tree))
    else:
        found = _Cleaned(None if isinstance(node, StopWord) else node)
    for operator in reversed(over):
        found = _joined(operator, found, _cleaned(operator.right))
    return found


def _joined(node: RawOperator, left: _Cleaned, right: _Cleaned) -> _Cleaned:
    is_phrase = node.kind is Kind.PHRASE
    own = node.distance if is_phrase else 0
    if left.tree is None and right.tree is None:
        lost = left.before + own + right.before if is_phrase else max(left.before, right.before)
        return _Cleaned(None, lost, lost)
    if left.tree is None:
        return replace(right, before=(left.before + own if is_phrase else 0) + right.before)
    if right.tree is None:
        return replace(left, behind=left.behind + (own + right.behind if is_phrase else 0))
    if not is_phrase:
        return _Cleaned(Operator(node.kind, left.tree, right.tree))
    distance = own + left.behind + right.before
    return _Cleaned(Operator(node.kind, left.tree, right.tree, distance), left.before, right.behind)


# ---------------------------------------------------------------------------------------------------------
# Output and the binary form


def print_query(value: bytes) -> str:
    """What tsquery's output function prints of a stored value."""
    node = unpack_query(value)
    return "" if node is None else print_node(node)


def print_node(node: Node, parent_priority: int = -1, *, is_right_of_phrase: bool = False) -> str:
    """A tree in infix notation, with the parentheses that it needs."""
    first, operators = left_spine(node)
    priorities = [*(_PRIORITIES[operator.kind] for operator in operators), parent_priority]
    if isinstance(first, Operand):
        text = quoted_lexeme(first.lexeme) + _modifiers_text(first)
    else:
        own = _PRIORITIES[Kind.NOT]
        text = "!" + print_node(first.right, own)
        text = f"( {text} )" if own < priorities[0] else text
    for number, operator in enumerate(operators):
        is_phrase = operator.kind is Kind.PHRASE
        right = print_node(operator.right, priorities[number], is_right_of_phrase=is_phrase)
        is_wrapped = is_phrase and is_right_of_phrase and number == len(operators) - 1
        text = f"{text} {_sign(operator)} {right}"
        text = f"( {text} )" if is_wrapped or priorities[number] < priorities[number + 1] else text
    return text


def _sign(operator: Operator) -> str:
    phrase = "<->" if operator.distance == 1 else f"<{operator.distance}>"
    return {Kind.AND: "&", Kind.OR: "|"}.get(operator.kind, phrase)


def _modifiers_text(operand: Operand) -> str:
    letters = "*" * operand.is_prefix
    letters += "".join(
        letter for bit, letter in ((8, "A"), (4, "B"), (2, "C"), (1, "D")) if operand.weights & bit
    )
    return ":" + letters if letters else ""


def send_query(value: bytes) -> bytes:
    """The binary form: the number of nodes, then they, an operator before its right side and that before its left."""
    node = unpack_query(value)
    pieces: list[bytes] = []
    for found in walk(node):
        if isinstance(found, Operand):
            pieces += (bytes((1, found.weights, found.is_prefix)), found.lexeme, b"\0")
        else:
            pieces.append(bytes((2, found.kind)))
            if found.kind is Kind.PHRASE:
                pieces.append(struct.pack("!H", found.distance))
    return struct.pack("!I", sum(1 for _ in walk(node))) + b"".join(pieces)


def receive_query(reader: BinaryReader) -> Node | None:
    """The query of a binary form. Raises InternalError (XX000), with PostgreSQL's wording."""
    count = reader.number(4)
    if count > (1 << 30) // 12:
        raise InternalError("invalid size of tsquery")
    items = [_received_item(reader, is_last=number == count - 1) for number in range(count)]
    if not items:
        return None
    node, end = _received_node(items, 0, 0)
    if end != len(items):
        raise InternalError("malformed tsquery: extra nodes")
    return node


def _received_item(reader: BinaryReader, *, is_last: bool) -> Operand | tuple[Kind, int]:
    kind = reader.number(1)
    if kind == 1:
        weights, is_prefix = reader.number(1), reader.number(1)
        lexeme = reader.string()
        if weights > 0xF:
            raise InternalError("invalid tsquery: invalid weight bitmap")
        if len(lexeme) > LEXEME_BYTES_MAX:
            raise InternalError("invalid tsquery: operand too long")
        return Operand(lexeme, weights, bool(is_prefix))
    if kind != 2:
        raise InternalError(f"unrecognized tsquery node type: {kind}")
    number = reader.number(1, signed=True)
    if number not in set(Kind):
        raise InternalError(f"invalid tsquery: unrecognized operator type {number}")
    if is_last:
        raise InternalError("invalid pointer to right operand")
    return Kind(number), reader.number(2) if number == Kind.PHRASE else 0


def _received_node(items: list[Operand | tuple[Kind, int]], at: int, depth: int) -> tuple[Node, int]:
    """(node, where the next one begins)."""
    if depth > DEPTH_MAX:
        raise StatementTooComplex("tsquery is nested too deeply")
    over: list[tuple[Kind, Node, int]] = []
    while True:
        if at >= len(items):
            raise InternalError("malformed tsquery: operand not found")
        item = items[at]
        if isinstance(item, Operand):
            node: Node = item
            at += 1
            break
        kind, distance = item
        right, at = _received_node(items, at + 1, depth + 1)
        if kind is Kind.NOT:
            node = Operator(kind, None, right)
            break
        over.append((kind, right, distance))
    for kind, right, distance in reversed(over):
        node = Operator(kind, node, right, distance)
    return node, at
