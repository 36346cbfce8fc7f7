"""CREATE, ALTER and owned sequences. https://www.postgresql.org/docs/15/sql-createsequence.html"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import (
    DuplicateTable,
    FeatureNotSupported,
    InvalidParameterValue,
    ObjectNotInPrerequisiteState,
    SyntaxErrorInStatement,
    UndefinedTable,
)
from foundation.sqltypes import INT2, INT4, INT8, TYPES, SqlType, format_type
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.creation_place import creation_place
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import (
    check_owner,
    find_column,
    find_relation,
    maybe_relation,
    not_supported_for,
    of_kind,
    schema_of,
)
from sqlfront.commands.naming import free_relation_name
from sqlfront.parser import AlterSequenceStatement, CreateSequenceStatement, QualifiedName, SequenceOptions
from sqlfront.parser.typenames import TypeName, resolve_type
from storage.catalog import Column, MaterializedView, Sequence, Table

_BOUNDS = {INT2.oid: 2**15 - 1, INT4.oid: 2**31 - 1, INT8.oid: 2**63 - 1}


def execute_create_sequence(statement: CreateSequenceStatement, context: CommandContext) -> CommandResult:
    """CREATE SEQUENCE. Raises DuplicateTable (42P07), InvalidParameterValue (22023)."""
    tag = "CREATE SEQUENCE"
    schema, persistence = creation_place(context, statement.name, statement.persistence)
    name = statement.name.name
    if context.catalog.find_relation(context.database_oid, schema.oid, name) is not None:
        if statement.if_not_exists:
            context.notice(f'relation "{name}" already exists, skipping', sqlstate=DuplicateTable.sqlstate)
            return CommandResult(tag)
        raise DuplicateTable(f'relation "{name}" already exists')
    sequence = Sequence(
        context.storage.allocate_oid(), name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        persistence=persistence,
    )  # fmt: skip
    sequence = with_default_acl(context, sequence)
    sequence = with_options(context, sequence, statement.options, is_new=True)
    context.transaction.put(sequence)
    return CommandResult(tag)


def create_owned_sequence(
    context: CommandContext, table: Table, column: Column, options: SequenceOptions
) -> Sequence:
    """The sequence `t_column_seq` of a serial or identity column, put into the transaction."""
    if options.name is not None:
        name = _given_name(context, table, options.name)
    else:
        name = free_relation_name(
            context.catalog, context.database_oid, table.schema_oid, (table.name, column.name, "seq")
        )
    sequence = Sequence(
        context.storage.allocate_oid(), name, context.database_oid, table.owner_oid,
        schema_oid=table.schema_oid, owned_by=(table.oid, column.attnum), persistence=table.persistence,
    )  # fmt: skip
    sequence = with_default_acl(context, sequence)
    sequence = with_options(context, replace(sequence, type=column.type), options, is_new=True)
    context.transaction.put(sequence)
    return sequence


def _given_name(context: CommandContext, table: Table, given: QualifiedName) -> str:
    """SEQUENCE NAME of an identity column, which must be in the table's schema. Raises DuplicateTable (42P07)."""
    if given.schema is not None and given.schema != schema_of(context, table.schema_oid).name:
        raise ObjectNotInPrerequisiteState("sequence must be in same schema as table it is linked to")
    if context.catalog.find_relation(context.database_oid, table.schema_oid, given.name) is not None:
        raise DuplicateTable(f'relation "{given.name}" already exists')
    return given.name


def execute_alter_sequence(statement: AlterSequenceStatement, context: CommandContext) -> CommandResult:
    """ALTER SEQUENCE with options. Raises UndefinedTable (42P01), InvalidParameterValue (22023)."""
    tag = "ALTER SEQUENCE"
    found = maybe_relation(context, statement.name)
    if found is None:
        if statement.if_exists:
            context.notice(f'relation "{statement.name}" does not exist, skipping')
            return CommandResult(tag)
        raise UndefinedTable(f'relation "{statement.name}" does not exist')
    before = of_kind(found, Sequence)
    check_owner(context, before)
    alter_sequence(context, before, statement.options)
    return CommandResult(tag)


def alter_sequence(context: CommandContext, before: Sequence, options: SequenceOptions) -> None:
    """Change a sequence's options. A RESTART is seen at once, and taken back when the transaction is."""
    after = with_options(context, before, options, is_new=False)
    state = context.storage.sequences.state(before.oid)
    value = before.start if state is None else state[0]
    if options.is_restarted:
        value = after.start if options.restart is None else options.restart
    check_sequence_value(after, value, "RESTART")
    context.transaction.put(after)
    if options.is_restarted or (state is None and after.start != before.start):
        # START WITH says where a later RESTART goes to; a sequence that was never used stays where it is.
        context.restart_sequence(after, value)


def retype_sequence(context: CommandContext, sequence: Sequence, sql_type: SqlType) -> Sequence:
    """The sequence of an identity column whose type changes, with the new type's bounds."""
    options = SequenceOptions(type=TypeName(TYPES[sql_type.oid].name, schema="pg_catalog"))
    return with_options(context, sequence, options, is_new=False)


