"""SET, SHOW and RESET. https://www.postgresql.org/docs/15/sql-set.html"""

from __future__ import annotations

import pyarrow as pa

from foundation.errors import InsufficientPrivilege
from foundation.setting_definitions import SETTINGS, SettingContext
from foundation.settings import lookup_setting
from foundation.sqltypes import TEXT
from sqlfront.backend import ResultColumn
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.lookup import current_role
from sqlfront.commands.set_value import setting_text
from sqlfront.parser import ResetStatement, SetStatement, ShowStatement

_ROLE_SETTINGS = ("role", "session_authorization")


def execute_set(statement: SetStatement, context: CommandContext) -> CommandResult:
    """SET [LOCAL] name = value, or TO DEFAULT.

    Raises:
        UndefinedObject: 42704. InvalidName: 42602. InvalidParameterValue: 22023. CantChangeRuntimeParam: 55P02.
        InsufficientPrivilege: 42501, a role that the session may not act as, a setting of superusers.
    """
    name = statement.name.lower()
    if name in _ROLE_SETTINGS:
        role = None if statement.values is None else statement.values[0]
        context.roles.set(name, role, is_local=statement.is_local)
        return CommandResult("SET")
    check_settable(statement.name, is_superuser=current_role(context).is_superuser)
    text = None if statement.values is None else setting_text(statement)
    context.settings.set(statement.name, text, is_local=statement.is_local)
    return CommandResult("SET")


def check_settable(name: str, *, is_superuser: bool) -> None:
    """Raises InsufficientPrivilege (42501) for a setting that only superusers change."""
    setting = lookup_setting(name)
    if setting is not None and setting.context is SettingContext.SUPERUSER and not is_superuser:
        raise InsufficientPrivilege(f'permission denied to set parameter "{setting.name}"')


def execute_reset(statement: ResetStatement, context: CommandContext) -> CommandResult:
    """RESET name or ALL. Raises UndefinedObject (42704), CantChangeRuntimeParam (55P02)."""
    if statement.name == "all":
        context.settings.reset_all()
    elif statement.name.lower() in _ROLE_SETTINGS:
        context.roles.set(statement.name.lower(), None)
    else:
        context.settings.reset(statement.name)
    return CommandResult("RESET")


def execute_show(statement: ShowStatement, context: CommandContext) -> CommandResult:
    """SHOW name: one row of one text column; SHOW ALL: name, setting, description by name.

    Raises:
        UndefinedObject: 42704.
    """
    if statement.name == "all":
        return _show_all(context)
    setting = SETTINGS.get(statement.name.lower())
    name = setting.name if setting is not None else statement.name
    columns = (ResultColumn(name, TEXT),)
    batch = _text_batch([[context.settings.show(statement.name)]])
    return CommandResult("SHOW", columns, batch)


def _show_all(context: CommandContext) -> CommandResult:
    names = sorted(SETTINGS, key=str.lower)
    shown = [SETTINGS[name] for name in names]
    values = [context.settings.show(setting.name) for setting in shown]
    columns = tuple(ResultColumn(name, TEXT) for name in ("name", "setting", "description"))
    batch = _text_batch([[s.name for s in shown], values, [s.help for s in shown]])
    return CommandResult("SHOW", columns, batch)


def _text_batch(columns: list[list[str]]) -> pa.RecordBatch:
    arrays = [pa.array(column, pa.utf8()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])
