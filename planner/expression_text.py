"""Bound expressions as text, in the form PostgreSQL prints them in EXPLAIN: `(section = 'python'::text)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from foundation.shaped_arrays import ShapedArray
from foundation.sqltypes import (
    BOOL,
    DOMAINS,
    FIRST_USER_OID,
    INT4,
    JSONPATH,
    NUMERIC,
    TYPES,
    SqlType,
    format_type,
    is_shaped,
    plain_type,
)
from planner import bound
from planner.evaluate.constants import constant_array
from planner.functions.quoting import quote_ident
from planner.functions.shaped_functions import ARRAY_ITEM, ARRAY_ITEMS, ARRAY_SLICE, ARRAY_STACK
from planner.functions.signature import Function
from planner.services import Codecs


class ExpressionPrinter:
    """Prints expressions of one statement; sub-queries become $0, $1, ... and are collected in `subqueries`."""

    def __init__(
        self,
        codecs: Codecs,
        names: dict[int, str] | None = None,
        *,
        is_folded: bool = True,
        searched: Collection[str] | None = None,
    ) -> None:
        """`names` qualifies the columns of several relations; without it columns are bare.

        `is_folded`: a list of constants prints as one array constant, as in a plan, not as in a definition.
        `searched`: schemas whose functions, operators and types are called by their bare names; None for all.
        """
        self._codecs = codecs
        self._names = names or {}
        self._is_folded = is_folded
        self._searched = searched
        self.subqueries: list[bound.Subquery] = []

    def print(self, expression: bound.Expression) -> str:
        return _PRINTERS[type(expression)](self, expression)

    def list(self, expressions: Sequence[bound.Expression]) -> str:
        return ", ".join(self.print(expression) for expression in expressions)

    def constant_text(self, value: Any, sql_type: SqlType) -> str:
        """The type's output text of a value that is not NULL; in a definition text that reads back."""
        if sql_type == JSONPATH and not self._is_folded:
            return str(value)
        column = constant_array(value, sql_type)
        text: str = self._codecs.to_text(column, sql_type)[0].as_py()
        return text

    def _constant(self, node: bound.Constant) -> str:
        if node.value is None:
            return f"NULL::{self._type_name(node.type)}{self._form(node.type, False)}"
        if node.type.oid == BOOL.oid:
            return "true" if node.value else "false"
        text = self.constant_text(node.value, node.type)
        is_plain = node.type.oid == INT4.oid or (node.type.oid == NUMERIC.oid and "." in text)
        if is_plain and not text.startswith("-"):
            return text
        return f"{_quoted(text)}::{self._type_name(node.type)}{self._form(node.type, _is_of_any_shape(node.value))}"

    def _form(self, sql_type: SqlType, is_told: bool) -> str:
        """What is written behind a type in a definition so that it reads back in the shaped form of arrays."""
        return "[]" if is_shaped(sql_type) and not self._is_folded and not is_told else ""

    def _type_name(self, sql_type: SqlType) -> str:
        if self._is_folded:
            return format_type(sql_type)
        sql_type = plain_type(sql_type)
        name = lasting_type_name(sql_type)
        return name if sql_type.oid >= FIRST_USER_OID else self._prefix(TYPES[sql_type.oid].schema) + name

    def _prefix(self, schema: str) -> str:
        """What stands before a name of that schema."""
        return "" if self._searched is None or schema in self._searched else quote_ident(schema) + "."

    def _function_name(self, function: Function) -> str:
        return self._prefix(function.schema) + quote_ident(function.name)

    def _operator(self, function: Function, operator: str) -> str:
        prefix = self._prefix(function.schema)
        return f"OPERATOR({prefix}{operator})" if prefix else operator

    def _parameter(self, node: bound.Parameter) -> str:
        return f"${node.index + 1}"

    def _column(self, node: bound.ColumnRef) -> str:
        name = quote_ident(node.name)
        relation = self._names.get(node.relation_id)
        return f"{quote_ident(relation)}.{name}" if relation else name

    def _output(self, node: bound.OutputRef) -> str:
        return str(node.position + 1)

    def _call(self, node: bound.Call) -> str:
        if node.function.name == "extract" and isinstance(node.arguments[0], bound.Constant):
            return f"EXTRACT({node.arguments[0].value} FROM {self.print(node.arguments[1])})"
        form = _SYNTAX.get(node.function)
        if form is not None:
            return form(self, node)
        if node.operator is None:
            return f"{self._function_name(node.function)}({', '.join(map(self._operand, node.arguments))})"
        operator = self._operator(node.function, node.operator)
        if len(node.arguments) == 1:
            return f"({operator} {self._operand(node.arguments[0])})"
        left, right = node.arguments
        return f"({self._operand(left)} {operator} {self._operand(right)})"

    def _variadic_call(self, node: bound.VariadicCall) -> str:
        *fixed, array = map(self._operand, node.arguments)
        return f"{quote_ident(node.function.name)}({', '.join((*fixed, f'VARIADIC {array}'))})"

    def _operand(self, node: bound.Expression) -> str:
        """A domain's value is shown as one of the type below where a function or operator takes it as that."""
        text = self.print(node)
        if not node.sql_type.domain_oid:
            return text
        return f"({text})::{self._type_name(node.sql_type.without_domain().without_typmod())}"

    def _domain_check(self, node: bound.DomainCheck) -> str:
        argument = node.argument
        if isinstance(argument, bound.CastExpression) and argument.type == node.type.without_domain():
            argument = argument.argument
        return f"({self.print(argument)})::{self._type_name(node.type)}"

    def _cast(self, node: bound.CastExpression) -> str:
        if not node.is_explicit and plain_type(node.argument.sql_type) == plain_type(node.type):
            return self.print(node.argument)  # from one form of arrays to the other
        form = self._form(node.type, is_shaped(node.argument.sql_type))
        return f"({self.print(node.argument)})::{self._type_name(node.type)}{form}"

    def _array_items(self, node: bound.Call) -> str:
        return self.print(node.arguments[0])

    def _array_stack(self, node: bound.Call) -> str:
        return f"ARRAY[{self.list(node.arguments)}]"

    def _array_item(self, node: bound.Call) -> str:
        array, *subscripts = map(self.print, node.arguments)
        return array + "".join(f"[{subscript}]" for subscript in subscripts)

    def _array_slice(self, node: bound.Call) -> str:
        array, given, *bounds = node.arguments
        assert isinstance(given, bound.Constant), "the binder says which bounds there are"
        left = iter(bounds)
        texts = ["" if mark == "-" else self.print(next(left)) for mark in given.value]
        pairs = zip(texts[::2], texts[1::2], strict=True)
        return self.print(array) + "".join(f"[{lower}:{upper}]" for lower, upper in pairs)

    def _boolean(self, node: bound.BoolExpression) -> str:
        return "(" + f" {node.operator.value} ".join(self.print(a) for a in node.arguments) + ")"

    def _not(self, node: bound.Not) -> str:
        return f"(NOT {self.print(node.argument)})"

    def _is_null(self, node: bound.IsNull) -> str:
        return f"({self.print(node.argument)} IS {'NOT ' if node.is_negated else ''}NULL)"

    def _is_truth(self, node: bound.IsTruth) -> str:
        return f"({self.print(node.argument)} IS {'NOT ' if node.is_negated else ''}{node.test.value})"

    def _is_distinct(self, node: bound.IsDistinct) -> str:
        test = "IS NOT DISTINCT FROM" if node.is_negated else "IS DISTINCT FROM"
        return f"({self.print(node.left)} {test} {self.print(node.right)})"

    def _in_list(self, node: bound.InList) -> str:
        test = "<> ALL" if node.is_negated else "= ANY"
        left = self._operand(node.left)
        if self._is_folded and all(isinstance(item, bound.Constant) for item in node.items):
            texts = [
                "NULL" if item.value is None else _array_element(self.constant_text(item.value, item.type))
                for item in node.items
                if isinstance(item, bound.Constant)
            ]
            element = self._type_name(node.items[0].sql_type)
            return f"({left} {test} ({_quoted('{' + ','.join(texts) + '}')}::{element}[]))"
        return f"({left} {test} ({self._array_of(node.items)}))"

    def _array_of(self, items: Sequence[bound.Expression]) -> str:
        """ARRAY[...]; items that are all cast alike are cast as one array."""
        casts = [item for item in items if isinstance(item, bound.CastExpression)]
        sources = {item.argument.sql_type for item in casts}
        if len(casts) == len(items) and len(sources) == 1:
            target = self._type_name(items[0].sql_type)
            return f"(ARRAY[{self.list([item.argument for item in casts])}])::{target}[]"
        return f"ARRAY[{self.list(items)}]"

    def _quantified(self, node: bound.QuantifiedArray) -> str:
        word = "ALL" if node.is_all else "ANY"
        return f"({self._operand(node.left)} {node.operator} {word} ({self.print(node.array)}))"

    def _case(self, node: bound.Case) -> str:
        branches = " ".join(f"WHEN {self.print(c)} THEN {self.print(r)}" for c, r in node.branches)
        default = f" ELSE {self.print(node.default)}" if node.default is not None else ""
        return f"CASE {branches}{default} END"

    def _variadic(self, node: bound.Variadic) -> str:
        return f"{node.kind.value}({self.list(node.arguments)})"

    def _array(self, node: bound.ArrayLiteral) -> str:
        return f"ARRAY[{self.list(node.items)}]"

    def _subscript(self, node: bound.Subscript) -> str:
        index = self.print(node.index) if node.index is not None else ""
        if node.is_slice:
            index += ":" + (self.print(node.upper) if node.upper is not None else "")
        return f"{self.print(node.array)}[{index}]"

    def _row(self, node: bound.RowLiteral) -> str:
        return f"ROW({self.list(node.items)})"

    def _field(self, node: bound.FieldSelect) -> str:
        return f"({self.print(node.argument)}).{quote_ident(node.name)}"

    def _row_comparison(self, node: bound.RowComparison) -> str:
        return f"({self.print(node.left)} {node.operator} {self.print(node.right)})"

    def _subquery(self, node: bound.Subquery) -> str:
        if node not in self.subqueries:
            self.subqueries.append(node)
        name = f"${self.subqueries.index(node)}"
        if node.left is None:
            return name
        word = "ANY" if node.kind is bound.SubqueryKind.ANY else "ALL"
        return f"({self.print(node.left)} {node.operator} {word} ({name}))"

    def _aggregate(self, node: bound.Aggregate) -> str:
        arguments = self.list(node.arguments) or "*"
        return f"{self._function_name(node.function)}({'DISTINCT ' if node.is_distinct else ''}{arguments})"

    def _other(self, node: bound.Expression) -> str:
        return type(node).__name__.upper()


