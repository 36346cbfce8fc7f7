"""Binding of OVER clauses: named windows, partitions, order, frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from foundation.errors import (
    FeatureNotSupported,
    UndefinedObject,
)
from foundation.sqltypes import (
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    SqlType,
)
from planner.bound import Constant, Expression, SortKey
from sqlfront.binder.coerce import coerce_to_count, settle
from sqlfront.binder.environment import Clause, Environment, bind_node, unsupported
from sqlfront.binder.errors import WindowingError
from sqlfront.binder.sort_keys import make_sort_key
from sqlfront.binder.type_rules import type_name
from sqlfront.parser.nodes import position_of
from sqlfront.types import encode_text

_INTEGERS = (INT2, INT4, INT8)


@dataclass(frozen=True, slots=True)
class Window:
    """A window with its base window's parts merged in."""

    partition_by: tuple[Expression, ...]
    order_by: tuple[SortKey, ...]
    frame_sql: str


def bind_window(environment: Environment, node: exp.Expr) -> Window:
    """OVER name, OVER (...) or a WINDOW item.

    Raises:
        UndefinedObject: 42704 `window "w" does not exist`.
        WindowingError: 42P20, a copied window overridden, a nonsensical frame.
    """
    base = _base_window(environment, node)
    partition = tuple(
        settle(environment.context, bind_node(environment.at(Clause.WINDOW_PARTITION).within("window"), item))
        for item in node.args.get("partition_by") or ()
    )
    order = _order(environment, node)
    keys = order or (base.order_by if base is not None else ())
    frame = frame_sql(environment, node.args.get("spec"), keys)
    if base is None:
        return Window(partition, order, frame)
    name = str(node.args["alias"].this)
    position = position_of(node)
    if partition:
        raise WindowingError(f'cannot override PARTITION BY clause of window "{name}"', position=position)
    if order and base.order_by:
        raise WindowingError(f'cannot override ORDER BY clause of window "{name}"', position=position)
    if base.frame_sql and not node.meta.get("is_reference"):
        raise WindowingError(f'cannot copy window "{name}" because it has a frame clause', position=position)
    return Window(base.partition_by, base.order_by or order, frame or base.frame_sql)


def _base_window(environment: Environment, node: exp.Expr) -> Window | None:
    alias = node.args.get("alias")
    if alias is None:
        return None
    definition = environment.findings.named_windows.get(str(alias.this))
    if definition is None:
        raise UndefinedObject(f'window "{alias.this}" does not exist', position=position_of(alias))
    return bind_window(environment, definition)


def _order(environment: Environment, node: exp.Expr) -> tuple[SortKey, ...]:
    order = node.args.get("order")
    if order is None:
        return ()
    inner = environment.at(Clause.WINDOW_ORDER).within("window")
    return tuple(
        make_sort_key(settle(environment.context, bind_node(inner, ordered.this)), ordered)
        for ordered in order.expressions
    )


def frame_sql(environment: Environment, spec: exp.Expr | None, keys: Sequence[SortKey]) -> str:
    """The frame clause's text, '' for none. Offsets must be literals.

    Args:
        keys: the window's ORDER BY; RANGE with an offset takes exactly one.

    Raises:
        WindowingError: 42P20, bounds in the wrong order, RANGE or GROUPS without its ORDER BY.
        DatatypeMismatch: 42804 `argument of ROWS must be type bigint, not type text`.
        FeatureNotSupported: 0A000, an offset that is no literal or does not fit the ORDER BY column.
    """
    if spec is None:
        return ""
    kind = str(spec.args["kind"])
    sorted_type = keys[0].expression.sql_type if len(keys) == 1 else None
    start = _bound(environment, spec, "start", sorted_type)
    end = _bound(environment, spec, "end", sorted_type) or "CURRENT ROW"
    _check_frame(spec, start, end)
    has_offset = any(isinstance(spec.args.get(which), exp.Expr) for which in ("start", "end"))
    if kind == "RANGE" and has_offset and len(keys) != 1:
        raise WindowingError(
            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            position=position_of(spec),
        )
    if kind == "GROUPS" and not keys:
        raise WindowingError("GROUPS mode requires an ORDER BY clause", position=position_of(spec))
    exclude = spec.args.get("exclude")
    text = f"{kind} BETWEEN {start} AND {end}"
    return f"{text} EXCLUDE {exclude}" if exclude and exclude != "NO OTHERS" else text


def _bound(environment: Environment, spec: exp.Expr, which: str, sorted_type: SqlType | None) -> str:
    value, side = spec.args.get(which), spec.args.get(f"{which}_side")
    if value is None:
        return ""
    if isinstance(value, str):
        return f"{value} {side}" if side else value
    return f"{_offset(environment, value, str(spec.args['kind']), sorted_type)} {side}"


def _offset(environment: Environment, node: exp.Expr, kind: str, sorted_type: SqlType | None) -> str:
    """An offset as SQL text: an integer for ROWS and GROUPS, a number or interval for RANGE."""
    bound = bind_node(environment.at(Clause.LIMIT), node)
    if kind != "RANGE":
        bound = coerce_to_count(environment.context, bound, kind, position_of(node))
    elif sorted_type in _INTEGERS and bound.sql_type not in _INTEGERS:
        raise FeatureNotSupported(
            f"RANGE with offset PRECEDING/FOLLOWING is not supported for column type {type_name(sorted_type)} "
            f"and offset type {type_name(bound.sql_type)}",
            hint="Cast the offset value to an appropriate type.",
            position=position_of(node),
        )
    if not isinstance(bound, Constant) or bound.value is None:
        raise unsupported(node, "a window frame offset that is no literal")
    if bound.sql_type == INTERVAL:
        text = encode_text(INTERVAL, bound.value, environment.context.settings)
        return f"INTERVAL '{text}'"
    if bound.sql_type in (*_INTEGERS, NUMERIC, FLOAT8):
        return str(bound.value)
    raise unsupported(node, "a window frame offset of this type")


def _check_frame(spec: exp.Expr, start: str, end: str) -> None:
    position = position_of(spec)
    if start == "UNBOUNDED FOLLOWING":
        raise WindowingError("frame start cannot be UNBOUNDED FOLLOWING", position=position)
    if end == "UNBOUNDED PRECEDING":
        raise WindowingError("frame end cannot be UNBOUNDED PRECEDING", position=position)
    if start == "CURRENT ROW" and end.endswith("PRECEDING"):
        raise WindowingError("frame starting from current row cannot have preceding rows", position=position)
    if start.endswith("FOLLOWING") and (end == "CURRENT ROW" or end.endswith("PRECEDING")):
        raise WindowingError(
            "frame starting from following row cannot have preceding rows", position=position
        )
