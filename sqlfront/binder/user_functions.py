"""Calls of users' functions, which are written out: the body's query stands where the call was, with the arguments in it.

https://www.postgresql.org/docs/15/xfunc-sql.html. A scalar function whose body is an expression becomes that expression, with any
other body a scalar sub-query; a function of rows becomes a sub-query of FROM. PostgreSQL inlines the same way where it
can and otherwise runs the body anew for each call; what gives another answer written out than run is refused by name:
arguments with effects that the body uses more than once, aggregates and sets as arguments of a sub-query.

A definition that is kept as text (a view, default, CHECK, index) may not call one: its text would be that of the body, and
would not change with the function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from foundation.errors import FeatureNotSupported, StatementTooComplex
from foundation.sqltypes import INT8, SqlType
from planner.bound import (
    Aggregate,
    BoolExpression,
    BoolOperator,
    Call,
    Case,
    ColumnRef,
    Constant,
    Expression,
    IsNull,
    Not,
    Parameter,
    Query,
    RelationColumn,
    Select,
    Subquery,
    SubqueryKind,
    Target,
    WindowCall,
    output_columns,
    walk,
)
from planner.evaluate.rewriting import rewrite
from planner.functions.signature import CastContext, Function, FunctionKind, Volatility
from sqlfront.binder.catalog_names import schema_name_of
from sqlfront.binder.coerce import coerce_assignment
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause, Environment, QueryFindings, StatementState
from sqlfront.binder.errors import InvalidFunctionDefinition
from sqlfront.binder.scope import NamespaceColumn, NamespaceItem, Scope
from sqlfront.binder.type_rules import conversion, type_name
from sqlfront.parser import QueryStatement, parse_script
from storage.function_objects import UserFunction

NESTING_MAX = 32
"""Functions that call functions, written out into each other; a recursive one has no end."""


@dataclass(frozen=True, slots=True)
class FunctionRows(Expression):
    """What a call of a function of rows is until FROM takes it: `query` with `columns`.

    Without `has_names` the one column is called as FROM calls the function.
    """

    query: Query
    columns: tuple[RelationColumn, ...]
    has_names: bool
    type: SqlType


def user_candidates(context: BindContext, name: str, schemas: Sequence[str]) -> list[Function]:
    """Users' functions of a name as overloads, those of schemas that come first before the others."""
    found = []
    for stored in context.catalog.functions_named(context.database_oid, name):
        schema = schema_name_of(context, stored.schema_oid)
        if schema in schemas:
            found.append(_signature(stored, schema))
    return sorted(found, key=lambda function: schemas.index(function.schema))


def _signature(stored: UserFunction, schema: str) -> Function:
    inputs = stored.inputs
    defaults = tuple(parameter.default_sql for parameter in inputs if parameter.default_sql is not None)
    names = tuple(parameter.name for parameter in inputs)
    return Function(
        stored.name, tuple(parameter.type.oid for parameter in inputs), stored.returns.oid,
        kind=FunctionKind.SET if stored.returns_set else FunctionKind.SCALAR,
        volatility=Volatility(stored.volatility), is_strict=stored.is_strict, default_count=len(defaults),
        result_columns=tuple((column.name, column.type.oid) for column in stored.columns), schema=schema,
        argument_names=names if all(names) else (), default_sql=defaults, oid=stored.oid,
    )  # fmt: skip


def written_out(
    environment: Environment, stored: UserFunction, arguments: Sequence[Expression], position: int | None
) -> Expression:
    """A call of a user's function with all its arguments, converted: its body.

    Raises:
        FeatureNotSupported: 0A000, what cannot be written out, a call in a definition that is kept.
        StatementTooComplex: 54001, functions nested too deeply. Whatever binding the body raises.
    """
    context = environment.context
    if context.is_kept:
        raise FeatureNotSupported(
            f"a definition that is kept and calls function {stored.name} is not supported", position=position
        )
    if stored.returns_set and environment.clause is not Clause.FROM_FUNCTION:
        raise FeatureNotSupported(
            f"function {stored.name} outside FROM is not supported",
            hint="A function that returns rows can be called in FROM.",
            position=position,
        )
    context.notes.functions.add(stored.oid)
    body = bound_body(environment, stored)
    value = _as_expression(body.query)
    is_repeated = value is None or stored.is_strict
    _check_arguments(stored, body, arguments, is_plain=value is not None, is_repeated=is_repeated)
    if stored.returns_set:
        query = _strict_rows(environment, stored, body.filled(body.query, arguments), arguments)
        columns = _row_columns(stored, output_columns(query))
        return FunctionRows(query, columns, bool(stored.columns), stored.returns)
    if value is None:
        first = _first_row(environment, body.filled(body.query, arguments))
        result: Expression = Subquery(SubqueryKind.SCALAR, first, stored.returns)
    else:
        result = body.filled(value, arguments)
    unknown = _null_test(arguments) if stored.is_strict else None
    return (
        result
        if unknown is None
        else Case(((unknown, Constant(None, stored.returns)),), result, stored.returns)
    )


