"""Bound expressions as DuckDB SQL.

A call is tried in this order: the rules (`planner.relational.rules`, where DuckDB's meaning differs from
PostgreSQL's), the templates (`templates`, where it is the same), and last an evaluator of ours called from DuckDB.
A column-free expression that DuckDB cannot print is evaluated once and printed as a literal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import NUMERIC, SqlType
from planner import bound
from planner.evaluate import Frame, evaluate, is_native
from planner.functions.implementations import is_session_function, is_variadic_text, kernel_of
from planner.functions.signature import Function, FunctionKind
from planner.relational.carriers import carrier, converted, decimal_form
from planner.relational.literals import print_scalar, print_value
from planner.relational.printed import DecimalForm, Printed, common_form
from planner.relational.printed_query import PrintedQuery
from planner.relational.statement import (
    ARGUMENT_RELATION,
    RelationalStatement,
    evaluator_of,
    is_volatile,
)

QueryPrinter = Callable[[bound.Query], PrintedQuery]
NodePrinters = Mapping[type[Any], Callable[["ExpressionPrinter", Any], Printed]]


class ExpressionPrinter:
    """Prints expressions of one statement.

    `columns` says how each column of the relations in sight is printed; `computed` replaces expressions that
    were evaluated before registration; in a grouped query `grouped` replaces the grouping keys, and other
    columns of `grouped_relations` stand for any_value of them. The query printer fills all of these.
    """

    def __init__(
        self, statement: RelationalStatement, print_query: QueryPrinter, printers: NodePrinters
    ) -> None:
        self.statement = statement
        self.print_query = print_query
        self._printers = printers
        self.columns: dict[tuple[int, int], Printed] = {}
        self.computed: dict[bound.Expression, Printed] = {}
        self.grouped: dict[bound.Expression, Printed] = {}
        self.grouped_relations: frozenset[int] = frozenset()
        self.group_keys: dict[bound.Expression, str] = {}
        """What GROUP BY says for each grouping key; GROUPING() must name it the same way."""
        self.outputs: Sequence[Printed] = ()
        """What OutputRef means in the ORDER BY being printed."""
        self.lambda_count = 0

    def print(self, node: bound.Expression) -> Printed:
        """Print one expression.

        Raises:
            FeatureNotSupported: 0A000, for a function or form that neither DuckDB nor we can evaluate.
        """
        known = self.grouped.get(node) if self.grouped else None
        if known is None and self.computed:
            known = self.computed.get(node)
        return known if known is not None else self._printers[type(node)](self, node)

    @contextmanager
    def ungrouped(self) -> Iterator[None]:
        """Leave grouped mode for an aggregate's arguments or a sub-query."""
        saved = self.grouped, self.grouped_relations, self.group_keys, self.outputs
        self.grouped, self.grouped_relations = {}, frozenset()
        try:
            yield
        finally:
            self.grouped, self.grouped_relations, self.group_keys, self.outputs = saved

    def sql(self, node: bound.Expression) -> str:
        return self.print(node).sql

    def boolean(self, node: bound.Expression | None) -> str:
        """A condition; None is TRUE."""
        return "TRUE" if node is None else self.print(node).sql

    def evaluated(self, node: bound.Expression) -> Printed:
        """Print a call of our own evaluator of `node`; its non-constant children become arguments."""
        if isinstance(node, bound.Call) and not is_known_function(node.function):
            return self._session_call(node)
        volatile = is_volatile(node)
        if not volatile and is_foldable(node):
            return self.folded(node)
        arguments: list[Printed] = []
        template = _with_children(node, lambda child: self._lift(child, arguments))
        evaluator = evaluator_of(template, self.statement.context)
        return self.statement.slot_call(template, evaluator, arguments, node.sql_type, is_volatile=volatile)

    def _session_call(self, node: bound.Call) -> Printed:
        """A function of the session or the catalog, asked per row or, with constant arguments, once."""
        context, function = self.statement.context, node.function

        def ask(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
            answer = context.session.call_function(function, columns, row_count)
            if answer is None:
                raise FeatureNotSupported(f"function {function.name} is not supported")
            return answer

        volatile = is_volatile(node)
        if not volatile and all(is_foldable(argument) for argument in node.arguments):
            constants = [evaluate(argument, Frame(1), context) for argument in node.arguments]
            return Printed(print_scalar(ask(constants, 1)[0], node.type), node.type)
        arguments = [self.print(argument) for argument in node.arguments]
        key = ("session function", function)
        return self.statement.slot_call(key, ask, arguments, node.type, is_volatile=volatile)

    def folded(self, node: bound.Expression) -> Printed:
        """A column-free expression, evaluated now and printed as a literal."""
        column = evaluate(node, Frame(1, {}), self.statement.context)
        if node.sql_type.oid == NUMERIC.oid:
            return print_value(column[0].as_py(), node.sql_type)
        return Printed(print_scalar(column[0], node.sql_type), node.sql_type)

    def constant(self, node: bound.Expression) -> Any:
        """The Python value of a column-free expression."""
        return evaluate(node, Frame(1, {}), self.statement.context)[0].as_py()

    def _lift(self, child: bound.Expression, arguments: list[Printed]) -> bound.Expression:
        if is_foldable(child) and not is_volatile(child):
            return child
        printed = self.print(child)
        arguments.append(printed)
        return bound.ColumnRef(ARGUMENT_RELATION, len(arguments) - 1, "", child.sql_type)

    def lambda_name(self) -> str:
        self.lambda_count += 1
        return f"item{self.lambda_count}"


def is_known_function(function: Function) -> bool:
    """Whether the native evaluator computes a function; others are asked of the session."""
    return kernel_of(function) is not None or is_variadic_text(function) or is_session_function(function)


def is_column_free(node: bound.Expression) -> bool:
    """Whether an expression reads no row: it may be evaluated once for the statement."""
    return not any(
        isinstance(
            part,
            bound.ColumnRef
            | bound.OutputRef
            | bound.Aggregate
            | bound.WindowCall
            | bound.Subquery
            | bound.Grouping,
        )
        or (isinstance(part, bound.Call) and part.function.kind is FunctionKind.SET)
        for part in bound.walk(node)
    )


def is_foldable(node: bound.Expression) -> bool:
    """Whether we can evaluate an expression once, without rows and without the session's catalog functions."""
    if isinstance(node, bound.Constant | bound.Parameter):
        return True
    return is_column_free(node) and is_native(node)


def _with_children(
    node: bound.Expression, change: Callable[[bound.Expression], bound.Expression]
) -> bound.Expression:
    """A copy of a node with its direct child expressions replaced."""

    def changed(value: Any) -> Any:
        if isinstance(value, bound.Expression):
            return change(value)
        if isinstance(value, tuple):
            return tuple(changed(item) for item in value)
        return value

    fields = {name: changed(getattr(node, name)) for name in node.__dataclass_fields__}
    return replace(node, **fields)


def same_form(printed: Sequence[Printed], sql_type: SqlType) -> tuple[list[str], DecimalForm | None]:
    """SQL of several values of one type in one carrier, with its numeric form (branches of CASE, COALESCE)."""
    if sql_type.oid != NUMERIC.oid:
        return [value.sql for value in printed], None
    form = decimal_form(sql_type) or common_form([value.decimal for value in printed])
    return [converted(value, form) for value in printed], form


def unified(
    printer: ExpressionPrinter, nodes: Sequence[bound.Expression], sql_type: SqlType
) -> tuple[list[str], DecimalForm | None]:
    """Values of one type in one carrier; NULL literals fit any form and do not take part in choosing it."""
    printed = [None if _is_null_literal(node) else printer.print(node) for node in nodes]
    known = [value for value in printed if value is not None]
    texts, form = same_form(known, sql_type)
    remaining = iter(texts)
    null = f"CAST(NULL AS {carrier(sql_type, form)})"
    return [null if value is None else next(remaining) for value in printed], form


def _is_null_literal(node: bound.Expression | None) -> bool:
    return isinstance(node, bound.Constant) and node.value is None
