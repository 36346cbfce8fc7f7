"""Grammar of CREATE INDEX, sequences, schemas, databases, roles, extensions, DROP, COMMENT, TRUNCATE.

https://www.postgresql.org/docs/15/sql-commands.html
"""

from __future__ import annotations

from dataclasses import replace

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_functions import parse_comment_on_function
from sqlfront.parser.grammar_session import set_clause, show_name
from sqlfront.parser.grammar_table import parse_alter_table
from sqlfront.parser.index_elements import index_element
from sqlfront.parser.lexer import STRING
from sqlfront.parser.names import (
    cascade,
    if_exists,
    if_not_exists,
    option_list,
    option_value,
    relation_name,
    relation_names,
    role_name,
)
from sqlfront.parser.sequence_grammar import sequence_options
from sqlfront.parser.statements import Option, QualifiedName, SetStatement, Statement
from sqlfront.parser.statements_objects import (
    AlterExtensionStatement,
    AlterRoleStatement,
    AlterSettingStatement,
    CommentStatement,
    CreateDatabaseStatement,
    CreateExtensionStatement,
    CreateRoleStatement,
    CreateSchemaStatement,
    DropStatement,
    OwnerStatement,
    RoleOptions,
)
from sqlfront.parser.statements_privileges import GrantRoleStatement
from sqlfront.parser.statements_schema import (
    AlterSequenceStatement,
    CreateIndexStatement,
    CreateSequenceStatement,
    RenameStatement,
    TruncateStatement,
)

# -- indexes


def parse_create_index(grammar: DmlGrammar, *, is_unique: bool = False) -> Statement:
    """After CREATE [UNIQUE] INDEX."""
    concurrently = grammar.accept("concurrently")
    skip = if_not_exists(grammar)
    name = None if grammar.token.key == "on" and not skip else grammar.name()
    if grammar.token.key == ".":
        grammar.error()
    grammar.expect("on")
    is_only = grammar.accept("only")
    table = relation_name(grammar)
    method = grammar.name() if grammar.accept("using") else "btree"
    elements = tuple(grammar.parenthesized(lambda: index_element(grammar)))
    statement = CreateIndexStatement(
        table, elements, name, method, is_unique, concurrently, skip, is_only=is_only
    )
    if grammar.accept("include"):
        statement = replace(statement, include=tuple(grammar.parenthesized(lambda: index_element(grammar))))
    if grammar.accept("nulls"):
        negated = grammar.accept("not")
        grammar.expect("distinct")
        statement = replace(statement, nulls_not_distinct=negated)
    if grammar.accept("with"):
        statement = replace(statement, options=option_list(grammar))
    if grammar.accept("tablespace"):
        grammar.name()
    if grammar.accept("where"):
        statement = replace(statement, where=grammar.sql_expression())
    return statement


# -- sequences


def parse_create_sequence(grammar: DmlGrammar) -> Statement:
    skip = if_not_exists(grammar)
    name = relation_name(grammar)
    return CreateSequenceStatement(name, sequence_options(grammar), skip)


def parse_alter_sequence(grammar: DmlGrammar) -> Statement:
    index = grammar.index
    exists = if_exists(grammar)
    name = relation_name(grammar)
    if grammar.token.key in ("rename", "owner", "set"):
        grammar.back_to(index)
        return parse_alter_table(grammar, "SEQUENCE")
    if grammar.at_end():
        grammar.error()
    return AlterSequenceStatement(name, sequence_options(grammar), exists)


# -- schemas, databases, extensions


def parse_create_schema(grammar: DmlGrammar) -> Statement:
    skip = if_not_exists(grammar)
    name = None if grammar.token.key == "authorization" else grammar.name()
    owner = role_name(grammar) if grammar.accept("authorization") else None
    if grammar.token.key in ("create", "grant"):
        grammar.unsupported("CREATE SCHEMA with schema elements")
    return CreateSchemaStatement(name, owner, skip)


def parse_create_database(grammar: DmlGrammar) -> Statement:
    name = grammar.name()
    grammar.accept("with")
    return CreateDatabaseStatement(name, _database_options(grammar))


def _database_options(grammar: DmlGrammar) -> tuple[Option, ...]:
    options = []
    while not grammar.at_end():
        if grammar.accept("connection"):
            grammar.expect("limit")
            name = "connection_limit"
        else:
            name = grammar.label()
        grammar.accept("=")
        value = None if grammar.accept("default") else option_value(grammar)
        options.append(Option(name, value))
    return tuple(options)


def parse_create_extension(grammar: DmlGrammar) -> Statement:
    skip = if_not_exists(grammar)
    statement = CreateExtensionStatement(grammar.name(), skip)
    grammar.accept("with")
    while not grammar.at_end():
        if grammar.accept("schema"):
            statement = replace(statement, schema=grammar.name())
        elif grammar.accept("version"):
            version = grammar.string() if grammar.token.kind == STRING else grammar.name()
            statement = replace(statement, version=version)
        else:
            grammar.expect("cascade")
            statement = replace(statement, cascade=True)
    return statement


