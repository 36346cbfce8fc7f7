"""Binding of operators, comparisons and the boolean forms of the grammar."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from foundation.errors import SyntaxErrorInStatement, UndefinedFunction, WrongObjectType
from foundation.sqltypes import BOOL, TEXT, UNKNOWN, SqlType
from planner.bound import (
    BoolExpression,
    BoolOperator,
    Call,
    ColumnRef,
    Constant,
    Expression,
    InList,
    IsDistinct,
    IsNull,
    IsTruth,
    Not,
    Parameter,
    QuantifiedArray,
    TruthTest,
    walk,
)
from planner.functions.signature import Function
from planner.functions.signatures import functions_named, operator_function
from sqlfront.binder.array_shapes import flattened, in_one_form
from sqlfront.binder.calls import (
    check_boolean_result,
    choose_operator,
    concrete_types,
    conjunction,
    operator_call,
    prefix_call,
)
from sqlfront.binder.coerce import coerce, coerce_argument, coerce_to_boolean, settle
from sqlfront.binder.environment import QUERY_NODES, Environment, bind_node, binds, place_of, unsupported
from sqlfront.binder.literals import number_constant
from sqlfront.binder.row_values import are_rows_compared, compared_rows, is_row_value, row_null_test
from sqlfront.binder.subqueries import bind_quantified_query
from sqlfront.binder.type_rules import array_oid, can_convert, common_type, element_oid, type_name
from sqlfront.parser.nodes import InfixOperator, PrefixOperator, position_of

_OPERATOR_NAMES: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.Pow: "^", exp.DPipe: "||",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Like: "~~", exp.ILike: "~~*",
}  # fmt: skip
_ROW_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@binds(*_OPERATOR_NAMES)
def bind_standard_operator(environment: Environment, node: exp.Expr) -> Expression:
    return bind_infix(environment, node, _OPERATOR_NAMES[type(node)], None)


@binds(InfixOperator)
def bind_infix_operator(environment: Environment, node: exp.Expr) -> Expression:
    return bind_infix(environment, node, node.args["operator"], node.args.get("schema"))


def bind_infix(environment: Environment, node: exp.Expr, name: str, schema: str | None) -> Expression:
    """`left op right`, `left op ANY (...)`, or a comparison of rows.

    Raises:
        UndefinedFunction: 42883; AmbiguousFunction: 42725.
    """
    left, right = node.this, node.args["expression"]
    if isinstance(right, exp.Any | exp.All):
        return bind_quantified(environment, node, name, schema)
    if isinstance(_bare(left), exp.Tuple) and isinstance(_bare(right), QUERY_NODES):
        raise unsupported(right, "comparison of a row with a sub-query")
    if isinstance(_bare(left), exp.Tuple) and isinstance(_bare(right), exp.Tuple):
        return bind_row_comparison(environment, node, name)
    operands = (bind_node(environment, left), bind_node(environment, right))
    if schema is None and are_rows_compared(name, operands):
        return _compared(environment, name, operands, position_of(node))
    return operator_call(
        environment.context,
        name,
        operands,
        schema=schema,
        position=position_of(node),
        operand_positions=(place_of(left), place_of(right)),
    )


def _compared(
    environment: Environment, name: str, operands: tuple[Expression, Expression], position: int | None
) -> Expression:
    """A comparison of values of row types; a literal is read as the other side's type."""
    left, right = operands
    if left.sql_type == UNKNOWN:
        left = coerce(environment.context, left, right.sql_type, position=position)
    if right.sql_type == UNKNOWN:
        right = coerce(environment.context, right, left.sql_type, position=position)
    return compared_rows(name, left, right, position)


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


@binds(PrefixOperator)
def bind_prefix_operator(environment: Environment, node: exp.Expr) -> Expression:
    return _prefix(environment, node, node.args["operator"], node.args.get("schema"))


