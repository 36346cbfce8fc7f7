"""Grammar of CREATE TABLE ... AS and SELECT ... INTO, and of the clauses that end CREATE TABLE.

https://www.postgresql.org/docs/15/sql-createtableas.html, https://www.postgresql.org/docs/15/sql-selectinto.html
"""

from __future__ import annotations

from sqlglot import exp

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_session import SESSION_STATEMENTS
from sqlfront.parser.names import option_list
from sqlfront.parser.statements import ExecuteStatement, Option, QualifiedName, QueryStatement, Statement
from sqlfront.parser.statements_schema import CreateTableAsStatement


def table_tail(grammar: DmlGrammar) -> tuple[tuple[Option, ...], str | None]:
    """USING, WITH (...), TABLESPACE of a new table: its options and tablespace."""
    if grammar.token.key == "inherits":
        grammar.unsupported("INHERITS")
    if grammar.token.key == "partition":
        grammar.unsupported("PARTITION BY")
    options: tuple[Option, ...] = ()
    if grammar.accept("using"):
        method = grammar.token
        if grammar.name() not in ("heap", "quiver"):
            grammar.unsupported(f"table access method {method.value}", method)
    if grammar.accept("with"):
        options = option_list(grammar)
    elif grammar.accept("without"):
        grammar.expect("oids")
    if grammar.token.key == "on":
        grammar.unsupported("ON COMMIT")
    return options, grammar.name() if grammar.accept("tablespace") else None


def parse_table_as(
    grammar: DmlGrammar, name: QualifiedName, columns: tuple[str, ...], if_not_exists: bool
) -> CreateTableAsStatement:
    """After CREATE TABLE name [(columns)]."""
    options, tablespace = table_tail(grammar)
    grammar.expect("as")
    first = grammar.index
    source: QueryStatement | ExecuteStatement
    if grammar.accept("execute"):
        execute = SESSION_STATEMENTS["execute"](grammar)
        assert isinstance(execute, ExecuteStatement)
        source = execute
    else:
        source = QueryStatement(grammar.query())
    text = grammar.source(first, grammar.index)
    with_data = True
    if grammar.accept("with"):
        with_data = not grammar.accept("no")
        grammar.expect("data")
    return CreateTableAsStatement(
        name, source, text, columns, options, if_not_exists, tablespace, with_data=with_data
    )


def query_or_select_into(grammar: DmlGrammar) -> Statement:
    """A query or data change; one whose first SELECT has INTO creates a table."""
    first = grammar.index
    tree = grammar.statement_with_clauses()
    select: exp.Expr | None = tree
    while isinstance(select, exp.Subquery | exp.SetOperation):
        select = select.this
    into = select.args.get("into") if isinstance(select, exp.Select) else None
    if select is None or into is None:
        return QueryStatement(tree)
    select.set("into", None)
    start, end = (offset - grammar.tokens[first].start for offset in (into.meta["start"], into.meta["end"]))
    text = grammar.source(first, grammar.index)
    # Blanks in its place: positions in what is left stay those of the statement.
    text = text[:start] + " " * (end - start) + text[end:]
    return CreateTableAsStatement(into.meta["name"], QueryStatement(tree), text, is_select_into=True)
