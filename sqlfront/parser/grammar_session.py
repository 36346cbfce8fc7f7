"""Grammar of statements about the session: transactions, settings, cursors, prepared statements, notifications.

Each function parses one statement whose first words are consumed and whose cursor is `grammar`.
https://www.postgresql.org/docs/15/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.lexer import FLOAT, INTEGER, STRING
from sqlfront.parser.names import relation_name
from sqlfront.parser.statements import (
    BeginStatement,
    CloseStatement,
    CommitStatement,
    DeallocateStatement,
    DeclareCursorStatement,
    DiscardStatement,
    DiscardTarget,
    ExecuteStatement,
    FetchDirection,
    FetchStatement,
    IsolationLevel,
    ListenStatement,
    MoveStatement,
    NotifyStatement,
    PrepareStatement,
    QueryStatement,
    ReleaseStatement,
    ResetStatement,
    RollbackStatement,
    RollbackToStatement,
    SavepointStatement,
    SetConstraintsStatement,
    SetStatement,
    SetTransactionStatement,
    ShowStatement,
    SqlExpression,
    Statement,
    TransactionModes,
    UnlistenStatement,
)

# -- transactions


def parse_begin(grammar: DmlGrammar) -> Statement:
    grammar.accept_any("work", "transaction")
    return BeginStatement(transaction_modes(grammar))


def parse_start(grammar: DmlGrammar) -> Statement:
    grammar.expect("transaction")
    return BeginStatement(transaction_modes(grammar), is_start=True)


def transaction_modes(grammar: DmlGrammar) -> TransactionModes:
    """Modes separated by commas or blanks; () when none follows."""
    modes = TransactionModes()
    is_first = True
    while not grammar.at_end():
        if not is_first:
            grammar.accept(",")
        is_first = False
        if grammar.accept("isolation"):
            grammar.expect("level")
            modes = replace(modes, isolation=_isolation(grammar))
        elif grammar.accept("read"):
            word = grammar.accept_any("only", "write") or grammar.error()
            modes = replace(modes, read_only=word == "only")
        elif grammar.accept("deferrable"):
            modes = replace(modes, deferrable=True)
        elif grammar.accept("not"):
            grammar.expect("deferrable")
            modes = replace(modes, deferrable=False)
        else:
            grammar.error()
    return modes


def _isolation(grammar: DmlGrammar) -> IsolationLevel:
    if grammar.accept("serializable"):
        return IsolationLevel.SERIALIZABLE
    if grammar.accept("repeatable"):
        grammar.expect("read")
        return IsolationLevel.REPEATABLE_READ
    grammar.expect("read")
    word = grammar.accept_any("committed", "uncommitted") or grammar.error()
    return IsolationLevel.READ_COMMITTED if word == "committed" else IsolationLevel.READ_UNCOMMITTED


def _chain(grammar: DmlGrammar) -> bool:
    grammar.accept_any("work", "transaction")
    if not grammar.accept("and"):
        return False
    no = grammar.accept("no")
    grammar.expect("chain")
    return not no


def parse_commit(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "prepared":
        grammar.unsupported("COMMIT PREPARED")
    return CommitStatement(_chain(grammar))


def parse_rollback(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "prepared":
        grammar.unsupported("ROLLBACK PREPARED")
    index = grammar.index
    grammar.accept_any("work", "transaction")
    if grammar.accept("to"):
        grammar.accept("savepoint")
        return RollbackToStatement(grammar.name())
    grammar.back_to(index)
    return RollbackStatement(_chain(grammar))


def parse_abort(grammar: DmlGrammar) -> Statement:
    return RollbackStatement(_chain(grammar))


def parse_savepoint(grammar: DmlGrammar) -> Statement:
    return SavepointStatement(grammar.name())


def parse_release(grammar: DmlGrammar) -> Statement:
    grammar.accept("savepoint")
    return ReleaseStatement(grammar.name())


# -- settings


def parse_set(grammar: DmlGrammar) -> Statement:
    if grammar.looking_at("constraints"):
        grammar.advance()
        return _set_constraints(grammar)
    if grammar.looking_at("transaction"):
        grammar.advance()
        if grammar.token.key == "snapshot":
            grammar.unsupported("SET TRANSACTION SNAPSHOT")
        return SetTransactionStatement(_required_modes(grammar))
    if grammar.looking_at("session", "characteristics"):
        grammar.expect("session", "characteristics", "as", "transaction")
        return SetTransactionStatement(_required_modes(grammar), is_session=True)
    is_local = grammar.accept("local")
    if not is_local and grammar.token.key == "session" and grammar.peek().key not in ("authorization", "="):
        grammar.accept("session")
    if is_local and grammar.looking_at("transaction"):
        grammar.advance()
        return SetTransactionStatement(_required_modes(grammar))
    return replace(set_clause(grammar), is_local=is_local)


def _set_constraints(grammar: DmlGrammar) -> Statement:
    is_all = grammar.accept("all")
    names = () if is_all else tuple(grammar.comma_list(lambda: relation_name(grammar)))
    word = grammar.accept_any("deferred", "immediate")
    if word is None:
        grammar.error()
    return SetConstraintsStatement(names, word == "deferred")


def _required_modes(grammar: DmlGrammar) -> TransactionModes:
    if grammar.at_end():
        grammar.error()
    return transaction_modes(grammar)


def set_clause(grammar: DmlGrammar) -> SetStatement:
    """`name TO value` and its special spellings, as in SET and ALTER ROLE ... SET."""
    special = _special_setting(grammar)
    if special is not None:
        return special
    name = setting_name(grammar)
    if grammar.token.key == "from" and grammar.peek().key == "current":
        grammar.unsupported("SET ... FROM CURRENT")
    if not (grammar.accept("to") or grammar.accept("=")):
        grammar.error()
    if grammar.accept("default"):
        return SetStatement(name, None)
    return SetStatement(name, tuple(grammar.comma_list(lambda: _setting_value(grammar))))


def setting_name(grammar: DmlGrammar) -> str:
    """A possibly qualified setting name; case is kept only for quoted names."""
    parts = [grammar.name()]
    while grammar.accept("."):
        parts.append(grammar.name())
    return ".".join(parts)


def _special_setting(grammar: DmlGrammar) -> SetStatement | None:
    if grammar.looking_at("time", "zone"):
        grammar.expect("time", "zone")
        return SetStatement("timezone", _time_zone(grammar))
    if grammar.looking_at("session", "authorization"):
        grammar.expect("session", "authorization")
        value = None if grammar.accept("default") else (_role_value(grammar),)
        return SetStatement("session_authorization", value)
    following = grammar.peek().key
    if following in ("=", "to", "."):
        return None
    if grammar.accept("role"):
        return SetStatement("role", (_role_value(grammar),))
    if grammar.accept("schema"):
        return SetStatement("search_path", (grammar.string(),))
    if grammar.accept("names"):
        value = None
        if grammar.token.kind == STRING:
            value = (grammar.string(),)
        else:
            grammar.accept("default")
        return SetStatement("client_encoding", value)
    if grammar.looking_at("xml", "option"):
        grammar.expect("xml", "option")
        return SetStatement("xmloption", (grammar.accept_any("document", "content") or grammar.error(),))
    if grammar.token.key == "catalog":
        grammar.unsupported("SET CATALOG")
    return None


def _role_value(grammar: DmlGrammar) -> str:
    if grammar.token.kind == STRING:
        return grammar.advance().value
    if grammar.accept("none"):
        return "none"
    return grammar.name()


def _time_zone(grammar: DmlGrammar) -> tuple[str, ...] | None:
    if grammar.accept_any("local", "default"):
        return None
    if grammar.accept("interval"):
        text = grammar.string()
        grammar.interval_fields()
        return (_interval_zone(text),)
    if grammar.token.kind == STRING:
        return (grammar.advance().value,)
    if grammar.token.kind in (INTEGER, FLOAT) or grammar.token.key in ("+", "-"):
        return (grammar.signed_number(),)
    return (grammar.name(),)


def _interval_zone(text: str) -> str:
    """`+01:30` of SET TIME ZONE INTERVAL as POSIX-style zone text, whose sign is the other way round."""
    body = text.strip()
    sign = "-" if body.startswith("-") else "+"
    digits = body.lstrip("+-")
    hours, _, minutes = digits.partition(":")
    if not hours.isdigit() or (minutes and not minutes[:2].isdigit()):
        return text
    shown = f"{int(hours):02d}" + (f":{minutes[:2]}" if int(minutes[:2] or 0) else "")
    if shown == "00":
        return "UTC"
    return f"<{sign}{shown}>{'-' if sign == '+' else '+'}{shown}"


def _setting_value(grammar: DmlGrammar) -> str:
    token = grammar.token
    if token.kind == STRING:
        return grammar.advance().value
    if token.kind in (INTEGER, FLOAT) or token.key in ("+", "-"):
        return grammar.signed_number()
    if token.key in ("true", "false", "on"):
        return grammar.advance().key
    if not (grammar.is_name() or grammar.is_function_name()):
        grammar.error()
    return grammar.advance().value


def joined_value(values: tuple[str, ...], *, is_list: bool) -> str:
    """One text of a SET list. Lists of names quote what is no plain name, as PostgreSQL's flatten_set does."""
    if not is_list:
        return ", ".join(values)
    return ", ".join(value if _is_plain(value) else '"' + value.replace('"', '""') + '"' for value in values)


