"""Grammar of function calls: arguments, aggregate clauses, windows, and functions with a syntax of their own.

https://www.postgresql.org/docs/15/sql-expressions.html#SYNTAX-AGGREGATES
"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.grammar import identifier_of
from sqlfront.parser.keywords import words
from sqlfront.parser.lexer import STRING, Token
from sqlfront.parser.nodes import QueryNode, located
from sqlfront.parser.type_grammar import TypeGrammar

_EXTRACT_FIELDS = words("year month day hour minute second")
_XML = words(
    "xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize"
    " xmltable treat"
)


class SpecialCalls(TypeGrammar):
    """Parses calls; the class below it in the chain supplies expressions and queries."""

    def expression(self) -> exp.Expr:
        raise NotImplementedError

    def restricted_expression(self) -> exp.Expr:
        raise NotImplementedError

    def query(self) -> QueryNode:
        raise NotImplementedError

    def order_by(self) -> exp.Order:
        raise NotImplementedError

    # -- ordinary calls

    def function_call(self, parts: list[Token]) -> exp.Expr:
        """A call whose name is consumed and whose `(` is next, with everything that may follow it."""
        name = parts[-1]
        call = located(
            exp.Anonymous(this=name.value, expressions=self._arguments()), parts[0].start, name.end - 1
        )
        node: exp.Expr = call
        for part in reversed(parts[:-1]):
            node = located(exp.Dot(this=identifier_of(part), expression=node), parts[0].start, name.end - 1)
        return self.call_suffix(node)

    def _arguments(self) -> list[exp.Expr]:
        self.expect("(")
        if self.accept(")"):
            return []
        if self.accept("*"):
            self.expect(")")
            return [exp.Star()]
        distinct = self.accept("distinct")
        if not distinct:
            self.accept("all")
        arguments = self.comma_list(self._argument)
        if distinct:
            arguments = [exp.Distinct(expressions=arguments)]
        if self.token.key == "order":
            order = self.order_by()
            order.set("this", arguments[-1])
            arguments[-1] = order
        self.expect(")")
        return arguments

    def _argument(self) -> exp.Expr:
        token = self.token
        if self.accept("variadic"):
            variadic = located(exp.Variadic(this=self.expression()), token.start, token.end - 1)
            return variadic if self.token.key != "," else self.error()
        if self.peek().key in ("=>", ":=") and self.is_function_name():
            name = identifier_of(self.advance())
            self.advance()
            return located(exp.Kwarg(this=name, expression=self.expression()), token.start, token.end - 1)
        return self.expression()

    def call_suffix(self, node: exp.Expr) -> exp.Expr:
        """WITHIN GROUP, FILTER and OVER after a call."""
        token = self.token
        if self.looking_at("within", "group"):
            self.expect("within", "group", "(")
            node = located(exp.WithinGroup(this=node, expression=self.order_by()), token.start, token.end - 1)
            self.expect(")")
        if self.looking_at("filter", "("):
            self.expect("filter", "(", "where")
            condition = exp.Where(this=self.expression())
            self.expect(")")
            node = located(exp.Filter(this=node, expression=condition), token.start, token.end - 1)
        if self.token.key == "over":
            over = self.advance()
            if self.token.key == "(":
                window = self.window_specification()
            else:
                window = exp.Window(alias=self.identifier())
                window.meta["is_reference"] = True
            window.set("this", node)
            node = located(window, over.start, over.end - 1)
        return node

    # -- windows

    def window_specification(self) -> exp.Window:
        """( [name] [PARTITION BY ...] [ORDER BY ...] [frame] )."""
        self.expect("(")
        alias = None
        if self.is_name() and self.token.key not in ("partition", "rows", "range", "groups"):
            alias = self.identifier()
        partition: list[exp.Expr] = []
        if self.accept("partition"):
            self.expect("by")
            partition = self.comma_list(self.expression)
        order = self.order_by() if self.token.key == "order" else None
        frame = self._frame() if self.token.key in ("rows", "range", "groups") else None
        self.expect(")")
        return exp.Window(alias=alias, partition_by=partition, order=order, spec=frame)

    def _frame(self) -> exp.WindowSpec:
        kind = self.advance().key.upper()
        if self.accept("between"):
            start, start_side = self._frame_bound()
            self.expect("and")
            end, end_side = self._frame_bound()
        else:
            (start, start_side), (end, end_side) = self._frame_bound(), (None, None)
        exclude = None
        if self.accept("exclude"):
            if self.accept("current"):
                self.expect("row")
                exclude = "CURRENT ROW"
            elif self.accept("no"):
                self.expect("others")
            else:
                exclude = (self.accept_any("group", "ties") or self.error()).upper()
        return exp.WindowSpec(
            kind=kind, start=start, start_side=start_side, end=end, end_side=end_side, exclude=exclude
        )

    def _frame_bound(self) -> tuple[exp.Expr | str, str | None]:
        if self.accept("current"):
            self.expect("row")
            return "CURRENT ROW", None
        value: exp.Expr | str = "UNBOUNDED"
        if not (self.token.key == "unbounded" and self.accept("unbounded")):
            value = self.expression()
        side = self.accept_any("preceding", "following") or self.error()
        return value, side.upper()

    # -- functions with their own syntax

    def special_call(self) -> exp.Expr | None:
        """EXTRACT, TRIM, COALESCE and the like when one is next, else None."""
        token = self.token
        if token.key in _XML and token.category and self.peek().key == "(":
            self.unsupported(token.key.upper())
        handler = {
            "coalesce": self._coalesce, "greatest": self._coalesce, "least": self._coalesce, "nullif": self._nullif,
            "extract": self._extract, "position": self._position, "substring": self._substring, "trim": self._trim,
            "overlay": self._overlay, "normalize": self._normalize, "grouping": self._grouping,
        }.get(token.key)  # fmt: skip
        if handler is None or self.peek().key != "(":
            return self._collation_for() if self.looking_at("collation", "for") else None
        self.advance()
        self.expect("(")
        node = handler(token)
        self.expect(")")
        return located(node, token.start, token.end - 1)

    def _call(self, name: str, arguments: list[exp.Expr], syntax: str | None = None) -> exp.Expr:
        node = exp.Anonymous(this=name, expressions=arguments)
        if syntax:
            node.meta["sql_syntax"] = syntax
        return node

    def _coalesce(self, token: Token) -> exp.Expr:
        cls = {"coalesce": exp.Coalesce, "greatest": exp.Greatest, "least": exp.Least}[token.key]
        first, *rest = self.comma_list(self.expression)
        return cls(this=first, expressions=rest)

    def _nullif(self, token: Token) -> exp.Expr:
        left = self.expression()
        self.expect(",")
        return exp.Nullif(this=left, expression=self.expression())

    def _grouping(self, token: Token) -> exp.Expr:
        return self._call("grouping", self.comma_list(self.expression))

    def _extract(self, token: Token) -> exp.Expr:
        if not (self.token.kind == STRING or self.is_name() or self.token.key in _EXTRACT_FIELDS):
            self.error()
        field = self.advance()
        literal = located(exp.Literal.string(field.value), field.start, field.end - 1)
        self.expect("from")
        return self._call("extract", [literal, self.expression()], "extract")

    def _position(self, token: Token) -> exp.Expr:
        part = self.restricted_expression()
        self.expect("in")
        return self._call("position", [self.restricted_expression(), part], "position")

    def _substring(self, token: Token) -> exp.Expr:
        if self.token.key == ")":
            return self._call("substring", [])
        value = self.expression()
        if self.token.key == ",":
            self.advance()
            return self._call("substring", [value, *self.comma_list(self.expression)])
        if self.accept("similar"):
            arguments = [value, self.expression()]
            self.expect("escape")
            return self._call("substring", [*arguments, self.expression()], "substring")
        start = length = None
        while self.token.key in ("from", "for"):
            if self.accept("from"):
                start = self.expression() if start is None else self.error()
            else:
                self.advance()
                length = self.expression() if length is None else self.error()
        if start is None and length is None:
            self.error() if self.token.key != ")" else None
            return self._call("substring", [value])
        if start is None:
            node = self._call("substring", [value, exp.Literal.number("1"), length], "substring_for")  # type: ignore[list-item]
            return node
        arguments = [value, start] if length is None else [value, start, length]
        return self._call("substring", arguments, "substring")

    def _trim(self, token: Token) -> exp.Expr:
        side = self.accept_any("leading", "trailing", "both")
        name = {"leading": "ltrim", "trailing": "rtrim"}.get(side or "", "btrim")
        if self.accept("from"):
            return self._call(name, self.comma_list(self.expression), "trim")
        values = [self.expression()]
        if self.accept("from"):
            return self._call(name, [*self.comma_list(self.expression), *values], "trim")
        while self.accept(","):
            values.append(self.expression())
        return self._call(name, values, "trim")

    def _overlay(self, token: Token) -> exp.Expr:
        value = self.expression()
        if self.accept(","):
            return self._call("overlay", [value, *self.comma_list(self.expression)])
        self.expect("placing")
        arguments = [value, self.expression()]
        self.expect("from")
        arguments.append(self.expression())
        if self.accept("for"):
            arguments.append(self.expression())
        return self._call("overlay", arguments, "overlay")

    def _normalize(self, token: Token) -> exp.Expr:
        arguments = [self.expression()]
        if self.accept(","):
            form = self.accept_any("nfc", "nfd", "nfkc", "nfkd") or self.error()
            arguments.append(exp.Literal.string(form.upper()))
        return self._call("normalize", arguments, "normalize")

    def _collation_for(self) -> exp.Expr:
        token = self.advance()
        self.expect("for", "(")
        node = self._call("pg_collation_for", [self.expression()], "collation_for")
        self.expect(")")
        return located(node, token.start, token.end - 1)