_SYNTAX: dict[Function, Callable[[ExpressionPrinter, bound.Call], str]] = {
    ARRAY_ITEMS: ExpressionPrinter._array_items, ARRAY_STACK: ExpressionPrinter._array_stack,
    ARRAY_ITEM: ExpressionPrinter._array_item, ARRAY_SLICE: ExpressionPrinter._array_slice,
}  # fmt: skip
"""How the calls are written that stand for syntax."""


def _is_of_any_shape(value: Any) -> bool:
    return isinstance(value, ShapedArray) and not value.is_plain()


def lasting_type_name(sql_type: SqlType) -> str:
    """A type as definitions name it: with its schema where users made it, so that no search path changes its meaning."""
    sql_type = plain_type(sql_type)
    name = format_type(sql_type)
    if sql_type.domain_oid:
        return f"{quote_ident(DOMAINS[sql_type.domain_oid].schema)}.{name}"
    return f"{quote_ident(TYPES[sql_type.oid].schema)}.{name}" if sql_type.oid >= FIRST_USER_OID else name


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _array_element(text: str) -> str:
    needs_quotes = text == "" or text.upper() == "NULL" or any(c in '{},"\\ \t\n' for c in text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if needs_quotes else text


_PRINTERS: dict[type, Callable[[ExpressionPrinter, Any], str]] = {
    bound.Constant: ExpressionPrinter._constant, bound.Parameter: ExpressionPrinter._parameter,
    bound.ColumnRef: ExpressionPrinter._column, bound.OutputRef: ExpressionPrinter._output,
    bound.Call: ExpressionPrinter._call, bound.VariadicCall: ExpressionPrinter._variadic_call, bound.CastExpression: ExpressionPrinter._cast,
    bound.DomainCheck: ExpressionPrinter._domain_check,
    bound.BoolExpression: ExpressionPrinter._boolean, bound.Not: ExpressionPrinter._not,
    bound.IsNull: ExpressionPrinter._is_null, bound.IsTruth: ExpressionPrinter._is_truth,
    bound.IsDistinct: ExpressionPrinter._is_distinct, bound.InList: ExpressionPrinter._in_list,
    bound.QuantifiedArray: ExpressionPrinter._quantified, bound.Case: ExpressionPrinter._case,
    bound.Variadic: ExpressionPrinter._variadic, bound.ArrayLiteral: ExpressionPrinter._array,
    bound.Subscript: ExpressionPrinter._subscript, bound.RowLiteral: ExpressionPrinter._row,
    bound.FieldSelect: ExpressionPrinter._field, bound.RowComparison: ExpressionPrinter._row_comparison,
    bound.Subquery: ExpressionPrinter._subquery, bound.Aggregate: ExpressionPrinter._aggregate,
    bound.WindowCall: ExpressionPrinter._other, bound.Grouping: ExpressionPrinter._other,
    bound.Default: ExpressionPrinter._other,
}  # fmt: skip
