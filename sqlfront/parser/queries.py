"""Grammar of queries: SELECT, VALUES, TABLE, set operations, WITH and their clauses.

https://www.postgresql.org/docs/15/sql-select.html
"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.from_clause import FromClause
from sqlfront.parser.lexer import OPERATOR
from sqlfront.parser.nodes import QueryNode, located
from sqlfront.parser.statements import QualifiedName
from storage.catalog import Persistence

_SET_OPERATIONS: dict[str, type[exp.SetOperation]] = {
    "union": exp.Union, "except": exp.Except, "intersect": exp.Intersect,
}  # fmt: skip


class QueryGrammar(FromClause):
    """Parses queries with all clauses."""

    def query(self) -> QueryNode:
        """SelectStmt without surrounding parentheses: WITH, set operations, ORDER BY, LIMIT, FOR UPDATE."""
        with_ = self.with_clause() if self.token.key == "with" else None
        node = self._set_operations(0)
        node = self._tail(node)
        if with_ is not None:
            if node.args.get("with_") is not None:
                node = exp.Subquery(this=node)
            node.set("with_", with_)
        return node

    def statement_with_clauses(self) -> exp.Expr:
        """What may stand in a CTE or after EXPLAIN and in PREPARE: a query or DML. Overridden below."""
        return self.query()

    # -- WITH

    def with_clause(self) -> exp.With:
        token = self.expect("with")
        recursive = self.accept("recursive")
        expressions = self.comma_list(self._cte)
        return located(exp.With(expressions=expressions, recursive=recursive), token.start, token.end - 1)

    def _cte(self) -> exp.CTE:
        first = self.token
        alias = exp.TableAlias(this=self.identifier())
        if self.token.key == "(":
            alias.set("columns", self.parenthesized(self.identifier))
        self.expect("as")
        materialized = None
        if self.accept("not"):
            self.expect("materialized")
            materialized = False
        elif self.accept("materialized"):
            materialized = True
        self.expect("(")
        body = self.statement_with_clauses()
        self.expect(")")
        if self.token.key in ("search", "cycle"):
            self.unsupported(f"{self.token.key.upper()} in WITH RECURSIVE")
        return located(exp.CTE(this=body, alias=alias, materialized=materialized), first.start, first.end - 1)

    # -- set operations

    def _set_operations(self, lowest: int) -> QueryNode:
        """UNION and EXCEPT bind equally and to the left, INTERSECT tighter."""
        left = self._simple_query()
        while self.token.key in _SET_OPERATIONS:
            level = 1 if self.token.key == "intersect" else 0
            if level < lowest:
                return left
            token = self.advance()
            distinct = not self.accept("all")
            if distinct:
                self.accept("distinct")
            right = self._set_operations(level + 1)
            cls = _SET_OPERATIONS[token.key]
            left = located(cls(this=left, expression=right, distinct=distinct), token.start, token.end - 1)
        return left

    def _simple_query(self) -> QueryNode:
        key = self.token.key
        if key == "select":
            return self._select()
        if key == "values":
            return self._values()
        if key == "table":
            return self._table_query()
        if key == "(":
            token = self.advance()
            inner = self.query()
            self.expect(")")
            return located(exp.Subquery(this=inner), token.start, token.end - 1)
        self.error()

    def _tail(self, node: QueryNode) -> QueryNode:
        """ORDER BY, LIMIT, OFFSET, FETCH and FOR UPDATE of a whole query."""
        if isinstance(node, exp.Subquery) and self.token.key in ("order", "limit", "offset", "fetch", "for"):
            # `(SELECT ...) ORDER BY`: the clauses belong to a query of their own around the parentheses.
            node = self._wrapped(node)
        if self.token.key == "order":
            node.set("order", self.order_by())
        while self.token.key in ("limit", "offset", "fetch", "for"):
            if self.token.key == "for" and self.peek().key not in ("update", "share", "no", "key", "read"):
                break
            self._tail_clause(node)
        return node

    def _wrapped(self, node: exp.Subquery) -> QueryNode:
        inner = node.this
        taken = any(inner.args.get(name) for name in ("order", "limit", "offset", "locks", "with_"))
        if taken:
            outer = exp.Select(
                expressions=[exp.Star()], from_=exp.From(expressions=[exp.Subquery(this=inner)])
            )
            outer.meta["wraps_parentheses"] = True
            return outer
        assert isinstance(inner, exp.Query | exp.Values)
        return inner

    def _tail_clause(self, node: QueryNode) -> None:
        token = self.advance()
        if token.key == "for" and self.accept("read"):
            # FOR READ ONLY says what a query does anyway.
            self.expect("only")
        elif token.key == "for":
            locks = node.args.get("locks") or []
            node.set("locks", [*locks, self._lock()])
        elif token.key == "offset":
            if node.args.get("offset"):
                self.error(token)
            value = self.expression()
            self.accept_any("row", "rows")
            node.set("offset", exp.Offset(expression=value))
        else:
            if node.args.get("limit"):
                self.error(token)
            node.set("limit", self._limit() if token.key == "limit" else self._fetch())

    def _limit(self) -> exp.Limit:
        token = self.token
        value = exp.Var(this="ALL") if self.accept("all") else self.expression()
        if self.token.key == ",":
            self.error()
        return located(exp.Limit(expression=value), token.start, token.end - 1)

    def _fetch(self) -> exp.Limit:
        if not self.accept_any("first", "next"):
            self.error()
        value: exp.Expr = exp.Literal.number("1")
        if self.token.key not in ("row", "rows"):
            value = self._fetch_count()
        if not self.accept_any("row", "rows"):
            self.error()
        with_ties = False
        if self.accept("with"):
            self.expect("ties")
            with_ties = True
        else:
            self.expect("only")
        node = exp.Limit(expression=value)
        if with_ties:
            node.set("with_ties", True)
        return node

    def _fetch_count(self) -> exp.Expr:
        if self.token.key in ("+", "-") or self.token.kind in ("integer", "float"):
            return exp.Literal.number(self.signed_number())
        return self._primary()

    def _primary(self) -> exp.Expr:
        return super()._primary()

    def _lock(self) -> exp.Lock:
        key = False
        if self.accept("no"):
            self.expect("key", "update")
            update, key = True, True
        elif self.accept("key"):
            self.expect("share")
            update, key = False, True
        elif self.accept("update"):
            update = True
        else:
            self.expect("share")
            update = False
        tables = [self.table_reference() for _ in range(1)] if self.accept("of") else []
        while tables and self.accept(","):
            tables.append(self.table_reference())
        wait = None
        if self.accept("nowait"):
            wait = True
        elif self.accept("skip"):
            self.expect("locked")
            wait = False
        return exp.Lock(update=update, key=key, expressions=tables, wait=wait)

    def order_by(self) -> exp.Order:
        token = self.expect("order")
        self.expect("by")
        return located(exp.Order(expressions=self.comma_list(self._sort_item)), token.start, token.end - 1)

    def _sort_item(self) -> exp.Ordered:
        node = exp.Ordered(this=self.expression(), desc=False, nulls_first=None)
        if self.accept("using"):
            if self.token.kind != OPERATOR:
                self.error()
            node.set("operator", self.advance().key)
        elif self.accept("desc"):
            node.set("desc", True)
        elif self.accept("asc"):
            node.meta["said_asc"] = True
        if self.accept("nulls"):
            node.args["nulls_first"] = (self.accept_any("first", "last") or self.error()) == "first"
        return node

    # -- simple queries

    def _table_query(self) -> QueryNode:
        self.expect("table")
        return exp.Select(
            expressions=[exp.Star()], from_=exp.From(expressions=[self.table_reference(inheritance=True)])
        )

    def _values(self) -> QueryNode:
        token = self.expect("values")
        rows = self.comma_list(self._values_row)
        return located(exp.Values(expressions=rows), token.start, token.end - 1)

    def _values_row(self) -> exp.Tuple:
        token = self.token
        items = self.parenthesized(self.value_or_default)
        return located(exp.Tuple(expressions=items), token.start, token.end - 1)

    def _select(self) -> QueryNode:
        token = self.expect("select")
        node = located(exp.Select(expressions=[]), token.start, token.end - 1)
        if self.accept("distinct"):
            on = None
            if self.accept("on"):
                on = exp.Tuple(expressions=self.parenthesized(self.expression))
            node.set("distinct", exp.Distinct(on=on))
        else:
            self.accept("all")
        if self._is_target_ahead() or node.args.get("distinct"):
            node.set("expressions", self.comma_list(self.target))
        if self.token.key == "into":
            node.set("into", self._into())
        if self.accept("from"):
            node.set("from_", exp.From(expressions=self.comma_list(self.from_item)))
        if self.accept("where"):
            node.set("where", exp.Where(this=self.expression()))
        if self.accept("group"):
            self.expect("by")
            node.set("group", self._group_by())
        if self.accept("having"):
            node.set("having", exp.Having(this=self.expression()))
        if self.accept("window"):
            node.set("windows", self.comma_list(self._named_window))
        return node

    def _into(self) -> exp.Into:
        """INTO [TEMPORARY | UNLOGGED] [TABLE] name.

        Meta `name` and `persistence` are the table's, `start` and `end` the clause's extent.
        """
        token = self.expect("into")
        persistence = self.persistence()
        self.accept("table")
        first = self.token
        parts = self.qualified_name()
        if len(parts) > 3:
            self.error(first)
        names = dict(zip(("name", "schema", "database"), reversed(parts)))
        node = exp.Into()
        node.meta.update(
            name=QualifiedName(position=first.start + 1, **names), persistence=persistence,
            start=token.start, end=self.last.end,
        )  # fmt: skip
        return node

    def persistence(self) -> Persistence:
        """[LOCAL | GLOBAL] TEMPORARY, UNLOGGED, or nothing; LOCAL and GLOBAL make no difference."""
        following = self.peek()
        if self.token.key in ("local", "global") and following.key in ("temp", "temporary"):
            self.advance()
        elif not (self.is_name(following) or following.key == "table"):
            return Persistence.PERMANENT
        if self.accept_any("temp", "temporary"):
            return Persistence.TEMPORARY
        return Persistence.UNLOGGED if self.accept("unlogged") else Persistence.PERMANENT

    def _is_target_ahead(self) -> bool:
        token = self.token
        ends = ("from", "where", "group", "having", "window", "union", "intersect", "except", "order", "limit",
                "offset", "fetch", "for", ")", "into", ";")  # fmt: skip
        return not (token.kind == "end" or token.key in ends)

    def target(self) -> exp.Expr:
        """One item of a SELECT list or of RETURNING."""
        if self.token.key == "*":
            token = self.advance()
            return located(exp.Star(), token.start, token.end - 1)
        value = self.expression()
        if self.accept("as"):
            return exp.Alias(this=value, alias=self.label_identifier())
        if self._level():
            # An operator that may not follow here, such as the second LIKE of `a LIKE b LIKE c`.
            self.error()
        if self.is_bare_label() and not self.at_end():
            return exp.Alias(this=value, alias=self.label_identifier())
        return value

    def _named_window(self) -> exp.Window:
        name = self.identifier()
        self.expect("as")
        window = self.window_specification()
        window.set("this", name)
        return window

    def _group_by(self) -> exp.Group:
        distinct = self.accept("distinct")
        if not distinct:
            self.accept("all")
        return exp.Group(expressions=self.comma_list(self._group_item), distinct=distinct or None)

    def _group_item(self) -> exp.Expr:
        token = self.token
        node: exp.Expr
        if self.looking_at("grouping", "sets"):
            self.expect("grouping", "sets")
            node = exp.GroupingSets(expressions=self.parenthesized(self._group_item))
        elif token.key in ("rollup", "cube") and self.peek().key == "(":
            self.advance()
            items = self.parenthesized(self.expression)
            node = (exp.Rollup if token.key == "rollup" else exp.Cube)(expressions=items)
        elif self.looking_at("(", ")"):
            self.expect("(", ")")
            node = exp.Tuple(expressions=[])
        else:
            return self.expression()
        return located(node, token.start, token.end - 1)
