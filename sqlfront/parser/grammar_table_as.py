"""Grammar of CREATE TABLE ... AS and SELECT ... INTO, and of the clauses that end CREATE TABLE.

https://www.postgresql.org/docs/15/sql-createtableas.html, https://www.postgresql.org/docs/15/sql-selectinto.html
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_session import SESSION_STATEMENTS
from sqlfront.parser.names import option_list
from sqlfront.parser.statements import ExecuteStatement, Option, QualifiedName, QueryStatement, Statement
from sqlfront.parser.statements_schema import CreateTableAsStatement
from storage.catalog import OnCommit


@dataclass(frozen=True, slots=True)
class TableTail:
    """The clauses behind the columns of a new table."""

    options: tuple[Option, ...]
    on_commit: OnCommit | None
    tablespace: str | None


def table_tail(grammar: DmlGrammar) -> TableTail:
    """USING, WITH (...), ON COMMIT, TABLESPACE."""
    options: tuple[Option, ...] = ()
    parse_access_method(grammar)
    if grammar.accept("with"):
        options = option_list(grammar)
    elif grammar.accept("without"):
        grammar.expect("oids")
    on_commit = None
    if grammar.accept("on"):
        grammar.expect("commit")
        if word := grammar.accept_any("preserve", "delete"):
            grammar.expect("rows")
            on_commit = OnCommit.DELETE_ROWS if word == "delete" else OnCommit.PRESERVE_ROWS
        else:
            grammar.expect("drop")
            on_commit = OnCommit.DROP
    return TableTail(options, on_commit, parse_tablespace(grammar))


def parse_access_method(grammar: DmlGrammar) -> None:
    """[USING method]: there is one way to store tables."""
    if grammar.accept("using"):
        method = grammar.token
        if grammar.name() not in ("heap", "quiver"):
            grammar.unsupported(f"table access method {method.value}", method)


def parse_tablespace(grammar: DmlGrammar) -> str | None:
    """[TABLESPACE name]"""
    return grammar.name() if grammar.accept("tablespace") else None


def parse_with_data(grammar: DmlGrammar) -> bool:
    """[WITH [NO] DATA]: whether there are to be rows."""
    with_data = True
    if grammar.accept("with"):
        with_data = not grammar.accept("no")
        grammar.expect("data")
    return with_data


def parse_table_as(
    grammar: DmlGrammar, name: QualifiedName, columns: tuple[str, ...], if_not_exists: bool
) -> CreateTableAsStatement:
    """After CREATE TABLE name [(columns)]."""
    tail = table_tail(grammar)
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
    return CreateTableAsStatement(
        name, source, text, columns, tail.options, if_not_exists, tail.tablespace,
        with_data=parse_with_data(grammar), on_commit=tail.on_commit,
    )  # fmt: skip


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
    return CreateTableAsStatement(
        into.meta["name"],
        QueryStatement(tree),
        text,
        is_select_into=True,
        persistence=into.meta["persistence"],
    )