@binds(exp.Neg)
def bind_negation(environment: Environment, node: exp.Expr) -> Expression:
    """A minus before a number belongs to the number, parentheses or not (doNegate of PostgreSQL's gram.y)."""
    text = _number_text(node)
    if text is not None:
        return number_constant(environment.context, text)
    return _prefix(environment, node, "-", None)


def _number_text(node: exp.Expr) -> str | None:
    """A number with the minus signs before it; None for any other expression."""
    bare, is_negative = _bare(node), False
    while isinstance(bare, exp.Neg):
        bare, is_negative = _bare(bare.this), not is_negative
    if not isinstance(bare, exp.Literal) or bare.args["is_string"]:
        return None
    text = str(bare.this)
    if not is_negative:
        return text
    return text[1:] if text.startswith("-") else "-" + text


def _prefix(environment: Environment, node: exp.Expr, name: str, schema: str | None) -> Expression:
    operand = bind_node(environment, node.this)
    return prefix_call(
        environment.context,
        name,
        operand,
        schema=schema,
        position=position_of(node),
        operand_position=position_of(node.this),
    )


@binds(exp.And, exp.Or)
def bind_junction(environment: Environment, node: exp.Expr) -> Expression:
    """AND and OR chains become one flat node each."""
    operator = BoolOperator.AND if isinstance(node, exp.And) else BoolOperator.OR
    arguments: list[Expression] = []
    pending = [node]
    while pending:
        part = pending.pop()
        if type(part) is type(node):
            pending += [part.args["expression"], part.this]
            continue
        bound = coerce_to_boolean(
            environment.context, bind_node(environment, part), operator.value, place_of(part)
        )
        same = isinstance(bound, BoolExpression) and bound.operator is operator
        arguments += bound.arguments if same else (bound,)  # type: ignore[attr-defined]
    return BoolExpression(operator, tuple(arguments))


@binds(exp.Not)
def bind_not(environment: Environment, node: exp.Expr) -> Expression:
    tested = node.this
    if (
        node.meta.get("is_infix")
        and isinstance(tested, exp.Is)
        and isinstance(tested.args["expression"], exp.Null)
    ):
        row = _bare(tested.this)
        if isinstance(row, exp.Tuple):
            return _row_is_null(environment, row, is_negated=True)
        value = _tested(environment, tested.this)
        return row_null_test(value, is_negated=True) if is_row_value(value) else IsNull(value, True)
    argument = coerce_to_boolean(
        environment.context, bind_node(environment, node.this), "NOT", place_of(node.this)
    )
    if isinstance(argument, IsNull):
        return IsNull(argument.argument, not argument.is_negated)
    if isinstance(argument, IsTruth):
        return IsTruth(argument.argument, argument.test, not argument.is_negated)
    if isinstance(argument, IsDistinct):
        return IsDistinct(argument.left, argument.right, argument.equality, not argument.is_negated)
    if isinstance(argument, InList):
        return InList(argument.left, argument.items, not argument.is_negated)
    return Not(argument)


def _row_is_null(environment: Environment, row: exp.Tuple, *, is_negated: bool) -> Expression:
    """ROW(a, b) IS [NOT] NULL: all fields are [not] null; a row as a field is a value."""
    tests: list[Expression] = []
    for field in row.expressions:
        if isinstance(_bare(field), exp.Tuple):
            bind_node(environment, field)
            tests.append(Constant(is_negated, BOOL))
        else:
            tests.append(IsNull(_tested(environment, field), is_negated))
    return conjunction(BoolOperator.AND, tests) if tests else Constant(True, BOOL)


