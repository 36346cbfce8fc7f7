"""EXPLAIN's lines of scans of one table: by a sequential scan, a unique key, or btree indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from planner import bound
from planner.access_paths import access_path
from planner.btree.index_use import IndexUse, index_use
from planner.evaluate.zone_maps import conjuncts
from planner.expression_text import ExpressionPrinter
from planner.functions.quoting import quote_ident
from planner.leading_selection import leading_selection
from planner.nodes import KeyLookup, SeqScan, Sort
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries
from storage.catalog import Index

COST_PER_ROW = 0.01


@dataclass(slots=True)
class Line:
    """One node of the printed tree."""

    title: str
    properties: list[str] = field(default_factory=list)
    child: Line | None = None
    rows: int = 0
    cost: float = 0.0
    actual_rows: int | None = None
    seconds: float = 0.0


def sort_key_text(key: bound.SortKey, printer: ExpressionPrinter) -> str:
    """An item of ORDER BY."""
    text = printer.print(key.expression)
    if not isinstance(key.expression, bound.ColumnRef):
        text = f"({text})" if not text.startswith("(") else text
    direction = " DESC" if key.is_descending else ""
    if key.nulls_first == key.is_descending:
        return text + direction
    return f"{text}{direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}"


def table_name(scan: bound.TableScan, context: ExecutionContext) -> str:
    """A table as FROM names it."""
    name = context.transaction.catalog.table(scan.table_oid).name
    return quote_ident(name) if scan.alias in ("", name) else f"{quote_ident(name)} {quote_ident(scan.alias)}"


def scan_line(
    source: SeqScan | KeyLookup,
    executed: SeqScan | KeyLookup,
    context: ExecutionContext,
    printer: ExpressionPrinter,
) -> Line:
    """The line of a scan as it would be executed now.

    Args:
        executed: the scan with its sub-queries run; the scan itself where they are not, which then counts as one of all rows.
    """
    path = source
    if isinstance(source, SeqScan):
        path = access_path(source, context)
    name = table_name(source.scan, context)
    if isinstance(path, KeyLookup):
        index_name = index_names((path.index_oid,), context)
        line = Line(f"Index Scan using {index_name} on {name}", rows=1, cost=COST_PER_ROW)
        line.properties.append(f"Index Cond: {printer.print(path.condition)}")
        if path.filter is not None:
            line.properties.append(f"Filter: {printer.print(path.filter)}")
        return line
    use = None
    if source.filter is not None and executed.filter is not None and not has_subqueries(executed.filter):
        use = index_use(executed.filter, source.filter, source.scan, context)
    if use is not None:
        return _index_scan(use, name, context, printer)
    total = context.transaction.peek(source.scan.table_oid).row_count
    line = Line(f"Seq Scan on {name}", rows=total, cost=total * COST_PER_ROW)
    if source.filter is not None:
        line.properties.append(f"Filter: {printer.print(source.filter)}")
        line.rows = max(1, total // (3 * len(conjuncts(source.filter))))
    return line


def _index_scan(use: IndexUse, name: str, context: ExecutionContext, printer: ExpressionPrinter) -> Line:
    line = Line(f"Index Scan using {index_names(use.index_oids, context)} on {name}")
    line.properties += [f"Index Cond: {printer.print(condition)}" for condition in use.conditions]
    if use.rest is not None:
        line.properties.append(f"Filter: {printer.print(use.rest)}")
    if use.scanned_rows:
        line.properties.append(f"Rows Without Index: {use.scanned_rows} (scanned)")
    looked_at = use.rows + use.scanned_rows
    line.rows, line.cost = max(1, looked_at), looked_at * COST_PER_ROW
    return line


def index_names(index_oids: Sequence[int], context: ExecutionContext) -> str:
    """Indexes by their names."""
    found = (context.transaction.catalog.get(oid) for oid in index_oids)
    return ", ".join(quote_ident(index.name) for index in found if isinstance(index, Index))


def sorted_scan_line(
    node: Sort,
    executed: SeqScan | KeyLookup,
    stop: int | None,
    context: ExecutionContext,
    printer: ExpressionPrinter,
) -> Line:
    """The line of the scan below a sort of which the first `stop` rows are wanted; `executed` as in `scan_line`."""
    leading = None
    if executed.filter is None or not has_subqueries(executed.filter):
        leading = leading_selection(replace(node, source=executed), stop, context)
    if leading is None or not leading.is_ordered:
        return scan_line(node.source, executed, context, printer)
    scan = node.source.scan
    names = index_names(tuple(leading.sources.index_rows), context)
    line = Line(f"Index Scan using {names} on {table_name(scan, context)}")
    line.properties.append(f"Order By: {sort_key_text(node.keys[0], printer)}")
    if node.source.filter is not None:
        line.properties.append(f"Filter: {printer.print(node.source.filter)}")
    if leading.scanned_rows:
        line.properties.append(f"Rows Without Index: {leading.scanned_rows} (scanned)")
    line.rows = max(1, len(leading.rows))
    line.cost = line.rows * COST_PER_ROW
    return line