def _is_plain(value: str) -> bool:
    return (
        bool(value)
        and value.replace("_", "a").isalnum()
        and value == value.lower()
        and not value[0].isdigit()
    )


def show_name(grammar: DmlGrammar) -> str:
    """The name in SHOW and RESET."""
    if grammar.looking_at("time", "zone"):
        grammar.expect("time", "zone")
        return "timezone"
    if grammar.looking_at("transaction", "isolation", "level"):
        grammar.expect("transaction", "isolation", "level")
        return "transaction_isolation"
    if grammar.looking_at("session", "authorization"):
        grammar.expect("session", "authorization")
        return "session_authorization"
    if grammar.accept("all"):
        return "all"
    return setting_name(grammar)


def parse_show(grammar: DmlGrammar) -> Statement:
    return ShowStatement(show_name(grammar))


def parse_reset(grammar: DmlGrammar) -> Statement:
    return ResetStatement(show_name(grammar))


def parse_discard(grammar: DmlGrammar) -> Statement:
    word = grammar.accept_any("all", "plans", "sequences", "temp", "temporary") or grammar.error()
    return DiscardStatement(DiscardTarget("TEMP" if word == "temporary" else word.upper()))


# -- cursors


def parse_declare(grammar: DmlGrammar) -> Statement:
    name = grammar.name()
    binary, scroll = False, None
    while grammar.token.key != "cursor":
        if grammar.accept("binary"):
            binary = True
        elif grammar.accept("no"):
            grammar.expect("scroll")
            scroll = False
        elif grammar.accept("scroll"):
            scroll = True
        elif not grammar.accept_any("insensitive", "asensitive"):
            grammar.error()
    grammar.expect("cursor")
    hold = False
    if grammar.accept("with", "hold"):
        hold = True
    else:
        grammar.accept("without", "hold")
    grammar.expect("for")
    query, text = grammar.captured(grammar.query)
    return DeclareCursorStatement(name, QueryStatement(query), text, binary, scroll, hold)