@binds(exp.Is)
def bind_is(environment: Environment, node: exp.Expr) -> Expression:
    """IS NULL, IS TRUE, IS FALSE, IS UNKNOWN."""
    test = node.args["expression"]
    row = _bare(node.this)
    if isinstance(row, exp.Tuple) and isinstance(test, exp.Null):
        return _row_is_null(environment, row, is_negated=False)
    if isinstance(test, exp.Null):
        tested = _tested(environment, node.this)
        return row_null_test(tested, is_negated=False) if is_row_value(tested) else IsNull(tested)
    argument = bind_node(environment, node.this)
    kind = TruthTest.UNKNOWN
    if isinstance(test, exp.Boolean):
        kind = TruthTest.TRUE if test.this else TruthTest.FALSE
    elif str(test.this).upper() != "UNKNOWN":
        raise unsupported(node, f"IS {str(test.this).upper()}")
    argument = coerce_to_boolean(environment.context, argument, f"IS {kind.value}", position_of(node.this))
    return IsTruth(argument, kind)


def _tested(environment: Environment, node: exp.Expr) -> Expression:
    """The argument of IS NULL; a literal becomes text, a parameter may not stay without a type."""
    argument = bind_node(environment, node)
    return settle(environment.context, argument) if isinstance(argument, Constant) else argument


@binds(exp.NullSafeEQ, exp.NullSafeNEQ)
def bind_is_distinct(environment: Environment, node: exp.Expr) -> Expression:
    """IS [NOT] DISTINCT FROM."""
    left, right = node.this, node.args["expression"]
    if isinstance(_bare(left), exp.Tuple) and isinstance(_bare(right), exp.Tuple):
        return _rows_are_distinct(environment, node)
    if isinstance(_bare(left), exp.Tuple) or isinstance(_bare(right), exp.Tuple):
        raise unsupported(node, "IS DISTINCT FROM of a row and another value")
    for side, other in ((right, left), (left, right)):
        if isinstance(_bare(side), exp.Null):
            # Compared with a bare NULL it is a test for NULL, whatever the type.
            return IsNull(_tested(environment, other), is_negated=isinstance(node, exp.NullSafeNEQ))
    call = operator_call(
        environment.context,
        "=",
        (bind_node(environment, left), bind_node(environment, right)),
        position=position_of(node),
        operand_positions=(place_of(left), place_of(right)),
    )
    return IsDistinct(
        call.arguments[0], call.arguments[1], call.function, is_negated=isinstance(node, exp.NullSafeEQ)
    )


def _rows_are_distinct(environment: Environment, node: exp.Expr) -> Expression:
    """(a, b) IS [NOT] DISTINCT FROM (c, d): any (no) pair of fields is."""
    left, right = _bare(node.this).expressions, _bare(node.args["expression"]).expressions
    if len(left) != len(right):
        raise SyntaxErrorInStatement(
            "unequal number of entries in row expressions", position=position_of(node)
        )
    pairs = [bind_is_distinct(environment, type(node)(this=a, expression=b)) for a, b in zip(left, right)]
    return conjunction(BoolOperator.AND if isinstance(node, exp.NullSafeEQ) else BoolOperator.OR, pairs)


@binds(exp.Between)
def bind_between(environment: Environment, node: exp.Expr) -> Expression:
    """x BETWEEN a AND b is x >= a AND x <= b; SYMMETRIC tries both orders."""
    low, high = node.args["low"], node.args["high"]

    def inside(first: exp.Expr, second: exp.Expr) -> Expression:
        parts = [
            _comparison(environment, node, ">=", first),
            _comparison(environment, node, "<=", second),
        ]
        return BoolExpression(BoolOperator.AND, tuple(parts))

    if node.args.get("symmetric"):
        return BoolExpression(BoolOperator.OR, (inside(low, high), inside(high, low)))
    return inside(low, high)


def _comparison(environment: Environment, node: exp.Expr, name: str, bound_node: exp.Expr) -> Expression:
    return operator_call(
        environment.context,
        name,
        (bind_node(environment, node.this), bind_node(environment, bound_node)),
        position=position_of(node),
        operand_positions=(position_of(node.this), position_of(bound_node)),
    )


