"""Where an expression is being bound, and the dispatch from syntax nodes to the functions that bind them.

`StatementState` lives for one statement and hands out relation ids. An `Environment` is one place in it: the
names in scope, the clause (which decides whether aggregates and the like are allowed) and what the query it
belongs to has turned out to contain. Binding functions register themselves with `binds`; modules that hold
them are imported by `sqlfront.binder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from sqlglot import exp

from foundation.errors import (
    FeatureNotSupported,
    StatementTooComplex,
)
from planner.bound import Expression, RelationColumn
from sqlfront.binder.context import BindContext
from sqlfront.binder.scope import Scope
from sqlfront.parser.nodes import position_of

NESTING_MAX = 400

QUERY_NODES = (exp.Query, exp.Values)
"""Syntax nodes that are queries; sqlglot does not count VALUES among them."""


class Clause(Enum):
    """Where an expression stands. The value completes "... are not allowed in "."""

    SELECT_LIST = "SELECT"
    WHERE = "WHERE"
    HAVING = "HAVING"
    FILTER = "FILTER"
    GROUP_BY = "GROUP BY"
    ORDER_BY = "ORDER BY"
    DISTINCT_ON = "DISTINCT ON"
    JOIN = "JOIN conditions"
    FROM_FUNCTION = "functions in FROM"
    WINDOW_PARTITION = "window PARTITION BY"
    WINDOW_ORDER = "window ORDER BY"
    WINDOW_ROWS = "window ROWS"
    WINDOW_RANGE = "window RANGE"
    WINDOW_GROUPS = "window GROUPS"
    LIMIT = "LIMIT"
    OFFSET = "OFFSET"
    VALUES = "VALUES"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    RETURNING = "RETURNING"
    MERGE_WHEN = "MERGE WHEN conditions"
    DEFAULT = "DEFAULT expressions"
    CHECK = "check constraints"
    GENERATED = "column generation expressions"
    TRANSFORM = "transform expressions"
    INDEX = "index expressions"
    PREDICATE = "index predicates"
    PARTITION_BOUND = "partition bound"
    EXECUTE = "EXECUTE parameters"


AGGREGATE_CLAUSES = frozenset((Clause.SELECT_LIST, Clause.HAVING, Clause.ORDER_BY, Clause.DISTINCT_ON,
                               Clause.WINDOW_PARTITION, Clause.WINDOW_ORDER))  # fmt: skip
WINDOW_DEFINITION_CLAUSES = frozenset((Clause.WINDOW_PARTITION, Clause.WINDOW_ORDER, Clause.WINDOW_ROWS,
                                       Clause.WINDOW_RANGE, Clause.WINDOW_GROUPS))  # fmt: skip
WINDOW_CLAUSES = frozenset((Clause.SELECT_LIST, Clause.ORDER_BY, Clause.DISTINCT_ON))
SET_FUNCTION_CLAUSES = frozenset((Clause.SELECT_LIST, Clause.ORDER_BY, Clause.DISTINCT_ON, Clause.GROUP_BY,
                                  Clause.FROM_FUNCTION))  # fmt: skip
KEPT_CLAUSES = frozenset((Clause.DEFAULT, Clause.CHECK, Clause.GENERATED, Clause.TRANSFORM, Clause.INDEX, Clause.PREDICATE,
                          Clause.PARTITION_BOUND, Clause.EXECUTE))  # fmt: skip
"""Clauses outside queries: no sub-queries there."""


@dataclass(slots=True)
class QueryFindings:
    """What a query turned out to contain, collected while its expressions are bound."""

    has_aggregates: bool = False
    has_windows: bool = False
    has_set_functions: bool = False
    named_windows: dict[str, exp.Expr] = field(default_factory=dict)


@dataclass(slots=True)
class StatementState:
    """Counters and names of one statement."""

    context: BindContext
    depth: int = 0
    top_with: exp.Expr | None = None
    """WITH of the statement itself, the only one that data changes may stand in."""
    alias_of: dict[int, str] = field(default_factory=dict)
    """What each relation is called, for messages."""
    marked_relations: set[int] = field(default_factory=set)
    """Relations that need a column telling whether a row is there: see `row_markers`."""
    _positions: dict[int, tuple[Expression, int]] = field(default_factory=dict)
    _last_relation_id: int = 0
    _last_cte_id: int = 0

    @contextmanager
    def kept_text(self) -> Iterator[None]:
        """Inside, the text of a definition is bound: see `BindContext.for_kept_text`."""
        before = self.context
        self.context = before.for_kept_text()
        try:
            yield
        finally:
            self.context = before

    def note_position(self, expression: Expression, position: int | None) -> None:
        """Remember where a bound node was written; bound trees do not carry positions."""
        if position is not None and id(expression) not in self._positions:
            # The node is kept with it, so that its identity is not given to another.
            self._positions[id(expression)] = (expression, position)

    def position_of(self, expression: Expression) -> int | None:
        """Where a bound node was written, None when that was not noted."""
        noted = self._positions.get(id(expression))
        return noted[1] if noted is not None else None

    def next_relation_id(self, alias: str) -> int:
        self._last_relation_id += 1
        self.alias_of[self._last_relation_id] = alias
        return self._last_relation_id

    def next_cte_id(self) -> int:
        self._last_cte_id += 1
        return self._last_cte_id


@dataclass(frozen=True, slots=True)
class VisibleCte:
    """A WITH item that FROM may name."""

    cte_id: int
    name: str
    columns: tuple[RelationColumn, ...]
    origins: tuple[tuple[int, int], ...] = ()
    """(table OID, attnum) of each column that is a table's."""
    has_rows: bool = True
    """Not so for a data change without RETURNING."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One place in a statement. `inside` says which aggregate-like construct encloses it, '' for none."""

    state: StatementState
    scope: Scope
    clause: Clause
    findings: QueryFindings
    inside: str = ""
    ctes: tuple[VisibleCte, ...] = ()

    @property
    def context(self) -> BindContext:
        return self.state.context

    def at(self, clause: Clause) -> Environment:
        return replace(self, clause=clause)

    def within(self, construct: str) -> Environment:
        return replace(self, inside=construct)


