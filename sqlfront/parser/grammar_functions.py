"""Grammar of CREATE, ALTER, DROP FUNCTION and COMMENT ON FUNCTION.

https://www.postgresql.org/docs/15/sql-createfunction.html
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import SyntaxErrorInStatement
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.keywords import COLUMN_NAME
from sqlfront.parser.lexer import STRING, WORD
from sqlfront.parser.names import cascade, if_exists, relation_name, role_name
from sqlfront.parser.statements import QualifiedName, Statement
from sqlfront.parser.statements_functions import (
    AlterFunctionStatement,
    CommentFunctionStatement,
    CreateFunctionStatement,
    DropFunctionStatement,
    FunctionName,
    ParameterDefinition,
)

_MODES = ("in", "out", "inout", "variadic")
_TYPES_OF_SEVERAL_WORDS = frozenset(
    ("double", "character", "char", "bit", "national", "time", "timestamp", "interval", "setof")
)
_AFTER_TYPE = frozenset((",", ")", "(", "[", ".", "=", "default", "array", "%", ""))


def parse_create_function(grammar: DmlGrammar, *, or_replace: bool = False) -> Statement:
    """After CREATE [OR REPLACE] FUNCTION."""
    name = _name(grammar)
    parameters = _parameters(grammar)
    created = CreateFunctionStatement(name, parameters, None, or_replace)
    if grammar.accept("returns"):
        if grammar.looking_at("table", "("):
            grammar.advance()
            columns = grammar.parenthesized(lambda: _table_column(grammar))
            created = replace(created, parameters=(*parameters, *columns))
        else:
            created = replace(created, returns=grammar.type_name())
    while not grammar.at_end():
        created = _clause(grammar, created)
    return created


def _name(grammar: DmlGrammar) -> QualifiedName:
    """A function's name; alone it is no keyword that names columns only, such as NONE."""
    first = grammar.token
    name = relation_name(grammar)
    if name.schema is None and first.kind == WORD and first.category == COLUMN_NAME:
        grammar.error()
    return name


def _parameters(grammar: DmlGrammar) -> tuple[ParameterDefinition, ...]:
    grammar.expect("(")
    if grammar.accept(")"):
        return ()
    found = tuple(grammar.comma_list(lambda: _parameter(grammar)))
    grammar.expect(")")
    return found


def _parameter(grammar: DmlGrammar) -> ParameterDefinition:
    mode = _mode(grammar)
    name = ""
    if _is_named(grammar):
        name = grammar.name()
        mode = _mode(grammar) or mode
    found = ParameterDefinition(name, grammar.type_name(), mode or "in")
    if grammar.accept_any("default", "="):
        found = replace(found, default=grammar.sql_expression())
    return found


def _mode(grammar: DmlGrammar) -> str:
    """The mode that is written here, or ''. A parameter may be called `out`, but not `in` or `variadic`."""
    if grammar.token.key not in _MODES or grammar.peek().key in (",", ")", ".", "["):
        return ""
    mode = grammar.advance().key
    return "inout" if mode == "in" and grammar.accept("out") else mode


def _is_named(grammar: DmlGrammar) -> bool:
    """Whether a name comes before the type: two words, of which the first does not begin a type of several."""
    following = grammar.peek().key
    return following not in _AFTER_TYPE and grammar.token.key not in _TYPES_OF_SEVERAL_WORDS


def _table_column(grammar: DmlGrammar) -> ParameterDefinition:
    return ParameterDefinition(grammar.name(), grammar.type_name(), "table")


def _clause(grammar: DmlGrammar, created: CreateFunctionStatement) -> CreateFunctionStatement:
    if grammar.accept("as"):
        body = grammar.string()
        if grammar.accept(","):
            grammar.string()
            grammar.unsupported("a function in a library", grammar.last)
        return replace(created, body=_once(grammar, created.body, body))
    if grammar.accept("return"):
        return replace(created, result=grammar.sql_expression())
    if grammar.looking_at("begin", "atomic"):
        grammar.unsupported("BEGIN ATOMIC")
    if grammar.token.key in ("window", "transform", "support", "set", "reset"):
        grammar.unsupported(f"CREATE FUNCTION ... {grammar.token.key.upper()}")
    key, value = _option(grammar)
    _once(grammar, created.options.get(key), value)
    return replace(created, options={**created.options, key: value})


