"""Commands: everything that is neither a query nor about the session, executed on a storage transaction."""

from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.execute import COMMANDS, execute_command, runs_outside_transactions

__all__ = ["COMMANDS", "CommandContext", "CommandResult", "execute_command", "runs_outside_transactions"]