@binds(exp.Escape)
def bind_escape(environment: Environment, node: exp.Expr) -> Expression:
    """LIKE, ILIKE and SIMILAR TO with ESCAPE."""
    match, escape = node.this, node.args["expression"]
    if isinstance(match, exp.SimilarTo):
        return _similar(environment, match, escape)
    name = _OPERATOR_NAMES[type(match)]
    pattern = _text_call(environment, "like_escape", (match.args["expression"], escape))
    return operator_call(
        environment.context, name, (bind_node(environment, match.this), pattern), position=position_of(match)
    )


@binds(exp.SimilarTo)
def bind_similar(environment: Environment, node: exp.Expr) -> Expression:
    return _similar(environment, node, None)


def _similar(environment: Environment, node: exp.Expr, escape: exp.Expr | None) -> Expression:
    parts = (node.args["expression"],) if escape is None else (node.args["expression"], escape)
    pattern = _text_call(environment, "similar_to_escape", parts)
    return operator_call(
        environment.context, "~", (bind_node(environment, node.this), pattern), position=position_of(node)
    )


def _text_call(environment: Environment, name: str, nodes: Sequence[exp.Expr]) -> Call:
    """A call of the overload that takes text throughout."""
    wanted = (TEXT.oid,) * len(nodes)
    (function,) = (f for f in functions_named(name) if f.argument_types == wanted)
    arguments = tuple(
        coerce_argument(environment.context, bind_node(environment, n), TEXT.oid, position_of(n))
        for n in nodes
    )
    return Call(function, arguments, TEXT)


@binds(exp.In)
def bind_in(environment: Environment, node: exp.Expr) -> Expression:
    """x IN (list) or x IN (query)."""
    query = node.args.get("query")
    if query is not None:
        return bind_quantified_query(environment, node, "=", query, is_all=False)
    left_node, item_nodes = node.this, node.expressions
    if isinstance(_bare(left_node), exp.Tuple):
        rows = [
            _row_comparison(environment, "=", (_bare(left_node), _bare(item)), position_of(node))
            for item in item_nodes
        ]
        return conjunction(BoolOperator.OR, rows)
    left = bind_node(environment, left_node)
    bound = [(bind_node(environment, item), place_of(item)) for item in item_nodes]
    # PostgreSQL makes one list of the items without columns and compares with the others one by one.
    own = environment.scope.relation_ids()
    constant = [pair for pair in bound if not _uses(pair[0], own)]
    parts: list[Expression] = []
    if len(constant) > 1:
        found = _in_list(environment, node, left, constant)
        if found is not None:
            parts.append(found)
            bound = [pair for pair in bound if _uses(pair[0], own)]
    for item, place in bound:
        parts.append(
            operator_call(
                environment.context,
                "=",
                (left, item),
                position=position_of(node),
                operand_positions=(place_of(left_node), place),
            )
        )
    return conjunction(BoolOperator.OR, parts)


def _uses(expression: Expression, relation_ids: frozenset[int]) -> bool:
    if isinstance(expression, Constant | Parameter):
        return False
    return any(isinstance(node, ColumnRef) and node.relation_id in relation_ids for node in walk(expression))


def _in_list(
    environment: Environment, node: exp.Expr, left: Expression, items: Sequence[tuple[Expression, int | None]]
) -> Expression | None:
    """An InList when all have a common type and `=` compares two values of it, else None."""
    context = environment.context
    oids = [left.sql_type.oid, *(item.sql_type.oid for item, _ in items)]
    shared = common_type(oids)
    if shared is None or not all(can_convert(oid, shared) for oid in oids):
        return None
    probe = _typed(shared)
    choose_operator(context, "=", (left, probe), position=position_of(node))
    chosen = choose_operator(context, "=", (probe, probe), position=position_of(node))
    types, _ = concrete_types([shared, shared], chosen.types, BOOL.oid)
    if types[0] != types[1]:
        return None
    converted = tuple(
        coerce_argument(context, coerce_argument(context, item, shared, place), types[0])
        for item, place in items
    )
    left, *others = in_one_form([coerce_argument(context, left, types[0], place_of(node.this)), *converted])
    return InList(left, tuple(others))


