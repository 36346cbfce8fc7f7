"""Grammar of CREATE VIEW and ALTER VIEW. https://www.postgresql.org/docs/15/sql-createview.html"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_table import parse_alter_table
from sqlfront.parser.names import option_list, relation_name
from sqlfront.parser.statements import Statement
from sqlfront.parser.statements_views import CreateViewStatement


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
    if grammar.accept("with"):
        grammar.accept_any("cascaded", "local")
        grammar.expect("check", "option")
        grammar.unsupported("WITH CHECK OPTION", grammar.last)
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
