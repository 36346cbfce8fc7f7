"""Where a new relation goes: the schema of its name, the first of the search path, or the session's temporary one.

https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-PARMS-TEMPORARY
"""

from __future__ import annotations

from foundation.errors import InsufficientPrivilege
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.lookup import check_database_part, creation_schema, current_database, rights_of
from sqlfront.parser import QualifiedName
from sqlfront.session.names import TEMPORARY_SCHEMA, split_search_path
from storage.acl import Privilege
from storage.catalog import TEMPORARY_SCHEMA_PREFIX, OnCommit, Persistence, Schema


def creation_place(
    context: CommandContext, name: QualifiedName, persistence: Persistence = Persistence.PERMANENT
) -> tuple[Schema, Persistence]:
    """The schema that a new relation goes to, and what it is there: all in a temporary schema is temporary.

    Raises:
        InvalidTableDefinition: 42P16, a temporary relation elsewhere, or another one in a temporary schema.
        QuiverError: as `creation_schema`.
    """
    is_temporary = persistence is Persistence.TEMPORARY
    if name.schema is None:
        goes_there = is_temporary or _is_first_in_path(context)
    elif name.schema in (TEMPORARY_SCHEMA, context.temporary_schema):
        goes_there = True
    elif is_temporary:
        raise InvalidTableDefinition("cannot create temporary relation in non-temporary schema")
    elif name.schema.startswith(TEMPORARY_SCHEMA_PREFIX):
        raise InvalidTableDefinition("cannot create relations in temporary schemas of other sessions")
    else:
        goes_there = False
    if not goes_there:
        return creation_schema(context, name), persistence
    if persistence is Persistence.UNLOGGED:
        raise InvalidTableDefinition("only temporary relations may be created in temporary schemas")
    check_database_part(context, name)
    _check_may_create_temporary(context)
    return _own_schema(context), Persistence.TEMPORARY


def _is_first_in_path(context: CommandContext) -> bool:
    """`SET search_path = pg_temp` lets every new relation be temporary."""
    return split_search_path(context.settings.get("search_path"), "")[:1] == (TEMPORARY_SCHEMA,)


def _check_may_create_temporary(context: CommandContext) -> None:
    database = current_database(context)
    if not rights_of(context).may(database, Privilege.TEMPORARY):
        raise InsufficientPrivilege(
            f'permission denied to create temporary tables in database "{database.name}"'
        )


def _own_schema(context: CommandContext) -> Schema:
    name = context.temporary_schema
    schema = context.catalog.find_schema(context.database_oid, name)
    if schema is None:
        schema = Schema(context.storage.allocate_oid(), name, context.database_oid, context.role_oid)
        context.transaction.put(schema)
    return schema


def checked_on_commit(on_commit: OnCommit | None, persistence: Persistence) -> OnCommit:
    """What a table's ON COMMIT is, None for nothing said. Raises InvalidTableDefinition (42P16) for one that stays."""
    if on_commit is not None and persistence is not Persistence.TEMPORARY:
        raise InvalidTableDefinition("ON COMMIT can only be used on temporary tables")
    return on_commit or OnCommit.PRESERVE_ROWS
