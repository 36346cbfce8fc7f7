"""Arguments that a call gives by name or leaves out."""

from __future__ import annotations

from foundation.sqltypes import SqlType
from planner.bound import Expression
from planner.functions.signature import Function
from planner.functions.signatures import functions_named
from sqlfront.binder.call_syntax import CallSyntax
from sqlfront.binder.calls import no_function
from sqlfront.binder.environment import Environment
from sqlfront.binder.user_functions import user_candidates


def arguments_by_name(
    environment: Environment, syntax: CallSyntax, arguments: list[Expression]
) -> list[Expression]:
    """Put `name => value` arguments in their places, defaults between them."""
    positional = len(arguments) - len(syntax.argument_names)
    given = dict(zip(syntax.argument_names, arguments[positional:]))
    context = environment.context
    own = user_candidates(context, syntax.name, context.schemas_searched())
    for function in (*functions_named(syntax.name), *own):
        names = function.argument_names
        if not names or not set(given) <= set(names[positional:]):
            continue
        placed = list(arguments[:positional])
        for place in range(positional, len(names)):
            default = place - (len(names) - function.default_count)
            if names[place] in given:
                placed.append(given[names[place]])
            elif default >= 0:
                placed.append(_default(environment, function, default))
            else:
                break
        else:
            syntax.arguments = syntax.arguments[:positional]
            return placed
    raise no_function(syntax.shown(), arguments, syntax.position, syntax.argument_names)


def left_out_arguments(environment: Environment, function: Function, given: int) -> tuple[Expression, ...]:
    """The defaults of the arguments behind the `given` first ones."""
    missing = len(function.argument_types) - given
    if missing <= 0 or function.is_variadic:
        return ()
    first = function.default_count - missing
    return tuple(_default(environment, function, i) for i in range(first, function.default_count))


def _default(environment: Environment, function: Function, index: int) -> Expression:
    # Defaults are SQL text, so the binder calls itself.
    from sqlfront.binder.binding import bind_expression

    place = len(function.argument_types) - function.default_count + index
    return bind_expression(
        function.default_sql[index], environment.context, SqlType(function.argument_types[place])
    )