def check_sequence_value(sequence: Sequence, value: int, word: str) -> None:
    """Raises InvalidParameterValue (22023) for a START or RESTART value outside the bounds."""
    if value < sequence.minimum:
        raise InvalidParameterValue(
            f"{word} value ({value}) cannot be less than MINVALUE ({sequence.minimum})"
        )
    if value > sequence.maximum:
        raise InvalidParameterValue(
            f"{word} value ({value}) cannot be greater than MAXVALUE ({sequence.maximum})"
        )


def with_options(
    context: CommandContext, sequence: Sequence, options: SequenceOptions, *, is_new: bool
) -> Sequence:
    """A sequence with options applied, PostgreSQL's defaults for a new one. Raises 22023."""
    sql_type = sequence.type if options.type is None else resolve_type(options.type)
    bound = _BOUNDS.get(sql_type.oid)
    if bound is None:
        raise InvalidParameterValue("sequence type must be smallint, integer, or bigint")
    increment = sequence.increment if options.increment is None else options.increment
    if increment == 0:
        raise InvalidParameterValue("INCREMENT must not be zero")
    # A new type moves the bounds that were the old type's own.
    old_bound = _BOUNDS[sequence.type.oid] if options.type is not None and not is_new else None
    moves_maximum = sequence.maximum == old_bound
    moves_minimum = old_bound is not None and sequence.minimum == -old_bound - 1
    maximum = _limit(
        options.maximum, is_new or options.no_maximum or moves_maximum, sequence.maximum,
        bound if increment > 0 or moves_maximum else -1,
    )  # fmt: skip
    minimum = _limit(
        options.minimum, is_new or options.no_minimum or moves_minimum, sequence.minimum,
        -bound - 1 if increment < 0 or moves_minimum else 1,
    )  # fmt: skip
    _check_bounds(sql_type, bound, minimum, maximum)
    start = options.start
    if start is None:
        start = (minimum if increment > 0 else maximum) if is_new else sequence.start
    if options.cache is not None and options.cache < 1:
        raise InvalidParameterValue(f"CACHE ({options.cache}) must be greater than zero")
    changed = replace(
        sequence, type=sql_type, increment=increment, minimum=minimum, maximum=maximum, start=start,
        cache=options.cache or sequence.cache,
        cycle=sequence.cycle if options.cycle is None else options.cycle,
    )  # fmt: skip
    check_sequence_value(changed, start, "START")
    if options.owned_by is not None:
        changed = replace(changed, owned_by=_owner(context, changed, options.owned_by))
    return changed


def _limit(given: int | None, is_default: bool, current: int, default: int) -> int:
    if given is not None:
        return given
    return default if is_default else current


def _check_bounds(sql_type: SqlType, bound: int, minimum: int, maximum: int) -> None:
    for word, value in (("MAXVALUE", maximum), ("MINVALUE", minimum)):
        if not -bound - 1 <= value <= bound:
            raise InvalidParameterValue(
                f"{word} ({value}) is out of range for sequence data type {format_type(sql_type)}"
            )
    if minimum >= maximum:
        raise InvalidParameterValue(f"MINVALUE ({minimum}) must be less than MAXVALUE ({maximum})")


def _owner(context: CommandContext, sequence: Sequence, parts: tuple[str, ...]) -> tuple[int, int] | None:
    if len(parts) < 2 and parts != ("none",):
        raise SyntaxErrorInStatement(
            "invalid OWNED BY option", hint="Specify OWNED BY table.column or OWNED BY NONE."
        )
    if sequence.owned_by is not None and _is_identity(context, sequence.owned_by):
        raise FeatureNotSupported(
            "cannot change ownership of identity sequence",
            detail=f'Sequence "{sequence.name}" is linked to table '
            f'"{context.catalog.table(sequence.owned_by[0]).name}".',
        )
    if parts == ("none",):
        return None
    name, schema, database, *_ = (*reversed(parts[:-1]), None, None)
    assert name is not None
    table = find_relation(context, QualifiedName(name, schema, database))
    if not isinstance(table, Table) or isinstance(table, MaterializedView):
        raise not_supported_for("sequence cannot be owned by", table)
    if table.owner_oid != sequence.owner_oid:
        raise ObjectNotInPrerequisiteState("sequence must have same owner as table it is linked to")
    if table.schema_oid != sequence.schema_oid:
        raise ObjectNotInPrerequisiteState("sequence must be in same schema as table it is linked to")
    return table.oid, find_column(table, parts[-1]).attnum


def _is_identity(context: CommandContext, owned_by: tuple[int, int]) -> bool:
    table = context.catalog.get(owned_by[0])
    return isinstance(table, Table) and bool(table.column_at(owned_by[1]).identity)


def owned_sequences(context: CommandContext, table_oid: int, attnum: int | None = None) -> list[Sequence]:
    """Sequences owned by a table's columns, or by one column."""
    return [
        sequence
        for sequence in context.catalog.objects(Sequence, context.database_oid)
        if sequence.owned_by is not None
        and sequence.owned_by[0] == table_oid
        and (attnum is None or sequence.owned_by[1] == attnum)
    ]
