"""Grammar of value expressions, by precedence climbing over PostgreSQL's precedence table.

https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-PRECEDENCE. The vector operators, like every
operator that is not a standard one, share one tier: tighter than comparison and LIKE, looser than + and -.
"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.lexer import FLOAT, INTEGER, OPERATOR, STRING, WORD, Token
from sqlfront.parser.nodes import (
    InfixOperator,
    PrefixOperator,
)
from sqlfront.parser.primaries import PrimaryGrammar

OR, AND, NOT, IS, COMPARE, RANGE, OPERATORS, ADD, MULTIPLY, POWER, AT, COLLATE, MINUS = range(1, 14)

_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, ">": exp.GT, "<=": exp.LTE, ">=": exp.GTE,
}  # fmt: skip
_ARITHMETIC: dict[str, tuple[int, type[exp.Binary]]] = {
    "+": (ADD, exp.Add), "-": (ADD, exp.Sub), "*": (MULTIPLY, exp.Mul), "/": (MULTIPLY, exp.Div),
    "%": (MULTIPLY, exp.Mod), "^": (POWER, exp.Pow),
}  # fmt: skip
_CONSTANT_KINDS = (STRING, INTEGER, FLOAT)
_RANGE_WORDS = ("between", "in", "like", "ilike", "similar")


class ExpressionGrammar(PrimaryGrammar):
    """Parses a_expr, b_expr and c_expr."""

    # -- entry points

    def expression(self) -> exp.Expr:
        """a_expr."""
        # Long VALUES and IN lists are lone constants mostly, which need no look at operators.
        if self.token.kind in _CONSTANT_KINDS and self.tokens[self.index + 1].key in (",", ")"):
            token = self.advance()
            return self._at(token, exp.Literal(this=token.value, is_string=token.kind == STRING))
        if not self._is_restricted:
            return self._climb(OR)
        # Inside the brackets of a b_expr everything is allowed again.
        self._is_restricted = False
        try:
            return self._climb(OR)
        finally:
            self._is_restricted = True

    def restricted_expression(self) -> exp.Expr:
        """b_expr: no AND, OR, NOT, IS NULL, LIKE, IN, so that it may stand before such words."""
        saved, self._is_restricted = self._is_restricted, True
        try:
            return self._climb(COMPARE)
        finally:
            self._is_restricted = saved

    _is_restricted: bool = False

    # -- operators

    def _climb(self, lowest: int) -> exp.Expr:
        """An expression of operators of at least `lowest` precedence."""
        highest = NOT if self.token.key == "not" else MINUS
        left = self._prefix()
        while True:
            level = self._level()
            if level < lowest or level > highest or not level:
                return left
            left, highest = self._infix(left, level)

    def _level(self) -> int:
        """Precedence of the next token as an infix or postfix operator, 0 = none."""
        token = self.token
        key = token.key
        if token.kind == OPERATOR:
            if key in _COMPARISONS:
                return COMPARE
            if key in _ARITHMETIC:
                return _ARITHMETIC[key][0]
            return 0 if key == "=>" else OPERATORS
        if token.kind != WORD or not token.category:
            return 0
        if key == "operator" and self.peek().key == "(":
            return OPERATORS
        if self._is_restricted:
            return IS if key == "is" and self._is_distinct_ahead() else 0
        return self._word_level(key)

    def _is_distinct_ahead(self) -> bool:
        after = self.peek(2) if self.peek().key == "not" else self.peek()
        return after.key == "distinct"

    def _word_level(self, key: str) -> int:
        if key == "and":
            return AND
        if key == "or":
            return OR
        if key in ("is", "isnull", "notnull"):
            return IS
        if key == "similar" and self.peek().key != "to":
            return 0  # SUBSTRING (x SIMILAR pattern ESCAPE escape)
        if key in _RANGE_WORDS or (key == "not" and self.peek().key in _RANGE_WORDS):
            return RANGE
        if key == "at" and self.peek().key == "time":
            return AT
        if key == "collate":
            return COLLATE
        if key == "overlaps":
            return RANGE
        return 0

    def _infix(self, left: exp.Expr, level: int) -> tuple[exp.Expr, int]:
        """Consume one operator with its right side.

        Returns:
            The node, and the highest level of an operator that may follow it: the operator's own level when
            it associates to the left, less when it does not associate (`a < b < c` is an error), any after a
            postfix operator, whose operand cannot be taken away from it.
        """
        token = self.token
        if level in (AND, OR):
            return self._chain(left, level), level
        if level == IS:
            return self._is(left)
        if level == RANGE:
            return self._range(left)
        self.advance()
        if level == AT:
            self.expect("time", "zone")
            return self._at(token, exp.AtTimeZone(this=left, zone=self._climb(AT + 1))), level
        if level == COLLATE:
            return self._at(token, exp.Collate(this=left, expression=self._collation())), MINUS
        operator, schema = token.key, None
        if token.kind == WORD:
            operator, schema = self.qualified_operator()
        node = self._applied(token, left, operator, schema, level)
        return node, level - 1 if level == COMPARE else level

    def _chain(self, left: exp.Expr, level: int) -> exp.Expr:
        """A chain of AND or OR, built balanced: a thousand terms must not be a thousand levels deep."""
        word, cls = ("and", exp.And) if level == AND else ("or", exp.Or)
        items = [left]
        token = self.token
        while self.accept(word):
            items.append(self._climb(level + 1))
        while len(items) > 1:
            pairs = [
                self._at(token, cls(this=items[i], expression=items[i + 1]))
                for i in range(0, len(items) - 1, 2)
            ]
            items = pairs + items[len(pairs) * 2 :]
        return items[0]

    def _applied(
        self, token: Token, left: exp.Expr, operator: str, schema: str | None, level: int
    ) -> exp.Expr:
        right = self._quantified() or self._climb(level + 1)
        return self._binary(token, left, operator, schema, right)

    def _binary(
        self, token: Token, left: exp.Expr, operator: str, schema: str | None, right: exp.Expr
    ) -> exp.Expr:
        cls: type[exp.Binary] | None = None
        if schema is None:
            cls = _COMPARISONS.get(operator) or (
                _ARITHMETIC[operator][1] if operator in _ARITHMETIC else None
            )
            if operator == "||":
                cls = exp.DPipe
        if cls is not None:
            return self._at(token, cls(this=left, expression=right))
        return self._at(token, InfixOperator(this=left, expression=right, operator=operator, schema=schema))

    def qualified_operator(self) -> tuple[str, str | None]:
        """After OPERATOR: ( [schema .] op )."""
        self.expect("(")
        schema = None
        while self.is_name() and self.peek().key == ".":
            schema = self.advance().value
            self.advance()
        if self.token.kind != OPERATOR:
            self.error()
        operator = self.advance().key
        self.expect(")")
        return operator, schema

    def _quantified(self) -> exp.Expr | None:
        """ANY / SOME / ALL ( query or expression )."""
        if self.token.key not in ("any", "some", "all") or self.peek().key != "(":
            return None
        token = self.advance()
        self.expect("(")
        inner = self.query() if self._is_query_ahead() else self.expression()
        self.expect(")")
        return self._at(token, (exp.All if token.key == "all" else exp.Any)(this=inner))

    def _is(self, left: exp.Expr) -> tuple[exp.Expr, int]:
        token = self.advance()
        if token.key in ("isnull", "notnull"):
            node = self._at(token, exp.Is(this=left, expression=exp.Null()))
            return (node if token.key == "isnull" else self._negated(token, node)), MINUS
        negated = self.accept("not")
        if self.accept("distinct", "from"):
            cls = exp.NullSafeEQ if negated else exp.NullSafeNEQ
            return self._at(token, cls(this=left, expression=self._climb(IS + 1))), IS - 1
        value: exp.Expr
        if self._is_restricted:
            self.error()
        if self.accept("null"):
            value = exp.Null()
        elif word := self.accept_any("true", "false"):
            value = exp.Boolean(this=word == "true")
        elif self.accept("unknown"):
            value = exp.Var(this="UNKNOWN")
        elif self.token.key in ("document", "json"):
            self.unsupported(f"IS {self.token.key.upper()}")
        elif self.token.key in ("normalized", "nfc", "nfd", "nfkc", "nfkd"):
            node = self._is_normalized(token, left)
            return (self._negated(token, node) if negated else node), MINUS
        else:
            self.error()
        node = self._at(token, exp.Is(this=left, expression=value))
        return (self._negated(token, node) if negated else node), MINUS

    def _is_normalized(self, token: Token, left: exp.Expr) -> exp.Expr:
        """[NFC | NFD | NFKC | NFKD] NORMALIZED: a call of the function behind it."""
        form = self.accept_any("nfc", "nfd", "nfkc", "nfkd")
        self.expect("normalized")
        arguments = [left, *([exp.Literal.string(form.upper())] if form else [])]
        node = exp.Anonymous(this="is_normalized", expressions=arguments)
        node.meta["sql_syntax"] = "is_normalized"
        return self._at(token, node)

    def _negated(self, token: Token, node: exp.Expr) -> exp.Expr:
        """IS NOT, NOT IN, NOT LIKE: Not around the positive form, marked as written inside the predicate."""
        negation = self._at(token, exp.Not(this=node))
        negation.meta["is_infix"] = True
        return negation

    def _range(self, left: exp.Expr) -> tuple[exp.Expr, int]:
        start = self.token
        negated = self.accept("not")
        token = self.advance()
        node: exp.Expr
        highest = RANGE - 1
        if token.key == "between":
            symmetric = self.accept("symmetric") or (self.accept("asymmetric") and False)
            low = self.restricted_expression()
            self.expect("and")
            node = exp.Between(this=left, low=low, high=self._climb(RANGE + 1), symmetric=symmetric or None)
        elif token.key == "in":
            node, highest = self._in(left), MINUS
        elif token.key == "overlaps":
            right = self._climb(RANGE + 1)
            node = exp.Overlaps(this=left, expression=right)
        else:
            node = self._like(left, token)
        node = self._at(token, node)
        return (self._negated(start, node) if negated else node), highest

    def _like(self, left: exp.Expr, token: Token) -> exp.Expr:
        if token.key == "similar":
            self.expect("to")
            cls: type[exp.Binary] = exp.SimilarTo
        else:
            cls = exp.Like if token.key == "like" else exp.ILike
        node: exp.Expr = cls(this=left, expression=self._quantified() or self._climb(RANGE + 1))
        if self.accept("escape"):
            node = exp.Escape(this=self._at(token, node), expression=self._climb(RANGE + 1))
        return node

    def _in(self, left: exp.Expr) -> exp.Expr:
        self.expect("(")
        if self._is_query_ahead():
            query = self.query()
            self.expect(")")
            return exp.In(this=left, query=exp.Subquery(this=query))
        items = self.comma_list(self.expression)
        self.expect(")")
        return exp.In(this=left, expressions=items)

    def _collation(self) -> exp.Expr:
        node: exp.Expr = self.label_identifier() if self.is_label() else self.identifier()
        while self.accept("."):
            node = exp.Dot(this=node, expression=self.label_identifier())
        return node

    def _prefix(self) -> exp.Expr:
        token = self.token
        if token.key == "not" and not self._is_restricted:
            self.advance()
            return self._at(token, exp.Not(this=self._climb(NOT)))
        if token.kind == OPERATOR:
            if token.key == "*":
                self.error()
            return self._prefix_operator()
        if token.key == "operator" and self.peek().key == "(":
            self.advance()
            operator, schema = self.qualified_operator()
            return self._at(
                token, PrefixOperator(this=self._climb(OPERATORS), operator=operator, schema=schema)
            )
        return self._casts(self._primary())

    def _prefix_operator(self) -> exp.Expr:
        token = self.advance()
        if token.key == "-":
            number = self.token
            operand = self._climb(MINUS)
            is_number = isinstance(operand, exp.Literal) and number.kind in (INTEGER, FLOAT)
            if is_number and not str(operand.this).startswith("-"):
                return self._at(token, exp.Literal(this=f"-{operand.this}", is_string=False))
            return self._at(token, exp.Neg(this=operand))
        if token.key == "+":
            return self._at(token, PrefixOperator(this=self._climb(MINUS), operator="+"))
        if token.key in _COMPARISONS or token.key in _ARITHMETIC or token.key == "=>":
            self.error(token)
        return self._at(token, PrefixOperator(this=self._climb(OPERATORS), operator=token.key))

    def _casts(self, node: exp.Expr) -> exp.Expr:
        while self.token.key == "::":
            token = self.advance()
            node = self._at(token, exp.Cast(this=node, to=self.type_node()))
        return node
