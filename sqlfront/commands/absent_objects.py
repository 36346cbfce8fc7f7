"""Objects of kinds that there are none of: dropped if they exist, switched on and off with a table's triggers.

https://www.postgresql.org/docs/16/sql-droptrigger.html and its kin, https://www.postgresql.org/docs/16/sql-altertable.html
"""

from __future__ import annotations

from foundation.errors import FeatureNotSupported, UndefinedObject, UndefinedTable
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.lookup import maybe_relation
from sqlfront.commands.operator_classes import VECTOR_FAMILIES
from sqlfront.parser import AlterNothing, DropAbsentStatement, SwitchTriggers
from storage.catalog import ForeignKey, Table

_NOUNS = {
    "foreign data wrapper": "foreign-data wrapper", "statistics": "statistics object", "user mapping": "server",
}  # fmt: skip
"""What messages call objects where they do not say what the statement says."""


def execute_drop_absent(statement: DropAbsentStatement, context: CommandContext) -> CommandResult:
    """DROP kind IF EXISTS is a notice.

    Raises:
        UndefinedObject: 42704. UndefinedTable: 42P01, the relation of a trigger, rule or policy.
        FeatureNotSupported: 0A000, an access method of the engine, which is there.
    """
    relation, kind = statement.relation, statement.kind
    result = CommandResult(f"DROP {kind.upper()}")
    if relation is not None and maybe_relation(context, relation) is None:
        if not statement.if_exists:
            raise UndefinedTable(f'relation "{relation}" does not exist', position=relation.position)
        context.notice(f'relation "{relation}" does not exist, skipping')
        return result
    if kind == "access method" and any(name.lower() in VECTOR_FAMILIES for name in statement.names):
        raise FeatureNotSupported("DROP ACCESS METHOD is not supported")
    noun = _NOUNS.get(kind, kind)
    for name in statement.names:
        quoted = name if name.endswith(")") else f'"{name}"'
        of_relation = f' for relation "{relation}"' if relation is not None else ""
        if statement.if_exists:
            context.notice(f"{noun} {quoted}{of_relation} does not exist, skipping")
            continue
        if relation is not None and kind != "rule":
            of_relation = f' for table "{relation}"'
        if kind == "collation":
            of_relation = ' for encoding "UTF8"'
        raise UndefinedObject(f"{noun} {quoted}{of_relation} does not exist")
    return result


def switch_triggers(context: CommandContext, table: Table, action: SwitchTriggers) -> None:
    """ENABLE and DISABLE TRIGGER: only those behind foreign keys are there.

    Raises:
        UndefinedObject: 42704, a trigger or rule by its name. FeatureNotSupported: 0A000, those of a foreign key.
    """
    if action.name:
        kind = "relation" if action.kind == "rule" else "table"
        raise UndefinedObject(f'{action.kind} "{action.name}" for {kind} "{table.name}" does not exist')
    own = any(isinstance(known, ForeignKey) for known in context.catalog.constraints_of(table.oid))
    if not action.is_enabled and action.is_all and (own or context.catalog.foreign_keys_to(table.oid)):
        raise FeatureNotSupported(
            "DISABLE TRIGGER ALL of a table with foreign keys is not supported",
            hint="SET session_replication_role = replica leaves foreign keys unchecked.",
        )


def alter_nothing(context: CommandContext, table: Table, action: AlterNothing) -> None:
    """What is asked for is so."""
