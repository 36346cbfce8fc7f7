"""The syntax tree of queries and expressions: which sqlglot nodes the parser builds, and the few of our own.

Names are already folded and cut to 63 bytes: `Identifier.this` is the name to look up. `meta["start"]` and
`meta["end"]` of a node are 0-based character offsets of its token in the script (end inclusive); an error
position is `start + 1`. Set on Identifier, Column, Anonymous, Literal, Parameter, DataType, Table, Cast,
every operator node and every node of this module; `position_of` finds the nearest.

Expressions
  constant        Literal (string / number), Boolean, Null, BitString, HexString; `E''`, `U&''`, `$$` are Literals
  $1              Parameter(this=Literal number)
  column          Column(this, table, db, catalog); `t.*` is Column(this=Star, table); `*` is Star
  (x).f           Dot(this, expression=Identifier | Star)
  x[1], x[1:2]    Bracket(this, expressions=[expr | Slice(this, expression)]) with PostgreSQL's own subscripts
  f(...)          Anonymous(this=name, expressions); with a schema Dot(this=Identifier, expression=Anonymous).
                  DISTINCT is Distinct(expressions) as the only argument; ORDER BY
                  wraps the last argument (or the Distinct) in Order(this, expressions=[Ordered]); `*` is Star;
                  a => 1 is Kwarg(this=Identifier, expression); VARIADIC is Variadic(this).
                  Around it: WithinGroup(this, expression=Order), Filter(this, expression=Where),
                  Window(this, partition_by, order, spec=WindowSpec, alias=name of a window).
                  EXTRACT, POSITION, SUBSTRING, TRIM, OVERLAY, NORMALIZE in SQL's own syntax become plain calls of
                  extract('f', x), position(string, part), substring, btrim / ltrim / rtrim, overlay
                  (argument order of the functions), with meta["sql_syntax"] set for printing.
  COALESCE ...    Coalesce(this, expressions), Greatest, Least alike; Nullif(this, expression)
  current_date    ValueFunction(this="current_date", expression=precision or None); also current_time,
                  current_timestamp, localtime, localtimestamp, current_role, current_user, user,
                  session_user, current_catalog, current_schema
  x::t, CAST      Cast(this, to=DataType); `date '...'`, `interval '...'` and `vector '[...]'` too
  type            DataType whose `type_name` is a TypeName (`type_name_of`)
  + - * / % ^     Add, Sub, Mul, Div, Mod, Pow;  unary minus Neg (of a number: a negative Literal)
  = <> < ...      EQ, NEQ, LT, LTE, GT, GTE;  ||  DPipe
  other operators InfixOperator(this, expression, operator="<->", schema=None); PrefixOperator(this, operator)
                  (`->`, `@>`, `~`, `&`, `<<`, `@`, `|/`, ..., all of them; OPERATOR(s.=) gives schema "s")
  x op ANY (...)  the operator's node with expression=Any(this) / All(this); `this` is a query or an expression
  AND OR NOT      And, Or (chains are built balanced), Not
  LIKE ...        Like, ILike, SimilarTo(this, expression), with ESCAPE Escape(this=Like, expression);
                  NOT LIKE is Not(Like)
  IS              Is(this, expression=Null | Boolean | Var("UNKNOWN")); IS NOT is Not(Is);
                  NullSafeNEQ = IS DISTINCT FROM, NullSafeEQ = IS NOT DISTINCT FROM
  BETWEEN, IN     Between(this, low, high, symmetric); In(this, expressions) or In(this, query=Subquery)
  (1, 2), ROW()   Tuple(expressions);  parentheses: Paren(this)
  sub-select      Subquery(this=query); EXISTS: Exists(this=query); ARRAY(q): ArraySubquery(this=query)
  CASE            Case(this, ifs=[If(this, true)], default);  ARRAY[...] Array(expressions)
  AT TIME ZONE    AtTimeZone(this, zone);  COLLATE Collate(this, expression=Identifier | Dot)
  OVERLAPS        Overlaps(this=Tuple, expression=Tuple);  GROUPING(...) Anonymous("grouping")
  SET x = DEFAULT Default()

Queries (`QueryNode`; all take with_, order, limit, offset, locks)
  Select          expressions = [expr | Alias(this, alias=Identifier)], distinct = Distinct(on=Tuple | None),
                  from_ = From(expressions=[from item, ...]) (the comma list), where = Where, having = Having,
                  group = Group(expressions=[expr | GroupingSets | Rollup | Cube], distinct=True?), windows =
                  [Window(this=name, partition_by, order, spec, alias=base window)]
  set operation   Union / Except / Intersect(this, expression, distinct=bool)
  VALUES          Values(expressions=[Tuple, ...]);  TABLE t is Select(* from t)
  with_           With(expressions=[CTE(this=query or DML, alias=TableAlias, materialized=bool | None)], recursive)
  order           Order(expressions=[Ordered(this, desc=bool, nulls_first=bool | None (not said),
                  operator=text of USING or None)])
  limit, offset   Limit(expression = expr | Var("ALL"), with_ties), Offset(expression)
  locks           [Lock(update=True FOR UPDATE / False FOR SHARE, key=..., expressions=[Table], wait=True NOWAIT /
                  False SKIP LOCKED / None)]

From items (`alias` = TableAlias(this, columns=[Identifier | ColumnDefinition]))
  Table(this=Identifier, db, catalog, only=bool, alias, sample)
  Subquery(this=query, alias), lateral=True with LATERAL
  FunctionTable(expressions=[call, ...], ordinality=bool, lateral=bool, rows_from=bool, alias)
  JoinTree(this=left, expression=right, kind="INNER"|"LEFT"|"RIGHT"|"FULL"|"CROSS", natural=bool, on=expr | None,
  using=[Identifier], alias)

DML
  Insert(this=Table, columns=[Identifier | Bracket | Dot], expression=query | None (DEFAULT VALUES),
         overriding="SYSTEM"|"USER"|None, conflict=OnConflict, returning=Returning(expressions), with_)
  OnConflict(expressions=[Ordered-like targets], index_where, constraint=Identifier, action="NOTHING"|"UPDATE",
             assignments=[Assignment], where)
  Update(this=Table, expressions=[Assignment(this=[Identifier | Bracket | Dot], expression)], from_, where,
         returning, with_)
  Delete(this=Table, using=[from item], where, returning, with_)
  Merge(this=Table, using=from item, on, whens=Whens(expressions=[When(matched=bool, condition, then)]), with_)
         then = Insert(columns, overriding, expression=Values of one row | None) | Update(expressions) | Delete()
         | None (DO NOTHING)
A multi-column assignment `(a, b) = (…)` is one Assignment with several names, or with one and `is_list` in its meta.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from sqlglot import exp

from sqlfront.parser.typenames import TypeName

QueryNode = exp.Query | exp.Values
"""Any query."""
_N = TypeVar("_N", bound=exp.Expr)


class InfixOperator(exp.Expression, exp.Binary):
    """A binary operator that is not one of the standard arithmetic and comparison ones."""

    arg_types: ClassVar = {"this": True, "expression": True, "operator": True, "schema": False}


class PrefixOperator(exp.Unary):
    """A prefix operator other than unary minus: `@ x`, `~ x`, `|/ x`, `+ x`."""

    arg_types: ClassVar = {"this": True, "operator": True, "schema": False}


class ValueFunction(exp.Expression, exp.Func):
    """A function that SQL writes without parentheses; `this` is its lower-case name, `expression` a precision."""

    arg_types: ClassVar = {"this": True, "expression": False}


class ArraySubquery(exp.Expression):
    """ARRAY(query)."""

    arg_types: ClassVar = {"this": True}


class Default(exp.Expression):
    """DEFAULT in VALUES or in SET."""

    arg_types: ClassVar = {}


class Assignment(exp.Expression):
    """Target columns and their value in UPDATE ... SET."""

    arg_types: ClassVar = {"this": True, "expression": True}


class ColumnParts(exp.Expression):
    """Parts of a column that an INSERT lists, with their values: pairs of target and value."""

    arg_types: ClassVar = {"expressions": True}


class JoinTree(exp.Expression):
    """A join of two from items."""

    arg_types: ClassVar = {
        "this": True, "expression": True, "kind": True, "natural": False, "on": False, "using": False,
        "alias": False,
    }  # fmt: skip


class FunctionTable(exp.Expression):
    """A set-returning function, or ROWS FROM (...), in FROM."""

    arg_types: ClassVar = {
        "expressions": True,
        "ordinality": False,
        "lateral": False,
        "rows_from": False,
        "alias": False,
    }


class ColumnDefinition(exp.Expression):
    """A column with its type in a function's alias: `AS t(a int, b text)`."""

    arg_types: ClassVar = {"this": True, "kind": True}


def located(node: _N, start: int, end: int) -> _N:
    """Give a node its character offsets in the script; `end` is inclusive."""
    meta = node.meta
    meta["start"] = start
    meta["end"] = end
    return node


def position_of(node: Any) -> int | None:
    """1-based character position of a node: its own, or that of its leftmost descendant that has one."""
    if not isinstance(node, exp.Expr):
        return None
    if "start" in node.meta:
        return int(node.meta["start"]) + 1
    starts = [int(child.meta["start"]) for child in node.walk() if "start" in child.meta]
    return min(starts) + 1 if starts else None


def data_type(name: TypeName) -> exp.DataType:
    """The node of a type."""
    return exp.DataType(this=exp.DType.USERDEFINED, kind=name.spelled(), type_name=name)


def type_name_of(node: exp.DataType) -> TypeName:
    """The TypeName of a type node that this parser built."""
    name = node.args["type_name"]
    assert isinstance(name, TypeName)
    return name
