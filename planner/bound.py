"""The bound tree: a statement with every name resolved and every node typed. The planner's input language.

`sqlfront.binder` builds it, planner rules rewrite it, nothing mutates it: all nodes are frozen dataclasses and
compare by value. Every expression has `type`, a PostgreSQL type (OID, typmod).

Names are gone: a column is (relation id, position). Relation ids are unique in the whole statement, so a
reference to an outer query is simply one whose relation is not in the query's own FROM. Output columns of a
query are its targets that are not hidden, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, TypeAlias

from foundation.shaped_arrays import ShapedArray
from foundation.sqltypes import BOOL, SqlType
from planner.bound_checks import VALUE_RELATION as VALUE_RELATION
from planner.bound_checks import BoundCheck as BoundCheck
from planner.bound_checks import BoundDomain as BoundDomain
from planner.functions.signature import Function
from storage.lock_modes import RowStrength
from storage.locks import WaitPolicy

# ---------------------------------------------------------------------------------------------------------
# Expressions


@dataclass(frozen=True, slots=True)
class Expression:
    """Base of all expressions; each subclass has a `type` field or property."""

    @property
    def sql_type(self) -> SqlType:
        return self.type  # type: ignore[attr-defined, no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Expression):
    """A literal. `value` is the Python value of the type (None = NULL; vectors are 1-D float arrays).

    Compares by type and by value, arrays element-wise.
    """

    value: Any
    type: SqlType

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        value = self.value
        if hasattr(value, "tobytes"):
            value = value.tobytes()
        elif isinstance(value, list | ShapedArray):
            value = repr(value)
        return (self.type, type(self.value).__name__, value)


@dataclass(frozen=True, slots=True, eq=False)
class QueryResult(Expression):
    """What a sub-query that has run returned, as an array; the planner makes it. Compares by identity.

    `values` is an (n,) Arrow column of the array's element type.
    """

    values: Any
    type: SqlType


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """$1 is index 0; its value comes with the execution."""

    index: int
    type: SqlType


@dataclass(frozen=True, slots=True)
class ColumnRef(Expression):
    """A column of a relation in this query's FROM or of an outer one's. `name` is for messages and EXPLAIN."""

    relation_id: int
    position: int
    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class OutputRef(Expression):
    """The query's own output column at `position`; only in ORDER BY and DISTINCT ON."""

    position: int
    type: SqlType


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function or operator applied to arguments, already cast to the types the overload declares.

    `operator` is the operator's name when it was written as one (`=`, `<->`, `~~` for LIKE, `||`).
    """

    function: Function
    arguments: tuple[Expression, ...]
    type: SqlType
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class VariadicCall(Call):
    """f(a, VARIADIC array): the last argument is an array of the arguments that a variadic function repeats."""


@dataclass(frozen=True, slots=True)
class CastExpression(Expression):
    """A change of type or typmod. `is_explicit` decides PostgreSQL's length rules (`::varchar(3)` truncates)."""

    argument: Expression
    type: SqlType
    is_explicit: bool = False


@dataclass(frozen=True, slots=True)
class DomainCheck(Expression):
    """A value of the type below a domain as one of the domain, or an error: 23502, 23514."""

    argument: Expression
    type: SqlType
    domain: BoundDomain


class BoolOperator(Enum):
    AND = "AND"
    OR = "OR"


@dataclass(frozen=True, slots=True)
class BoolExpression(Expression):
    """Two or more arguments; three-valued."""

    operator: BoolOperator
    arguments: tuple[Expression, ...]
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class Not(Expression):
    argument: Expression
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    argument: Expression
    is_negated: bool = False
    type: SqlType = BOOL