# -- the body -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoundBody:
    """A function's query, in which parameter i is Parameter(i) or a column of relation `inputs_id`."""

    query: Query
    inputs_id: int

    def uses(self) -> Counter[int]:
        """How often each parameter is read."""
        places = (self._place(node) for node in walk(self.query))
        return Counter(place for place in places if place is not None)

    def filled(self, node: Any, arguments: Sequence[Expression]) -> Any:
        """A part of the query with the arguments in it."""

        def change(part: Any) -> Expression | None:
            place = self._place(part)
            return None if place is None else arguments[place]

        return rewrite(node, change)

    def _place(self, node: Any) -> int | None:
        if isinstance(node, Parameter):
            return node.index
        if isinstance(node, ColumnRef) and node.relation_id == self.inputs_id:
            return node.position
        return None


def bound_body(environment: Environment, stored: UserFunction) -> BoundBody:
    """Bind a function's query; its output columns are of the function's result.

    Raises:
        InvalidFunctionDefinition: 42P13, the body is no query, or not of what the function returns.
    """
    # Queries call functions, so functions take them late.
    from sqlfront.binder.queries import bind_nested_query, cast_columns

    parsed = parse_script(stored.body_sql)
    statement = parsed[0].node if len(parsed) == 1 else None
    if not isinstance(statement, QueryStatement) or not isinstance(
        statement.expression, exp.Query | exp.Values
    ):
        raise FeatureNotSupported("functions of other than one query are not supported")
    with _inside(environment, stored) as inner:
        inputs_id = inner.state.next_relation_id(stored.name)
        columns = tuple(
            NamespaceColumn(parameter.name, ColumnRef(inputs_id, position, parameter.name, parameter.type))
            for position, parameter in enumerate(stored.inputs)
            if parameter.name
        )
        inner.scope.add(NamespaceItem(stored.name, columns))
        query = bind_nested_query(inner, statement.expression)
        inner.context.check_parameter_count(len(stored.inputs))
        types = _result_types(stored)
        _check_result(stored, [column.type for column in output_columns(query)], types)
        if len(types) == 1 and isinstance(query, Select) and _as_expression(query) is not None:
            value = coerce_assignment(inner.context, query.targets[0].expression, types[0], stored.name)
            return BoundBody(replace(query, targets=(Target(value, query.targets[0].name),)), inputs_id)
        return BoundBody(cast_columns(inner, query, types), inputs_id)


def bind_body_alone(context: BindContext, stored: UserFunction) -> BoundBody:
    """A function's body, to see whether it is one; raises as `bound_body`."""
    environment = Environment(StatementState(context), Scope(), Clause.SELECT_LIST, QueryFindings())
    return bound_body(environment, stored)


@contextmanager
def _inside(environment: Environment, stored: UserFunction) -> Iterator[Environment]:
    """Where a function's body is bound: its parameters are those of the statement, its names those of no query around it."""
    state, outer = environment.state, environment.context
    if outer.function_depth >= NESTING_MAX:
        raise StatementTooComplex(
            "stack depth limit exceeded", hint="Functions are written out into each other."
        )
    state.context = BindContext(
        outer.catalog, outer.database_oid, stored.body_path or outer.search_path, outer.role_name,
        [parameter.type.oid for parameter in stored.inputs], outer.virtual_relations, outer.settings,
        function_depth=outer.function_depth + 1, rights=outer.rights, notes=outer.notes,
    )  # fmt: skip
    try:
        yield Environment(state, Scope(), Clause.SELECT_LIST, QueryFindings())
    finally:
        state.context = outer