def _typed(oid: int) -> Expression:
    """A stand-in operand of a type, for choosing an operator."""
    return Constant(None, SqlType(oid))


def bind_row_comparison(environment: Environment, node: exp.Expr, name: str) -> Expression:
    """(a, b) op (c, d), spelled out with the operators of the parts."""
    rows = (_bare(node.this), _bare(node.args["expression"]))
    return _row_comparison(environment, name, rows, position_of(node))


def _row_comparison(
    environment: Environment, name: str, rows: tuple[exp.Expr, exp.Expr], position: int | None
) -> Expression:
    left, right = rows
    if not isinstance(right, exp.Tuple):
        raise unsupported(right, "comparison of a row with a value")
    if name not in _ROW_COMPARISONS:
        raise unsupported(left, f"operator {name} between rows")
    lefts = [bind_node(environment, item) for item in left.expressions]
    pairs = list(zip(lefts, [bind_node(environment, item) for item in right.expressions]))
    if len(left.expressions) != len(right.expressions):
        raise SyntaxErrorInStatement("unequal number of entries in row expressions", position=position)

    def compare(operator: str, pair: tuple[Expression, Expression]) -> Expression:
        return operator_call(environment.context, operator, pair, position=position)

    if name == "=":
        return conjunction(BoolOperator.AND, [compare("=", pair) for pair in pairs])
    if name == "<>":
        return conjunction(BoolOperator.OR, [compare("<>", pair) for pair in pairs])
    result = compare(name, pairs[-1])
    for pair in reversed(pairs[:-1]):
        # (a, rest) < (b, rest'): a < b, or a = b and the rests compare.
        tied = conjunction(BoolOperator.AND, [compare("=", pair), result])
        result = conjunction(BoolOperator.OR, [compare(name[0], pair), tied])
    return result


def bind_quantified(environment: Environment, node: exp.Expr, name: str, schema: str | None) -> Expression:
    """x op ANY (array or query) and x op ALL (...)."""
    quantified = node.args["expression"]
    is_all = isinstance(quantified, exp.All)
    inner = _bare(quantified.this)
    if isinstance(inner, QUERY_NODES):
        return bind_quantified_query(environment, node, name, inner, is_all=is_all, schema=schema)
    left, array = bind_node(environment, node.this), bind_node(environment, quantified.this)
    return quantified_array(environment, node, name, (left, array), is_all=is_all, schema=schema)


def quantified_array(
    environment: Environment,
    node: exp.Expr,
    name: str,
    operands: tuple[Expression, Expression],
    *,
    is_all: bool,
    schema: str | None,
) -> Expression:
    """left op ANY (array).

    Raises:
        WrongObjectType: 42809, the right side is no array.
    """
    left, array = operands
    position = position_of(node)
    item_oid = UNKNOWN.oid
    if array.sql_type != UNKNOWN:
        item_oid = element_oid(array.sql_type.oid)
        if not item_oid:
            raise WrongObjectType("op ANY/ALL (array) requires array on right side", position=position)
    chosen = choose_operator(
        environment.context, name, (left, _typed(item_oid)), schema=schema, position=position
    )
    operator = chosen.overload
    types, result = concrete_types([left.sql_type.oid, item_oid], chosen.types, operator.result_type)
    function: Function = operator_function(operator)
    check_boolean_result(function, SqlType(result), position)
    wanted = array_oid(types[1])
    if not wanted:
        raise UndefinedFunction(
            f"could not find array type for data type {type_name(SqlType(types[1]))}", position=position
        )
    return QuantifiedArray(
        coerce_argument(environment.context, left, types[0], position_of(node.this)),
        operator.name,
        function,
        flattened(
            coerce_argument(environment.context, array, wanted, position_of(node.args["expression"].this))
        ),
        is_all,
    )
