"""CREATE, ALTER and DROP DATABASE. https://www.postgresql.org/docs/15/sql-createdatabase.html"""

from __future__ import annotations

from foundation.errors import (
    DuplicateDatabase,
    FeatureNotSupported,
    InsufficientPrivilege,
    ObjectInUse,
    SyntaxErrorInStatement,
    UndefinedDatabase,
    UndefinedObject,
)
from foundation.version import PGVECTOR_VERSION
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.lookup import check_new_owner, check_owner, current_role, find_role
from sqlfront.parser import CreateDatabaseStatement, DropStatement, Option
from storage.bootstrap import database_objects
from storage.catalog import CatalogObject, Database, Role, replaced

_SAME_EVERYWHERE = {
    "encoding": ("utf8", "utf-8", "unicode", "6"),
    "template": ("template0", "template1"),
    "tablespace": ("pg_default",),
    "locale": ("c.utf-8", "c.utf8"),
    "lc_collate": ("c.utf-8", "c.utf8"),
    "lc_ctype": ("c.utf-8", "c.utf8"),
    "locale_provider": ("libc",),
    "strategy": ("wal_log", "file_copy"),
    "is_template": ("false", "off", "no", "0"),
    "allow_connections": ("true", "on", "yes", "1"),
    "connection_limit": ("-1",),
}
"""Options with the values that say what every database is anyway; any other value is refused."""


def execute_create_database(statement: CreateDatabaseStatement, context: CommandContext) -> CommandResult:
    """CREATE DATABASE: its entry, schema public and the extensions every database has.

    Raises:
        DuplicateDatabase: 42P04. InsufficientPrivilege: 42501. FeatureNotSupported: 0A000, an option's value.
    """
    role = current_role(context)
    if not (role.is_superuser or role.can_create_db):
        raise InsufficientPrivilege("permission denied to create database")
    owner = _checked_options(context, statement)
    if context.catalog.find_database(statement.name) is not None:
        raise DuplicateDatabase(f'database "{statement.name}" already exists')
    database = Database(context.storage.allocate_oid(), statement.name, 0, owner.oid)
    context.transaction.put(database)
    first_oid = _consecutive_oids(context, 3)
    for obj in database_objects(PGVECTOR_VERSION, database, owner.oid, first_oid):
        context.transaction.put(obj)
    return CommandResult("CREATE DATABASE")


def _consecutive_oids(context: CommandContext, count: int) -> int:
    """The first of `count` OIDs in a row; other sessions allocate at the same time."""
    first = last = context.storage.allocate_oid()
    while last - first + 1 < count:
        oid = context.storage.allocate_oid()
        first, last = (first, oid) if oid == last + 1 else (oid, oid)
    return first


def _checked_options(context: CommandContext, statement: CreateDatabaseStatement) -> Role:
    """The owner. Raises for options that would change something."""
    owner = current_role(context)
    seen = set()
    for option in statement.options:
        if option.name in seen:
            raise SyntaxErrorInStatement("conflicting or redundant options")
        seen.add(option.name)
        if option.name == "owner" and option.value is not None:
            owner = find_role(context, option.value)
            check_new_owner(context, owner)
        elif option.name != "owner":
            _check_option(option)
    return owner


def _check_option(option: Option) -> None:
    accepted = _SAME_EVERYWHERE.get(option.name)
    if accepted is None:
        raise SyntaxErrorInStatement(f'option "{option.name}" not recognized')
    if option.value is None or option.value.lower() in accepted:
        return
    if option.name == "template":
        raise FeatureNotSupported(
            f'a template database other than template0 and template1 ("{option.value}") is not supported'
        )
    if option.name == "tablespace":
        raise UndefinedObject(f'tablespace "{option.value}" does not exist')
    raise FeatureNotSupported(f'{option.name} "{option.value}" of a database is not supported')


def find_database(context: CommandContext, name: str) -> Database:
    """Raises UndefinedDatabase (3D000)."""
    database = context.catalog.find_database(name)
    if database is None:
        raise UndefinedDatabase(f'database "{name}" does not exist')
    return database


def check_unused(context: CommandContext, database: Database, verb: str) -> None:
    """Raises ObjectInUse (55006) for the session's own database or one with sessions."""
    if database.oid == context.database_oid:
        what = "the currently open database" if verb == "drop" else "current database"
        raise ObjectInUse(f"cannot drop {what}" if verb == "drop" else "current database cannot be renamed")
    count = context.peers.remaining(database.oid) if context.peers is not None else 0
    if count:
        word = "is 1 other session" if count == 1 else f"are {count} other sessions"
        raise ObjectInUse(
            f'database "{database.name}" is being accessed by other users',
            detail=f"There {word} using the database.",
        )


def drop_database(context: CommandContext, name: str, statement: DropStatement) -> None:
    """DROP DATABASE with all objects in it and the settings that roles have there. Raises UndefinedDatabase (3D000), ObjectInUse (55006)."""
    database = context.catalog.find_database(name)
    if database is None:
        if not statement.if_exists:
            raise UndefinedDatabase(f'database "{name}" does not exist')
        context.notice(f'database "{name}" does not exist, skipping')
        return
    check_owner(context, database)
    if statement.is_forced and context.peers is not None and database.oid != context.database_oid:
        context.peers.end(database.oid)
    check_unused(context, database, "drop")
    for obj in list(context.catalog.objects(CatalogObject, database.oid)):
        context.transaction.drop(obj.oid)
    for role in list(context.catalog.objects(Role)):
        kept = tuple(item for item in role.settings if item[0] != database.oid)
        if kept != role.settings:
            context.transaction.put(replaced(role, settings=kept))
    context.transaction.drop(database.oid)


def rename_database(context: CommandContext, name: str, new_name: str) -> None:
    """Raises UndefinedDatabase (3D000), DuplicateDatabase (42P04), ObjectInUse (55006)."""
    database = find_database(context, name)
    check_owner(context, database)
    role = current_role(context)
    if not (role.is_superuser or role.can_create_db):
        raise InsufficientPrivilege("permission denied to rename database")
    if context.catalog.find_database(new_name) is not None:
        raise DuplicateDatabase(f'database "{new_name}" already exists')
    check_unused(context, database, "rename")
    context.transaction.put(replaced(database, name=new_name))