BindFunction = Callable[[Environment, exp.Expr], Expression]
_BINDERS: dict[type[exp.Expr], BindFunction] = {}
_F = TypeVar("_F", bound=Callable[..., Expression])


def binds(*node_types: type[exp.Expr]) -> Callable[[_F], _F]:
    """Register a function as the one that binds these syntax nodes."""

    def register(function: _F) -> _F:
        for node_type in node_types:
            _BINDERS[node_type] = function
        return function

    return register


def bind_node(environment: Environment, node: exp.Expr) -> Expression:
    """Bind an expression. Its type may still be UNKNOWN: an untyped literal or parameter.

    Raises:
        FeatureNotSupported: 0A000, naming a construct that nothing binds.
        StatementTooComplex: 54001, nested too deeply.
    """
    bind = _BINDERS.get(type(node))
    if bind is None:
        raise unsupported(node)
    state = environment.state
    state.depth += 1
    if state.depth > NESTING_MAX:
        raise too_deep()
    try:
        bound = bind(environment, node)
    except RecursionError:
        raise too_deep() from None
    finally:
        state.depth -= 1
    state.note_position(bound, place_of(node))
    return bound


def place_of(node: exp.Expr | None) -> int | None:
    """1-based position where an expression begins: of an operator's left operand, not of its token."""
    best = position_of(node)
    while isinstance(node, exp.Binary | exp.Cast | exp.Between | exp.In | exp.Is | exp.Bracket | exp.Paren):
        node = node.this
        position = position_of(node)
        if position is not None and (best is None or position < best):
            best = position
    return best


def too_deep() -> StatementTooComplex:
    """The 54001 error."""
    return StatementTooComplex(
        "stack depth limit exceeded", hint=f"Expressions may be nested {NESTING_MAX} levels deep."
    )


def unsupported(node: exp.Expr, what: str | None = None) -> FeatureNotSupported:
    """The 0A000 error for a construct."""
    name = what or str(node.key).upper()
    return FeatureNotSupported(f"{name} is not supported", position=position_of(node))
