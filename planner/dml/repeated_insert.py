"""INSERTs of rows of parameters, executed over and over, each a transaction of its own: only the values differ.

`INSERT INTO t (a, b) VALUES ($1, $2)`: the plan says where the value of each column comes from, the catalog what a complete row
looks like. So an execution is one Arrow array a column and `storage.direct_insert`. Rows that are checked or computed
further (CHECK, generated columns, index expressions, foreign keys, deferrable keys) are left to `planner.dml.insert`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foundation.sqltypes import TYPES, SqlType, arrow_type
from planner import bound
from planner.dml.insert_many import PARAMETERS, RowTemplate
from planner.dml.rows import assigned
from planner.evaluate import Frame, evaluate
from planner.relational.constant_rows import is_widening, literal_column
from planner.services import EvaluationContext
from storage.catalog import Catalog, Column
from storage.direct_insert import InsertTarget
from storage.key_specs import IndexExpressions

ParameterColumn = Callable[[int, SqlType], pa.Array]
"""(n,) values of a parameter, by its number, as a column of a type that has all of its values."""


def columns_of_rows(rows: Sequence[Sequence[Any]]) -> ParameterColumn:
    """The parameters of n executions, as the codecs decode them."""
    return lambda number, sql_type: literal_column([row[number] for row in rows], sql_type)


def given_columns(columns: Sequence[pa.Array]) -> ParameterColumn:
    """Parameters that are columns of their own types already."""

    def column(number: int, sql_type: SqlType) -> pa.Array:
        array, wanted = columns[number], arrow_type(sql_type)
        return array if array.type == wanted else array.cast(wanted)

    return column


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a column's values come from: a parameter as it is, an expression, or neither, which is NULL."""

    column: Column
    parameter: int | None = None
    expression: bound.Expression | None = None

    def values(
        self, parameter: ParameterColumn, frame: Callable[[], Frame], context: EvaluationContext
    ) -> pa.Array:
        """(n,) values as the table stores them. Raises what the expression raises; 22001, 22003, 22000."""
        if self.parameter is not None:
            return parameter(self.parameter, self.column.type)
        if self.expression is None:
            return pa.nulls(frame().row_count, arrow_type(self.column.type))
        values = evaluate(self.expression, frame(), context)
        return assigned(values, self.expression.sql_type, self.column.type, context)


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes complete rows of a table as a catalog has it.

    `sources` has a source for each column, `order` in which order they are asked: what the statement gives before defaults, so
    that a value that does not fit takes none of a sequence. `types` are the parameters that expressions read, by number.
    """

    target: InsertTarget
    sources: tuple[_Source, ...]
    order: tuple[int, ...]
    types: Mapping[int, SqlType]

    def batch(self, parameter: ParameterColumn, count: int, context: EvaluationContext) -> pa.RecordBatch:
        """(count,) rows of `target.schema`.

        Raises:
            QuiverError: what an expression raises; 22001, 22003, 22000 for values that do not fit.
        """

        def frame() -> Frame:
            columns = {
                (PARAMETERS, number): parameter(number, sql_type) for number, sql_type in self.types.items()
            }
            return Frame(count, columns)

        arrays: list[pa.Array] = [None] * len(self.sources)
        for place in self.order:
            arrays[place] = self.sources[place].values(parameter, frame, context)
        return pa.RecordBatch.from_arrays(arrays, schema=self.target.schema)


class RepeatedInsert:
    """The executions of one plan. Safe from any thread."""

    def __init__(self, template: RowTemplate) -> None:
        self._table_oid = template.statement.table_oid
        self._given = frozenset(template.statement.attnums)
        self._expressions = _expressions(template)
        self._found: tuple[Catalog, RowMaker | None] | None = None

    @classmethod
    def of(cls, template: RowTemplate) -> RepeatedInsert | None:
        """None for a plan whose rows are more than values put into columns."""
        if template.statement.rules is not None:
            return None
        # Names of catalog objects are looked up in a snapshot.
        nodes = itertools.chain.from_iterable(map(bound.walk, _expressions(template).values()))
        casts = (node for node in nodes if isinstance(node, bound.CastExpression))
        return None if any(map(_names_objects, casts)) else cls(template)

    def maker(self, catalog: Catalog, expressions: IndexExpressions) -> RowMaker | None:
        """What makes rows for the table as a catalog has it; None where they have to be inserted in another way."""
        found = self._found
        if found is None or found[0] is not catalog:
            target, made = InsertTarget.of(catalog, self._table_oid, expressions), None
            if target is not None:
                sources = tuple(map(self._source, target.table.live_columns()))
                made = RowMaker(target, sources, self._order(sources), _read_parameters(sources))
            found = self._found = (catalog, made)
        return found[1]

    def _order(self, sources: Sequence[_Source]) -> tuple[int, ...]:
        return tuple(sorted(range(len(sources)), key=lambda i: sources[i].column.attnum not in self._given))

    def _source(self, column: Column) -> _Source:
        expression = self._expressions.get(column.attnum)
        given = expression
        if isinstance(given, bound.CastExpression) and is_widening(given.argument.sql_type, given.type):
            given = given.argument
        if isinstance(given, bound.ColumnRef) and _is_stored_as_is(given.type, column.type):
            return _Source(column, parameter=given.position)
        return _Source(column, expression=expression)


def _expressions(template: RowTemplate) -> dict[int, bound.Expression]:
    """What a row's columns are computed of, by attnum."""
    statement = template.statement
    return dict(statement.defaults) | dict(zip(statement.attnums, template.row, strict=True))


def _read_parameters(sources: Iterable[_Source]) -> dict[int, SqlType]:
    """The parameters that expressions read, by number."""
    expressions = (source.expression for source in sources if source.expression is not None)
    return {
        node.position: node.type
        for expression in expressions
        for node in bound.walk(expression)
        if isinstance(node, bound.ColumnRef) and node.relation_id == PARAMETERS
    }


def _is_stored_as_is(given: SqlType, stored: SqlType) -> bool:
    if given.oid == stored.oid:
        return stored.typmod in (-1, given.typmod)
    return is_widening(given, stored)


def _names_objects(cast: bound.CastExpression) -> bool:
    """Whether it is a cast from or to `regclass` or one of its kin, or an array of them."""
    kinds = (cast.type, cast.argument.sql_type)
    return any(TYPES[kind.oid].name.lstrip("_").startswith("reg") for kind in kinds)
