"""Statements about privileges: GRANT and REVOKE, default privileges, and what a role owns."""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.parser.statements import QualifiedName, Statement
from sqlfront.parser.statements_functions import FunctionName

PUBLIC_NAME = "public"
"""The grantee that stands for every role; no role can have this name."""


@dataclass(frozen=True, slots=True)
class NamedPrivilege:
    """A privilege as GRANT names it, in lower case; None for ALL. `columns` () = of the whole object."""

    name: str | None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantTarget:
    """ON kind names; with `is_all_in` ON ALL kindS IN SCHEMA names. `functions` are those of FUNCTION and its like."""

    kind: str
    names: tuple[QualifiedName, ...] = ()
    functions: tuple[FunctionName, ...] = ()
    is_all_in: bool = False


@dataclass(frozen=True, slots=True)
class GrantStatement(Statement):
    """GRANT privileges ON target TO grantees, or REVOKE ... FROM.

    `is_option` is WITH GRANT OPTION, or GRANT OPTION FOR. In ALTER DEFAULT PRIVILEGES the target has no names.
    """

    is_revoke: bool
    privileges: tuple[NamedPrivilege, ...]
    target: GrantTarget
    grantees: tuple[str, ...]
    is_option: bool = False
    granted_by: str | None = None
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class GrantRoleStatement(Statement):
    """GRANT roles TO grantees [WITH ADMIN OPTION], or REVOKE [ADMIN OPTION FOR] roles FROM grantees.

    `tag` is the command's where it was written as another one.
    """

    is_revoke: bool
    roles: tuple[str, ...]
    grantees: tuple[str, ...]
    is_option: bool = False
    granted_by: str | None = None
    cascade: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class DefaultPrivilegesStatement(Statement):
    """ALTER DEFAULT PRIVILEGES [FOR ROLE roles] [IN SCHEMA schemas] grant."""

    grant: GrantStatement
    roles: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropOwnedStatement(Statement):
    """DROP OWNED BY roles."""

    roles: tuple[str, ...]
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class ReassignOwnedStatement(Statement):
    """REASSIGN OWNED BY roles TO a role."""

    roles: tuple[str, ...]
    new_owner: str