def _result_types(stored: UserFunction) -> list[SqlType]:
    return [column.type for column in stored.columns] or [stored.returns]


def _check_result(stored: UserFunction, actual: Sequence[SqlType], wanted: Sequence[SqlType]) -> None:
    shown = "record" if len(wanted) > 1 else type_name(stored.returns)
    message = f"return type mismatch in function declared to return {shown}"
    if len(actual) != len(wanted):
        few = "few" if len(actual) < len(wanted) else "many"
        detail = f"Final statement returns too {few} columns."
        if len(wanted) == 1:
            detail = "Final statement must return exactly one column."
        raise InvalidFunctionDefinition(message, detail=detail)
    for number, (sql_type, target) in enumerate(zip(actual, wanted), 1):
        if not is_assignable(sql_type, target):
            detail = f"Actual return type is {type_name(sql_type)}."
            if len(wanted) > 1:
                detail = f"Final statement returns {type_name(sql_type)} instead of {type_name(target)} at column {number}."
            raise InvalidFunctionDefinition(message, detail=detail)


def is_assignable(actual: SqlType, target: SqlType) -> bool:
    return actual.oid == target.oid or conversion(actual.oid, target.oid, CastContext.ASSIGNMENT) is not None


def _as_expression(query: Query) -> Expression | None:
    """The value of a query that is one: SELECT of an expression over nothing."""
    if not isinstance(query, Select) or len(query.targets) != 1:
        return None
    parts = (query.from_, query.where, query.group_by, query.having, query.order_by, query.limit, query.offset,
             query.is_distinct, query.distinct_on, query.ctes, query.locks)  # fmt: skip
    value = query.targets[0].expression
    return None if any(parts) or any(_is_of_rows(node) for node in walk(value)) else value


def _is_of_rows(node: Any) -> bool:
    is_set = isinstance(node, Call) and node.function.kind is FunctionKind.SET
    return is_set or isinstance(node, Aggregate | WindowCall)


# -- arguments and rows -------------------------------------------------------------------------------------


def _check_arguments(
    stored: UserFunction,
    body: BoundBody,
    arguments: Sequence[Expression],
    *,
    is_plain: bool,
    is_repeated: bool,
) -> None:
    uses = body.uses()
    for place, argument in enumerate(arguments):
        nodes = list(walk(argument))
        if any(_is_of_rows(node) for node in nodes) and not (
            is_plain and uses[place] <= 1 and not is_repeated
        ):
            raise FeatureNotSupported(
                f"an aggregate or a set as an argument of function {stored.name} is not supported"
            )
        has_effects = any(
            isinstance(node, Call) and node.function.volatility is Volatility.VOLATILE for node in nodes
        )
        if has_effects and (uses[place] != 1 or is_repeated):
            raise FeatureNotSupported(
                f"a volatile argument of function {stored.name}, whose body does not use it just once, is not supported"
            )


def _null_test(arguments: Sequence[Expression]) -> Expression | None:
    """Whether one of the arguments of a strict function is NULL; None where none can be."""
    tests = tuple(
        IsNull(argument)
        for argument in arguments
        if not isinstance(argument, Constant) or argument.value is None
    )
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else BoolExpression(BoolOperator.OR, tests)


def _first_row(environment: Environment, query: Query) -> Query:
    """What a scalar function gives of its query: the first row, whatever the query's own LIMIT."""
    from sqlfront.binder.queries import wrap_query

    limited = wrap_query(environment, query) if query.limit is not None or query.offset is not None else query
    return replace(limited, limit=Constant(1, INT8))


def _strict_rows(
    environment: Environment, stored: UserFunction, query: Query, arguments: Sequence[Expression]
) -> Query:
    """The rows of a function, none where it is strict and an argument is NULL."""
    from sqlfront.binder.queries import wrap_query

    unknown = _null_test(arguments) if stored.is_strict else None
    return query if unknown is None else replace(wrap_query(environment, query), where=Not(unknown))


def _row_columns(stored: UserFunction, columns: Sequence[RelationColumn]) -> tuple[RelationColumn, ...]:
    if not stored.columns:
        return (RelationColumn(stored.name, columns[0].type),)
    return tuple(RelationColumn(declared.name, declared.type) for declared in stored.columns)
