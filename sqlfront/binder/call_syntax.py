"""A function call as it is written, taken apart; nothing is bound yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from foundation.errors import SyntaxErrorInStatement
from sqlfront.parser.nodes import position_of


@dataclass(slots=True)
class CallSyntax:
    """A call taken apart: what was written, nothing bound yet."""

    name: str
    schema: str | None
    position: int | None
    arguments: list[exp.Expr] = field(default_factory=list)
    argument_names: list[str] = field(default_factory=list)
    """Names of the last arguments, given as `name => value`."""
    is_variadic: bool = False
    """VARIADIC stands before the last argument."""
    is_star: bool = False
    is_distinct: bool = False
    order: list[exp.Expr] = field(default_factory=list)
    filter: exp.Expr | None = None
    within_group: list[exp.Expr] = field(default_factory=list)
    window: exp.Expr | None = None

    def shown(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


def take_apart(node: exp.Expr) -> CallSyntax | None:
    """Read Window(Filter(WithinGroup(Dot(schema, Anonymous)))) from outside in; None when it is no call."""
    window = within = condition = None
    while isinstance(node, exp.Window | exp.Filter | exp.WithinGroup):
        if isinstance(node, exp.Window):
            window = node
        elif isinstance(node, exp.Filter):
            condition = node.args["expression"].this
        else:
            within = node.args["expression"]
        node = node.this
    schema = None
    if isinstance(node, exp.Dot):
        schema, node = str(node.this.this), node.args["expression"]
    if not isinstance(node, exp.Anonymous):
        return None
    if "sql_syntax" in node.meta:
        # EXTRACT (year FROM x) and its kin mean the built-in function whatever the search path.
        schema = "pg_catalog"
    syntax = CallSyntax(str(node.this), schema, position_of(node), filter=condition, window=window)
    syntax.within_group = list(within.expressions) if within is not None else []
    _take_arguments(syntax, node)
    return syntax


def _take_arguments(syntax: CallSyntax, node: exp.Expr) -> None:
    arguments = list(node.expressions)
    if arguments and isinstance(arguments[-1], exp.Order):
        syntax.order = list(arguments[-1].expressions)
        arguments[-1] = arguments[-1].this
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        syntax.is_star, arguments = True, []
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        syntax.is_distinct, arguments = True, list(arguments[0].expressions)
    for argument in arguments:
        if isinstance(argument, exp.Variadic):
            syntax.is_variadic, argument = True, argument.this
        if isinstance(argument, exp.Kwarg):
            syntax.argument_names.append(str(argument.this.this))
            syntax.arguments.append(argument.args["expression"])
        elif syntax.argument_names:
            raise SyntaxErrorInStatement(
                "positional argument cannot follow named argument", position=position_of(argument)
            )
        else:
            syntax.arguments.append(argument)
