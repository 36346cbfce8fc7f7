"""From a column's specification to its catalog entry: type, default text, serial and identity sequences.

A default is kept as the SQL text that pg_get_expr prints. The text names a sequence with its schema, since it
is read back under the search path of whoever inserts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlglot import exp

from foundation.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidParameterValue,
    SyntaxErrorInStatement,
)
from foundation.row_types import row_shape
from foundation.settings import SettingValues
from foundation.sqltypes import RECORD, TYPES, SqlType
from planner.bound import Call, Expression, walk
from planner.dml.rows import assigned
from planner.evaluate import Frame, evaluate
from planner.expression_text import lasting_type_name
from planner.functions.signature import Volatility
from sqlfront.binder import keep_default
from sqlfront.binder.domains import domain_default
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.lookup import usable_type
from sqlfront.commands.naming import quote_identifier, quote_literal
from sqlfront.parser import ColumnSpecification, SequenceOptions, SqlExpression
from sqlfront.parser.typenames import SERIAL_TYPES, resolve_type
from sqlfront.session.names import find_relation, split_qualified_name
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import Column, Sequence

SYSTEM_COLUMNS = ("ctid", "xmin", "cmin", "xmax", "cmax", "tableoid")
COLUMNS_MAX = 1600
INTEGER_OIDS = (20, 21, 23)
PSEUDO_CATEGORIES = ("P", "X")


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column to create; `sequence` are the options of the sequence it needs, None when it needs none."""

    column: Column
    sequence: SequenceOptions | None = None
    is_serial: bool = False


def plan_column(
    context: CommandContext, table_name: str, specification: ColumnSpecification, attnum: int
) -> PlannedColumn:
    """The catalog entry of a new column.

    A serial's default is filled in when its sequence has a name, a generated column's text is bound when the
    table is there.

    Raises:
        DuplicateColumn: 42701, a system column's name. UndefinedObject: 42704, unknown type or collation.
        DatatypeMismatch: 42804, a collation of what has none.
        SyntaxErrorInStatement: 42601, two of default, identity and generation expression.
    """
    check_column_name(specification.name)
    _check_clauses(table_name, specification)
    type_name = specification.type
    if type_name.schema is None and type_name.name in SERIAL_TYPES:
        return _serial(table_name, specification, attnum)
    sql_type = usable_type(context, type_name)
    _check_storable(specification, sql_type)
    not_null = specification.not_null is True or bool(specification.identity)
    collation = kept_collation(specification.collation, sql_type)
    column = Column(
        attnum, specification.name, sql_type, not_null, identity=specification.identity, collation=collation
    )
    if specification.identity:
        if sql_type.oid not in INTEGER_OIDS:
            raise InvalidParameterValue("identity column type must be smallint, integer, or bigint")
        return PlannedColumn(column, specification.identity_options)
    if specification.generated is not None:
        return PlannedColumn(replace(column, generated_sql=specification.generated.sql))
    if specification.default is not None:
        column = replace(column, default_sql=checked_default(context, column, specification.default))
    return PlannedColumn(column)


def check_column_name(name: str) -> None:
    """Raises DuplicateColumn (42701) for the name of a system column."""
    if name in SYSTEM_COLUMNS:
        raise DuplicateColumn(f'column name "{name}" conflicts with a system column name')


def _check_clauses(table_name: str, specification: ColumnSpecification) -> None:
    given = {
        "default": specification.default is not None,
        "identity": bool(specification.identity),
        "generation expression": specification.generated is not None,
    }
    clauses = [name for name, is_given in given.items() if is_given]
    if len(clauses) > 1:
        raise SyntaxErrorInStatement(
            f"both {clauses[0]} and {clauses[1]} specified for "
            f'column "{specification.name}" of table "{table_name}"'
        )


