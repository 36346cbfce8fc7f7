"""Binding of function calls: scalar, set-returning, aggregates (FILTER, WITHIN GROUP), windows (OVER)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from foundation.errors import FeatureNotSupported, UndefinedFunction, WrongObjectType
from foundation.sqltypes import INT4, TYPES_BY_NAME, UNKNOWN, SqlType
from planner.bound import (
    Aggregate,
    Call,
    CastExpression,
    ColumnRef,
    Constant,
    Expression,
    Grouping,
    SortKey,
    Subquery,
    WindowCall,
    walk,
)
from planner.functions.signature import CastContext, CastMethod, Function, FunctionKind
from planner.functions.signatures import functions_named, is_unsupported_function
from planner.relational.json_records import POPULATING, POPULATING_SETS
from sqlfront.binder.argument_defaults import arguments_by_name, left_out_arguments
from sqlfront.binder.array_shapes import shape_call
from sqlfront.binder.call_syntax import CallSyntax, take_apart
from sqlfront.binder.calls import (
    ambiguous_function,
    check_groupable,
    check_schema_exists,
    concrete_types,
    convert_arguments,
    no_function,
    populated_type,
    result_type,
    without_output_parameters,
)
from sqlfront.binder.coerce import (
    coerce,
    coerce_to_boolean,
    coerce_to_common,
    settle,
)
from sqlfront.binder.columns import bind_field
from sqlfront.binder.enum_labels import with_labels
from sqlfront.binder.environment import (
    AGGREGATE_CLAUSES,
    SET_FUNCTION_CLAUSES,
    WINDOW_CLAUSES,
    WINDOW_DEFINITION_CLAUSES,
    Clause,
    Environment,
    bind_node,
    binds,
)
from sqlfront.binder.errors import GroupingError, InvalidColumnReference, WindowingError
from sqlfront.binder.overloads import choose_among, choose_function
from sqlfront.binder.sort_keys import make_sort_key
from sqlfront.binder.type_rules import conversion
from sqlfront.binder.user_functions import user_candidates, written_out
from sqlfront.binder.variadic_calls import bind_variadic_call
from sqlfront.binder.windows import bind_window
from sqlfront.parser.nodes import position_of
from storage.function_objects import UserFunction


@binds(exp.Anonymous, exp.Window, exp.Filter, exp.WithinGroup, exp.Dot)
def bind_call(environment: Environment, node: exp.Expr) -> Expression:
    """Any call that is written with parentheses.

    Raises:
        UndefinedFunction: 42883 with PostgreSQL's hint; AmbiguousFunction: 42725.
        GroupingError, WindowingError: 42803, 42P20, an aggregate or window function where none may stand.
        WrongObjectType: 42809, an aggregate's clause on a plain function.
    """
    syntax = take_apart(node)
    if syntax is None:
        return bind_field(environment, node)
    if syntax.name == "grouping" and syntax.schema is None:
        return bind_grouping(environment, syntax)
    return bind_call_syntax(environment, syntax)


def bind_call_syntax(environment: Environment, syntax: CallSyntax) -> Expression:
    """A call taken apart: arguments, overload, conversions, then what its kind asks for."""
    inner = _argument_environment(environment, syntax)
    bound = [bind_node(inner, argument) for argument in syntax.arguments]
    syntax.arguments, arguments = without_output_parameters(syntax.arguments, bound)
    if syntax.is_variadic:
        return bind_variadic_call(environment, syntax, arguments)
    direct_count = len(arguments)
    arguments += [bind_node(inner, ordered.this) for ordered in syntax.within_group]
    function, types = _choose(environment, syntax, arguments)
    if function is None:
        return _cast_by_function(environment, syntax, arguments)
    if syntax.within_group and function.is_variadic:
        _match_hypothetical_row(environment, syntax, arguments)
    actual = [argument.sql_type.oid for argument in arguments]
    types, result_oid = concrete_types(actual, types, function.result_type)
    if function.name == "pg_typeof" and actual == [UNKNOWN.oid] and isinstance(arguments[0], Constant):
        return Constant(UNKNOWN.oid, SqlType(result_oid))
    positions = [position_of(argument) for argument in syntax.arguments]
    converted = convert_arguments(environment.context, arguments, types, positions)
    converted = with_labels(function.name, converted)
    converted, result = shape_call(function, converted, result_type(function, actual, result_oid))
    if function.name in POPULATING | POPULATING_SETS:
        result = populated_type(converted[0], syntax.position)
    if function.kind is FunctionKind.AGGREGATE and syntax.window is None:
        keys = tuple(
            make_sort_key(settle(environment.context, key), ordered)
            for key, ordered in zip(converted[direct_count:], syntax.within_group)
        )
        return _aggregate(
            environment, syntax, Aggregate(function, converted[:direct_count], result, within_group=keys)
        )
    if syntax.window is not None:
        return _window_call(environment, syntax, function, converted, result)
    if function.kind is FunctionKind.WINDOW:
        raise WrongObjectType(
            f"window function {syntax.name} requires an OVER clause", position=syntax.position
        )
    _check_plain(syntax)
    if function.kind is FunctionKind.SET:
        _check_set_function(environment, syntax)
    filled = converted + left_out_arguments(environment, function, len(converted))
    stored = environment.context.catalog.get(function.oid) if function.oid else None
    if isinstance(stored, UserFunction):
        return written_out(environment, stored, filled, syntax.position)
    return Call(function, filled, result)


def _match_hypothetical_row(
    environment: Environment, syntax: CallSyntax, arguments: list[Expression]
) -> None:
    """rank(a, b) WITHIN GROUP (ORDER BY x, y): a and x get a common type, b and y too."""
    count = len(syntax.within_group)
    for index, (argument, ordered) in enumerate(zip(syntax.arguments, syntax.within_group)):
        pair, _ = coerce_to_common(
            environment.context,
            [arguments[index + count], arguments[index]],
            "WITHIN GROUP",
            [position_of(ordered.this), position_of(argument)],
        )
        arguments[index + count], arguments[index] = pair


def _argument_environment(environment: Environment, syntax: CallSyntax) -> Environment:
    """Arguments of aggregates and windows may not contain what they are themselves part of."""
    if syntax.window is not None:
        return environment.within("window")
    kinds = {function.kind for function in functions_named(syntax.name)}
    return environment.within("aggregate") if FunctionKind.AGGREGATE in kinds else environment


def _choose(
    environment: Environment, syntax: CallSyntax, arguments: list[Expression]
) -> tuple[Function | None, tuple[int, ...]]:
    """The overload and its declared types spread to the call. (None, ()) stands for a cast written as a call."""
    schemas = environment.context.schemas_searched() if syntax.schema is None else (syntax.schema,)
    if syntax.schema is not None:
        environment.context.check_schema(syntax.schema)
    if syntax.argument_names:
        arguments[:] = arguments_by_name(environment, syntax, arguments)
    actual = [argument.sql_type.oid for argument in arguments]
    own = user_candidates(environment.context, syntax.name, schemas)
    if own:
        built_in = [f for f in functions_named(syntax.name) if f.schema in schemas]
        choice = choose_among(sorted([*built_in, *own], key=lambda f: schemas.index(f.schema)), tuple(actual))
    else:
        choice = choose_function(syntax.name, schemas, tuple(actual))
    chosen = choice.chosen
    is_exact = chosen is not None and list(chosen.types) == actual
    if not is_exact and len(actual) == 1 and _is_cast(syntax, arguments[0]):
        return None, ()
    if choice.is_ambiguous:
        raise ambiguous_function(syntax.shown(), arguments, syntax.position)
    if chosen is None:
        raise _missing_function(environment, syntax, arguments)
    if chosen.overload.is_ordered_set != bool(syntax.within_group):
        raise _ordered_set_misuse(syntax, chosen.overload)
    if chosen.overload.is_variadic and 2 * len(syntax.within_group) not in (0, len(arguments)):
        # rank(5) WITHIN GROUP (ORDER BY x): as many values as sort keys.
        raise _missing_function(environment, syntax, arguments)
    return chosen.overload, chosen.types


def _missing_function(
    environment: Environment, syntax: CallSyntax, arguments: Sequence[Expression]
) -> UndefinedFunction | FeatureNotSupported:
    if syntax.schema is not None:
        check_schema_exists(environment.context, syntax.schema, syntax.position)
    if is_unsupported_function(syntax.name):
        return FeatureNotSupported(f"function {syntax.name} is not supported", position=syntax.position)
    return no_function(syntax.shown(), arguments, syntax.position)


def _ordered_set_misuse(syntax: CallSyntax, function: Function) -> WrongObjectType:
    if function.is_ordered_set:
        return WrongObjectType(
            f"WITHIN GROUP is required for ordered-set aggregate {syntax.name}", position=syntax.position
        )
    if function.kind is FunctionKind.AGGREGATE:
        return WrongObjectType(
            f"{syntax.name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP",
            position=syntax.position,
        )
    return WrongObjectType(
        f"WITHIN GROUP specified, but {syntax.name} is not an aggregate function", position=syntax.position
    )


def _is_cast(syntax: CallSyntax, argument: Expression) -> bool:
    """Whether `name(x)` is a conversion to a type of that name, as PostgreSQL allows for lack of a function."""
    info = TYPES_BY_NAME.get(syntax.name)
    if info is None or syntax.is_distinct or syntax.window is not None or not syntax.arguments:
        return False
    if info.category == "P" or syntax.schema not in (None, info.schema):
        return False
    if argument.sql_type == UNKNOWN and isinstance(argument, Constant):
        return True
    method = conversion(argument.sql_type.oid, info.oid, CastContext.EXPLICIT)
    return method in (CastMethod.BINARY, CastMethod.INPUT_OUTPUT)


def _cast_by_function(
    environment: Environment, syntax: CallSyntax, arguments: Sequence[Expression]
) -> Expression:
    target = SqlType(TYPES_BY_NAME[syntax.name].oid)
    if arguments[0].sql_type.oid == target.oid:
        return arguments[0]
    return coerce(
        environment.context,
        arguments[0],
        target,
        how=CastContext.EXPLICIT,
        position=position_of(syntax.arguments[0]),
    )


# -- aggregates ---------------------------------------------------------------------------------------------


def _aggregate(environment: Environment, syntax: CallSyntax, call: Aggregate) -> Expression:
    _check_aggregate_place(environment, syntax)
    inner = environment.within("aggregate")
    order = tuple(_sort_key(inner, ordered) for ordered in syntax.order)
    if syntax.is_distinct:
        settled = tuple(settle(environment.context, argument) for argument in call.arguments)
        call = replace(call, arguments=settled)
        for argument in settled:
            check_groupable(argument.sql_type, syntax.position)
        _check_distinct_order(environment, order, call.arguments)
    condition = None
    if syntax.filter is not None:
        condition = bind_node(environment.at(Clause.FILTER), syntax.filter)
        condition = coerce_to_boolean(environment.context, condition, "FILTER", position_of(syntax.filter))
    call = replace(call, is_distinct=syntax.is_distinct, order_by=order, filter=condition)
    _check_level(environment, syntax, call)
    environment.findings.has_aggregates = True
    return call


def _check_aggregate_place(environment: Environment, syntax: CallSyntax) -> None:
    if environment.inside == "aggregate":
        raise GroupingError("aggregate function calls cannot be nested", position=syntax.position)
    if not syntax.arguments and not syntax.is_star and syntax.name == "count":
        raise WrongObjectType(
            "count(*) must be used to call a parameterless aggregate function", position=syntax.position
        )
    if environment.clause not in AGGREGATE_CLAUSES:
        raise GroupingError(
            f"aggregate functions are not allowed in {environment.clause.value}", position=syntax.position
        )


def _check_level(environment: Environment, syntax: CallSyntax, call: Aggregate) -> None:
    """An aggregate over outer columns alone would belong to the outer query; that is refused."""
    used = {node.relation_id for node in walk(call) if isinstance(node, ColumnRef)}
    own = environment.scope.relation_ids()
    if used and not used & own and environment.scope.parent is not None and not _has_query(call):
        raise FeatureNotSupported(
            "an aggregate over columns of an outer query only is not supported", position=syntax.position
        )


def _has_query(call: Aggregate) -> bool:
    return any(isinstance(node, Subquery) for node in walk(call))


def _check_distinct_order(
    environment: Environment, order: Sequence[SortKey], arguments: Sequence[Expression]
) -> None:
    """Raises 42P10 when an aggregate with DISTINCT is ordered by something it does not aggregate."""
    plain = [_without_implicit_cast(argument) for argument in arguments]
    for key in order:
        if key.expression not in arguments and key.expression not in plain:
            raise InvalidColumnReference(
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                position=environment.state.position_of(key.expression),
            )


def _without_implicit_cast(argument: Expression) -> Expression:
    is_implicit = isinstance(argument, CastExpression) and not argument.is_explicit
    return argument.argument if is_implicit else argument  # type: ignore[attr-defined]


def _sort_key(environment: Environment, ordered: exp.Expr) -> SortKey:
    expression = settle(environment.context, bind_node(environment, ordered.this))
    return make_sort_key(expression, ordered)


def _check_plain(syntax: CallSyntax) -> None:
    """Raises 42809 for clauses that only aggregates take."""
    misuse = (
        f"{syntax.name}(*)" if syntax.is_star
        else "DISTINCT" if syntax.is_distinct
        else "ORDER BY" if syntax.order
        else "FILTER" if syntax.filter is not None
        else None
    )  # fmt: skip
    if misuse is not None:
        raise WrongObjectType(
            f"{misuse} specified, but {syntax.name} is not an aggregate function", position=syntax.position
        )


def _check_set_function(environment: Environment, syntax: CallSyntax) -> None:
    if environment.inside in ("CASE", "COALESCE"):
        raise FeatureNotSupported(
            f"set-returning functions are not allowed in {environment.inside}",
            hint="You might be able to move the set-returning function into a LATERAL FROM item.",
            position=syntax.position,
        )
    if environment.inside == "aggregate":
        raise FeatureNotSupported(
            "aggregate function calls cannot contain set-returning function calls",
            hint="You might be able to move the set-returning function into a LATERAL FROM item.",
            position=syntax.position,
        )
    if environment.clause not in SET_FUNCTION_CLAUSES:
        is_frame = environment.clause in WINDOW_DEFINITION_CLAUSES
        place = "window definitions" if is_frame else environment.clause.value
        raise FeatureNotSupported(
            f"set-returning functions are not allowed in {place}", position=syntax.position
        )
    environment.findings.has_set_functions = True


# -- windows ------------------------------------------------------------------------------------------------


def _window_call(
    environment: Environment,
    syntax: CallSyntax,
    function: Function,
    arguments: tuple[Expression, ...],
    result: SqlType,
) -> Expression:
    assert syntax.window is not None
    if function.kind in (FunctionKind.SCALAR, FunctionKind.SET):
        raise WrongObjectType(
            f"OVER specified, but {syntax.name} is not a window function nor an aggregate function",
            position=syntax.position,
        )
    if environment.clause in WINDOW_DEFINITION_CLAUSES:
        raise WindowingError(
            "window functions are not allowed in window definitions", position=syntax.position
        )
    if environment.inside == "window":
        raise WindowingError("window function calls cannot be nested", position=syntax.position)
    if environment.inside == "aggregate":
        raise GroupingError(
            "aggregate function calls cannot contain window function calls", position=syntax.position
        )
    if environment.clause not in WINDOW_CLAUSES:
        raise WindowingError(
            f"window functions are not allowed in {environment.clause.value}", position=syntax.position
        )
    if syntax.is_distinct:
        raise FeatureNotSupported(
            "DISTINCT is not implemented for window functions", position=syntax.position
        )
    if syntax.order:
        raise FeatureNotSupported(
            "aggregate ORDER BY is not implemented for window functions", position=syntax.position
        )
    window = bind_window(environment, syntax.window)
    condition = None
    if syntax.filter is not None:
        if function.kind is FunctionKind.WINDOW:
            raise FeatureNotSupported(
                "FILTER is not implemented for non-aggregate window functions", position=syntax.position
            )
        condition = coerce_to_boolean(
            environment.context, bind_node(environment.at(Clause.FILTER), syntax.filter), "FILTER", None
        )
    environment.findings.has_windows = True
    return WindowCall(
        function, arguments, result, window.partition_by, window.order_by, window.frame, condition
    )


def bind_grouping(environment: Environment, syntax: CallSyntax) -> Expression:
    """GROUPING(a, b): an int4 bit mask."""
    _check_aggregate_place(environment, syntax)
    inner = environment.at(Clause.GROUP_BY)
    arguments = tuple(settle(environment.context, bind_node(inner, item)) for item in syntax.arguments)
    environment.findings.has_aggregates = True
    return Grouping(arguments, INT4)
