"""Binding of OVER clauses: named windows, partitions, order."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from foundation.errors import UndefinedObject
from planner.bound import Expression, SortKey, WindowFrame
from sqlfront.binder.coerce import settle
from sqlfront.binder.environment import Clause, Environment, bind_node
from sqlfront.binder.errors import WindowingError
from sqlfront.binder.sort_keys import make_sort_key
from sqlfront.binder.window_frames import bind_frame
from sqlfront.parser.nodes import position_of


@dataclass(frozen=True, slots=True)
class Window:
    """A window with its base window's parts merged in."""

    partition_by: tuple[Expression, ...]
    order_by: tuple[SortKey, ...]
    frame: WindowFrame | None


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
    frame = bind_frame(environment, node.args.get("spec"), keys)
    if base is None:
        return Window(partition, order, frame)
    name = str(node.args["alias"].this)
    position = position_of(node)
    if partition:
        raise WindowingError(f'cannot override PARTITION BY clause of window "{name}"', position=position)
    if order and base.order_by:
        raise WindowingError(f'cannot override ORDER BY clause of window "{name}"', position=position)
    if base.frame and not node.meta.get("is_reference"):
        raise WindowingError(f'cannot copy window "{name}" because it has a frame clause', position=position)
    return Window(base.partition_by, base.order_by or order, frame or base.frame)


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