def _check_storable(specification: ColumnSpecification, sql_type: SqlType) -> None:
    info = TYPES[sql_type.oid]
    if sql_type.oid == RECORD.oid and row_shape(sql_type) is not None:
        raise FeatureNotSupported("a column of a table's row type is not supported")
    if specification.type.is_setof:
        raise InvalidTableDefinition(f'column "{specification.name}" cannot be declared SETOF')
    if info.category in PSEUDO_CATEGORIES or info.name == "_record":
        raise InvalidTableDefinition(f'column "{specification.name}" has pseudo-type {info.sql_name}')


def _serial(table_name: str, specification: ColumnSpecification, attnum: int) -> PlannedColumn:
    type_name = specification.type
    if type_name.dimensions:
        raise FeatureNotSupported("array of serial is not implemented")
    if specification.identity:
        raise SyntaxErrorInStatement(
            f'both default and identity specified for column "{specification.name}" of table "{table_name}"'
        )
    if specification.default is not None:
        raise SyntaxErrorInStatement(
            f'multiple default values specified for column "{specification.name}" of table "{table_name}"'
        )
    if specification.not_null is False:
        raise SyntaxErrorInStatement(
            f'conflicting NULL/NOT NULL declarations for column "{specification.name}" of table "{table_name}"'
        )
    base = replace(type_name, name=SERIAL_TYPES[type_name.name])
    column = Column(attnum, specification.name, resolve_type(base), True)
    return PlannedColumn(column, SequenceOptions(type=base), is_serial=True)


def sequence_default(schema: str, sequence: str) -> str:
    """`nextval('public.t_id_seq'::regclass)`."""
    name = f"{quote_identifier(schema)}.{quote_identifier(sequence)}"
    return f"nextval({quote_literal(name)}::regclass)"


# -- defaults


def checked_default(context: CommandContext, column: Column, default: SqlExpression) -> str | None:
    """The text to keep of a default; None for DEFAULT NULL, which is kept only where a domain has another default.

    Raises whatever binding the expression to the column's type raises.
    """
    if isinstance(default.tree, exp.Null):
        has_other = bool(column.type.domain_oid) and domain_default(context.bind_context(), column.type)
        return f"NULL::{lasting_type_name(column.type.without_domain())}" if has_other else None
    kept = keep_default(context.bind_context(), column, default)
    return _qualified_sequence(context, default.sql) or kept


_NEXT_VALUE = re.compile(
    r"(?:pg_catalog\.)?nextval\(\s*'((?:[^']|'')+)'\s*(?:::\s*(?:pg_catalog\.)?regclass\s*)?\)", re.IGNORECASE
)


def _qualified_sequence(context: CommandContext, sql: str) -> str | None:
    """nextval('s') with the sequence that the name means now, whatever the search path is later; None for another default."""
    match = _NEXT_VALUE.fullmatch(sql)
    if match is None:
        return None
    parts = split_qualified_name(match[1].replace("''", "'"))
    found = find_relation(context.catalog, context.database_oid, context.search_path, parts)
    schema = context.catalog.get(found.schema_oid) if isinstance(found, Sequence) else None
    return sequence_default(schema.name, found.name) if found is not None and schema is not None else None


def is_volatile(expression: Expression) -> bool:
    """Whether an expression may give each row another value: random(), nextval(), clock_timestamp()."""
    return any(
        isinstance(node, Call) and node.function.volatility is Volatility.VOLATILE
        for node in walk(expression)
    )


def missing_value(context: CommandContext, expression: Expression, sql_type: SqlType) -> str | None:
    """What existing rows read as in a new column with this default: text form, None for NULL.

    The value is computed now and does not depend on the session's settings when it is read.
    """
    execution = context.execution_context()
    value = evaluate(expression, Frame(1), execution)
    value = assigned(value, expression.sql_type, sql_type, execution)
    codecs = PostgresCodecs(CodecContext.of(SettingValues()))
    text: str | None = codecs.to_text(value, sql_type)[0].as_py()
    return text
