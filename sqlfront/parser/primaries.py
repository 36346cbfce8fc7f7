"""Grammar of primary expressions: constants, columns, calls, sub-selects, CASE, ARRAY, ROW, CAST.

https://www.postgresql.org/docs/15/sql-expressions.html. What binds them together is in `expressions`.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from foundation.errors import QuiverError
from sqlfront.parser.grammar import identifier_of
from sqlfront.parser.keywords import words
from sqlfront.parser.lexer import BITS, FLOAT, INTEGER, PARAMETER, QUOTED, STRING, WORD, Token
from sqlfront.parser.nodes import ArraySubquery, Default, ValueFunction, data_type, located
from sqlfront.parser.special_calls import SpecialCalls
from sqlfront.parser.type_grammar import CONSTANT_TYPE_WORDS
from sqlfront.parser.typenames import TypeName

VALUE_FUNCTIONS = words(
    "current_date current_time current_timestamp localtime localtimestamp current_role current_user user"
    " session_user current_catalog current_schema"
)
_WITH_PRECISION = ("current_time", "current_timestamp", "localtime", "localtimestamp")
_QUERY_WORDS = ("select", "values", "with", "table")
_AFTER_QUERY = (")", "union", "intersect", "except", "order", "limit", "offset", "fetch", "for", "", ";")


class PrimaryGrammar(SpecialCalls):
    """Parses c_expr; the class below it in the chain supplies operators and queries."""

    def _at(self, token: Token, node: exp.Expr) -> exp.Expr:
        return located(node, token.start, token.end - 1)

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
        except QuiverError:
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
        return self._at(token, self._array_body())

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