_MOVES = {"next": (FetchDirection.FORWARD, 1), "prior": (FetchDirection.BACKWARD, 1),
          "first": (FetchDirection.ABSOLUTE, 1), "last": (FetchDirection.ABSOLUTE, -1)}  # fmt: skip


def _fetch_arguments(grammar: DmlGrammar) -> tuple[str, FetchDirection, int | None]:
    direction, count = FetchDirection.FORWARD, 1
    following = grammar.peek().key
    names_cursor = grammar.peek().kind == "end" or following == ";"
    if names_cursor:
        return grammar.name(), direction, count
    bounded: int | None = count
    key = grammar.token.key
    if key in _MOVES:
        grammar.advance()
        direction, bounded = _MOVES[key]
    elif key in ("absolute", "relative"):
        grammar.advance()
        direction, bounded = FetchDirection(key), grammar.signed_integer()
    elif key in ("forward", "backward"):
        grammar.advance()
        direction, bounded = FetchDirection(key), _fetch_count(grammar)
    else:
        bounded = _fetch_count(grammar)
    grammar.accept_any("from", "in")
    return grammar.name(), direction, bounded


def _fetch_count(grammar: DmlGrammar) -> int | None:
    if grammar.accept("all"):
        return None
    if grammar.token.kind == INTEGER or grammar.token.key in ("+", "-"):
        return grammar.signed_integer()
    return 1


