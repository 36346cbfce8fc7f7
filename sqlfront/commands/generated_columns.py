"""Stored generated columns: their expressions, and what depends on the columns they read.

https://www.postgresql.org/docs/15/ddl-generated-columns.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlfront.binder import generation_inputs, keep_generation, renamed_generation
from sqlfront.commands.context import CommandContext
from sqlfront.parser import ColumnSpecification
from storage.catalog import Column, Table, replaced


def keep_generations(
    context: CommandContext, table: Table, specifications: Iterable[ColumnSpecification]
) -> Table:
    """Bind the expressions of a table's new generated columns and keep their text.

    The table is in the transaction's catalog, its generated columns marked by the text as it was written.

    Raises:
        InvalidObjectDefinition: 42P17. DatatypeMismatch: 42804. Whatever else binding raises.
    """
    kept: dict[str, str] = {}
    for specification in specifications:
        if specification.generated is not None:
            column = table.column(specification.name)
            assert column is not None, "the table was made from these columns"
            kept[column.name] = keep_generation(
                context.bind_context(), table, column, specification.generated
            ).sql
    if not kept:
        return table
    columns = tuple(
        replace(column, generated_sql=kept.get(column.name, column.generated_sql)) for column in table.columns
    )
    table = replaced(table, columns=columns)
    context.transaction.put(table)
    return table


def generated_from(context: CommandContext, table: Table, attnum: int) -> list[Column]:
    """The generated columns that read a column."""
    return [
        column
        for column in table.live_columns()
        if column.generated_sql is not None
        and attnum in generation_inputs(context.bind_context(), table, column)
    ]


def rename_in_generations(context: CommandContext, table: Table, renamed: Table) -> Table:
    """`renamed`, which has a column of another name, with its generation expressions written in its names."""
    bind_context = context.bind_context()
    columns = tuple(
        new
        if old.generated_sql is None
        else replace(new, generated_sql=renamed_generation(bind_context, table, renamed, old))
        for old, new in zip(table.columns, renamed.columns, strict=True)
    )
    return replaced(renamed, columns=columns)
