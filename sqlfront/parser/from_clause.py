"""Grammar of FROM: tables, sub-queries, set-returning functions, joins.

https://www.postgresql.org/docs/15/queries-table-expressions.html
"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.expressions import ExpressionGrammar
from sqlfront.parser.grammar import identifier_of
from sqlfront.parser.lexer import QUOTED, WORD, Token
from sqlfront.parser.nodes import ColumnDefinition, FunctionTable, JoinTree, ValueFunction, located
from sqlfront.parser.primaries import VALUE_FUNCTIONS

_JOIN_WORDS = ("join", "inner", "left", "right", "full", "cross", "natural")


class FromClause(ExpressionGrammar):
    """Parses from items."""

    def from_item(self) -> exp.Expr:
        """table_ref: a primary with its joins, which bind to the left."""
        left = self._from_primary()
        while self.token.key in _JOIN_WORDS:
            left = self._join(left)
        return left

    def _join(self, left: exp.Expr) -> exp.Expr:
        token = self.token
        natural = self.accept("natural")
        kind = self.accept_any("inner", "left", "right", "full", "cross") or "inner"
        if kind in ("left", "right", "full"):
            self.accept("outer")
        self.expect("join")
        if kind == "cross" and natural:
            self.error(token)
        node = located(
            JoinTree(this=left, kind=kind.upper(), natural=natural or None), token.start, token.end - 1
        )
        # The right side may hold joins of its own before our ON: `a JOIN b JOIN c ON ... ON ...`.
        right = self._from_primary()
        if kind == "cross" or natural:
            node.set("expression", right)
            return node
        while self.token.key in _JOIN_WORDS:
            right = self._join(right)
        node.set("expression", right)
        if self.accept("on"):
            node.set("on", self.expression())
        else:
            self.expect("using")
            node.set("using", self.parenthesized(self.identifier))
            if self.accept("as"):
                self.unsupported("an alias of JOIN USING")
        return node

    def _from_primary(self) -> exp.Expr:
        token = self.token
        lateral = self.accept("lateral")
        if self.token.key == "(":
            return self._parenthesized_item(lateral, token)
        if self.looking_at("rows", "from") and self.peek(2).key == "(":
            return self._rows_from(lateral)
        if self.token.key in ("xmltable", "json_table") and self.peek().key == "(":
            self.unsupported(self.token.key.upper())
        if self._is_function_ahead():
            return self._function(lateral)
        if lateral:
            self.error()
        return self._table_with_alias()

    def _parenthesized_item(self, lateral: bool, token: Token) -> exp.Expr:
        if self._is_query_inside():
            self.expect("(")
            node: exp.Expr = exp.Subquery(this=self.query())
            if lateral:
                node.set("lateral", True)
        else:
            if lateral:
                self.error()
            self.expect("(")
            node = self.from_item()
            if not isinstance(node, JoinTree):
                self.error()
        self.expect(")")
        alias = self._alias()
        if isinstance(node, JoinTree) and alias is not None and node.args.get("alias"):
            self.error(token)
        if alias is not None:
            node.set("alias", alias)
        if isinstance(node, JoinTree):
            node.meta["parenthesized"] = True
            return node
        return located(node, token.start, token.end - 1)

    # -- functions

    def _is_function_ahead(self) -> bool:
        distance = 0
        while self.peek(distance).kind in (WORD, QUOTED) and self.peek(distance + 1).key == ".":
            distance += 2
        token = self.peek(distance)
        if token.kind == WORD and not distance and token.key in VALUE_FUNCTIONS:
            return True
        return self.peek(distance + 1).key == "(" and token.kind in (WORD, QUOTED)

    def _function(self, lateral: bool) -> exp.Expr:
        first = self.token
        call = self._primary()
        if not _is_call(call):
            self.error(first)
        node = FunctionTable(expressions=[call], lateral=lateral or None)
        return self._function_tail(node, first)

    def _rows_from(self, lateral: bool) -> exp.Expr:
        first = self.token
        self.expect("rows", "from")
        calls = self.parenthesized(self._rows_from_item)
        node = FunctionTable(expressions=calls, lateral=lateral or None, rows_from=True)
        return self._function_tail(node, first)

    def _rows_from_item(self) -> exp.Expr:
        call = self._primary()
        if self.token.key == "as":
            self.unsupported("a column definition list in ROWS FROM")
        return call

    def _function_tail(self, node: exp.Expr, first: Token) -> exp.Expr:
        if self.accept("with"):
            self.expect("ordinality")
            node.set("ordinality", True)
        if self.looking_at("as", "("):
            self.expect("as")
            node.set("alias", exp.TableAlias(columns=self.parenthesized(self._column_definition)))
        else:
            alias = self._alias(definitions=True)
            if alias is not None:
                node.set("alias", alias)
        return located(node, first.start, first.end - 1)

    def _column_definition(self) -> exp.Expr:
        name = self.identifier()
        return ColumnDefinition(this=name, kind=self.type_node())

    # -- tables and aliases

    def table_reference(self, *, inheritance: bool = False) -> exp.Table:
        """A possibly qualified table name; with `inheritance` also ONLY t and t *."""
        first = self.token
        only = inheritance and self.accept("only")
        parenthesized = only and self.accept("(")
        if not self.is_name():
            self.error()
        parts = [identifier_of(self.advance())]
        while self.accept("."):
            parts.append(self.label_identifier())
        if len(parts) > 3:
            self.error(first)
        node = exp.Table(**dict(zip(("this", "db", "catalog"), reversed(parts))))
        if parenthesized:
            self.expect(")")
        if only:
            node.set("only", True)
        elif inheritance:
            self.accept("*")
        return located(node, first.start, self.last.end - 1)

    def _table_with_alias(self) -> exp.Expr:
        node = self.table_reference(inheritance=True)
        alias = self._alias()
        if alias is not None:
            node.set("alias", alias)
        if self.token.key == "tablesample":
            node.set("sample", self._sample())
        return node

    def _sample(self) -> exp.TableSample:
        token = self.advance()
        method = ".".join(self.qualified_name())
        arguments = self.parenthesized(self.expression)
        seed = None
        if self.accept("repeatable"):
            self.expect("(")
            seed = self.expression()
            self.expect(")")
        node = exp.TableSample(method=method, expressions=arguments, seed=seed)
        return located(node, token.start, token.end - 1)

    def _alias(self, *, definitions: bool = False) -> exp.TableAlias | None:
        """[AS] name [(columns)]; `definitions` allows typed columns."""
        if not self.accept("as") and not self._is_alias_ahead():
            return None
        alias = exp.TableAlias(this=self.identifier())
        if self.token.key == "(":
            is_typed = definitions and self.peek(2).key not in (",", ")")
            item = self._column_definition if is_typed else self.identifier
            alias.set("columns", self.parenthesized(item))
        return alias

    def _is_alias_ahead(self) -> bool:
        return self.is_name()


def _is_call(node: exp.Expr) -> bool:
    if isinstance(node, exp.Dot):
        node = node.expression
    return isinstance(
        node, exp.Anonymous | exp.Coalesce | exp.Greatest | exp.Least | exp.Nullif | ValueFunction | exp.Cast
    )
