"""Grammar of GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, DROP OWNED and REASSIGN OWNED.

https://www.postgresql.org/docs/15/sql-grant.html
"""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_functions import function_name
from sqlfront.parser.names import cascade, relation_names, role_name
from sqlfront.parser.statements import QualifiedName, Statement
from sqlfront.parser.statements_privileges import (
    DefaultPrivilegesStatement,
    DropOwnedStatement,
    GrantRoleStatement,
    GrantStatement,
    GrantTarget,
    NamedPrivilege,
    ReassignOwnedStatement,
)

_FUNCTION_KINDS = ("function", "procedure", "routine")
_SCHEMA_KINDS = {"tables": "TABLE", "sequences": "SEQUENCE", "functions": "FUNCTION", "procedures": "PROCEDURE",
                 "routines": "ROUTINE"}  # fmt: skip
_DEFAULT_KINDS = {**_SCHEMA_KINDS, "types": "TYPE", "schemas": "SCHEMA"}
_NAMED_KINDS = ("schema", "database", "language", "tablespace")
_UNSUPPORTED_KINDS = ("foreign data wrapper", "foreign server", "large object", "parameter", "tablespace")


def parse_grant(grammar: DmlGrammar) -> Statement:
    """After GRANT."""
    privileges = _privileges(grammar)
    if grammar.accept("on"):
        target = _target(grammar)
        grammar.expect("to")
        grantees = _grantees(grammar)
        is_option = grammar.accept("with", "grant", "option")
        return GrantStatement(False, privileges, target, grantees, is_option, _granted_by(grammar))
    roles = _roles(grammar, privileges)
    grammar.expect("to")
    grantees = _grantees(grammar)
    is_option = False
    if grammar.accept("with"):
        is_option = _role_option(grammar)
    return GrantRoleStatement(False, roles, grantees, is_option, _granted_by(grammar))


def parse_revoke(grammar: DmlGrammar) -> Statement:
    """After REVOKE."""
    is_of_role = grammar.accept("admin", "option", "for")
    is_option = is_of_role or grammar.accept("grant", "option", "for")
    privileges = _privileges(grammar)
    if not is_of_role and grammar.accept("on"):
        target = _target(grammar)
        grammar.expect("from")
        grantees, granted_by = _grantees(grammar), _granted_by(grammar)
        return GrantStatement(True, privileges, target, grantees, is_option, granted_by, cascade(grammar))
    if is_option and not is_of_role:
        grammar.error()
    roles = _roles(grammar, privileges)
    grammar.expect("from")
    grantees, granted_by = _grantees(grammar), _granted_by(grammar)
    return GrantRoleStatement(True, roles, grantees, is_option, granted_by, cascade(grammar))


def _privileges(grammar: DmlGrammar) -> tuple[NamedPrivilege, ...]:
    """ALL [PRIVILEGES], or a list of privileges; or of roles, which look the same."""
    if grammar.accept("all"):
        grammar.accept("privileges")
        return (NamedPrivilege(None, _columns(grammar)),)
    return tuple(grammar.comma_list(lambda: _privilege(grammar)))


def _privilege(grammar: DmlGrammar) -> NamedPrivilege:
    word = grammar.accept_any(
        "select", "references", "create", "current_user", "current_role", "session_user"
    )
    if word is None and grammar.accept("alter", "system"):
        word = "alter system"
    return NamedPrivilege(word or grammar.name(), _columns(grammar))


def _columns(grammar: DmlGrammar) -> tuple[str, ...]:
    return tuple(grammar.parenthesized(grammar.name)) if grammar.token.key == "(" else ()


def _roles(grammar: DmlGrammar, privileges: tuple[NamedPrivilege, ...]) -> tuple[str, ...]:
    if any(privilege.name is None or privilege.columns for privilege in privileges):
        grammar.error()
    return tuple(privilege.name or "" for privilege in privileges)


def _target(grammar: DmlGrammar) -> GrantTarget:
    if grammar.looking_at("all") and grammar.peek().key in _SCHEMA_KINDS:
        grammar.advance()
        kind = _SCHEMA_KINDS[grammar.advance().key]
        grammar.expect("in", "schema")
        return GrantTarget(kind, tuple(map(QualifiedName, grammar.names())), is_all_in=True)
    for kind in _UNSUPPORTED_KINDS:
        if grammar.looking_at(*kind.split()):
            grammar.unsupported(f"GRANT ON {kind.upper()}")
    word = grammar.accept_any(*_FUNCTION_KINDS)
    if word is not None:
        functions = tuple(grammar.comma_list(lambda: function_name(grammar)))
        return GrantTarget(word.upper(), functions=functions)
    word = grammar.accept_any(*_NAMED_KINDS)
    if word is not None:
        return GrantTarget(word.upper(), tuple(map(QualifiedName, grammar.names())))
    word = grammar.accept_any("table", "sequence", "type", "domain") or "table"
    return GrantTarget(word.upper(), relation_names(grammar))


def _grantees(grammar: DmlGrammar) -> tuple[str, ...]:
    def one() -> str:
        grammar.accept("group")
        return role_name(grammar)

    return tuple(grammar.comma_list(one))


def _role_option(grammar: DmlGrammar) -> bool:
    """ADMIN OPTION; INHERIT and SET came with PostgreSQL 16."""
    if grammar.token.key in ("inherit", "set"):
        grammar.unsupported(f"GRANT ... WITH {grammar.token.key.upper()}")
    grammar.expect("admin")
    if not grammar.accept_any("option", "true"):
        grammar.error()
    return True


def _granted_by(grammar: DmlGrammar) -> str | None:
    return role_name(grammar) if grammar.accept("granted", "by") else None


def parse_default_privileges(grammar: DmlGrammar) -> Statement:
    """After ALTER DEFAULT; FOR ROLE and IN SCHEMA come in any order."""
    grammar.expect("privileges")
    roles: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    while True:
        if grammar.accept("for"):
            if not grammar.accept_any("role", "user"):
                grammar.error()
            roles += tuple(grammar.comma_list(lambda: role_name(grammar)))
        elif grammar.accept("in"):
            grammar.expect("schema")
            schemas += tuple(grammar.names())
        else:
            return DefaultPrivilegesStatement(_default_grant(grammar), roles, schemas)


def _default_grant(grammar: DmlGrammar) -> GrantStatement:
    is_revoke = grammar.accept_any("grant", "revoke") == "revoke"
    if not is_revoke and grammar.last.key != "grant":
        grammar.error()
    is_option = is_revoke and grammar.accept("grant", "option", "for")
    privileges = _privileges(grammar)
    grammar.expect("on")
    kind = _DEFAULT_KINDS.get(grammar.token.key)
    if kind is None:
        grammar.error()
    grammar.advance()
    grammar.expect("from" if is_revoke else "to")
    grantees = _grantees(grammar)
    if not is_revoke:
        is_option = grammar.accept("with", "grant", "option")
    return GrantStatement(
        is_revoke, privileges, GrantTarget(kind), grantees, is_option, None, is_revoke and cascade(grammar)
    )


def parse_drop_owned(grammar: DmlGrammar) -> Statement:
    """After DROP OWNED."""
    grammar.expect("by")
    roles = tuple(grammar.comma_list(lambda: role_name(grammar)))
    return DropOwnedStatement(roles, cascade(grammar))


def parse_reassign_owned(grammar: DmlGrammar) -> Statement:
    """After REASSIGN."""
    grammar.expect("owned", "by")
    roles = tuple(grammar.comma_list(lambda: role_name(grammar)))
    grammar.expect("to")
    return ReassignOwnedStatement(roles, role_name(grammar))
