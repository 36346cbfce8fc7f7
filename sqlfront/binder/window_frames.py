"""Binding of window frames: where they begin and end, and the type of an offset.

Source: transformFrameOffset() of parse_clause.c; the offsets that RANGE takes are PostgreSQL's in_range functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from foundation.enum_types import is_enum
from foundation.errors import FeatureNotSupported
from foundation.sqltypes import (
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UNKNOWN,
    VARCHAR,
    SqlType,
)
from planner.bound import (
    ColumnRef,
    Expression,
    FrameBound,
    FrameEdge,
    FrameMode,
    SortKey,
    WindowFrame,
    walk,
)
from sqlfront.binder.coerce import coerce, coerce_to_count
from sqlfront.binder.environment import Clause, Environment, bind_node, place_of
from sqlfront.binder.errors import InvalidColumnReference, WindowingError
from sqlfront.binder.type_rules import can_convert, element_oid, type_name
from sqlfront.parser.nodes import position_of

_CLAUSES = {
    FrameMode.ROWS: Clause.WINDOW_ROWS,
    FrameMode.RANGE: Clause.WINDOW_RANGE,
    FrameMode.GROUPS: Clause.WINDOW_GROUPS,
}
_RANGE_OFFSETS: dict[int, tuple[SqlType, ...]] = {
    INT2.oid: (INT8, INT4, INT2),
    INT4.oid: (INT8, INT4, INT2),
    INT8.oid: (INT8,),
    FLOAT4.oid: (FLOAT8,),
    FLOAT8.oid: (FLOAT8,),
    NUMERIC.oid: (NUMERIC,),
    **{sql_type.oid: (INTERVAL,) for sql_type in (DATE, TIME, TIMETZ, TIMESTAMP, TIMESTAMPTZ, INTERVAL)},
}
"""Sort key -> types of offset that can be added to it."""


def bind_frame(
    environment: Environment, spec: exp.Expr | None, keys: Sequence[SortKey]
) -> WindowFrame | None:
    """The frame clause, None for none.

    Args:
        keys: the window's ORDER BY; RANGE with an offset takes exactly one.

    Raises:
        WindowingError: 42P20, bounds in the wrong order, RANGE or GROUPS without its ORDER BY.
        DatatypeMismatch: 42804 `argument of ROWS must be type bigint, not type text`.
        InvalidColumnReference: 42P10 `argument of ROWS must not contain variables`.
        FeatureNotSupported: 0A000, an offset that cannot be added to the ORDER BY column.
    """
    if spec is None:
        return None
    mode = FrameMode(str(spec.args["kind"]))
    edges = _edges(spec)
    has_offset = any(edge in (FrameEdge.PRECEDING, FrameEdge.FOLLOWING) for edge in edges)
    if mode is FrameMode.RANGE and has_offset and len(keys) != 1:
        raise WindowingError(
            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            position=position_of(spec),
        )
    if mode is FrameMode.GROUPS and not keys:
        raise WindowingError("GROUPS mode requires an ORDER BY clause", position=position_of(spec))
    start, end = (
        FrameBound(edge, _offset(environment, spec.args.get(which), mode, keys))
        for which, edge in zip(("start", "end"), edges, strict=True)
    )
    exclusion = spec.args.get("exclude") or ""
    return WindowFrame(mode, start, end, exclusion, is_between=spec.args.get("end") is not None)


def _edges(spec: exp.Expr) -> tuple[FrameEdge, FrameEdge]:
    """Where the frame begins and ends. Raises 42P20 when it would end before it begins."""
    start, end = (_edge(spec, which) for which in ("start", "end"))
    complaint = ""
    if start is FrameEdge.UNBOUNDED_FOLLOWING:
        complaint = "frame start cannot be UNBOUNDED FOLLOWING"
    elif end is FrameEdge.UNBOUNDED_PRECEDING:
        complaint = "frame end cannot be UNBOUNDED PRECEDING"
    elif start is FrameEdge.CURRENT_ROW and end is FrameEdge.PRECEDING:
        complaint = "frame starting from current row cannot have preceding rows"
    elif start is FrameEdge.FOLLOWING and end in (FrameEdge.CURRENT_ROW, FrameEdge.PRECEDING):
        is_between = spec.args.get("end") is not None
        complaint = "frame starting from following row cannot " + (
            "have preceding rows" if is_between else "end with current row"
        )
    if complaint:
        raise WindowingError(complaint, position=position_of(spec))
    return start, end


def _edge(spec: exp.Expr, which: str) -> FrameEdge:
    value, side = spec.args.get(which), spec.args.get(f"{which}_side")
    if value is None or side is None:
        return FrameEdge.CURRENT_ROW
    return FrameEdge(f"{value} {side}" if isinstance(value, str) else side)


def _offset(
    environment: Environment, node: exp.Expr | str | None, mode: FrameMode, keys: Sequence[SortKey]
) -> Expression | None:
    if not isinstance(node, exp.Expr):
        return None
    bound = bind_node(environment.at(_CLAUSES[mode]), node)
    if mode is FrameMode.RANGE:
        wanted = _range_offset_type(keys[0].expression.sql_type, bound.sql_type, place_of(node))
        bound = coerce(environment.context, bound, wanted, position=place_of(node))
    else:
        bound = coerce_to_count(environment.context, bound, mode.value, place_of(node))
    own = environment.scope.relation_ids()
    if any(isinstance(part, ColumnRef) and part.relation_id in own for part in walk(bound)):
        raise InvalidColumnReference(
            f"argument of {mode.value} must not contain variables", position=place_of(node)
        )
    return bound


def _range_offset_type(key: SqlType, offset: SqlType, position: int | None) -> SqlType:
    """What an offset is converted to: its own type, or the key's for a literal, or the only one possible."""
    possible = _RANGE_OFFSETS.get(key.oid, ())
    what = "RANGE with offset PRECEDING/FOLLOWING"
    if not possible:
        name = _ordered_name(key)
        raise FeatureNotSupported(f"{what} is not supported for column type {name}", position=position)
    matching = [candidate for candidate in possible if can_convert(offset.oid, candidate.oid)]
    if not matching:
        raise FeatureNotSupported(
            f"{what} is not supported for column type {type_name(key)} and offset type {type_name(offset)}",
            hint="Cast the offset value to an appropriate type.",
            position=position,
        )
    preferred = key.oid if offset == UNKNOWN else offset.oid
    for candidate in matching:
        if len(matching) == 1 or candidate.oid == preferred:
            return candidate
    raise FeatureNotSupported(
        f"{what} has multiple interpretations for column type {type_name(key)} "
        f"and offset type {type_name(offset)}",
        hint="Cast the offset value to the exact intended type.",
        position=position,
    )


def _ordered_name(key: SqlType) -> str:
    """The type that the key's operator class is declared for."""
    if is_enum(key.oid):
        return "anyenum"
    if element_oid(key.oid):
        return "anyarray"
    return type_name(TEXT if key.oid == VARCHAR.oid else key)
