"""Grammar of INSERT, UPDATE, DELETE and MERGE. https://www.postgresql.org/docs/15/dml.html"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlglot import exp

from sqlfront.parser.lexer import Token
from sqlfront.parser.nodes import Assignment, located
from sqlfront.parser.queries import QueryGrammar
from sqlfront.parser.statements import SqlExpression

_T = TypeVar("_T")

QUERY_HEADS = ("select", "values", "table", "with", "(", "insert", "update", "delete", "merge")


class DmlGrammar(QueryGrammar):
    """Parses queries and data modification."""

    def captured(self, parse: Callable[[], _T]) -> tuple[_T, str]:
        """What `parse` returns, with the source text it consumed."""
        first = self.index
        result = parse()
        return result, self.source(first, self.index)

    def sql_expression(self) -> SqlExpression:
        """a_expr with its source text."""
        return SqlExpression(*self.captured(self.expression))

    def statement_with_clauses(self) -> exp.Expr:
        """A query or DML, with WITH: what may stand alone, in a CTE, after EXPLAIN and in PREPARE."""
        index = self.index
        with_ = None
        if self.token.key == "with":
            with_ = self.with_clause()
            if self.token.key not in ("insert", "update", "delete", "merge"):
                self.back_to(index)
                return self.query()
        handler = {
            "insert": self._insert, "update": self._update, "delete": self._delete, "merge": self._merge,
        }.get(self.token.key)  # fmt: skip
        if handler is None:
            return self.query()
        node = handler(self.advance())
        if with_ is not None:
            node.set("with_", with_)
        return node

    def _target_table(self, token: Token, *, bare_alias: bool) -> exp.Table:
        table = self.table_reference(inheritance=bare_alias)
        if self.accept("as") or (bare_alias and self.is_name() and self.token.key != "set"):
            table.set("alias", exp.TableAlias(this=self.identifier()))
        return table

    # -- INSERT

    def _insert(self, token: Token) -> exp.Expr:
        self.expect("into")
        node = exp.Insert(this=self._target_table(token, bare_alias=False))
        if self.token.key == "(" and not self._is_query_inside():
            node.set("columns", self.parenthesized(self._target_column))
        if self.accept("overriding"):
            node.set("overriding", (self.accept_any("system", "user") or self.error()).upper())
            self.expect("value")
        if self.accept("default"):
            self.expect("values")
        else:
            node.set("expression", self.query())
        if self.accept("on"):
            node.set("conflict", self._on_conflict())
        self._returning(node)
        return located(node, token.start, token.end - 1)

    def _target_column(self) -> exp.Expr:
        return self._indirection(self.identifier())

    def _on_conflict(self) -> exp.OnConflict:
        token = self.expect("conflict")
        node = exp.OnConflict()
        if self.accept("on"):
            self.expect("constraint")
            node.set("constraint", self.identifier())
        elif self.token.key == "(":
            node.set("expressions", self.parenthesized(self._conflict_target))
            if self.accept("where"):
                node.set("index_where", self.expression())
        self.expect("do")
        if self.accept("nothing"):
            node.set("action", "NOTHING")
        else:
            self.expect("update", "set")
            node.set("action", "UPDATE")
            node.set("assignments", self.comma_list(self._assignment))
            if self.accept("where"):
                node.set("where", exp.Where(this=self.expression()))
        return located(node, token.start, token.end - 1)

    def _conflict_target(self) -> exp.Expr:
        first = self.token
        if first.key == "(":
            value: exp.Expr = self.expression()
        elif self.peek().key in ("(", "."):
            value = self._primary()
            if isinstance(value, exp.Column):
                self.error()  # it would need to go on as a function call
        else:
            value = exp.Column(this=self.identifier())
        node = exp.Ordered(this=value, desc=False)
        if self.accept("collate"):
            node.set("this", exp.Collate(this=value, expression=self._collation()))
        if self.is_name() and self.token.key != "nulls":
            node.set("operator_class", ".".join(self.qualified_name()))
        # PostgreSQL's grammar takes an index's ordering here and its analysis refuses it.
        node.set("direction", self.accept_any("asc", "desc"))
        if self.accept("nulls"):
            node.set("nulls_order", self.accept_any("first", "last") or self.error())
        return located(node, first.start, first.end - 1)

    # -- MERGE

    def _merge(self, token: Token) -> exp.Expr:
        self.expect("into")
        node = exp.Merge(this=self._target_table(token, bare_alias=True))
        self.expect("using")
        node.set("using", self.from_item())
        self.expect("on")
        node.set("on", self.expression())
        whens = [self._when()]
        while self.token.key == "when":
            whens.append(self._when())
        node.set("whens", exp.Whens(expressions=whens))
        return located(node, token.start, token.end - 1)

    def _when(self) -> exp.When:
        """WHEN [NOT] MATCHED [AND condition] THEN action; the action is None for DO NOTHING."""
        token = self.expect("when")
        is_matched = not self.accept("not")
        self.expect("matched")
        node = exp.When(matched=is_matched)
        if self.accept("and"):
            node.set("condition", self.expression())
        self.expect("then")
        node.set("then", self._merge_action(is_matched=is_matched))
        return located(node, token.start, token.end - 1)

    def _merge_action(self, *, is_matched: bool) -> exp.Expr | None:
        if self.accept("do"):
            self.expect("nothing")
            return None
        if not is_matched:
            return self._merge_insert()
        if self.accept("delete"):
            return exp.Delete()
        self.expect("update", "set")
        return exp.Update(expressions=self.comma_list(self._assignment))

    def _merge_insert(self) -> exp.Insert:
        token = self.expect("insert")
        node = exp.Insert()
        if self.token.key == "(":
            node.set("columns", self.parenthesized(self._target_column))
        if self.accept("overriding"):
            node.set("overriding", (self.accept_any("system", "user") or self.error()).upper())
            self.expect("value")
        if self.accept("default"):
            self.expect("values")
        else:
            self.expect("values")
            node.set("expression", exp.Values(expressions=[self._values_row()]))
        return located(node, token.start, token.end - 1)

    # -- UPDATE and DELETE

    def _update(self, token: Token) -> exp.Expr:
        node = exp.Update(this=self._target_table(token, bare_alias=True))
        self.expect("set")
        node.set("expressions", self.comma_list(self._assignment))
        if self.accept("from"):
            node.set("from_", exp.From(expressions=self.comma_list(self.from_item)))
        self._where(node)
        self._returning(node)
        return located(node, token.start, token.end - 1)

    def _assignment(self) -> exp.Expr:
        token = self.token
        if token.key == "(":
            names = self.parenthesized(self._target_column)
        else:
            names = [self._target_column()]
        self.expect("=")
        node = Assignment(this=names, expression=self._assigned_value(len(names)))
        node.meta["is_list"] = token.key == "("
        return located(node, token.start, token.end - 1)

    def _assigned_value(self, count: int) -> exp.Expr:
        """The right side; a row for several columns may have DEFAULT in it."""
        is_row = count > 1 and self.token.key in ("(", "row")
        if not is_row or (self.token.key == "(" and self._is_query_inside()):
            return self.value_or_default()
        token = self.token
        said_row = self.accept("row")
        node = located(
            exp.Tuple(expressions=self.parenthesized(self.value_or_default)), token.start, token.end - 1
        )
        if said_row:
            node.meta["is_row"] = True
        return node

    def _delete(self, token: Token) -> exp.Expr:
        self.expect("from")
        node = exp.Delete(this=self._target_table(token, bare_alias=True))
        if self.accept("using"):
            node.set("using", self.comma_list(self.from_item))
        self._where(node)
        self._returning(node)
        return located(node, token.start, token.end - 1)

    def _where(self, node: exp.Expr) -> None:
        if not self.accept("where"):
            return
        if self.looking_at("current", "of"):
            self.unsupported("WHERE CURRENT OF")
        node.set("where", exp.Where(this=self.expression()))

    def _returning(self, node: exp.Expr) -> None:
        if self.accept("returning"):
            node.set("returning", exp.Returning(expressions=self.comma_list(self.target)))
