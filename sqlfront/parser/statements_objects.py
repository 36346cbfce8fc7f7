"""Statements about schemas, databases, roles, extensions and comments, and DROP of anything."""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.parser.statements import Option, QualifiedName, SetStatement, Statement


@dataclass(frozen=True, slots=True)
class CreateSchemaStatement(Statement):
    """CREATE SCHEMA; `name` None = the owner's name."""

    name: str | None
    owner: str | None = None
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateExtensionStatement(Statement):
    name: str
    if_not_exists: bool = False
    schema: str | None = None
    version: str | None = None
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class AlterExtensionStatement(Statement):
    """ALTER EXTENSION name UPDATE [TO version]."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class CreateDatabaseStatement(Statement):
    name: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class AlterSettingStatement(Statement):
    """ALTER ROLE or DATABASE ... SET / RESET.

    `role` None with `database` given is ALTER DATABASE; role "all" is ALTER ROLE ALL. `setting` is None for
    RESET ALL, and has values None for RESET name and SET name TO DEFAULT.
    """

    role: str | None
    database: str | None
    setting: SetStatement | None


@dataclass(frozen=True, slots=True)
class OwnerStatement(Statement):
    """ALTER kind name OWNER TO role, for kinds without other table-like actions."""

    kind: str
    name: QualifiedName
    role: str


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """Options of CREATE and ALTER ROLE; None = not said. `password` '' removes it (PASSWORD NULL)."""

    can_login: bool | None = None
    is_superuser: bool | None = None
    can_create_db: bool | None = None
    can_create_role: bool | None = None
    inherits: bool | None = None
    connection_limit: int | None = None
    valid_until: str | None = None
    password: str | None = None
    member_of: tuple[str, ...] = ()
    """Roles of IN ROLE."""
    members: tuple[str, ...] = ()
    """Roles of ROLE."""
    admins: tuple[str, ...] = ()
    """Roles of ADMIN."""


@dataclass(frozen=True, slots=True)
class CreateRoleStatement(Statement):
    """CREATE ROLE, USER (LOGIN by default) or GROUP."""

    name: str
    options: RoleOptions


@dataclass(frozen=True, slots=True)
class AlterRoleStatement(Statement):
    name: str
    options: RoleOptions


@dataclass(frozen=True, slots=True)
class DropStatement(Statement):
    """DROP kind names: TABLE, INDEX, SEQUENCE, SCHEMA, DATABASE, ROLE, EXTENSION, TYPE, DOMAIN.

    `kind_word` is the word used (USER, GROUP for a role), for the command tag. `is_forced` ends the sessions of a database.
    """

    kind: str
    names: tuple[QualifiedName, ...]
    if_exists: bool = False
    cascade: bool = False
    concurrently: bool = False
    kind_word: str = ""
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class DropAbsentStatement(Statement):
    """DROP of objects of a kind of which there are none, `names` as messages show them; `relation` has triggers, rules, policies."""

    kind: str
    names: tuple[str, ...]
    if_exists: bool
    relation: QualifiedName | None = None


@dataclass(frozen=True, slots=True)
class CommentStatement(Statement):
    """COMMENT ON kind name IS text; `part` is the column or constraint; text None removes the comment."""

    kind: str
    name: QualifiedName
    text: str | None
    part: str | None = None