def _once(grammar: DmlGrammar, known: str | None, value: str) -> str:
    if known is not None:
        raise SyntaxErrorInStatement("conflicting or redundant options", position=grammar.last.start + 1)
    return value


def _option(grammar: DmlGrammar) -> tuple[str, str]:
    """One of the options that CREATE and ALTER FUNCTION share, and LANGUAGE."""
    word = grammar.accept_any(
        "language", "immutable", "stable", "volatile", "strict", "called", "returns", "external", "security", "leakproof",
        "not", "parallel", "cost", "rows",
    )  # fmt: skip
    match word:
        case "language":
            return "language", grammar.string() if grammar.token.kind == STRING else grammar.name()
        case "immutable" | "stable" | "volatile":
            return "volatility", word
        case "strict":
            return "strict", "true"
        case "called":
            grammar.expect("on", "null", "input")
            return "strict", "false"
        case "returns":
            grammar.expect("null", "on", "null", "input")
            return "strict", "true"
        case "external" | "security":
            if word == "external":
                grammar.expect("security")
            return "security", _word(grammar, "definer", "invoker")
        case "leakproof":
            return "leakproof", "true"
        case "not":
            grammar.expect("leakproof")
            return "leakproof", "false"
        case "parallel":
            return "parallel", grammar.name()
        case "cost" | "rows":
            return word, grammar.signed_number()
    grammar.error()


def _word(grammar: DmlGrammar, *words: str) -> str:
    return grammar.accept_any(*words) or grammar.error()


# -- ALTER, DROP, COMMENT -----------------------------------------------------------------------------------


def function_name(grammar: DmlGrammar) -> FunctionName:
    """name [(types)], where parameters may have modes and names."""
    name = _name(grammar)
    if grammar.token.key != "(":
        return FunctionName(name)
    parameters = _parameters(grammar)
    return FunctionName(name, tuple(p.type for p in parameters if p.mode != "out"))


def parse_alter_function(grammar: DmlGrammar) -> Statement:
    """After ALTER FUNCTION or ROUTINE."""
    function = function_name(grammar)
    if grammar.accept("rename"):
        grammar.expect("to")
        return AlterFunctionStatement(function, new_name=grammar.name())
    if grammar.accept("owner"):
        grammar.expect("to")
        return AlterFunctionStatement(function, new_owner=role_name(grammar))
    if grammar.looking_at("set", "schema"):
        grammar.expect("set", "schema")
        return AlterFunctionStatement(function, new_schema=grammar.name())
    if grammar.token.key in ("set", "reset", "support", "depends", "no"):
        grammar.unsupported(f"ALTER FUNCTION ... {grammar.token.key.upper()}")
    options: dict[str, str] = {}
    while not grammar.at_end() and not grammar.accept("restrict"):
        key, value = _option(grammar)
        options[key] = _once(grammar, options.get(key), value)
    if not options or "language" in options:
        grammar.error()
    return AlterFunctionStatement(function, options=options)


def parse_drop_function(grammar: DmlGrammar, kind: str) -> Statement:
    """After DROP FUNCTION or ROUTINE."""
    exists = if_exists(grammar)
    functions = tuple(grammar.comma_list(lambda: function_name(grammar)))
    cascade(grammar)
    return DropFunctionStatement(kind, functions, exists)


def parse_comment_on_function(grammar: DmlGrammar) -> Statement:
    """After COMMENT ON FUNCTION or ROUTINE."""
    function = function_name(grammar)
    grammar.expect("is")
    return CommentFunctionStatement(function, None if grammar.accept("null") else grammar.string())