def parse_alter_extension(grammar: DmlGrammar) -> Statement:
    name = grammar.name()
    if grammar.token.key != "update":
        grammar.unsupported(f"ALTER EXTENSION ... {grammar.token.value.upper()}")
    grammar.advance()
    version = None
    if grammar.accept("to"):
        version = grammar.string() if grammar.token.kind == STRING else grammar.name()
    return AlterExtensionStatement(name, version)


def parse_alter_database(grammar: DmlGrammar) -> Statement:
    name = QualifiedName(grammar.name())
    if grammar.accept("rename"):
        grammar.expect("to")
        return RenameStatement("DATABASE", name, grammar.name())
    if grammar.accept("owner"):
        grammar.expect("to")
        return OwnerStatement("DATABASE", name, role_name(grammar))
    if grammar.token.key in ("set", "reset"):
        return _setting(grammar, None, name.name)
    grammar.unsupported("ALTER DATABASE with options")


def parse_alter_schema(grammar: DmlGrammar) -> Statement:
    name = QualifiedName(grammar.name())
    if grammar.accept("rename"):
        grammar.expect("to")
        return RenameStatement("SCHEMA", name, grammar.name())
    grammar.expect("owner", "to")
    return OwnerStatement("SCHEMA", name, role_name(grammar))


def _setting(grammar: DmlGrammar, role: str | None, database: str | None) -> Statement:
    if grammar.accept("set"):
        if grammar.token.key == "tablespace":
            grammar.unsupported("ALTER DATABASE ... SET TABLESPACE")
        return AlterSettingStatement(role, database, set_clause(grammar))
    grammar.expect("reset")
    name = show_name(grammar)
    return AlterSettingStatement(role, database, None if name == "all" else SetStatement(name, None))


# -- roles


_FLAGS = {
    "superuser": ("is_superuser", True), "nosuperuser": ("is_superuser", False),
    "createdb": ("can_create_db", True), "nocreatedb": ("can_create_db", False),
    "createrole": ("can_create_role", True), "nocreaterole": ("can_create_role", False),
    "login": ("can_login", True), "nologin": ("can_login", False),
    "inherit": ("inherits", True), "noinherit": ("inherits", False),
}  # fmt: skip


def parse_create_role(grammar: DmlGrammar, *, can_login: bool = False) -> Statement:
    name = role_name(grammar)
    grammar.accept("with")
    options = role_options(grammar)
    if can_login and options.can_login is None:
        options = replace(options, can_login=True)
    return CreateRoleStatement(name, options)


def parse_alter_group(grammar: DmlGrammar) -> Statement:
    """ALTER GROUP name ADD / DROP USER members is another way to say GRANT and REVOKE."""
    if grammar.peek().key not in ("add", "drop"):
        return parse_alter_role(grammar)
    name = role_name(grammar)
    is_revoke = grammar.advance().key == "drop"
    grammar.expect("user")
    return GrantRoleStatement(is_revoke, (name,), tuple(_role_names(grammar)), tag="ALTER ROLE")


def parse_alter_role(grammar: DmlGrammar) -> Statement:
    if grammar.token.key == "all":
        grammar.advance()
        name = "all"
    else:
        name = role_name(grammar)
    if grammar.accept("rename"):
        grammar.expect("to")
        return RenameStatement("ROLE", QualifiedName(name), grammar.name())
    database = None
    if grammar.accept("in"):
        grammar.expect("database")
        database = grammar.name()
    if database is not None or name == "all" or grammar.token.key in ("set", "reset"):
        return _setting(grammar, name, database)
    grammar.accept("with")
    first = grammar.token
    options = role_options(grammar)
    if options.member_of or options.members or options.admins:
        grammar.error(first)
    return AlterRoleStatement(name, options)


def role_options(grammar: DmlGrammar) -> RoleOptions:
    options = RoleOptions()
    while not grammar.at_end():
        options = _role_option(grammar, options)
    return options


def _role_option(grammar: DmlGrammar, options: RoleOptions) -> RoleOptions:
    token = grammar.token
    if token.key in _FLAGS:
        grammar.advance()
        field, value = _FLAGS[token.key]
        return replace(options, **{field: value})  # type: ignore[arg-type]
    if token.key in ("replication", "bypassrls"):
        grammar.unsupported(f"role option {token.key.upper()}")
    if token.key in ("noreplication", "nobypassrls"):
        grammar.advance()
        return options
    if grammar.accept_any("encrypted", "password"):
        if token.key == "encrypted":
            grammar.expect("password")
        if grammar.accept("null"):
            return replace(options, password="")
        return replace(options, password=grammar.string())
    if grammar.accept("connection"):
        grammar.expect("limit")
        return replace(options, connection_limit=grammar.signed_integer())
    if grammar.accept("valid"):
        grammar.expect("until")
        return replace(options, valid_until=grammar.string())
    if grammar.accept("sysid"):
        grammar.signed_integer()
        return options
    return _membership(grammar, options)


