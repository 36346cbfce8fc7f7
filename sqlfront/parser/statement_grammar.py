"""Dispatch of a statement by its first words. Everything PostgreSQL has is in one of the tables here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from foundation.errors import InvalidParameterValue, SyntaxErrorInStatement
from sqlfront.parser.dml import QUERY_HEADS, DmlGrammar
from sqlfront.parser.grammar_absent import STATEMENTS, drop_absent, refuse_kind
from sqlfront.parser.grammar_copy import COPY_STATEMENTS
from sqlfront.parser.grammar_domains import parse_alter_domain, parse_create_domain
from sqlfront.parser.grammar_functions import (
    parse_alter_function,
    parse_create_function,
    parse_drop_function,
)
from sqlfront.parser.grammar_objects import (
    maybe_drop,
    parse_alter_database,
    parse_alter_extension,
    parse_alter_group,
    parse_alter_role,
    parse_alter_schema,
    parse_alter_sequence,
    parse_comment,
    parse_create_database,
    parse_create_extension,
    parse_create_index,
    parse_create_role,
    parse_create_schema,
    parse_create_sequence,
    parse_truncate,
)
from sqlfront.parser.grammar_privileges import (
    parse_default_privileges,
    parse_drop_owned,
    parse_grant,
    parse_reassign_owned,
    parse_revoke,
)
from sqlfront.parser.grammar_session import SESSION_STATEMENTS
from sqlfront.parser.grammar_table import parse_alter_table, parse_create_table
from sqlfront.parser.grammar_table_as import query_or_select_into
from sqlfront.parser.grammar_types import parse_alter_type, parse_create_type
from sqlfront.parser.grammar_views import (
    maybe_create_view,
    parse_alter_materialized_view,
    parse_alter_view,
    parse_create_materialized_view,
    parse_refresh,
)
from sqlfront.parser.names import utility_options
from sqlfront.parser.statements import (
    DeclareCursorStatement,
    ExecuteStatement,
    ExplainStatement,
    Statement,
)
from sqlfront.parser.statements_schema import (
    CreateSequenceStatement,
    CreateTableAsStatement,
    CreateTableStatement,
)
from storage.catalog import Persistence

_Rest = Callable[[DmlGrammar], Statement]

_CREATE: dict[str, _Rest] = {
    "table": parse_create_table,
    "function": parse_create_function,
    "index": parse_create_index,
    "sequence": parse_create_sequence,
    "schema": parse_create_schema,
    "database": parse_create_database,
    "extension": parse_create_extension,
    "role": parse_create_role,
    "group": parse_create_role,
    "user": lambda grammar: parse_create_role(grammar, can_login=True),
    "type": parse_create_type,
    "materialized": parse_create_materialized_view,
    "domain": parse_create_domain,
}

_ALTER: dict[str, _Rest] = {
    "table": parse_alter_table,
    "index": lambda grammar: parse_alter_table(grammar, "INDEX"),
    "sequence": parse_alter_sequence,
    "schema": parse_alter_schema,
    "database": parse_alter_database,
    "extension": parse_alter_extension,
    "role": parse_alter_role,
    "group": parse_alter_group,
    "user": parse_alter_role,
    "default": parse_default_privileges,
    "view": parse_alter_view,
    "type": parse_alter_type,
    "materialized": parse_alter_materialized_view,
    "domain": parse_alter_domain,
    "function": parse_alter_function,
    "routine": parse_alter_function,
}

_EXPLAIN_FLAGS = ("analyze", "verbose", "costs", "settings", "buffers", "wal", "timing", "summary")
_EXPLAIN_FORMATS = ("text", "xml", "json", "yaml")
_FLAG_WORDS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class StatementGrammar(DmlGrammar):
    """Parses any statement."""

    def statement(self) -> Statement:
        """The statement that begins at the next token."""
        token = self.token
        key = token.key
        if key in QUERY_HEADS:
            return query_or_select_into(self)
        handler = _STATEMENTS.get(key)
        if handler is not None:
            self.advance()
            return handler(self)
        if key in STATEMENTS:
            name, hint = STATEMENTS[key]
            self.unsupported(name, hint=hint)
        self.error()


def _create(grammar: DmlGrammar) -> Statement:
    view = maybe_create_view(grammar)
    if view is not None:
        return view
    if grammar.looking_at("or", "replace"):
        grammar.expect("or", "replace")
        if grammar.accept("function"):
            return parse_create_function(grammar, or_replace=True)
        return refuse_kind(grammar, "CREATE")
    if grammar.looking_at("unique", "index"):
        grammar.expect("unique", "index")
        return parse_create_index(grammar, is_unique=True)
    persistence = grammar.persistence()
    if persistence is not Persistence.PERMANENT:
        return _create_with(grammar, persistence)
    if grammar.accept_any("local", "global"):
        grammar.error()
    handler = None if grammar.looking_at("user", "mapping") else _CREATE.get(grammar.token.key)
    if handler is None:
        return refuse_kind(grammar, "CREATE")
    grammar.advance()
    return handler(grammar)


def _create_with(grammar: DmlGrammar, persistence: Persistence) -> Statement:
    """After CREATE TEMPORARY or UNLOGGED."""
    word = "TEMPORARY" if persistence is Persistence.TEMPORARY else "UNLOGGED"
    if grammar.accept("table"):
        created = parse_create_table(grammar)
    elif persistence is Persistence.UNLOGGED and grammar.accept("materialized"):
        created = parse_create_materialized_view(grammar)
    elif grammar.accept("sequence"):
        created = parse_create_sequence(grammar)
    else:
        return refuse_kind(grammar, f"CREATE {word}")
    assert isinstance(created, CreateTableStatement | CreateTableAsStatement | CreateSequenceStatement)
    return replace(created, persistence=persistence)


def _alter(grammar: DmlGrammar) -> Statement:
    if grammar.looking_at("system"):
        grammar.unsupported("ALTER SYSTEM")
    handler = None if grammar.looking_at("user", "mapping") else _ALTER.get(grammar.token.key)
    if handler is None:
        return refuse_kind(grammar, "ALTER")
    grammar.advance()
    return handler(grammar)


def _drop(grammar: DmlGrammar) -> Statement:
    kind = grammar.accept_any("function", "routine")
    if kind is not None:
        return parse_drop_function(grammar, kind.upper())
    if grammar.accept("owned"):
        return parse_drop_owned(grammar)
    return maybe_drop(grammar) or drop_absent(grammar)


# -- EXPLAIN


def _explain(grammar: DmlGrammar) -> Statement:
    settings: dict[str, Any] = {}
    if grammar.token.key == "(" and not _is_query_after_explain(grammar):
        for option in utility_options(grammar):
            settings.update(_explain_option(grammar, option.name, option.value))
    else:
        if grammar.accept_any("analyze", "analyse"):
            settings["analyze"] = True
        if grammar.accept("verbose"):
            settings["verbose"] = True
    first = grammar.index
    inner = _explained(grammar)
    statement = ExplainStatement(inner, grammar.source(first, grammar.index))
    return replace(statement, **settings)


def _is_query_after_explain(grammar: DmlGrammar) -> bool:
    return grammar.peek().key in ("select", "values", "with", "table", "(")


def _explain_option(grammar: DmlGrammar, name: str, value: str | None) -> dict[str, Any]:
    name = "analyze" if name == "analyse" else name
    if name == "format":
        chosen = (value or "").lower()
        if chosen not in _EXPLAIN_FORMATS:
            raise InvalidParameterValue(f'unrecognized value for EXPLAIN option "format": "{value}"')
        return {"format": chosen}
    if name not in _EXPLAIN_FLAGS:
        raise SyntaxErrorInStatement(f'unrecognized EXPLAIN option "{name}"')
    if value is None:
        return {name: True}
    flag = _FLAG_WORDS.get(value.lower())
    if flag is None:
        raise SyntaxErrorInStatement(f"{name} requires a Boolean value")
    return {name: flag}


def _explained(grammar: DmlGrammar) -> Statement:
    token = grammar.token
    if grammar.token.key in QUERY_HEADS:
        return query_or_select_into(grammar)
    if grammar.token.key in ("declare", "execute"):
        word = grammar.advance().key
        statement = SESSION_STATEMENTS[word](grammar)
        assert isinstance(statement, DeclareCursorStatement | ExecuteStatement)
        return statement
    if grammar.accept("refresh"):
        return parse_refresh(grammar)
    if grammar.token.key == "create":
        grammar.advance()
        created = _create(grammar)
        if isinstance(created, CreateTableAsStatement):
            return created
        grammar.error(token)
    grammar.error()


_STATEMENTS: dict[str, _Rest] = {
    **SESSION_STATEMENTS,
    **COPY_STATEMENTS,
    "create": _create,
    "alter": _alter,
    "drop": _drop,
    "explain": _explain,
    "comment": parse_comment,
    "truncate": parse_truncate,
    "refresh": parse_refresh,
    "grant": parse_grant,
    "revoke": parse_revoke,
    "reassign": parse_reassign_owned,
}
"""First word -> grammar of the rest."""
