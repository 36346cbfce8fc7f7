"""Tokens to a `JsonPath`: recursive descent over PostgreSQL's grammar (jsonpath_gram.y).

Values (`expr`) and predicates are different things in the grammar, but share their beginnings, so one descent reads
both and `_value` and `_predicate` demand what the place allows. What is demanded is found missing at the same token at which
PostgreSQL's parser stops. A predicate in parentheses becomes a value by an accessor behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from foundation.errors import (
    FeatureNotSupported,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    StatementTooComplex,
    SyntaxErrorInStatement,
)
from planner.functions.implementations_arithmetic import NUMERIC_CONTEXT
from planner.functions.json_path.items import PREDICATES, Item, JsonPath, Kind
from planner.functions.json_path.regular_expressions import compiled_regex
from planner.functions.json_path.scanner import END, KEYWORDS, Scanner, Token, syntax_error

_COMPARISONS = {
    "==": Kind.EQUAL, "!=": Kind.NOT_EQUAL, "<>": Kind.NOT_EQUAL, "<": Kind.LESS, ">": Kind.GREATER,
    "<=": Kind.LESS_OR_EQUAL, ">=": Kind.GREATER_OR_EQUAL,
}  # fmt: skip
_ADDITIVE = {"+": Kind.ADD, "-": Kind.SUBTRACT}
_MULTIPLICATIVE = {"*": Kind.MULTIPLY, "/": Kind.DIVIDE, "%": Kind.REMAINDER}
_METHODS = {
    kind.value: kind
    for kind in (Kind.TYPE, Kind.SIZE, Kind.ABS, Kind.FLOOR, Kind.CEILING, Kind.DOUBLE, Kind.KEYVALUE)
}
_CONSTANTS = {"null": (Kind.NULL, None), "true": (Kind.BOOLEAN, True), "false": (Kind.BOOLEAN, False)}
_PLACES = {"$": Kind.ROOT, "@": Kind.CURRENT, "last": Kind.LAST}
_LIKE_REGEX_FLAGS = "ismxq"
_INT4_MAX = 2**31 - 1
_INTEGER_DIGITS_MAX = 131072
_SCALE_MAX = 16383
_EXPONENT_LENGTH_MAX = 9


@lru_cache(maxsize=1024)
def parse_json_path(text: str) -> JsonPath:
    """The path that a text stands for.

    Raises:
        SyntaxErrorInStatement: 42601. InvalidTextRepresentation: 22P02, nothing but blanks.
        UntranslatableCharacter: 22P05, a zero character. InvalidRegularExpression: 2201B.
        NumericValueOutOfRange: 22003, a number beyond numeric. FeatureNotSupported: 0A000, flag x of like_regex.
        StatementTooComplex: 54001, nested too deeply.
    """
    try:
        path = _Parser(text).path()
        if path is None:
            raise InvalidTextRepresentation(f'invalid input syntax for type jsonpath: "{text}"')
        _check_places(path.first, in_filter=False, in_subscript=False)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None
    return path


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._peeked: Token | None = None

    # -- tokens -------------------------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        """The next token; scanned when it is asked for, not before."""
        if self._peeked is None:
            self._peeked = self._scanner.next_token()
        return self._peeked

    def _take(self) -> Token:
        token, self._peeked = self._token, None
        return token

    def _expect(self, *kinds: str) -> Token:
        if self._token.kind not in kinds:
            raise self._error()
        return self._take()

    def _takes(self, kind: str) -> bool:
        if self._token.kind != kind:
            return False
        self._take()
        return True

    def _error(self) -> SyntaxErrorInStatement:
        return syntax_error("syntax error", self._token.shown)

    def _value(self, item: Item) -> Item:
        if item.kind in PREDICATES and item.following is None:
            raise self._error()
        return item

    def _predicate(self, item: Item) -> Item:
        if item.kind not in PREDICATES or item.following is not None:
            raise self._error()
        return item

    # -- grammar, from the loosest to the tightest ----------------------------------------------------------

    def path(self) -> JsonPath | None:
        """The whole text; None when there is nothing in it."""
        if self._token.kind == END:
            return None
        mode = self._take().kind if self._token.kind in ("strict", "lax") else "lax"
        first = self._either()
        self._expect(END)
        return JsonPath(first, mode == "lax")

    def _either(self) -> Item:
        """A value or a predicate."""
        return self._joined("||", Kind.OR, lambda: self._joined("&&", Kind.AND, self._comparison))

    def _joined(self, operator: str, kind: Kind, part: Callable[[], Item]) -> Item:
        left = part()
        while self._token.kind == operator:
            self._predicate(left)
            self._take()
            left = Item(kind, operands=(left, self._predicate(part())))
        return left

    def _comparison(self) -> Item:
        if self._takes("!"):
            if self._token.kind not in ("(", "exists"):
                raise self._error()
            inner = self._exists() if self._token.kind == "exists" else self._parenthesised_predicate()
            return Item(Kind.NOT, operands=(inner,))
        if self._token.kind == "exists":
            return self._exists()
        starts_with_parenthesis = self._token.kind == "("
        left = self._sum()
        token = self._token
        if left.kind in PREDICATES and left.following is None:
            if token.kind == "is" and starts_with_parenthesis:
                self._take()
                self._expect("unknown")
                return Item(Kind.IS_UNKNOWN, operands=(left,))
            return left
        if token.kind in _COMPARISONS:
            self._take()
            return Item(_COMPARISONS[token.kind], operands=(left, self._value(self._sum())))
        if self._takes("starts"):
            self._expect("with")
            initial = self._expect("string", "variable")
            kind = Kind.STRING if initial.kind == "string" else Kind.VARIABLE
            return Item(Kind.STARTS_WITH, operands=(left, Item(kind, initial.text)))
        return self._like_regex(left) if self._takes("like_regex") else left

    def _like_regex(self, left: Item) -> Item:
        pattern = self._expect("string").text
        flags = self._expect("string").text if self._takes("flag") else ""
        unknown = next((flag for flag in flags if flag not in _LIKE_REGEX_FLAGS), None)
        if unknown is not None:
            raise SyntaxErrorInStatement(
                "invalid input syntax for type jsonpath",
                detail=f'Unrecognized flag character "{unknown}" in LIKE_REGEX predicate.',
            )
        if "x" in flags and "q" not in flags:
            raise FeatureNotSupported('XQuery "x" flag (expanded regular expressions) is not implemented')
        flags = "".join(flag for flag in _LIKE_REGEX_FLAGS if flag in flags)
        compiled_regex(pattern, flags)
        return Item(Kind.LIKE_REGEX, (pattern, flags), (left,))

    def _parenthesised_predicate(self) -> Item:
        self._expect("(")
        inner = self._either()
        if self._token.kind == ")":
            self._predicate(inner)
        self._expect(")")
        return inner

    def _exists(self) -> Item:
        self._expect("exists")
        self._expect("(")
        inner = self._value(self._sum())
        self._expect(")")
        return Item(Kind.EXISTS, operands=(inner,))

    def _sum(self) -> Item:
        return self._chained(_ADDITIVE, lambda: self._chained(_MULTIPLICATIVE, self._signed))

    def _chained(self, operators: dict[str, Kind], part: Callable[[], Item]) -> Item:
        left = part()
        while self._token.kind in operators:
            self._value(left)
            kind = operators[self._take().kind]
            left = Item(kind, operands=(left, self._value(part())))
        return left

    def _signed(self) -> Item:
        if self._token.kind not in _ADDITIVE:
            return self._primary()
        is_minus = self._take().kind == "-"
        operand = self._value(self._signed())
        if operand.kind is Kind.NUMBER and operand.following is None:
            return Item(Kind.NUMBER, operand.value.copy_negate()) if is_minus else operand
        return Item(Kind.MINUS if is_minus else Kind.PLUS, operands=(operand,))

    def _primary(self) -> Item:
        token = self._token
        if token.kind != "(":
            return self._with_accessors(self._literal_or_place())
        self._take()
        inner = self._either()
        self._expect(")")
        return self._with_accessors(inner)

    def _literal_or_place(self) -> Item:
        token = self._token
        if token.kind in _PLACES:
            return Item(_PLACES[self._take().kind])
        if token.kind in _CONSTANTS:
            return Item(*_CONSTANTS[self._take().kind])
        if token.kind in ("number", "integer"):
            return Item(Kind.NUMBER, _number(self._take().text))
        if token.kind in ("string", "variable"):
            return Item(Kind.STRING if token.kind == "string" else Kind.VARIABLE, self._take().text)
        raise self._error()

    # -- accessors --------------------------------------------------------------------------------------------

    def _with_accessors(self, item: Item) -> Item:
        accessors: list[Item] = []
        while self._token.kind in (".", "[", "?"):
            accessors.append(self._accessor(self._take().kind))
        return item.followed_by(accessors) if accessors else item

    def _accessor(self, opening: str) -> Item:
        if opening == "[":
            return self._subscripts()
        if opening == "?":
            return Item(Kind.FILTER, operands=(self._parenthesised_predicate(),))
        token = self._token
        if token.kind not in ("*", "**", "string", "identifier") and token.kind not in KEYWORDS:
            raise self._error()
        self._take()
        if token.kind == "*":
            return Item(Kind.ANY_KEY)
        if token.kind == "**":
            return self._any_depth()
        if self._token.kind == "(" and (token.kind == "datetime" or token.kind in _METHODS):
            return self._method(token.kind)
        return Item(Kind.KEY, token.text)

    def _method(self, name: str) -> Item:
        self._expect("(")
        if name == "datetime":
            template = self._take().text if self._token.kind == "string" else None
            self._expect(")")
            return Item(Kind.DATETIME, template)
        self._expect(")")
        return Item(_METHODS[name])

    def _subscripts(self) -> Item:
        if self._takes("*"):
            self._expect("]")
            return Item(Kind.ANY_ELEMENT)
        operands: list[Item | None] = []
        while True:
            operands.append(self._value(self._sum()))
            operands.append(self._value(self._sum()) if self._takes("to") else None)
            if not self._takes(","):
                break
        self._expect("]")
        return Item(Kind.SUBSCRIPTS, operands=tuple(operands))

    def _any_depth(self) -> Item:
        """`**` with its levels (first, last); None stands for the deepest there is."""
        if not self._takes("{"):
            return Item(Kind.ANY_DEPTH, (0, None))
        first = self._level()
        last = self._level() if self._takes("to") else first
        self._expect("}")
        return Item(Kind.ANY_DEPTH, (first, last))

    def _level(self) -> int | None:
        token = self._expect("integer", "last")
        if token.kind == "last":
            return None
        level = int(_number(token.text))
        if level > _INT4_MAX:
            raise NumericValueOutOfRange(f'value "{token.text}" is out of range for type integer')
        return level


def _number(text: str) -> Decimal:
    """The value of a numeric literal; its exponent is never positive, so its scale is numeric's.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    if text[:2].lower() in ("0x", "0o", "0b"):
        return Decimal(int(text, 0))
    digits = text.replace("_", "")
    exponent = digits.lower().partition("e")[2].lstrip("+-0")
    try:
        value = Decimal(digits)
        if len(exponent) > _EXPONENT_LENGTH_MAX or (value and value.adjusted() >= _INTEGER_DIGITS_MAX):
            raise NumericValueOutOfRange("value overflows numeric format")
        scale = -int(value.as_tuple().exponent)
        if scale > _SCALE_MAX:
            raise NumericValueOutOfRange("value overflows numeric format")
    except InvalidOperation:
        raise NumericValueOutOfRange("value overflows numeric format") from None
    return value if scale >= 0 else value.quantize(Decimal(1), context=NUMERIC_CONTEXT)


def _check_places(item: Item, *, in_filter: bool, in_subscript: bool) -> None:
    """@ stands in filters only, last in subscripts only."""
    for part in item.chain():
        if part.kind is Kind.CURRENT and not in_filter:
            raise SyntaxErrorInStatement("@ is not allowed in root expressions")
        if part.kind is Kind.LAST and not in_subscript:
            raise SyntaxErrorInStatement("LAST is allowed only in array subscripts")
        for operand in part.operands:
            if operand is not None:
                _check_places(
                    operand,
                    in_filter=in_filter or part.kind is Kind.FILTER,
                    in_subscript=in_subscript or part.kind is Kind.SUBSCRIPTS,
                )
