"""Calls of functions and operators, once their arguments are bound: overload, conversions, result type."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from foundation.errors import DatatypeMismatch, FeatureNotSupported, UndefinedFunction, UndefinedSchema
from foundation.row_types import RowShape, has_exact_text, is_row_type, record_type, row_shape
from foundation.sqltypes import BOOL, RECORD, UNKNOWN, VOID, SqlType, element_type
from planner.bound import BoolExpression, BoolOperator, Call, Constant, Expression, Parameter
from planner.functions.signature import POLYMORPHIC_TYPES, Function, FunctionKind, Operator
from planner.functions.signatures import is_unsupported_operator, operator_function
from sqlfront.binder.array_shapes import shaped_result
from sqlfront.binder.catalog_names import BUILT_IN_SCHEMAS
from sqlfront.binder.coerce import coerce_argument
from sqlfront.binder.context import BindContext
from sqlfront.binder.enum_labels import with_labels
from sqlfront.binder.errors import AmbiguousFunction
from sqlfront.binder.overloads import Candidate, Choice, choose_binary_operator, choose_prefix_operator
from sqlfront.binder.type_rules import resolve_polymorphic, type_name

_HINT_NO_FUNCTION = (
    "No function matches the given name and argument types. You might need to add explicit type casts."
)
_HINT_FUNCTIONS = "Could not choose a best candidate function. You might need to add explicit type casts."
_HINT_NO_OPERATOR = (
    "No operator matches the given name and argument types. You might need to add explicit type casts."
)
_HINT_NO_PREFIX = (
    "No operator matches the given name and argument type. You might need to add an explicit type cast."
)
_HINT_OPERATORS = "Could not choose a best candidate operator. You might need to add explicit type casts."

Positions = Sequence[int | None]


def type_names(expressions: Sequence[Expression], names: Sequence[str] = ()) -> str:
    """`integer, days => text` for messages; `names` are those of the last arguments."""
    labels = [""] * (len(expressions) - len(names)) + [f"{name} => " for name in names]
    types = (type_name(expression.sql_type) for expression in expressions)
    return ", ".join(label + shown for label, shown in zip(labels, types))


def no_function(
    name: str, arguments: Sequence[Expression], position: int | None, names: Sequence[str] = ()
) -> UndefinedFunction:
    """The 42883 error for a call."""
    return UndefinedFunction(
        f"function {name}({type_names(arguments, names)}) does not exist",
        hint=_HINT_NO_FUNCTION,
        position=position,
    )


def ambiguous_function(name: str, arguments: Sequence[Expression], position: int | None) -> AmbiguousFunction:
    return AmbiguousFunction(
        f"function {name}({type_names(arguments)}) is not unique", hint=_HINT_FUNCTIONS, position=position
    )


def concrete_types(
    actual: Sequence[int], declared: Sequence[int], result: int
) -> tuple[tuple[int, ...], int]:
    """Replace polymorphic types by what this call makes of them.

    Raises:
        DatatypeMismatch: 42804, only untyped literals would decide.
    """
    if result not in POLYMORPHIC_TYPES and not POLYMORPHIC_TYPES.intersection(declared):
        return tuple(declared), result
    match = resolve_polymorphic(actual, declared)
    if match is None or not match.concrete(result):
        raise DatatypeMismatch("could not determine polymorphic type because input has type unknown")
    return tuple(match.concrete(oid) for oid in declared), match.concrete(result)


def result_type(function: Function, actual: Sequence[int], oid: int) -> SqlType:
    """What a call gives; the record of a function that gives rows of several columns has those as its fields."""
    if oid != RECORD.oid or function.kind is not FunctionKind.SET or len(function.result_columns) < 2:
        return SqlType(oid)
    names = tuple(name for name, _ in function.result_columns)
    return record_type(RowShape(names, column_types(function, actual)))


def populated_type(base: Expression, position: int | None) -> SqlType:
    """What json_populate_record gives: the row type of its base, which has to be a NULL."""
    if row_shape(base.sql_type) is None:
        raise FeatureNotSupported("populating a value that is no row is not supported", position=position)
    if not isinstance(base, Constant) or base.value is not None:
        raise FeatureNotSupported("a base row with values is not supported", position=position)
    return base.sql_type


def column_types(function: Function, actual: Sequence[int]) -> tuple[SqlType, ...]:
    """The types of the columns that a function's rows have."""
    oids = [oid for _, oid in function.result_columns]
    if POLYMORPHIC_TYPES.isdisjoint(oids):
        return tuple(map(SqlType, oids))
    match = resolve_polymorphic(actual, function.argument_types)
    assert match is not None, "the overload was chosen for these types"
    return tuple(SqlType(match.concrete(oid) if oid in POLYMORPHIC_TYPES else oid) for oid in oids)


