"""Grammar of value expressions, by precedence climbing over PostgreSQL's precedence table.

https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-PRECEDENCE. The vector operators, like every
operator that is not a standard one, share one tier: tighter than comparison and LIKE, looser than + and -.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from sqlfront.parser.grammar import identifier_of
from sqlfront.parser.keywords import words
from sqlfront.parser.lexer import BITS, FLOAT, INTEGER, OPERATOR, PARAMETER, QUOTED, STRING, WORD, Token
from sqlfront.parser.nodes import (
    ArraySubquery,
    Default,
    InfixOperator,
    PrefixOperator,
    ValueFunction,
    data_type,
    located,
)
from sqlfront.parser.special_calls import SpecialCalls
from sqlfront.parser.type_grammar import CONSTANT_TYPE_WORDS
from sqlfront.parser.typenames import TypeName

OR, AND, NOT, IS, COMPARE, RANGE, OPERATORS, ADD, MULTIPLY, POWER, AT, COLLATE, MINUS = range(1, 14)

_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, ">": exp.GT, "<=": exp.LTE, ">=": exp.GTE,
}  # fmt: skip
_ARITHMETIC: dict[str, tuple[int, type[exp.Binary]]] = {
    "+": (ADD, exp.Add), "-": (ADD, exp.Sub), "*": (MULTIPLY, exp.Mul), "/": (MULTIPLY, exp.Div),
    "%": (MULTIPLY, exp.Mod), "^": (POWER, exp.Pow),
}  # fmt: skip
_RANGE_WORDS = ("between", "in", "like", "ilike", "similar")
VALUE_FUNCTIONS = words(
    "current_date current_time current_timestamp localtime localtimestamp current_role current_user user"
    " session_user current_catalog current_schema"
)
_WITH_PRECISION = ("current_time", "current_timestamp", "localtime", "localtimestamp")
_QUERY_WORDS = ("select", "values", "with", "table")


class ExpressionGrammar(SpecialCalls):
    """Parses a_expr, b_expr and c_expr."""

    # -- entry points

    def expression(self) -> exp.Expr:
        """a_expr."""
        return self._climb(OR)

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
            operator, schema = self._qualified_operator()
        node = self._applied(token, left, operator, schema, level)
        return node, level - 1 if level == COMPARE else level

    def _at(self, token: Token, node: exp.Expr) -> exp.Expr:
        return located(node, token.start, token.end - 1)

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

    def _qualified_operator(self) -> tuple[str, str | None]:
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
        elif self.token.key in ("document", "normalized", "nfc", "nfd", "nfkc", "nfkd", "json"):
            self.unsupported(f"IS {self.token.key.upper()}")
        else:
            self.error()
        node = self._at(token, exp.Is(this=left, expression=value))
        return (self._negated(token, node) if negated else node), MINUS

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
            operator, schema = self._qualified_operator()
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

    def type_node(self) -> exp.DataType:
        first = self.token
        name = self.type_name()
        return located(data_type(name), first.start, self.last.end - 1)

    # -- primaries

    def _primary(self) -> exp.Expr:
        token = self.token
        if token.kind == STRING:
            self.advance()
            return self._at(token, exp.Literal.string(token.value))
        if token.kind in (INTEGER, FLOAT):
            self.advance()
            return self._at(token, exp.Literal.number(token.value))
        if token.kind == PARAMETER:
            self.advance()
            return self._indirection(self._at(token, exp.Parameter(this=exp.Literal.number(token.value))))
        if token.kind == BITS:
            self.advance()
            cls = exp.BitString if token.value[0] == "b" else exp.HexString
            return self._at(token, cls(this=token.value[1:]))
        if token.key == "(":
            return self._parenthesis()
        if token.kind == QUOTED:
            return self._name_primary()
        if token.kind != WORD:
            self.error()
        handler = self._KEYWORD_PRIMARIES.get(token.key)
        if handler is not None:
            return handler(self)
        return self._word_primary()

    def _word_primary(self) -> exp.Expr:
        token = self.token
        if token.key in VALUE_FUNCTIONS and token.category:
            return self._value_function()
        special = self.special_call()
        if special is not None:
            return self.call_suffix(special)
        if token.key in CONSTANT_TYPE_WORDS and token.category and self._is_typed_constant_ahead():
            return self._typed_constant()
        return self._name_primary()

    def _is_typed_constant_ahead(self) -> bool:
        """Whether `interval '1 day'`, `numeric(3) '1'` ... stands here, not a column of that name."""
        index = self.index
        try:
            self.simple_type()
            return self.token.kind == STRING
        except Exception:
            return False
        finally:
            self.back_to(index)

    def _typed_constant(self) -> exp.Expr:
        token = self.token
        name = self.simple_type()
        value = self.string()
        if name.name == "interval" and not name.modifiers:
            name = TypeName(name.name, name.schema, self.interval_fields())
        literal = self._at(self.last, exp.Literal.string(value))
        return self._typed(token, literal, name)

    def _typed(self, token: Token, literal: exp.Expr, name: TypeName) -> exp.Expr:
        name = TypeName(name.name, name.schema, name.modifiers, name.dimensions, token.start + 1)
        node = self._at(
            token, exp.Cast(this=literal, to=located(data_type(name), token.start, token.end - 1))
        )
        node.meta["typed_literal"] = True
        return node

    def _value_function(self) -> exp.Expr:
        token = self.advance()
        precision = None
        if self.token.key == "(":
            if token.key == "current_schema":
                self.expect("(", ")")
                return self._at(token, exp.Anonymous(this="current_schema", expressions=[]))
            if token.key not in _WITH_PRECISION:
                self.error()
            self.advance()
            if self.token.kind != INTEGER:
                self.error()
            precision = exp.Literal.number(self.advance().value)
            self.expect(")")
        if token.key == "current_schema" and self.token.key == ".":
            self.error()
        return self._at(token, ValueFunction(this=token.key, expression=precision))

    def _name_primary(self) -> exp.Expr:
        """A column reference, a function call, or `typename 'literal'`."""
        first = self.token
        if not (self.is_name() or self.is_function_name()):
            self.error()
        parts = [self.advance()]
        while self.token.key == "." and self.peek().kind in (WORD, QUOTED):
            self.advance()
            parts.append(self.advance())
        callable_name = len(parts) > 1 or self.is_function_name(first)
        if self.token.key == "(" and callable_name:
            typed = self._typed_with_modifiers(parts)
            return typed or self.function_call(parts)
        if self.token.kind == STRING and callable_name:
            schema = parts[-2].value if len(parts) > 1 else None
            literal_token = self.advance()
            literal = self._at(literal_token, exp.Literal.string(literal_token.value))
            return self._typed(first, literal, TypeName(parts[-1].value, schema))
        if not self.is_name(first):
            self.error(self.token if first.kind == WORD and first.category == "T" else first)
        return self._indirection(self._column(parts))

    def _typed_with_modifiers(self, parts: list[Token]) -> exp.Expr | None:
        """`vector(3) '[1,2,3]'`: a call followed by a string is a typed literal."""
        depth, distance = 0, 0
        while True:
            token = self.peek(distance)
            if token.key in ("(", "["):
                depth += 1
            elif token.key in (")", "]"):
                depth -= 1
                if not depth:
                    break
            elif token.kind not in (INTEGER, FLOAT) and token.key not in (",", "-"):
                return None
            distance += 1
        if self.peek(distance + 1).kind != STRING or distance == 1:
            return None
        schema = parts[-2].value if len(parts) > 1 else None
        name = TypeName(parts[-1].value, schema, self._modifiers())
        literal_token = self.advance()
        literal = self._at(literal_token, exp.Literal.string(literal_token.value))
        return self._typed(parts[0], literal, name)

    def _column(self, parts: list[Token]) -> exp.Expr:
        names = [identifier_of(part) for part in parts]
        end = parts[-1].end - 1
        if self.token.key == "." and self.peek().key == "*":
            self.advance()
            star = self.advance()
            qualifiers = dict(zip(("table", "db", "catalog"), reversed(names)))
            if len(names) > 3:
                self.error(star)
            return located(exp.Column(this=exp.Star(), **qualifiers), parts[0].start, star.end - 1)
        qualifiers = dict(zip(("this", "table", "db", "catalog"), reversed(names[:4])))
        column: exp.Expr = located(exp.Column(**qualifiers), parts[0].start, end)
        for name in names[4:]:
            column = exp.Dot(this=column, expression=name)
        return column

    def _indirection(self, node: exp.Expr) -> exp.Expr:
        """`.field`, `.*`, `[subscript]` and `[low:high]` after a primary that takes them."""
        while self.token.key in (".", "["):
            token = self.advance()
            if token.key == "[":
                node = self._at(token, exp.Bracket(this=node, expressions=[self._subscript()]))
                self.expect("]")
            elif self.token.key == "*":
                self.advance()
                node = self._at(token, exp.Dot(this=node, expression=exp.Star()))
            else:
                node = self._at(token, exp.Dot(this=node, expression=self.label_identifier()))
        return node

    def _subscript(self) -> exp.Expr:
        if self.accept(":"):
            high = None if self.token.key == "]" else self.expression()
            return exp.Slice(expression=high)
        low = self.expression()
        if self.accept(":"):
            high = None if self.token.key == "]" else self.expression()
            return exp.Slice(this=low, expression=high)
        return low

    def _is_query_ahead(self) -> bool:
        """Whether the next token, past any opening parentheses, begins a query and not an expression."""
        index = self.index
        while self.tokens[index].key == "(":
            close = self.matching(index)
            if close is None or self.tokens[close + 1].key not in _AFTER_QUERY:
                return False
            index += 1
        return self.tokens[index].key in _QUERY_WORDS

    def _is_query_inside(self) -> bool:
        """At an opening parenthesis: whether it encloses a query."""
        self.advance()
        try:
            return self._is_query_ahead()
        finally:
            self.back_to(self.index - 1)

    def _parenthesis(self) -> exp.Expr:
        token = self.token
        if self._is_query_inside():
            self.advance()
            query = self.query()
            end = self.expect(")")
            node: exp.Expr = located(exp.Subquery(this=query), token.start, end.end - 1)
            return self._indirection(node)
        self.advance()
        items = self.comma_list(self.expression)
        self.expect(")")
        if len(items) == 1:
            return self._indirection(self._at(token, exp.Paren(this=items[0])))
        return self._at(token, exp.Tuple(expressions=items))

    # -- keywords that begin a primary

    def _constant_word(self) -> exp.Expr:
        token = self.advance()
        if token.key == "null":
            return self._at(token, exp.Null())
        return self._at(token, exp.Boolean(this=token.key == "true"))

    def _exists(self) -> exp.Expr:
        token = self.advance()
        self.expect("(")
        query = self.query()
        self.expect(")")
        return self._at(token, exp.Exists(this=query))

    def _array(self) -> exp.Expr:
        token = self.advance()
        if self.accept("("):
            query = self.query()
            self.expect(")")
            return self._at(token, ArraySubquery(this=query))
        if self.token.key != "[":
            self.error()
        return self._indirection(self._at(token, self._array_body()))

    def _array_body(self) -> exp.Expr:
        self.expect("[")
        items: list[exp.Expr] = []
        if self.token.key != "]":
            items = self.comma_list(self._array_body if self.token.key == "[" else self.expression)
        self.expect("]")
        return exp.Array(expressions=items)

    def _case(self) -> exp.Expr:
        token = self.advance()
        operand = None if self.token.key == "when" else self.expression()
        branches = []
        if self.token.key != "when":
            self.error()
        while self.token.key == "when":
            when = self.advance()
            condition = self.expression()
            self.expect("then")
            branches.append(self._at(when, exp.If(this=condition, true=self.expression())))
        default = self.expression() if self.accept("else") else None
        self.expect("end")
        return self._at(token, exp.Case(this=operand, ifs=branches, default=default))

    def _row(self) -> exp.Expr:
        if self.peek().key != "(":
            return self._name_primary()
        token = self.advance()
        self.expect("(")
        items = [] if self.token.key == ")" else self.comma_list(self.expression)
        self.expect(")")
        node = self._at(token, exp.Tuple(expressions=items))
        node.meta["is_row"] = True
        return node

    def _cast(self) -> exp.Expr:
        token = self.advance()
        self.expect("(")
        value = self.expression()
        self.expect("as")
        to = self.type_node()
        self.expect(")")
        return self._at(token, exp.Cast(this=value, to=to))

    def _default(self) -> exp.Expr:
        return self._at(self.advance(), Default())

    def value_or_default(self) -> exp.Expr:
        """An expression, or DEFAULT where VALUES and SET allow it."""
        return self._default() if self.token.key == "default" else self.expression()

    _KEYWORD_PRIMARIES: ClassVar = {
        "null": _constant_word, "true": _constant_word, "false": _constant_word, "exists": _exists, "array": _array,
        "case": _case, "row": _row, "cast": _cast,
    }  # fmt: skip


_AFTER_QUERY = (")", "union", "intersect", "except", "order", "limit", "offset", "fetch", "for", "", ";")
