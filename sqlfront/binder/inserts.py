"""Binding of INSERT. https://www.postgresql.org/docs/15/sql-insert.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from foundation.errors import DuplicateColumn, SyntaxErrorInStatement
from foundation.sqltypes import UNKNOWN
from planner.bound import (
    Cte,
    Expression,
    Insert,
    Query,
    RelationColumn,
    Select,
    Values,
    output_columns,
)
from sqlfront.binder.arbiters import EXCLUDED, bind_on_conflict
from sqlfront.binder.coerce import coerce_assignment
from sqlfront.binder.ctes import bind_with
from sqlfront.binder.defaults import bound_default
from sqlfront.binder.dml_targets import (
    ChangeTarget,
    bind_returning,
    change_target,
    default_or_null,
    find_target_column,
    target_rules,
)
from sqlfront.binder.environment import Clause, Environment, QueryFindings, bind_node, place_of, unsupported
from sqlfront.binder.errors import GeneratedAlways
from sqlfront.binder.inserted_parts import joined_parts
from sqlfront.binder.queries import (
    bind_query_node,
    can_convert_in_place,
    column_position,
    with_converted_targets,
    wrap_query,
)
from sqlfront.binder.scope import NamespaceItem, Scope
from sqlfront.parser.nodes import Default, position_of
from storage.catalog import Column, Table


def bind_insert(environment: Environment, node: exp.Expr) -> Insert:
    """Bind an INSERT.

    Raises:
        SyntaxErrorInStatement: 42601 `INSERT has more expressions than target columns` and the reverse.
        UndefinedColumn: 42703; DuplicateColumn: 42701; GeneratedAlways: 428C9.
        DatatypeMismatch: 42804, a value of the wrong type.
        QuiverError: as `bind_on_conflict`.
    """
    ctes: tuple[Cte, ...] = ()
    if node.args.get("with_") is not None:
        environment, ctes = bind_with(environment, node.args["with_"])
    target = change_target(environment, node.this)
    table, scan, item = target.table, target.scan, target.item
    node = joined_parts(target, node)
    columns = _target_columns(target, node)
    columns, source = _bind_source(environment, table, columns, node)
    attnums = tuple(column.attnum for column in columns)
    defaults = _other_defaults(environment, table, attnums)
    conflict = node.args.get("conflict")
    on_conflict = None if conflict is None else bind_on_conflict(environment, target, conflict)
    items = [item]
    if on_conflict is not None and on_conflict.assignments is not None:
        items.append(NamespaceItem(EXCLUDED, (), is_named=False, is_open=False))
    returning = bind_returning(replace(environment, scope=Scope(items), findings=QueryFindings()), node)
    rules = target_rules(environment, target)
    return Insert(
        table.oid, scan.relation_id, scan.columns, attnums, source, defaults, returning, ctes, rules, on_conflict
    )  # fmt: skip


def _other_defaults(
    environment: Environment, table: Table, attnums: Sequence[int]
) -> tuple[tuple[int, Expression], ...]:
    """The defaults of the columns that get no value."""
    return tuple(
        (column.attnum, default)
        for column in table.live_columns()
        if column.attnum not in attnums
        and (default := bound_default(environment.context, table, column)) is not None
    )


def bind_merged_row(
    environment: Environment, target: ChangeTarget, node: exp.Expr
) -> tuple[tuple[int, Expression], ...]:
    """The row of a MERGE's INSERT over the names in scope: (attnum, value), with the defaults of other columns.

    Raises:
        QuiverError: as `bind_insert`.
    """
    table = target.table
    node = joined_parts(target, node)
    columns = _target_columns(target, node)
    row: tuple[Expression, ...] = ()
    values = node.args.get("expression")
    if values is None:
        columns = []
    else:
        source, given = _bind_rows(environment, table, columns, node, values, scope=environment.scope)
        columns, query = _apply_overriding(columns, given, source, node.args.get("overriding"))
        assert isinstance(query, Values), "the grammar gives a row of values"
        (row,) = query.rows
    attnums = tuple(column.attnum for column in columns)
    defaults = _other_defaults(environment, table, attnums)
    environment.context.notes.defaults += (default for _, default in defaults)
    return (*zip(attnums, row, strict=True), *defaults)


def _target_columns(target: ChangeTarget, node: exp.Expr) -> list[Column]:
    named = node.args.get("columns")
    if not named:
        return _leading_columns(target)
    columns: list[Column] = []
    for item in named:
        column = find_target_column(target, item)
        if column in columns:
            raise DuplicateColumn(
                f'column "{column.name}" specified more than once', position=position_of(item)
            )
        columns.append(column)
    return columns


def _leading_columns(target: ChangeTarget) -> list[Column]:
    """The columns of an INSERT that lists none; a view's as far as they are its table's."""
    names = target.view.live_columns() if target.view is not None else target.columns
    columns: list[Column] = []
    for named, column in zip(names, target.columns):
        if named.name != column.name:
            break
        columns.append(column)
    return columns


def _bind_source(
    environment: Environment, table: Table, columns: list[Column], node: exp.Expr
) -> tuple[list[Column], Query]:
    """The columns that get values, and a query of those values, cast to the columns."""
    source = node.args.get("expression")
    if source is None:
        # DEFAULT VALUES: one row without columns.
        return [], Values(((),), ())
    bare = source
    while isinstance(bare, exp.Subquery) and bare.args.get("with_") is None:
        bare = bare.this
    clauses = ("with_", "order", "limit", "offset")
    if isinstance(bare, exp.Values) and not any(bare.args.get(clause) for clause in clauses):
        query, given = _bind_rows(environment, table, columns, node, bare)
    else:
        inner = replace(environment, scope=Scope(), findings=QueryFindings())
        query = bind_query_node(inner, source, settles=False)
        targets = bare.expressions if isinstance(bare, exp.Select) else []
        _check_width(columns, node, len(output_columns(query)), targets)
        query = assign_columns(environment, query, columns)
        given = [True] * len(columns)
    return _apply_overriding(columns, given, query, node.args.get("overriding"))


def _bind_rows(
    environment: Environment,
    table: Table,
    columns: list[Column],
    node: exp.Expr,
    values: exp.Expr,
    *,
    scope: Scope | None = None,
) -> tuple[Query, list[bool]]:
    """VALUES rows over the names of `scope`, None = no names, and which columns get a value other than DEFAULT."""
    rows = [row.expressions for row in values.expressions]
    inner = replace(
        environment, scope=Scope() if scope is None else scope, clause=Clause.VALUES, findings=QueryFindings()
    )
    converted: list[tuple[Expression, ...]] = []
    for row in rows:
        bound = [None if isinstance(item, Default) else bind_node(inner, item) for item in row]
        if len(row) != len(rows[0]):
            raise SyntaxErrorInStatement(
                "VALUES lists must all be the same length", position=position_of(row[0]) if row else None
            )
        if not converted:
            _check_width(columns, node, len(row), row)
        # Row by row, so that a parameter has its type from the first row on.
        converted.append(
            tuple(
                default_or_null(environment, table, column)
                if value is None
                else coerce_assignment(environment.context, value, column.type, column.name, place_of(item))
                for column, value, item in zip(columns, bound, row)
            )
        )
    given = [any(not isinstance(row[index], Default) for row in rows) for index in range(len(columns))]
    names = tuple(RelationColumn(column.name, column.type) for column in columns)
    return Values(tuple(converted), names), given


def _check_width(columns: list[Column], node: exp.Expr, width: int, values: Sequence[exp.Expr]) -> None:
    """More values than columns is an error; fewer too when the columns were listed, else the rest is default."""
    listed = node.args.get("columns") or []
    if width > len(columns):
        surplus = values[len(columns)] if len(columns) < len(values) else None
        raise SyntaxErrorInStatement(
            "INSERT has more expressions than target columns", position=place_of(surplus)
        )
    if width < len(columns) and listed:
        raise SyntaxErrorInStatement(
            "INSERT has more target columns than expressions", position=position_of(listed[width])
        )
    del columns[width:]


def _apply_overriding(
    columns: list[Column], given: Sequence[bool], source: Query, overriding: str | None
) -> tuple[list[Column], Query]:
    """GENERATED ALWAYS columns take no values but DEFAULT, unless OVERRIDING SYSTEM VALUE says so of an identity.

    OVERRIDING USER VALUE throws the given values away in favour of the sequence.
    """
    for column, has_value in zip(columns, given):
        if column.generated_sql is not None and has_value:
            raise GeneratedAlways(
                f'cannot insert a non-DEFAULT value into column "{column.name}"',
                detail=f'Column "{column.name}" is a generated column.',
            )
        if column.identity == "a" and has_value and overriding is None:
            raise GeneratedAlways(
                f'cannot insert a non-DEFAULT value into column "{column.name}"',
                detail=f'Column "{column.name}" is an identity column defined as GENERATED ALWAYS.',
                hint="Use OVERRIDING SYSTEM VALUE to override.",
            )
    if overriding != "USER" or not any(column.identity for column in columns):
        return columns, source
    if not isinstance(source, Values | Select):
        raise unsupported(exp.Insert(), "OVERRIDING USER VALUE with a set operation")
    keep = [i for i, column in enumerate(columns) if not column.identity]
    return [columns[i] for i in keep], _only_columns(source, keep)


def _only_columns(source: Values | Select, keep: Sequence[int]) -> Query:
    if isinstance(source, Values):
        rows = tuple(tuple(row[i] for i in keep) for row in source.rows)
        return replace(source, rows=rows, columns=tuple(source.columns[i] for i in keep))
    return replace(source, targets=tuple(source.targets[i] for i in keep))


def assign_columns(environment: Environment, query: Query, columns: Sequence[Column]) -> Query:
    """The query with its output converted to the columns by assignment. Raises 42804."""
    if [column.type for column in output_columns(query)] == [column.type for column in columns]:
        return query
    places = [column_position(environment, query, index) for index in range(len(columns))]
    if isinstance(query, Select) and not can_convert_in_place(query):
        # Once it is wrapped, a literal that waits for a type has become text.
        query = wrap_query(environment, _assigned(environment, query, columns, places, only_unknown=True))
    select = query if isinstance(query, Select) else wrap_query(environment, query)
    return _assigned(environment, select, columns, places)


def _assigned(
    environment: Environment,
    select: Select,
    columns: Sequence[Column],
    places: Sequence[int | None],
    *,
    only_unknown: bool = False,
) -> Select:
    """The SELECT with its targets converted, or only those that are literals without a type yet."""
    converted = [
        target.expression
        if only_unknown and target.expression.sql_type != UNKNOWN
        else coerce_assignment(environment.context, target.expression, column.type, column.name, place)
        for target, column, place in zip(select.targets, columns, places)
    ]
    return with_converted_targets(select, converted)
