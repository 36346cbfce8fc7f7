"""EXPLAIN of a relational query: its filters and vector searches are run, DuckDB's plan is made and, with ANALYZE, run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from foundation.errors import NumericValueOutOfRange
from planner import bound
from planner.explain_scans import index_names, table_name
from planner.expression_text import ExpressionPrinter
from planner.functions.quoting import quote_ident
from planner.relational.execution import finished_sql, translated_errors
from planner.relational.explained_plan import PlanNames, ScanShown, plan_lines, rows_and_seconds
from planner.relational.queries import QueryPrinter
from planner.relational.scanned_rows import ScannedRows
from planner.relational.statement import RelationalStatement
from planner.services import ExecutionContext

ColumnNames: TypeAlias = Callable[[int, int], str]
_Named: TypeAlias = (
    bound.TableScan | bound.VirtualScan | bound.FunctionScan | bound.SubqueryScan | bound.CteScan
)


@dataclass(frozen=True, slots=True)
class ExplainedQuery:
    """`rows` counts those of the query where it was run, which took `seconds`."""

    lines: list[str]
    rows: int | None = None
    seconds: float = 0.0


def explain_query(
    query: bound.Query,
    context: ExecutionContext,
    *,
    costs: bool = True,
    analyze: bool = False,
    timing: bool = True,
) -> ExplainedQuery:
    """DuckDB's plan of a query with the client's names, then the plan of each vector island, whose rows it reads.

    Raises:
        QuiverError: what running the filters and searches, or with `analyze` the query, raises.
    """
    try:
        return _explained(
            query, context, costs=costs, analyze=analyze, timing=timing, expects_short_numbers=True
        )
    except NumericValueOutOfRange:
        return _explained(
            query, context, costs=costs, analyze=analyze, timing=timing, expects_short_numbers=False
        )


def _explained(
    query: bound.Query,
    context: ExecutionContext,
    *,
    costs: bool,
    analyze: bool,
    timing: bool,
    expects_short_numbers: bool,
) -> ExplainedQuery:
    statement = RelationalStatement(context, expects_short_numbers=expects_short_numbers)
    try:
        with translated_errors(statement):
            printer = QueryPrinter(statement, query)
            printed = printer.print(query)
            sql = finished_sql(printed, [column.type for column in bound.output_columns(query)])
            plan = statement.cursor.explained(sql, analyze=analyze)
    finally:
        statement.close()
    lines = [
        "Relational Query (DuckDB)",
        *plan_lines(plan, _names(printer, context), costs=costs, timing=timing),
    ]
    for number, island in enumerate(printer.islands, 1):
        first, *others = island.explain(context, costs=costs)
        batch = [] if island.batch is None else [f"    {island.batch.shown(analyze=analyze)}"]
        lines += [
            f"  Vector Island {number}",
            *batch,
            f"    ->  {first}",
            *(" " * 8 + line for line in others),
        ]
    return ExplainedQuery(lines, *rows_and_seconds(plan)) if analyze else ExplainedQuery(lines)


def _names(printer: QueryPrinter, context: ExecutionContext) -> PlanNames:
    aliases = {
        i: relation.alias for i, relation in printer.read.items() if not isinstance(relation, bound.Join)
    }
    expressions = ExpressionPrinter(context.codecs, aliases if len(aliases) > 1 else {})

    def column_of(relation_id: int, position: int) -> str:
        relation = printer.read.get(relation_id)
        computed = printer.computed_columns(relation_id).get(position)
        if computed is not None:
            return expressions.print(computed)
        if relation is None or isinstance(relation, bound.Join):
            return f"column{position + 1}"
        column = relation.columns[position]
        return expressions.print(bound.ColumnRef(relation_id, position, column.name, column.type))

    scans = {i: ScanShown(title) for i, title in printer.row_titles.items()}
    for relation_id, relation in printer.read.items():
        if isinstance(relation, bound.TableScan) and relation_id in printer.scanned:
            scans[relation_id] = _table_shown(printer.scanned[relation_id], expressions, column_of, context)
        elif not isinstance(relation, bound.Join):
            scans[relation_id] = ScanShown(_title(relation))
    return PlanNames(column_of, scans)


def _table_shown(
    scanned: ScannedRows, expressions: ExpressionPrinter, column_of: ColumnNames, context: ExecutionContext
) -> ScanShown:
    title = f"Seq Scan on {table_name(scanned.scan, context)}"
    if scanned.sources.index_rows:
        used = index_names(tuple(scanned.sources.index_rows), context)
        title = f"Index Scan using {used} on {table_name(scanned.scan, context)}"
    properties = []
    if scanned.row_filter is not None:
        properties.append(f"Filter: {expressions.print(scanned.row_filter)}")
    properties += [f"Partners: ({column_of(*own)} = {column_of(*other)})" for own, other in scanned.partners]
    rows = str(scanned.count) if scanned.count == scanned.total else f"{scanned.count} of {scanned.total}"
    return ScanShown(title, tuple(properties), rows)


def _title(relation: _Named) -> str:
    alias = quote_ident(relation.alias)
    match relation:
        case bound.VirtualScan():
            return f"Seq Scan on {relation.name}" + ("" if relation.alias == relation.name else f" {alias}")
        case bound.FunctionScan():
            return f"Function Scan on {alias}"
        case bound.CteScan():
            return f"CTE Scan on {alias}"
        case bound.SubqueryScan():
            return f"Subquery Scan on {alias}"
        case bound.TableScan():
            return f"Scan of rows found for {alias}"
