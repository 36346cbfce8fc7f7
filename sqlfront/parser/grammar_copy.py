"""Grammar of COPY, EXPLAIN and the maintenance statements.

https://www.postgresql.org/docs/15/sql-copy.html, https://www.postgresql.org/docs/15/sql-explain.html
"""

from __future__ import annotations

from collections.abc import Callable

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.lexer import FLOAT, INTEGER, STRING
from sqlfront.parser.names import relation_name, utility_options
from sqlfront.parser.statements import (
    AnalyzeStatement,
    CheckpointStatement,
    ClusterStatement,
    CopyStatement,
    LockStatement,
    Option,
    QualifiedName,
    QueryStatement,
    ReindexStatement,
    Statement,
    TableColumns,
    VacuumStatement,
)

CopyOption = tuple[str, str | bool | tuple[str, ...]]

# -- COPY


def parse_copy(grammar: DmlGrammar) -> Statement:
    options: list[CopyOption] = []
    if grammar.looking_at("binary") and grammar.peek().key not in ("from", "to", "(", "."):
        grammar.advance()
        options.append(("format", "binary"))
    table, query, text = None, None, ""
    columns: tuple[str, ...] = ()
    if grammar.token.key == "(":
        grammar.expect("(")
        tree, text = grammar.captured(grammar.statement_with_clauses)
        grammar.expect(")")
        query = QueryStatement(tree)
    else:
        table = relation_name(grammar)
        if grammar.token.key == "(":
            columns = tuple(grammar.parenthesized(grammar.name))
    direction = grammar.accept_any("from", "to") or grammar.error()
    is_from = direction == "from"
    if is_from and query is not None:
        grammar.error(grammar.last)
    _stream(grammar, is_from)
    options += _copy_options(grammar)
    where = None
    if grammar.token.key == "where":
        if not is_from:
            grammar.error()
        grammar.advance()
        where = grammar.sql_expression()
    return CopyStatement(table, columns, query, text, is_from, tuple(options), where)


def _stream(grammar: DmlGrammar, is_from: bool) -> None:
    if grammar.token.key in ("stdin", "stdout"):
        grammar.advance()
        return
    if grammar.token.key == "program":
        grammar.unsupported("COPY PROGRAM")
    if grammar.token.kind == STRING:
        grammar.unsupported("COPY of a server file")
    grammar.error()


def _copy_options(grammar: DmlGrammar) -> list[CopyOption]:
    options: list[CopyOption] = []
    if grammar.token.key == "delimiters" or (
        grammar.token.key == "using" and grammar.peek().key == "delimiters"
    ):
        grammar.accept("using")
        grammar.expect("delimiters")
        options.append(("delimiter", grammar.string()))
    grammar.accept("with")
    if grammar.token.key == "(":
        return options + grammar.parenthesized(lambda: _copy_option(grammar))
    while (option := _old_copy_option(grammar)) is not None:
        options.append(option)
    return options


def _copy_option(grammar: DmlGrammar) -> CopyOption:
    name = grammar.label()
    if grammar.token.key in (",", ")"):
        return name, True
    if grammar.accept("*"):
        return name, ("*",)
    if grammar.token.key == "(":
        return name, tuple(grammar.parenthesized(lambda: _copy_value(grammar)))
    return name, _copy_value(grammar)


def _copy_value(grammar: DmlGrammar) -> str:
    if grammar.token.kind == STRING:
        return grammar.advance().value
    if grammar.token.kind in (INTEGER, FLOAT) or grammar.token.key in ("+", "-"):
        return grammar.signed_number()
    return grammar.label()


def _old_copy_option(grammar: DmlGrammar) -> CopyOption | None:
    if grammar.token.kind != "word":
        return None
    key = grammar.token.key
    if key in ("binary", "csv"):
        grammar.advance()
        return "format", key
    if key in ("freeze", "header"):
        grammar.advance()
        return key, True
    if key in ("delimiter", "null", "quote", "escape"):
        grammar.advance()
        grammar.accept("as")
        return key, grammar.string()
    if key == "encoding":
        grammar.advance()
        return key, grammar.string()
    if key == "force":
        grammar.advance()
        return _force_option(grammar)
    return None


