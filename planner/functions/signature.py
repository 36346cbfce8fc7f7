"""What a function, operator or cast looks like to the binder: names and types, nothing about evaluation.

Type OIDs may be PostgreSQL's polymorphic pseudo-types; the binder resolves them per call. The model is
pg_proc, pg_operator and pg_cast (https://www.postgresql.org/docs/15/catalog-pg-proc.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ANY = 2276
ANYARRAY = 2277
ANYELEMENT = 2283
ANYNONARRAY = 2776
ANYENUM = 3500
ANYRANGE = 3831
ANYMULTIRANGE = 4537
ANYCOMPATIBLE = 5077
ANYCOMPATIBLEARRAY = 5078
ANYCOMPATIBLENONARRAY = 5079

POLYMORPHIC_TYPES = frozenset((
    ANYARRAY, ANYELEMENT, ANYNONARRAY, ANYENUM, ANYRANGE, ANYMULTIRANGE, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY,
    ANYCOMPATIBLENONARRAY,
))  # fmt: skip


class FunctionKind(Enum):
    SCALAR = "f"
    AGGREGATE = "a"
    WINDOW = "w"
    SET = "s"
    """Returns rows: allowed in FROM, and in a select list where PostgreSQL allows it."""


class Volatility(Enum):
    IMMUTABLE = "i"
    STABLE = "s"
    """Same answer within one statement: now(), current_user, current_setting()."""
    VOLATILE = "v"
    """Evaluated per row by us, never by DuckDB: random(), nextval(), gen_random_uuid()."""


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. `argument_types` are declared OIDs; with `is_variadic` the last one (an element type) repeats.

    A `Call` always carries every argument: the binder fills left-out ones from `default_sql`, so its length is
    that of `argument_types`, more for a variadic function.
    """

    name: str
    argument_types: tuple[int, ...]
    result_type: int
    kind: FunctionKind = FunctionKind.SCALAR
    volatility: Volatility = Volatility.IMMUTABLE
    is_strict: bool = True
    is_variadic: bool = False
    default_count: int = 0
    """How many trailing arguments may be left out."""
    result_columns: tuple[tuple[str, int], ...] = ()
    """Names and types of the columns of a function whose result is a row of several."""
    schema: str = "pg_catalog"
    argument_names: tuple[str, ...] = ()
    """Names for `f(name => value)`; () where the function cannot be called so."""
    default_sql: tuple[str, ...] = ()
    """SQL text of the defaults of the last `default_count` arguments."""
    is_ordered_set: bool = False
    """An aggregate called with WITHIN GROUP; its last arguments come from there."""
    oid: int = 0
    """PostgreSQL's pg_proc.oid."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One overload of an operator; `left_type` is 0 for a prefix operator. `function` names its function."""

    name: str
    left_type: int
    right_type: int
    result_type: int
    function: str
    schema: str = "pg_catalog"
    oid: int = 0
    """PostgreSQL's pg_operator.oid."""


class CastContext(Enum):
    IMPLICIT = "i"
    ASSIGNMENT = "a"
    EXPLICIT = "e"


class CastMethod(Enum):
    BINARY = "b"
    """Same bytes: a relabelling."""
    FUNCTION = "f"
    INPUT_OUTPUT = "i"
    """Through the text forms of both types."""


@dataclass(frozen=True, slots=True)
class Cast:
    """A row of pg_cast."""

    source_type: int
    target_type: int
    context: CastContext
    method: CastMethod = CastMethod.FUNCTION
