"""Calls whose last argument is VARIADIC: `concat_ws(',', VARIADIC ARRAY['a', 'b'])`.

https://www.postgresql.org/docs/15/xfunc-sql.html#XFUNC-SQL-VARIADIC-FUNCTIONS
"""

from __future__ import annotations

from foundation.errors import DatatypeMismatch, FeatureNotSupported
from foundation.sqltypes import SqlType
from planner.bound import ArrayLiteral, Call, Constant, Expression, VariadicCall
from planner.evaluate import is_native
from planner.functions.signature import ANY, Function, FunctionKind
from planner.functions.signatures import is_unsupported_function
from sqlfront.binder.array_shapes import flattened, shaped_result
from sqlfront.binder.call_syntax import CallSyntax
from sqlfront.binder.calls import ambiguous_function, concrete_types, convert_arguments, no_function
from sqlfront.binder.environment import Environment
from sqlfront.binder.overloads import choose_variadic_function
from sqlfront.binder.type_rules import element_oid
from sqlfront.parser.nodes import position_of


def bind_variadic_call(
    environment: Environment, syntax: CallSyntax, arguments: list[Expression]
) -> Expression:
    """The call of a scalar function. An array whose elements are known becomes so many arguments.

    Raises:
        UndefinedFunction: 42883. AmbiguousFunction: 42725.
        DatatypeMismatch: 42804 `VARIADIC argument must be an array`.
        FeatureNotSupported: 0A000, other kinds of functions, and those that the relational engine computes.
    """
    context = environment.context
    schemas = context.schemas_searched() if syntax.schema is None else (syntax.schema,)
    actual = tuple(argument.sql_type.oid for argument in arguments)
    choice = choose_variadic_function(syntax.name, schemas, actual)
    if choice.is_ambiguous:
        raise ambiguous_function(syntax.shown(), arguments, syntax.position)
    if choice.chosen is None:
        if is_unsupported_function(syntax.name):
            raise FeatureNotSupported(f"function {syntax.name} is not supported", position=syntax.position)
        raise no_function(syntax.shown(), arguments, syntax.position)
    function = choice.chosen.overload
    if function.kind is not FunctionKind.SCALAR or syntax.window is not None:
        raise FeatureNotSupported(
            f"VARIADIC in a call of {syntax.name} is not supported", position=syntax.position
        )
    types, result = concrete_types(actual, choice.chosen.types, function.result_type)
    positions = [position_of(argument) for argument in syntax.arguments]
    if function.is_variadic and function.argument_types[-1] == ANY and not element_oid(actual[-1]):
        raise DatatypeMismatch("VARIADIC argument must be an array", position=positions[-1])
    given = convert_arguments(context, arguments, types, positions)
    converted = tuple(map(flattened, given)) if function.is_variadic else given
    if not function.is_variadic:
        return shaped_result(Call(function, converted, SqlType(result)))
    return _spread(function, converted, SqlType(result), syntax)


def _spread(
    function: Function, arguments: tuple[Expression, ...], result: SqlType, syntax: CallSyntax
) -> Expression:
    *fixed, array = arguments
    if isinstance(array, ArrayLiteral):
        return Call(function, (*fixed, *array.items), result)
    if isinstance(array, Constant) and array.value is not None:
        element = SqlType(element_oid(array.type.oid))
        return Call(function, (*fixed, *(Constant(item, element) for item in array.value)), result)
    call = VariadicCall(function, arguments, result)
    if not is_native(Call(function, tuple(fixed), result)):
        raise FeatureNotSupported(
            f"VARIADIC in a call of {syntax.name} over arrays that are computed is not supported",
            position=syntax.position,
        )
    return call