def _force_option(grammar: DmlGrammar) -> CopyOption:
    if grammar.accept("quote"):
        name = "force_quote"
        if grammar.accept("*"):
            return name, ("*",)
    elif grammar.accept("not"):
        grammar.expect("null")
        name = "force_not_null"
    else:
        grammar.expect("null")
        name = "force_null"
    return name, grammar.names()


# -- maintenance


def parse_vacuum(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "(":
        options = utility_options(grammar)
    else:
        words = []
        for word in ("full", "freeze", "verbose"):
            if grammar.accept(word):
                words.append(word)
        if grammar.accept_any("analyze", "analyse"):
            words.append("analyze")
        options = tuple(Option(word) for word in words)
    return VacuumStatement(_targets(grammar), options)


def parse_analyze(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "(":
        options = utility_options(grammar)
    else:
        options = (Option("verbose"),) if grammar.accept("verbose") else ()
    return AnalyzeStatement(_targets(grammar), options)


def _targets(grammar: DmlGrammar) -> tuple[TableColumns, ...]:
    if grammar.at_end():
        return ()

    def one() -> TableColumns:
        table = relation_name(grammar)
        columns = tuple(grammar.parenthesized(grammar.name)) if grammar.token.key == "(" else ()
        return TableColumns(table, columns)

    return tuple(grammar.comma_list(one))


def parse_reindex(grammar: DmlGrammar) -> Statement:
    concurrently = False
    if grammar.token.key == "(":
        concurrently = any(option.name == "concurrently" for option in utility_options(grammar))
    kind = grammar.accept_any("index", "table", "schema", "database", "system") or grammar.error()
    concurrently = grammar.accept("concurrently") or concurrently
    name: QualifiedName | None = None
    if not (grammar.at_end() and kind in ("database", "system")):
        name = relation_name(grammar)
    return ReindexStatement(kind.upper(), name, concurrently)


def parse_cluster(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "(":
        utility_options(grammar)
    else:
        grammar.accept("verbose")
    if grammar.at_end():
        return ClusterStatement()
    table = relation_name(grammar)
    return ClusterStatement(table, grammar.name() if grammar.accept("using") else None)


def parse_checkpoint(grammar: DmlGrammar) -> Statement:
    return CheckpointStatement()


_LOCK_MODES = (
    ("access", "share"), ("row", "share"), ("row", "exclusive"), ("share", "update", "exclusive"),
    ("share", "row", "exclusive"), ("share",), ("exclusive",), ("access", "exclusive"),
)  # fmt: skip


def parse_lock(grammar: DmlGrammar) -> Statement:
    grammar.accept("table")
    only: list[QualifiedName] = []

    def one() -> QualifiedName:
        is_only = grammar.accept("only")
        is_parenthesised = is_only and grammar.accept("(")
        table = relation_name(grammar)
        if is_only:
            only.append(table)
        if is_parenthesised:
            grammar.expect(")")
        elif not is_only:
            grammar.accept("*")
        return table

    tables = tuple(grammar.comma_list(one))
    mode = "ACCESS EXCLUSIVE"
    if grammar.accept("in"):
        for words in _LOCK_MODES:
            if grammar.looking_at(*words, "mode"):
                grammar.expect(*words, "mode")
                mode = " ".join(words).upper()
                break
        else:
            grammar.error()
    return LockStatement(tables, mode, grammar.accept("nowait"), tuple(only))


COPY_STATEMENTS: dict[str, Callable[[DmlGrammar], Statement]] = {
    "copy": parse_copy, "vacuum": parse_vacuum, "analyze": parse_analyze, "analyse": parse_analyze,
    "reindex": parse_reindex, "cluster": parse_cluster, "checkpoint": parse_checkpoint, "lock": parse_lock,
}  # fmt: skip
"""First word -> grammar of the rest."""