class TruthTest(Enum):
    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class IsTruth(Expression):
    """IS [NOT] TRUE / FALSE / UNKNOWN; never NULL."""

    argument: Expression
    test: TruthTest
    is_negated: bool = False
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class IsDistinct(Expression):
    """IS [NOT] DISTINCT FROM; `equality` is the = overload."""

    left: Expression
    right: Expression
    equality: Function
    is_negated: bool = False
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class InList(Expression):
    """left [NOT] IN (items): all items have left's type."""

    left: Expression
    items: tuple[Expression, ...]
    is_negated: bool = False
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class QuantifiedArray(Expression):
    """left op ANY (array) or ALL; `operator` is a comparison or pattern operator whose overload is `function`."""

    left: Expression
    operator: str
    function: Function
    array: Expression
    is_all: bool = False
    type: SqlType = BOOL


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """Searched CASE; a simple one has been expanded into comparisons."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None
    type: SqlType
    is_simple: bool = field(default=False, compare=False)
    """How it was written: the conditions compare one operand by `=`."""


class VariadicKind(Enum):
    COALESCE = "COALESCE"
    GREATEST = "GREATEST"
    LEAST = "LEAST"
    NULLIF = "NULLIF"


@dataclass(frozen=True, slots=True)
class Variadic(Expression):
    """COALESCE, GREATEST, LEAST, NULLIF: grammar, not functions; arguments share `type` (NULLIF: the first's)."""

    kind: VariadicKind
    arguments: tuple[Expression, ...]
    type: SqlType


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Expression):
    """ARRAY[...]; `type` is the array type."""

    items: tuple[Expression, ...]
    type: SqlType


@dataclass(frozen=True, slots=True)
class Subscript(Expression):
    """array[index], or array[lower:upper] with `is_slice`; 1-based."""

    array: Expression
    index: Expression | None
    type: SqlType
    upper: Expression | None = None
    is_slice: bool = False


@dataclass(frozen=True, slots=True)
class RowLiteral(Expression):
    """ROW(...), a bare (a, b) list, or a whole row of FROM; `foundation.row_types` knows the fields of its type."""

    items: tuple[Expression, ...]
    type: SqlType


@dataclass(frozen=True, slots=True)
class FieldSelect(Expression):
    """(row).field: the field at `position` of a value of a row type; NULL of NULL."""

    argument: Expression
    position: int
    type: SqlType
    name: str


@dataclass(frozen=True, slots=True)
class RowComparison(Expression):
    """Two values of row types compared field by field as a btree does: NULLs are equal, and larger than all else.

    `operator` is one of =, <>, <, <=, >, >=. The shapes are alike; NULL when either row is.
    """

    operator: str
    left: Expression
    right: Expression
    type: SqlType = BOOL


class SubqueryKind(Enum):
    SCALAR = "scalar"
    EXISTS = "exists"
    ARRAY = "array"
    ANY = "any"
    """left op ANY (subquery); IN is ANY with '='."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Subquery(Expression):
    """A sub-query in an expression. `left`, `operator`, `function` are set for ANY and ALL (NOT IN = Not(ANY))."""

    kind: SubqueryKind
    query: Query
    type: SqlType
    left: Expression | None = None
    operator: str | None = None
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class SortKey:
    """One ORDER BY item. `nulls_first` is resolved: PostgreSQL's default is last for ASC, first for DESC."""

    expression: Expression
    is_descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate(Expression):
    """An aggregate call. count(*) has no arguments."""

    function: Function
    arguments: tuple[Expression, ...]
    type: SqlType
    is_distinct: bool = False
    order_by: tuple[SortKey, ...] = ()
    filter: Expression | None = None
    within_group: tuple[SortKey, ...] = ()


class FrameMode(Enum):
    ROWS = "ROWS"
    RANGE = "RANGE"
    GROUPS = "GROUPS"


class FrameEdge(Enum):
    """Where a window frame begins or ends, from first to last."""

    UNBOUNDED_PRECEDING = "UNBOUNDED PRECEDING"
    PRECEDING = "PRECEDING"
    CURRENT_ROW = "CURRENT ROW"
    FOLLOWING = "FOLLOWING"
    UNBOUNDED_FOLLOWING = "UNBOUNDED FOLLOWING"


@dataclass(frozen=True, slots=True)
class FrameBound:
    """`offset` belongs to PRECEDING and FOLLOWING: int8 for ROWS and GROUPS, what is added to the sort key for RANGE.

    It reads no column of its own query.
    """

    edge: FrameEdge
    offset: Expression | None = None


