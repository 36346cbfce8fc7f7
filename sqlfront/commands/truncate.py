"""TRUNCATE. https://www.postgresql.org/docs/15/sql-truncate.html"""

from __future__ import annotations

from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.lookup import check_owner, find_table
from sqlfront.commands.sequences import owned_sequences
from sqlfront.parser import TruncateStatement


def execute_truncate(statement: TruncateStatement, context: CommandContext) -> CommandResult:
    """Remove all rows of tables; RESTART IDENTITY sets their sequences back at once, not at commit.

    There are no foreign keys, so CASCADE reaches nothing. Raises UndefinedTable (42P01), 42809, 42501.
    """
    tables = [find_table(context, name) for name in statement.tables]
    for table in tables:
        check_owner(context, table)
    for table in tables:
        context.transaction.truncate(table.oid)
        if statement.restart_identity:
            for sequence in owned_sequences(context, table.oid):
                context.storage.set_sequence(sequence.oid, sequence.start, False)
    return CommandResult("TRUNCATE TABLE")
