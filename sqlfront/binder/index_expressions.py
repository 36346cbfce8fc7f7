"""Expressions in index keys: what is kept of one, and an index's rules as the planner evaluates them.

https://www.postgresql.org/docs/15/indexes-expressional.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlglot import exp

from foundation.sqltypes import SqlType
from planner.bound import BoundIndexKey, ColumnRef, Expression
from planner.evaluate.row_expressions import BoundPredicate, BoundRowExpression
from planner.vector import IndexRules
from sqlfront.binder.binding import bind_table_expression
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause
from sqlfront.binder.index_predicates import index_predicate
from sqlfront.binder.index_rows import check_indexable, over_rows
from sqlfront.binder.kept_expressions import keep_condition
from sqlfront.binder.output_names import NO_NAME, figure_name
from sqlfront.binder.relations import table_columns
from sqlfront.parser import SqlExpression, parse_expression
from sqlfront.parser.nodes import ValueFunction
from sqlfront.parser.pretty_expressions import pretty_expression
from storage.catalog import Index, IndexKey, Table

_CALLS = (exp.Anonymous, exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, ValueFunction)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """An index key that was written as an expression. `attnum` is not 0 when it is a column in parentheses."""

    attnum: int
    type: SqlType
    sql: str = ""
    attnums: tuple[int, ...] = ()


def keep_index_expression(context: BindContext, table: Table, expression: SqlExpression) -> KeptKey:
    """The expression of an index key as text.

    Raises:
        InvalidObjectDefinition: 42P17, it is not immutable.
        FeatureNotSupported: 0A000, it reads system columns, or only the relational engine could evaluate it.
        QuiverError: what `bind_table_expression` raises.
    """
    bound = bind_table_expression(expression.tree, context, table, Clause.INDEX)
    columns = table_columns(table)
    if isinstance(bound, ColumnRef) and columns[bound.position].attnum > 0:
        return KeptKey(columns[bound.position].attnum, bound.type)
    check_indexable(bound, table, "expression")
    kept = keep_condition(context, table, expression, Clause.INDEX)
    return KeptKey(0, bound.sql_type, kept.sql, kept.attnums)


def key_type(table: Table, key: IndexKey) -> SqlType:
    """The type of an index key's values."""
    if key.attnum:
        return table.column_at(key.attnum).type
    assert key.expression_sql is not None
    return _bound_expression(key.expression_sql, table).type


def index_column_names(table: Table, keys: Iterable[IndexKey], included: Iterable[int] = ()) -> list[str]:
    """What PostgreSQL calls the columns of an index: those that were taken already get a number."""
    names: list[str] = []
    for name in (*(_key_name(table, key) for key in keys), *(table.column_at(n).name for n in included)):
        numbered = (f"{name}{number or ''}" for number in itertools.count())
        names.append(next(free for free in numbered if free not in names))
    return names


def _key_name(table: Table, key: IndexKey) -> str:
    if key.expression_sql is None:
        return table.column_at(key.attnum).name
    name = figure_name(parse_expression(key.expression_sql).tree)
    return "expr" if name == NO_NAME else name


def index_rules(table: Table, index: Index) -> IndexRules:
    """What `planner.vector.configure_index_rules` asks for."""
    sql = index.keys[0].expression_sql
    return IndexRules(
        None if sql is None else _bound_expression(sql, table),
        None if index.predicate_sql is None else index_predicate(table, index),
    )


@lru_cache(maxsize=256)
def _bound_expression(sql: str, table: Table) -> BoundRowExpression:
    bound = over_rows(BoundRowExpression, sql, table, Clause.INDEX)
    return replace(bound, text=key_text(pretty_expression(sql)))


def key_text(sql: str) -> str:
    """A kept or pretty expression as a definition shows it among the keys: in parentheses unless it is a call."""
    return sql if isinstance(parse_expression(sql).tree, _CALLS) else f"({sql})"


class KeptIndexExpressions:
    """What storage evaluates of indexes: its `StorageOptions.index_expressions`."""

    def predicate(self, table: Table, index: Index) -> BoundPredicate:
        return index_predicate(table, index)

    def key(self, table: Table, key: IndexKey) -> BoundRowExpression:
        assert key.expression_sql is not None, "the key is a column"
        return _bound_expression(key.expression_sql, table)


def bound_index_keys(table: Table, indexes: Iterable[Index]) -> tuple[BoundIndexKey, ...]:
    """The expressions of some of a table's indexes, in the order in which PostgreSQL fills the indexes: by OID."""
    return tuple(
        BoundIndexKey(_expression(key, table), _predicate(index, table))
        for index in sorted(indexes, key=lambda index: index.oid)
        for key in index.keys
        if key.expression_sql is not None
    )


def _expression(key: IndexKey, table: Table) -> Expression:
    assert key.expression_sql is not None
    return _bound_expression(key.expression_sql, table).expression


def _predicate(index: Index, table: Table) -> Expression | None:
    return None if index.predicate_sql is None else index_predicate(table, index).expression