def without_output_parameters(
    nodes: list[exp.Expr], arguments: list[Expression]
) -> tuple[list[exp.Expr], list[Expression]]:
    """Arguments but parameters of type void, by which pgJDBC says where `{? = call f(?)}` wants the result.

    ParseFuncOrColumn in PostgreSQL's parse_func.c.
    """
    if not any(isinstance(argument, Parameter) and argument.type == VOID for argument in arguments):
        return nodes, arguments
    kept = [
        (node, argument)
        for node, argument in zip(nodes, arguments, strict=True)
        if not (isinstance(argument, Parameter) and argument.type == VOID)
    ]
    return [node for node, _ in kept], [argument for _, argument in kept]


def convert_arguments(
    context: BindContext, arguments: Sequence[Expression], declared: Sequence[int], positions: Positions
) -> tuple[Expression, ...]:
    """Each argument converted to its declared type."""
    places = [*positions, *([None] * (len(arguments) - len(positions)))]
    return tuple(
        coerce_argument(context, argument, oid, place)
        for argument, oid, place in zip(arguments, declared, places)
    )


def operator_schemas(context: BindContext, schema: str | None, position: int | None) -> tuple[str, ...]:
    """Where to look for an operator. Raises UndefinedSchema (3F000)."""
    if schema is None:
        return context.schemas_searched()
    check_schema_exists(context, schema, position)
    return (schema,)


def check_schema_exists(context: BindContext, name: str, position: int | None) -> None:
    """Raises UndefinedSchema (3F000) for a schema neither stored nor built in."""
    if name not in BUILT_IN_SCHEMAS and context.catalog.find_schema(context.database_oid, name) is None:
        raise UndefinedSchema(f'schema "{name}" does not exist', position=position)


def choose_operator(
    context: BindContext,
    name: str,
    operands: tuple[Expression, Expression],
    *,
    schema: str | None = None,
    position: int | None = None,
) -> Candidate[Operator]:
    """The overload of a binary operator.

    Raises:
        UndefinedFunction: 42883 `operator does not exist: integer + text`.
        AmbiguousFunction: 42725 `operator is not unique: unknown + unknown`.
    """
    left, right = operands
    choice = choose_binary_operator(
        name, operator_schemas(context, schema, position), left.sql_type.oid, right.sql_type.oid
    )
    written = name if schema is None else f"{schema}.{name}"
    left_name, right_name = (type_name(operand.sql_type) for operand in operands)
    shown = f"{left_name} {written} {right_name}"
    return _chosen_operator(choice, name, shown, _HINT_NO_OPERATOR, position=position, operands=operands)


def _chosen_operator(
    choice: Choice[Operator],
    name: str,
    shown: str,
    hint: str,
    *,
    position: int | None,
    operands: Sequence[Expression],
) -> Candidate[Operator]:
    if choice.is_ambiguous:
        raise AmbiguousFunction(f"operator is not unique: {shown}", hint=_HINT_OPERATORS, position=position)
    if choice.chosen is None and is_unsupported_operator(name) and _may_be_another_type(operands):
        raise FeatureNotSupported(f"operator {name} is not supported", position=position)
    if choice.chosen is None:
        raise UndefinedFunction(f"operator does not exist: {shown}", hint=hint, position=position)
    return choice.chosen


def _may_be_another_type(operands: Sequence[Expression]) -> bool:
    """Whether an operand is an untyped literal, which PostgreSQL may take for a type that is not supported."""
    return any(operand.sql_type == UNKNOWN for operand in operands)


