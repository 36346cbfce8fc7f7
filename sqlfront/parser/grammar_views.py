"""Grammar of CREATE VIEW, CREATE MATERIALIZED VIEW, their ALTER, and REFRESH.

https://www.postgresql.org/docs/15/sql-createview.html, https://www.postgresql.org/docs/15/sql-creatematerializedview.html
"""

from __future__ import annotations

from sqlglot import exp

from foundation.errors import FeatureNotSupported
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_table import parse_alter_table
from sqlfront.parser.grammar_table_as import parse_access_method, parse_tablespace, parse_with_data
from sqlfront.parser.names import if_not_exists, option_list, relation_name
from sqlfront.parser.statements import Option, QueryStatement, Statement
from sqlfront.parser.statements_views import (
    CreateMaterializedViewStatement,
    CreateViewStatement,
    RefreshMaterializedViewStatement,
)


def maybe_create_view(grammar: DmlGrammar) -> Statement | None:
    """After CREATE: [OR REPLACE] [TEMPORARY] [RECURSIVE] VIEW; None, with nothing consumed, where something else follows."""
    start = grammar.index
    or_replace = grammar.accept("or", "replace")
    persistence = grammar.persistence()
    is_recursive = grammar.accept("recursive")
    if not grammar.accept("view"):
        grammar.back_to(start)
        return None
    name = relation_name(grammar)
    is_listed = is_recursive or grammar.token.key == "("
    identifiers = grammar.parenthesized(grammar.identifier) if is_listed else []
    columns = tuple(str(identifier.this) for identifier in identifiers)
    options = option_list(grammar) if grammar.accept("with") else ()
    grammar.expect("as")
    query = grammar.query()
    if is_recursive:
        query = _recursive(name.name, identifiers, query)
        columns = ()
    with_token = grammar.token
    if grammar.accept("with"):
        value = grammar.accept_any("cascaded", "local") or "cascaded"
        grammar.expect("check", "option")
        if is_recursive:
            raise FeatureNotSupported(
                "WITH CHECK OPTION not supported on recursive views", position=with_token.start + 1
            )
        options = (*options, Option("check_option", value))
    return CreateViewStatement(name, query, columns, or_replace, options, persistence)


def _recursive(name: str, columns: list[exp.Identifier], query: exp.Expr) -> exp.Select:
    """WITH RECURSIVE name (columns) AS (query) SELECT columns FROM name."""
    alias = exp.TableAlias(this=exp.Identifier(this=name, quoted=False), columns=columns)
    with_ = exp.With(expressions=[exp.CTE(this=query, alias=alias, materialized=None)], recursive=True)
    select = exp.Select(
        expressions=[exp.Column(this=column.copy()) for column in columns],
        from_=exp.From(expressions=[exp.Table(this=exp.Identifier(this=name, quoted=False))]),
    )
    select.set("with_", with_)
    return select


def parse_alter_view(grammar: DmlGrammar) -> Statement:
    """After ALTER VIEW: RENAME TO, RENAME COLUMN, OWNER TO, SET SCHEMA, SET and RESET of options."""
    return parse_alter_table(grammar, "VIEW")


def parse_create_materialized_view(grammar: DmlGrammar) -> CreateMaterializedViewStatement:
    """After CREATE [UNLOGGED] MATERIALIZED."""
    grammar.expect("view")
    skip = if_not_exists(grammar)
    name = relation_name(grammar)
    columns = tuple(grammar.parenthesized(grammar.name)) if grammar.token.key == "(" else ()
    parse_access_method(grammar)
    options = option_list(grammar) if grammar.accept("with") else ()
    tablespace = parse_tablespace(grammar)
    grammar.expect("as")
    first = grammar.index
    source = QueryStatement(grammar.query())
    text = grammar.source(first, grammar.index)
    return CreateMaterializedViewStatement(
        name, source, text, columns, options, skip, tablespace, with_data=parse_with_data(grammar)
    )


def parse_alter_materialized_view(grammar: DmlGrammar) -> Statement:
    """After ALTER MATERIALIZED: the forms of ALTER TABLE, most of which are no use for a view."""
    grammar.expect("view")
    return parse_alter_table(grammar, "MATERIALIZED VIEW")


def parse_refresh(grammar: DmlGrammar) -> Statement:
    """After REFRESH."""
    grammar.expect("materialized", "view")
    concurrently = grammar.accept("concurrently")
    name = relation_name(grammar)
    return RefreshMaterializedViewStatement(name, concurrently, parse_with_data(grammar))