@dataclass(frozen=True, slots=True)
class WindowFrame:
    """`exclusion` is CURRENT ROW, GROUP, TIES or '' for none."""

    mode: FrameMode
    start: FrameBound
    end: FrameBound
    exclusion: str = ""
    is_between: bool = field(default=True, compare=False)
    """How it was written: with BETWEEN."""


@dataclass(frozen=True, slots=True)
class WindowCall(Expression):
    """A window function or an aggregate with OVER. `frame` None is PostgreSQL's default."""

    function: Function
    arguments: tuple[Expression, ...]
    type: SqlType
    partition_by: tuple[Expression, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    frame: WindowFrame | None = None
    filter: Expression | None = None


@dataclass(frozen=True, slots=True)
class Grouping(Expression):
    """GROUPING(a, b)."""

    arguments: tuple[Expression, ...]
    type: SqlType


@dataclass(frozen=True, slots=True)
class Default(Expression):
    """DEFAULT in VALUES or SET; the binder replaces it by the column's bound default, so rules never see it."""

    type: SqlType


# ---------------------------------------------------------------------------------------------------------
# Relations: what may stand in FROM


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column a relation offers. `attnum` is 0 unless it is a table's; system columns have PostgreSQL's negative
    attnums (ctid -1, xmin -2, tableoid -6), come after the others and are not part of `*`.
    """

    name: str
    type: SqlType
    attnum: int = 0


@dataclass(frozen=True, slots=True)
class TableScan:
    """A stored table. With `reads_partitions` it is partitioned and its rows are those of its partitions."""

    relation_id: int
    table_oid: int
    alias: str
    columns: tuple[RelationColumn, ...]
    reads_partitions: bool = False
    is_only: bool = field(default=False, compare=False)
    """How it was written: with ONLY."""


@dataclass(frozen=True, slots=True)
class VirtualScan:
    """A relation whose rows are computed: pg_catalog, information_schema, quiver_index_status.

    It has no system columns: its tableoid is a constant.
    """

    relation_id: int
    schema: str
    name: str
    alias: str
    columns: tuple[RelationColumn, ...]
    relation_oid: int = 0


@dataclass(frozen=True, slots=True)
class FunctionScan:
    """Function calls in FROM, side by side as ROWS FROM does; may refer to earlier FROM items (lateral).

    The columns of the calls stand side by side, WITH ORDINALITY's last. A call that is no set-returning function
    gives one row.
    """

    relation_id: int
    calls: tuple[Expression, ...]
    alias: str
    columns: tuple[RelationColumn, ...]
    with_ordinality: bool = False


@dataclass(frozen=True, slots=True)
class SubqueryScan:
    relation_id: int
    query: Query
    alias: str
    columns: tuple[RelationColumn, ...]
    is_lateral: bool = False
    view_oid: int = 0
    """The view whose query this is."""


@dataclass(frozen=True, slots=True)
class CteScan:
    """A use of a WITH item."""

    relation_id: int
    cte_id: int
    alias: str
    columns: tuple[RelationColumn, ...]


class JoinKind(Enum):
    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"
    CROSS = "CROSS"


@dataclass(frozen=True, slots=True)
class Join:
    """USING and NATURAL have become conditions; a merged column is a COALESCE or the surviving side's column."""

    kind: JoinKind
    left: Relation
    right: Relation
    condition: Expression | None = None
    using: tuple[str, ...] = field(default=(), compare=False)
    """How it was written: the columns of USING or NATURAL."""
    is_comma: bool = field(default=False, compare=False)
    """How it was written: as two items of the comma list."""


Relation: TypeAlias = TableScan | VirtualScan | FunctionScan | SubqueryScan | CteScan | Join


# ---------------------------------------------------------------------------------------------------------
# Queries


@dataclass(frozen=True, slots=True)
class Target:
    """An item of the select list. `table_oid` and `attnum` say where a plain column comes from."""

    expression: Expression
    name: str
    table_oid: int = 0
    attnum: int = 0


@dataclass(frozen=True, slots=True)
class Cte:
    """A WITH item. A recursive one's query is a SetOperation whose right side scans `cte_id`.

    At the top of a statement it may be a data change, whose rows are those of RETURNING; `query` is then one of the same
    columns that returns nothing.
    """

    cte_id: int
    name: str
    query: Query
    columns: tuple[RelationColumn, ...]
    is_recursive: bool = False
    is_materialized: bool | None = None
    change: Insert | Update | Delete | None = None


@dataclass(frozen=True, slots=True)
class GroupingSet:
    """One set of GROUPING SETS; plain GROUP BY is a single set."""

    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class RowLock:
    """FOR UPDATE and its like: rows of one table in FROM that are locked when they are returned."""

    relation_id: int
    table_oid: int
    strength: RowStrength
    policy: WaitPolicy
    row_id: ColumnRef | None = None
    """The column of FROM that has the rows' ids, as int8 and NULL for rows of other tables; None: FROM has the table itself."""


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT. `distinct_on` is () for none and for plain DISTINCT (`is_distinct`)."""

    targets: tuple[Target, ...]
    from_: Relation | None = None
    where: Expression | None = None
    group_by: tuple[GroupingSet, ...] = ()
    having: Expression | None = None
    is_distinct: bool = False
    distinct_on: tuple[Expression, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    ctes: tuple[Cte, ...] = ()
    locks: tuple[RowLock, ...] = ()


class SetOperator(Enum):
    UNION = "UNION"
    INTERSECT = "INTERSECT"
    EXCEPT = "EXCEPT"


@dataclass(frozen=True, slots=True)
class SetOperation:
    """Both sides have been cast to the common column types. ORDER BY keys are OutputRefs."""

    operator: SetOperator
    is_all: bool
    left: Query
    right: Query
    order_by: tuple[SortKey, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    ctes: tuple[Cte, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """VALUES rows, cast to common types; columns are named column1, column2, ... unless renamed outside."""

    rows: tuple[tuple[Expression, ...], ...]
    columns: tuple[RelationColumn, ...]
    order_by: tuple[SortKey, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    ctes: tuple[Cte, ...] = ()


Query: TypeAlias = Select | SetOperation | Values


# ---------------------------------------------------------------------------------------------------------
# Data changes


@dataclass(frozen=True, slots=True)
class BoundIndexKey:
    """The expression of an index key, which must have a value for every row for which `predicate` (None = always) holds."""

    expression: Expression
    predicate: Expression | None = None


@dataclass(frozen=True, slots=True)
class TableRules:
    """What every new row of a table gets and must satisfy: domains, stored generated columns, CHECKs, index expressions.

    Expressions refer to the table's columns as (relation_id, position in `columns`). `generated` is in an order in
    which each can be computed; `checks` are in name order, as PostgreSQL tries them.
    """

    relation_id: int
    columns: tuple[RelationColumn, ...]
    generated: tuple[tuple[int, Expression], ...] = ()
    checks: tuple[BoundCheck, ...] = ()
    index_keys: tuple[BoundIndexKey, ...] = ()
    domains: tuple[tuple[int, BoundDomain], ...] = ()
    """(attnum, domain) of the columns whose domain has rules."""
    of_views: TableRules | None = None
    """Checks WITH CHECK OPTION of the views that a row is written through, named by them, in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class OnConflict:
    """ON CONFLICT. `index_oids` are the arbiters; empty with DO NOTHING = every unique index.

    `assignments` is None for DO NOTHING. Its expressions and `where` refer to the existing row by the statement's
    `relation_id` and to EXCLUDED by `excluded_id`, both with the table's columns.
    """

    index_oids: tuple[int, ...]
    excluded_id: int
    assignments: tuple[tuple[int, Expression], ...] | None = None
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT. `source` yields one column per entry of `attnums`, already cast to the column types (assignment).

    `defaults` gives the bound default of every other column that has one (identity: a nextval call). A DEFAULT
    inside VALUES has been replaced by that expression. DEFAULT VALUES is a source of one row without columns.
    `relation_id` is what RETURNING refers to; its columns are the table's as in TableScan.
    """

    table_oid: int
    relation_id: int
    columns: tuple[RelationColumn, ...]
    attnums: tuple[int, ...]
    source: Query
    defaults: tuple[tuple[int, Expression], ...] = ()
    returning: tuple[Target, ...] = ()
    ctes: tuple[Cte, ...] = ()
    rules: TableRules | None = None
    on_conflict: OnConflict | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE of `target`; `assignments` are (attnum, expression cast to the column's type) over target and FROM."""

    target: TableScan
    assignments: tuple[tuple[int, Expression], ...]
    from_: Relation | None = None
    where: Expression | None = None
    returning: tuple[Target, ...] = ()
    ctes: tuple[Cte, ...] = ()
    rules: TableRules | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE from `target`; `using` is the USING list."""

    target: TableScan
    using: Relation | None = None
    where: Expression | None = None
    returning: tuple[Target, ...] = ()
    ctes: tuple[Cte, ...] = ()


class MergeAction(Enum):
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    NOTHING = "DO NOTHING"


@dataclass(frozen=True, slots=True)
class MergeClause:
    """WHEN [NOT] MATCHED [AND condition] THEN action.

    `values` are (attnum, expression cast to the column's type): the assignments of UPDATE, or the row of INSERT with the
    defaults of the columns it leaves out. NOT MATCHED refers to the source only.
    """

    is_matched: bool
    action: MergeAction
    condition: Expression | None = None
    values: tuple[tuple[int, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Merge:
    """MERGE of `source` into `target`: each pair that `on` holds for, and each source row without one, takes the first
    clause of its kind whose condition is TRUE.
    """

    target: TableScan
    source: Relation
    on: Expression
    clauses: tuple[MergeClause, ...]
    ctes: tuple[Cte, ...] = ()
    rules: TableRules | None = None


BoundStatement: TypeAlias = Select | SetOperation | Values | Insert | Update | Delete | Merge


# ---------------------------------------------------------------------------------------------------------
# Walking


def output_columns(query: Query) -> tuple[RelationColumn, ...]:
    """Names and types of what a query returns."""
    if isinstance(query, Select):
        return tuple(RelationColumn(t.name, t.expression.sql_type, 0) for t in query.targets)
    if isinstance(query, Values):
        return query.columns
    return output_columns(query.left)


_LEAVES = (Constant, QueryResult, Parameter, ColumnRef, OutputRef)


class _NodeClasses(dict[type, bool]):
    def __missing__(self, cls: type) -> bool:
        found = self[cls] = is_dataclass(cls) and not issubclass(cls, SqlType | Function | BoundDomain)
        return found


class _FieldNames(dict[type, tuple[str, ...]]):
    def __missing__(self, cls: type) -> tuple[str, ...]:
        found = self[cls] = () if issubclass(cls, _LEAVES) else tuple(spec.name for spec in fields(cls))  # type: ignore[arg-type]
        return found


IS_NODE = _NodeClasses()
"""Whether objects of a class are nodes of a bound tree."""
FIELD_NAMES = _FieldNames()
"""The fields of a node's class, in order; none of a class without children, as most nodes of a long IN list are."""


def child_nodes(node: Any) -> list[Any]:
    """Direct bound-tree children of a node (dataclass fields, through tuples), in field order."""
    found: list[Any] = []
    for name in FIELD_NAMES[type(node)]:
        value = getattr(node, name)
        if type(value) is tuple:
            _collect(value, found)
        elif IS_NODE[type(value)]:
            found.append(value)
    return found


def _collect(values: tuple[Any, ...], found: list[Any]) -> None:
    for value in values:
        if type(value) is tuple:
            _collect(value, found)
        elif IS_NODE[type(value)]:
            found.append(value)


def walk(node: Any) -> Iterator[Any]:
    """The node and all nodes below it, sub-queries included, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += reversed(child_nodes(current))