def parse_fetch(grammar: DmlGrammar) -> Statement:
    return FetchStatement(*_fetch_arguments(grammar))


def parse_move(grammar: DmlGrammar) -> Statement:
    return MoveStatement(*_fetch_arguments(grammar))


def parse_close(grammar: DmlGrammar) -> Statement:
    return CloseStatement(None if grammar.accept("all") else grammar.name())


# -- prepared statements


def parse_prepare(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "transaction" and grammar.peek().kind == STRING:
        grammar.unsupported("PREPARE TRANSACTION")
    name = grammar.name()
    types = tuple(grammar.parenthesized(grammar.type_name)) if grammar.token.key == "(" else ()
    grammar.expect("as")
    tree, text = grammar.captured(grammar.statement_with_clauses)
    return PrepareStatement(name, types, QueryStatement(tree), text)


def parse_execute(grammar: DmlGrammar) -> Statement:
    name = grammar.name()
    arguments: list[SqlExpression] = []
    if grammar.token.key == "(":
        arguments = grammar.parenthesized(grammar.sql_expression)
    return ExecuteStatement(name, tuple(arguments))


def parse_deallocate(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "prepare" and not (grammar.peek().kind == "end" or grammar.peek().key == ";"):
        grammar.advance()
    return DeallocateStatement(None if grammar.accept("all") else grammar.name())


# -- notifications


def parse_listen(grammar: DmlGrammar) -> Statement:
    return ListenStatement(grammar.name())


def parse_unlisten(grammar: DmlGrammar) -> Statement:
    return UnlistenStatement(None if grammar.accept("*") else grammar.name())


def parse_notify(grammar: DmlGrammar) -> Statement:
    channel = grammar.name()
    return NotifyStatement(channel, grammar.string() if grammar.accept(",") else "")


SESSION_STATEMENTS: dict[str, Callable[[DmlGrammar], Statement]] = {
    "begin": parse_begin, "start": parse_start, "commit": parse_commit, "end": parse_commit,
    "rollback": parse_rollback, "abort": parse_abort, "savepoint": parse_savepoint, "release": parse_release,
    "set": parse_set, "show": parse_show, "reset": parse_reset, "discard": parse_discard, "declare": parse_declare,
    "fetch": parse_fetch, "move": parse_move, "close": parse_close, "prepare": parse_prepare,
    "execute": parse_execute, "deallocate": parse_deallocate, "listen": parse_listen, "unlisten": parse_unlisten,
    "notify": parse_notify,
}  # fmt: skip
"""First word -> grammar of the rest."""
