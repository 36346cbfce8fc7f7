"""TABLESAMPLE: a table with a condition on its rows, drawn anew or, with REPEATABLE, computed of their ids.

SYSTEM chooses row by row, too: a segment has no pages that would be read alone.
https://www.postgresql.org/docs/15/sql-select.html#SQL-FROM
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import DatatypeMismatch, UndefinedObject
from foundation.sqltypes import BOOL, FLOAT4, FLOAT8, UNKNOWN, SqlType
from planner.bound import Call, ColumnRef, Constant, Expression, Select, SubqueryScan, TableScan, Target
from planner.errors import InvalidTablesampleArgument
from planner.functions.implementations_sampling import SAMPLE
from planner.functions.signature import CastContext
from sqlfront.binder.coerce import coerce
from sqlfront.binder.environment import Clause, Environment, QueryFindings, bind_node, place_of
from sqlfront.binder.scope import Scope
from sqlfront.binder.type_rules import conversion, type_name
from sqlfront.parser.nodes import position_of

METHODS = ("bernoulli", "system")
_CTID = -1


def sampled_table(environment: Environment, node: exp.Expr, scan: TableScan) -> SubqueryScan:
    """The scan with only some of its rows.

    Raises:
        UndefinedObject: 42704 `tablesample method x does not exist`. DatatypeMismatch: 42804.
        InvalidTablesampleArgument: 2202H, not one argument.
    """
    method = str(node.args["method"])
    if method not in METHODS:
        raise UndefinedObject(f"tablesample method {method} does not exist", position=position_of(node))
    if len(node.expressions) != 1:
        raise InvalidTablesampleArgument(
            f"tablesample method {method} requires 1 argument, not {len(node.expressions)}",
            position=position_of(node),
        )
    inner = replace(environment.at(Clause.FROM_FUNCTION), scope=Scope(parent=environment.scope.parent))
    percentage = _argument(inner, node.expressions[0], FLOAT4, "TABLESAMPLE")
    seed_node = node.args.get("seed")
    seed = Constant(None, FLOAT8) if seed_node is None else _argument(inner, seed_node, FLOAT8, "REPEATABLE")
    columns = [
        ColumnRef(scan.relation_id, place, column.name, column.type)
        for place, column in enumerate(scan.columns)
    ]
    row = next(ref for ref, column in zip(columns, scan.columns, strict=True) if column.attnum == _CTID)
    is_repeatable = Constant(seed_node is not None, BOOL)
    condition = Call(SAMPLE, (percentage, is_repeatable, seed, row), BOOL)
    targets = tuple(
        Target(ref, column.name, scan.table_oid, column.attnum)
        for ref, column in zip(columns, scan.columns, strict=True)
    )
    relation_id = environment.state.next_relation_id(scan.alias)
    return SubqueryScan(relation_id, Select(targets, scan, condition), scan.alias, scan.columns)


def _argument(environment: Environment, node: exp.Expr, wanted: SqlType, construct: str) -> Expression:
    findings = QueryFindings()
    bound = bind_node(replace(environment, findings=findings), node)
    if findings.has_set_functions:
        raise DatatypeMismatch(f"argument of {construct} must not return a set", position=place_of(node))
    source = bound.sql_type
    if source != UNKNOWN and conversion(source.oid, wanted.oid, CastContext.ASSIGNMENT) is None:
        raise DatatypeMismatch(
            f"argument of {construct} must be type {type_name(wanted)}, not type {type_name(source)}",
            position=place_of(node),
        )
    return coerce(environment.context, bound, wanted, how=CastContext.ASSIGNMENT, position=place_of(node))
