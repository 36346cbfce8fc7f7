"""What stands in brackets behind an array: subscripts and the bounds of slices, as int4."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from foundation.errors import DatatypeMismatch
from foundation.sqltypes import INT4, UNKNOWN
from planner.bound import Constant, Expression
from planner.functions.signature import CastContext
from sqlfront.binder.coerce import coerce
from sqlfront.binder.environment import Environment, bind_node
from sqlfront.binder.type_rules import conversion
from sqlfront.parser.nodes import position_of


def subscript(environment: Environment, node: exp.Expr) -> Expression:
    """One subscript. Raises DatatypeMismatch (42804), it is no integer."""
    index = bind_node(environment, node)
    source = index.sql_type
    if source != UNKNOWN and conversion(source.oid, INT4.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch("array subscript must have type integer", position=position_of(node))
    return coerce(environment.context, index, INT4, how=CastContext.ASSIGNMENT, position=position_of(node))


def array_slice(environment: Environment, indexes: Sequence[exp.Expr]) -> tuple[str, list[Expression]]:
    """Which bounds of a slice are given, two letters a dimension (`lu-u`), and those that are.

    One slice among several subscripts makes slices of all: `[2]` means `[1:2]` then.
    """
    given = ""
    bounds: list[Expression] = []
    for index in indexes:
        is_slice = isinstance(index, exp.Slice)
        lower, upper = (index.this, index.args.get("expression")) if is_slice else (None, index)
        given += ("l" if lower is not None or not is_slice else "-") + ("u" if upper is not None else "-")
        if not is_slice:
            bounds.append(Constant(1, INT4))
        bounds += [subscript(environment, bound) for bound in (lower, upper) if bound is not None]
    return given, bounds
