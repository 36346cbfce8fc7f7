"""Binding of OVER clauses: named windows, partitions, order, frames."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from foundation.errors import UndefinedObject
from planner.bound import Expression, SortKey
from sqlfront.binder.coerce import settle
from sqlfront.binder.environment import Clause, Environment, bind_node, unsupported
from sqlfront.binder.errors import WindowingError
from sqlfront.parser.nodes import position_of


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
    frame = frame_sql(node.args.get("spec"))
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
    from sqlfront.binder.functions import make_sort_key

    order = node.args.get("order")
    if order is None:
        return ()
    inner = environment.at(Clause.WINDOW_ORDER).within("window")
    return tuple(
        make_sort_key(settle(environment.context, bind_node(inner, ordered.this)), ordered)
        for ordered in order.expressions
    )


def frame_sql(spec: exp.Expr | None) -> str:
    """The frame clause's text, '' for none. Offsets must be literals."""
    if spec is None:
        return ""
    start = _bound(spec, "start")
    end = _bound(spec, "end") or "CURRENT ROW"
    _check_frame(spec, start, end)
    exclude = spec.args.get("exclude")
    text = f"{spec.args['kind']} BETWEEN {start} AND {end}"
    return f"{text} EXCLUDE {exclude}" if exclude and exclude != "NO OTHERS" else text


def _bound(spec: exp.Expr, which: str) -> str:
    value, side = spec.args.get(which), spec.args.get(f"{which}_side")
    if value is None:
        return ""
    if isinstance(value, str):
        return f"{value} {side}" if side else value
    if isinstance(value, exp.Literal):
        text = f"'{value.this}'" if value.args["is_string"] else str(value.this)
        return f"{text} {side}"
    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal):
        return f"INTERVAL '{value.this.this}' {side}"
    raise unsupported(value, "a window frame offset that is no literal")


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
