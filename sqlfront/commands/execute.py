"""Which function executes which command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlfront import parser
from sqlfront.commands.absent_objects import execute_drop_absent
from sqlfront.commands.alter_table import execute_alter_table
from sqlfront.commands.comment import execute_comment
from sqlfront.commands.composite_types import execute_alter_composite, execute_create_composite
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.create_index import execute_create_index
from sqlfront.commands.create_table import execute_create_table
from sqlfront.commands.databases import execute_create_database
from sqlfront.commands.default_privileges import execute_default_privileges
from sqlfront.commands.domains import execute_alter_domain, execute_create_domain
from sqlfront.commands.drop import execute_drop
from sqlfront.commands.enum_types import execute_add_label, execute_create_enum, execute_rename_label
from sqlfront.commands.functions import (
    execute_alter_function,
    execute_comment_on_function,
    execute_create_function,
    execute_drop_function,
)
from sqlfront.commands.grants import execute_grant
from sqlfront.commands.maintenance import (
    execute_analyze,
    execute_checkpoint,
    execute_cluster,
    execute_lock,
    execute_reindex,
    execute_vacuum,
)
from sqlfront.commands.memberships import execute_grant_role
from sqlfront.commands.owned_objects import execute_drop_owned, execute_reassign_owned
from sqlfront.commands.partitions import execute_attach, execute_detach
from sqlfront.commands.rename import execute_owner, execute_rename
from sqlfront.commands.roles import execute_alter_role, execute_alter_setting, execute_create_role
from sqlfront.commands.schemas import (
    execute_alter_extension,
    execute_create_extension,
    execute_create_schema,
    execute_set_schema,
)
from sqlfront.commands.sequences import execute_alter_sequence, execute_create_sequence
from sqlfront.commands.settings import execute_reset, execute_set, execute_show
from sqlfront.commands.truncate import execute_truncate
from sqlfront.commands.views import execute_create_view

COMMANDS: dict[type[parser.Statement], Callable[[Any, CommandContext], CommandResult]] = {
    parser.AddEnumLabelStatement: execute_add_label,
    parser.AlterCompositeStatement: execute_alter_composite,
    parser.AlterDomainStatement: execute_alter_domain,
    parser.AlterExtensionStatement: execute_alter_extension,
    parser.AlterFunctionStatement: execute_alter_function,
    parser.AlterRoleStatement: execute_alter_role,
    parser.AlterSequenceStatement: execute_alter_sequence,
    parser.AlterSettingStatement: execute_alter_setting,
    parser.AttachPartitionStatement: execute_attach,
    parser.DetachPartitionStatement: execute_detach,
    parser.AlterTableStatement: execute_alter_table,
    parser.AnalyzeStatement: execute_analyze,
    parser.CheckpointStatement: execute_checkpoint,
    parser.ClusterStatement: execute_cluster,
    parser.CommentFunctionStatement: execute_comment_on_function,
    parser.CommentStatement: execute_comment,
    parser.CreateDatabaseStatement: execute_create_database,
    parser.CreateCompositeStatement: execute_create_composite,
    parser.CreateDomainStatement: execute_create_domain,
    parser.CreateEnumStatement: execute_create_enum,
    parser.CreateExtensionStatement: execute_create_extension,
    parser.CreateFunctionStatement: execute_create_function,
    parser.CreateIndexStatement: execute_create_index,
    parser.CreateRoleStatement: execute_create_role,
    parser.CreateSchemaStatement: execute_create_schema,
    parser.CreateSequenceStatement: execute_create_sequence,
    parser.CreateTableStatement: execute_create_table,
    parser.CreateViewStatement: execute_create_view,
    parser.DropFunctionStatement: execute_drop_function,
    parser.DropStatement: execute_drop,
    parser.DropAbsentStatement: execute_drop_absent,
    parser.GrantRoleStatement: execute_grant_role,
    parser.GrantStatement: execute_grant,
    parser.DefaultPrivilegesStatement: execute_default_privileges,
    parser.DropOwnedStatement: execute_drop_owned,
    parser.ReassignOwnedStatement: execute_reassign_owned,
    parser.LockStatement: execute_lock,
    parser.OwnerStatement: execute_owner,
    parser.ReindexStatement: execute_reindex,
    parser.RenameEnumLabelStatement: execute_rename_label,
    parser.RenameStatement: execute_rename,
    parser.ResetStatement: execute_reset,
    parser.SetSchemaStatement: execute_set_schema,
    parser.SetStatement: execute_set,
    parser.ShowStatement: execute_show,
    parser.TruncateStatement: execute_truncate,
    parser.VacuumStatement: execute_vacuum,
}
"""Statement class -> function. Statements about the session itself are `sqlfront.session`'s."""


def execute_command(statement: parser.Statement, context: CommandContext) -> CommandResult:
    """Execute a command on the context's transaction; the session commits it."""
    return COMMANDS[type(statement)](statement, context)


def runs_outside_transactions(statement: parser.Statement) -> bool:
    """Whether PostgreSQL refuses the command in a transaction block (25001)."""
    match statement:
        case parser.VacuumStatement() | parser.CreateDatabaseStatement():
            return True
        case parser.DropStatement(kind="DATABASE"):
            return True
        case (
            parser.CreateIndexStatement(concurrently=True)
            | parser.DropStatement(concurrently=True)
            | parser.ReindexStatement(concurrently=True)
            | parser.ReindexStatement(kind="SCHEMA" | "DATABASE" | "SYSTEM")
        ):
            return True
        case _:
            return False