def _membership(grammar: DmlGrammar, options: RoleOptions) -> RoleOptions:
    """IN ROLE, ROLE and ADMIN, with their old names."""
    if grammar.accept("in"):
        if not grammar.accept_any("role", "group"):
            grammar.error()
        return replace(options, member_of=(*options.member_of, *_role_names(grammar)))
    if grammar.accept("admin"):
        return replace(options, admins=(*options.admins, *_role_names(grammar)))
    if not grammar.accept_any("role", "user", "group"):
        grammar.error()
    return replace(options, members=(*options.members, *_role_names(grammar)))


def _role_names(grammar: DmlGrammar) -> list[str]:
    return grammar.comma_list(lambda: role_name(grammar))


# -- DROP, COMMENT, TRUNCATE

_DROP_KINDS = {
    "table": "TABLE", "index": "INDEX", "sequence": "SEQUENCE", "schema": "SCHEMA", "database": "DATABASE",
    "role": "ROLE", "user": "ROLE", "group": "ROLE", "extension": "EXTENSION",
    "view": "VIEW", "materialized view": "MATERIALIZED VIEW", "type": "TYPE",
    "domain": "DOMAIN",
}  # fmt: skip


def _kind_word(grammar: DmlGrammar) -> str:
    """The kind of objects that a statement names; its last word is the next token then."""
    if not grammar.accept("materialized"):
        return grammar.token.key
    if grammar.token.key != "view":
        grammar.error()
    return "materialized view"


def maybe_drop(grammar: DmlGrammar) -> Statement | None:
    """After DROP; None when the kind is none of ours."""
    word = _kind_word(grammar)
    if word not in _DROP_KINDS or (word == "user" and grammar.peek().key == "mapping"):
        return None
    grammar.advance()
    kind = _DROP_KINDS[word]
    concurrently = kind == "INDEX" and grammar.accept("concurrently")
    exists = if_exists(grammar)
    if kind == "ROLE":
        names = tuple(QualifiedName(name) for name in grammar.comma_list(lambda: role_name(grammar)))
    elif kind in ("SCHEMA", "EXTENSION", "DATABASE"):
        names = tuple(
            QualifiedName(name) for name in (grammar.names() if kind != "DATABASE" else (grammar.name(),))
        )
    else:
        names = relation_names(grammar)
    if kind == "DATABASE":
        grammar.accept("with")
        if grammar.token.key == "(":
            grammar.parenthesized(lambda: grammar.comma_list(lambda: grammar.expect("force")))
            return DropStatement(kind, names, exists, kind_word=word.upper(), is_forced=True)
        return DropStatement(kind, names, exists, kind_word=word.upper())
    is_cascade = cascade(grammar) if kind != "ROLE" else False
    return DropStatement(kind, names, exists, is_cascade, concurrently, word.upper())


_COMMENT_KINDS = (
    "table",
    "index",
    "sequence",
    "schema",
    "database",
    "role",
    "extension",
    "column",
    "constraint",
    "view",
    "materialized view",
    "type",
    "domain",
)


def parse_comment(grammar: DmlGrammar) -> Statement:
    grammar.expect("on")
    if grammar.accept_any("function", "routine"):
        return parse_comment_on_function(grammar)
    kind = _kind_word(grammar)
    if kind not in _COMMENT_KINDS:
        words = grammar.label().upper()
        grammar.unsupported(f"COMMENT ON {words}", grammar.last)
    grammar.advance()
    part = None
    if kind == "column":
        first = grammar.token
        *owner, part = grammar.qualified_name()
        if not 1 <= len(owner) <= 3:
            grammar.error()
        names = dict(zip(("name", "schema", "database"), reversed(owner)))
        name = QualifiedName(position=first.start + 1, **names)
    elif kind == "constraint":
        part = grammar.name()
        grammar.expect("on")
        if grammar.token.key == "domain" and grammar.peek().key != "is":
            grammar.unsupported("COMMENT ON CONSTRAINT ... ON DOMAIN")
        name = relation_name(grammar)
    else:
        name = relation_name(grammar)
    grammar.expect("is")
    text = None if grammar.accept("null") else grammar.string()
    return CommentStatement(kind.upper(), name, text, part)


def parse_truncate(grammar: DmlGrammar) -> Statement:
    grammar.accept("table")

    only: list[QualifiedName] = []

    def one() -> QualifiedName:
        is_only = grammar.accept("only")
        name = relation_name(grammar)
        if is_only:
            only.append(name)
        grammar.accept("*")
        return name

    tables = tuple(grammar.comma_list(one))
    restart = False
    if grammar.accept("restart"):
        grammar.expect("identity")
        restart = True
    elif grammar.accept("continue"):
        grammar.expect("identity")
    return TruncateStatement(tables, restart, cascade(grammar), tuple(only))