def operator_call(
    context: BindContext,
    name: str,
    operands: tuple[Expression, Expression],
    *,
    schema: str | None = None,
    position: int | None = None,
    operand_positions: Positions = (),
) -> Call:
    """`left op right`, converted. Raises what `choose_operator` raises, and 22P02 for literals."""
    chosen = choose_operator(context, name, operands, schema=schema, position=position)
    operator = chosen.overload
    actual = [operand.sql_type.oid for operand in operands]
    types, result = concrete_types(actual, chosen.types, operator.result_type)
    function = operator_function(operator)
    arguments = with_labels(function.name, convert_arguments(context, operands, types, operand_positions))
    return shaped_result(Call(function, arguments, SqlType(result), operator.name))


def prefix_call(
    context: BindContext,
    name: str,
    operand: Expression,
    *,
    schema: str | None = None,
    position: int | None = None,
    operand_position: int | None = None,
) -> Call:
    """`op operand`."""
    choice = choose_prefix_operator(name, operator_schemas(context, schema, position), operand.sql_type.oid)
    shown = f"{name} {type_name(operand.sql_type)}"
    chosen = _chosen_operator(choice, name, shown, _HINT_NO_PREFIX, position=position, operands=(operand,))
    arguments = convert_arguments(context, [operand], chosen.types, [operand_position])
    operator = chosen.overload
    return Call(operator_function(operator), arguments, SqlType(operator.result_type), operator.name)


def equality(context: BindContext, left: Expression, right: Expression, position: int | None = None) -> Call:
    """`left = right`; `position` is that of the right side."""
    return operator_call(context, "=", (left, right), position=position, operand_positions=(None, position))


def conjunction(operator: BoolOperator, arguments: Sequence[Expression]) -> Expression:
    """AND or OR over one or more booleans."""
    return arguments[0] if len(arguments) == 1 else BoolExpression(operator, tuple(arguments))


def ordering_exists(oid: int) -> bool:
    """Whether values of a type can be sorted: there is a `<`."""
    return _has_operator("<", oid)


def equality_exists(oid: int) -> bool:
    """Whether values of a type can be grouped: there is an `=`."""
    return _has_operator("=", oid)


def _has_operator(name: str, oid: int) -> bool:
    if oid == UNKNOWN.oid:
        return True
    return choose_binary_operator(name, ("pg_catalog", "public"), oid, oid).chosen is not None


def check_sortable(sql_type: SqlType, position: int | None) -> None:
    """Raises UndefinedFunction (42883) for a type without an order, such as json, FeatureNotSupported (0A000) for a row."""
    _check_no_row(sql_type, "sorting", position)
    if not ordering_exists(sql_type.oid):
        raise UndefinedFunction(
            f"could not identify an ordering operator for type {type_name(sql_type)}",
            hint="Use an explicit ordering operator or modify the query.",
            position=position,
        )


def check_groupable(sql_type: SqlType, position: int | None) -> None:
    """Raises UndefinedFunction (42883) for a type without equality, FeatureNotSupported (0A000) for rows that may
    be equal with different texts.
    """
    if not has_exact_text(element_type(sql_type) or sql_type):
        _check_no_row(sql_type, "grouping", position)
    if not equality_exists(sql_type.oid):
        raise UndefinedFunction(
            f"could not identify an equality operator for type {type_name(sql_type)}",
            position=position,
        )


def _check_no_row(sql_type: SqlType, what: str, position: int | None) -> None:
    """Of an array its elements count: rows are texts, which are neither ordered nor compared as their fields are."""
    if is_row_type((element_type(sql_type) or sql_type).oid):
        raise FeatureNotSupported(f"{what} by a value of a row type is not supported", position=position)


def check_boolean_result(function: Function, call_type: SqlType, position: int | None) -> None:
    """Raises 42804 for `x + ANY (...)`: the operator must give a boolean."""
    if call_type != BOOL:
        raise DatatypeMismatch("op ANY/ALL (array) requires operator to yield boolean", position=position)
