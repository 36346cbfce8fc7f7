"""EXPLAIN of native plans: PostgreSQL's tree, with our lines on how vectors are searched.

    Limit
      ->  Index Scan using items_embedding_idx on items
            Order By: (embedding <=> $1)
            Filter: (section = 'python'::text)
            Strategy: filtered graph, selectivity 0.0123, allowed 758 of 61666
            Beam: 96
            Considered: filtered graph 412, exact scan 758 (distances)

EXPLAIN runs the filters, because the strategy depends on how many rows they allow; only ANALYZE runs the
search. `cost` is in rows looked at, divided by 100.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import vecengine
from foundation.sqltypes import TYPES, SqlType, is_vector
from planner import bound
from planner.execution import (
    counted_topk,
    matching_rows,
    project,
    rows_to_sort,
    run_native,
    selection_frames,
)
from planner.explain_scans import (
    COST_PER_ROW,
    Line,
    index_names,
    scan_line,
    sort_key_text,
    sorted_scan_line,
    table_name,
)
from planner.expression_text import ExpressionPrinter
from planner.functions.quoting import quote_ident
from planner.limits import row_range
from planner.nodes import CountRows, KeyLookup, Limit, Node, Result, SeqScan, Sort, VectorTopK
from planner.row_selection import RowSelection
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries, resolve_subqueries
from planner.vector.ranges import distance_range, topk_within
from planner.vector.topk import PreparedTopK, SegmentSearch, prepare_range, prepare_topk
from vecengine.family import Traversal
from vecengine.index import EXACT

_VARLENA_WIDTH = 32
Change: TypeAlias = bound.Insert | bound.Update | bound.Delete | bound.Merge


@dataclass(frozen=True, slots=True)
class Explain:
    """What the EXPLAIN statement asked for."""

    context: ExecutionContext
    analyze: bool = False
    verbose: bool = False
    costs: bool = True
    timing: bool = True


@dataclass(frozen=True, slots=True)
class _Resolvable:
    """A plan as one tree, so that a sub-query used in several places runs once."""

    node: Node
    targets: tuple[bound.Target, ...]


def explain_native(
    node: Node, targets: Sequence[bound.Target], request: Explain, *, show_summary: bool
) -> list[str]:
    """The lines of EXPLAIN [ANALYZE] of a native plan."""
    started = time.perf_counter()
    printer = ExpressionPrinter(request.context.codecs)
    resolved = _Resolvable(node, tuple(targets))
    if request.analyze and has_subqueries(resolved):
        resolved = resolve_subqueries(resolved, request.context)
    tree = _tree(node, resolved.node, request, printer)
    if request.verbose:
        output = ", ".join(printer.print(target.expression) for target in targets)
        tree.properties.insert(0, f"Output: {output}")
    else:
        for target in targets:
            printer.print(target.expression)
    width = sum(_width(target.expression.sql_type) for target in targets)
    planned = time.perf_counter()
    if request.analyze:
        _measure(resolved.node, resolved.targets, tree, request)
    lines = _rendered(tree, request, width)
    lines[1 + len(tree.properties) : 1 + len(tree.properties)] = _init_plans(printer, request)
    executed = time.perf_counter() - planned if request.analyze else None
    return lines + summary_lines(show_summary, planned - started, executed)


def explain_change(statement: Change, request: Explain, affected: int | None) -> list[str]:
    """The lines of EXPLAIN of a data change; `affected` are its rows when it has been run."""
    scan = _change_target(statement, request.context)
    title = f"{type(statement).__name__} on {table_name(scan, request.context)}"
    if affected is not None:
        title += f" (actual rows={affected})"
    lines = _conflict_lines(statement, scan, request) if isinstance(statement, bound.Insert) else []
    return [title, *lines, *_indented(_change_source(statement, request))]


def _conflict_lines(statement: bound.Insert, scan: bound.TableScan, request: Explain) -> list[str]:
    clause = statement.on_conflict
    if clause is None:
        return []
    lines = [f"  Conflict Resolution: {'NOTHING' if clause.assignments is None else 'UPDATE'}"]
    indexes = [request.context.transaction.catalog.get(oid) for oid in clause.index_oids]
    if indexes:
        names = ", ".join(quote_ident(index.name) for index in indexes if index is not None)
        lines.append(f"  Conflict Arbiter Indexes: {names}")
    if clause.where is not None:
        relations = {statement.relation_id: scan.alias, clause.excluded_id: "excluded"}
        printer = ExpressionPrinter(request.context.codecs, relations)
        lines.append(f"  Conflict Filter: {printer.print(clause.where)}")
    return lines


def _change_target(statement: Change, context: ExecutionContext) -> bound.TableScan:
    if not isinstance(statement, bound.Insert):
        return statement.target
    name = context.transaction.catalog.table(statement.table_oid).name
    return bound.TableScan(statement.relation_id, statement.table_oid, name, statement.columns)


def _change_source(statement: Change, request: Explain) -> list[str]:
    """The plan that finds or makes the changed rows. It has been run with the change, so never here."""
    from planner.planning import plan_statement

    if isinstance(statement, bound.Insert):
        if isinstance(statement.source, bound.Values):
            return ["Result" if len(statement.source.rows) == 1 else 'Values Scan on "*VALUES*"']
        query = replace(statement.source, ctes=(*statement.ctes, *statement.source.ctes))
        return plan_statement(query).explain(request.context, costs=request.costs, summary=False)
    if isinstance(statement, bound.Merge):
        kind = bound.JoinKind.LEFT
        pairs = bound.Select(
            (), bound.Join(kind, statement.source, statement.target, statement.on), ctes=statement.ctes
        )
        return plan_statement(pairs).explain(request.context, costs=request.costs, summary=False)
    others = statement.from_ if isinstance(statement, bound.Update) else statement.using
    relation = (
        statement.target if others is None else bound.Join(bound.JoinKind.CROSS, statement.target, others)
    )
    source = bound.Select((), relation, statement.where, ctes=statement.ctes)
    return plan_statement(source).explain(request.context, costs=request.costs, summary=False)


def _indented(lines: list[str]) -> list[str]:
    return [f"  ->  {lines[0]}", *(" " * 6 + line for line in lines[1:])]


def summary_lines(is_shown: bool, planning_seconds: float, execution_seconds: float | None) -> list[str]:
    """PostgreSQL's last lines of EXPLAIN ANALYZE."""
    if not is_shown:
        return []
    lines = [f"Planning Time: {planning_seconds * 1000:.3f} ms"]
    if execution_seconds is not None:
        lines.append(f"Execution Time: {execution_seconds * 1000:.3f} ms")
    return lines


# ---------------------------------------------------------------------------------------------------------
# The tree


def _tree(node: Node, executed: Node, request: Explain, printer: ExpressionPrinter) -> Line:
    """The lines of a node. `executed` is the node itself, or under ANALYZE the node with its sub-queries run."""
    match node:
        case VectorTopK():
            prepared = prepare_topk(_resolved(node, request.context), request.context)
            return _topk(node, prepared, request, printer)
        case Limit():
            nearest, within = _nearest_within(node, request.context)
            if nearest is not None and within is not None:
                return _topk(nearest, within, request, printer, shows_order=False)
            if isinstance(node.source, Sort):
                stop = _stop(node.limit, node.offset, request.context)
                scan = sorted_scan_line(node.source, _scanned(executed), stop, request.context, printer)
                child = _sort(scan, node.source.keys, printer)
            else:
                assert isinstance(executed, Limit)
                child = _tree(node.source, executed.source, request, printer)
            return _limit(child, node.limit, node.offset, request)
        case Sort():
            child = scan_line(node.source, _scanned(executed), request.context, printer)
            return _sort(child, node.keys, printer)
        case CountRows():
            child = scan_line(node.source, _scanned(executed), request.context, printer)
            return Line("Aggregate", child=child, rows=1, cost=child.cost)
        case Result():
            line = Line("Result", rows=1, cost=COST_PER_ROW)
            if node.filter is not None:
                line.properties.append(f"One-Time Filter: {printer.print(node.filter)}")
            return line
        case SeqScan() | KeyLookup():
            return scan_line(node, _scanned(executed), request.context, printer)


def _scanned(node: Node) -> SeqScan | KeyLookup:
    """The scan at the end of a chain."""
    while isinstance(node, Limit | Sort | CountRows):
        node = node.source
    assert isinstance(node, SeqScan | KeyLookup)
    return node


def _stop(
    limit: bound.Expression | None, offset: bound.Expression | None, context: ExecutionContext
) -> int | None:
    """How many rows a LIMIT and an OFFSET need; None = all. Their sub-queries are run."""
    clauses = [
        resolve_subqueries(clause, context) if clause is not None and has_subqueries(clause) else clause
        for clause in (limit, offset)
    ]
    return row_range(clauses[0], clauses[1], context).stop


def _limit(
    child: Line, limit: bound.Expression | None, offset: bound.Expression | None, request: Explain
) -> Line:
    stop = _stop(limit, offset, request.context)
    rows = child.rows if stop is None else min(stop, child.rows)
    return Line("Limit", child=child, rows=rows, cost=child.cost)


def _sort(child: Line, keys: Sequence[bound.SortKey], printer: ExpressionPrinter) -> Line:
    shown = ", ".join(sort_key_text(key, printer) for key in keys)
    return Line("Sort", [f"Sort Key: {shown}"], child, child.rows, child.cost)


def _resolved(node: VectorTopK, context: ExecutionContext) -> VectorTopK:
    return resolve_subqueries(node, context) if has_subqueries(node) else node


def _nearest_within(node: Node, context: ExecutionContext) -> tuple[VectorTopK | None, PreparedTopK | None]:
    """What a LIMIT without an order searches for where a condition bounds a distance, and how."""
    nearest = topk_within(node) if isinstance(node, Limit) else None
    return nearest, None if nearest is None else prepare_range(_resolved(nearest, context), context)


def _topk(
    node: VectorTopK,
    prepared: PreparedTopK,
    request: Explain,
    printer: ExpressionPrinter,
    *,
    shows_order: bool = True,
) -> Line:
    name = table_name(node.scan, request.context)
    uses_index = any(search.strategy.name != EXACT for search in prepared.searches)
    index = prepared.index
    shown_index = index if index is not None and (uses_index or prepared.leaves_out_unordered) else None
    title = f"Seq Scan on {name}"
    if shown_index is not None:
        title = f"Index Scan using {quote_ident(shown_index.name)} on {name}"
    scan = Line(title, rows=max(prepared.allowed_count, 1), cost=_topk_cost(prepared))
    if shown_index is not None and shows_order:
        scan.properties.append(f"Order By: {_order_by(node, printer)}")
    condition = node.filter
    if prepared.range is not None and condition is not None:
        # Taken apart once more: what was prepared has values for sub-queries.
        shown = distance_range(condition, node.order, node.scan, request.context) or prepared.range
        scan.properties.append(f"Range: {printer.print(shown.condition)}")
        condition = shown.rest
    if condition is not None:
        scan.properties.append(f"Filter: {printer.print(condition)}")
    if prepared.filter_sources.index_rows:
        names = index_names(tuple(prepared.filter_sources.index_rows), request.context)
        scan.properties.append(f"Filter Index: {names}")
    scan.properties += _strategy_lines(prepared)
    line = scan
    if shown_index is None or len(node.sort_keys) > 1:
        line = _sort(scan, node.sort_keys, printer)
    if node.limit is None and node.offset is None:
        return line
    return _limit(line, node.limit, node.offset, request)


def _order_by(node: VectorTopK, printer: ExpressionPrinter) -> str:
    return sort_key_text(node.sort_keys[0], printer)


def _topk_cost(prepared: PreparedTopK) -> float:
    return sum(_searched_rows(search) * COST_PER_ROW for search in prepared.searches)


def _searched_rows(search: SegmentSearch) -> float:
    """How many rows of a sequential scan a search is worth, about."""
    if search.strategy.name == EXACT:
        return search.allowed_count
    if not search.strategy.beam:
        return search.strategy.cost_distances
    return min(search.strategy.beam * 8, search.allowed_count)


def _strategy_lines(prepared: PreparedTopK) -> list[str]:
    names: dict[str, int] = {}
    for search in prepared.searches:
        name = search.shown_strategy
        names[name] = names.get(name, 0) + 1
    many = len(prepared.searches) > 1
    shown = " + ".join(
        f"{name} ({count} segments)" if many and count > 1 else name for name, count in names.items()
    )
    total, allowed = prepared.visible_count, prepared.allowed_count
    selectivity = allowed / total if total else 0.0
    lines = [
        f"Strategy: {shown or 'exact scan'}, selectivity {selectivity:.4f}, allowed {allowed} of {total}"
    ]
    beams = [search.strategy.beam for search in prepared.searches if search.strategy.beam]
    traversal = _traversal(prepared)
    if traversal is not None and beams:
        lines.append(f"{traversal.size}: {max(beams)}")
    costs = _considered(prepared)
    if len(costs) > 1:
        compared = ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
        lines.append(f"Considered: {compared} (distances)")
    behind = sum(search.rows_behind_graph for search in prepared.searches)
    if behind:
        lines.append(f"Rows Behind Growing Graph: {behind} (scanned)")
    return lines


def _traversal(prepared: PreparedTopK) -> Traversal | None:
    """The words for how the index is searched; None without one."""
    return None if prepared.index is None else vecengine.families()[prepared.index.family].traversal


def _considered(prepared: PreparedTopK) -> dict[str, float]:
    """What each way to search the segments that have an index would cost, in distances of a sequential scan."""
    costs: dict[str, float] = {}
    for search in prepared.searches:
        for strategy in search.considered:
            costs[str(strategy)] = costs.get(str(strategy), 0.0) + strategy.cost_distances
    return costs


def _filter_lines(prepared: PreparedTopK) -> list[str]:
    """Where the filter's bitsets came from, for EXPLAIN ANALYZE."""
    if prepared.node.filter is None:
        return []
    sources = prepared.filter_sources
    counts = {
        "cached": sources.cached,
        "computed": sources.computed,
        "from indexes": sources.indexed,
        "pruned by bounds": sources.pruned,
    }
    return ["Filter Bitsets: " + ", ".join(f"{count} {how}" for how, count in counts.items() if count)]


def _init_plans(printer: ExpressionPrinter, request: Explain) -> list[str]:
    from planner.planning import plan_statement

    lines = []
    for number, subquery in enumerate(printer.subqueries):
        plan = plan_statement(subquery.query)
        inner = plan.explain(request.context, costs=request.costs, verbose=request.verbose, summary=False)
        lines.append(f"  InitPlan {number + 1} (returns ${number})")
        lines.append(f"    ->  {inner[0]}")
        lines += [" " * 8 + line for line in inner[1:]]
    return lines


# ---------------------------------------------------------------------------------------------------------
# ANALYZE


def _measure(node: Node, targets: Sequence[bound.Target], tree: Line, request: Explain) -> None:
    """Run the plan once and write rows and times into the tree."""
    context = request.context
    started = time.perf_counter()
    expressions = [target.expression for target in targets]
    prepared = (
        prepare_topk(node, context) if isinstance(node, VectorTopK) else _nearest_within(node, context)[1]
    )
    if prepared is not None:
        returned = _measure_topk(prepared, expressions, tree, started)
    else:
        returned = sum(batch.num_rows for batch in run_native(node, expressions, context))
    elapsed = time.perf_counter() - started
    swallowed = _swallowed(node, context)
    if swallowed is not None:
        # These nodes swallow their input; what went in is counted by running the scan alone.
        scan = _lowest(tree)
        scan.actual_rows, scan.seconds = _timed(lambda: len(swallowed()))
    line: Line | None = tree
    while line is not None:
        if line.actual_rows is None:
            line.actual_rows, line.seconds = returned, elapsed
        line = line.child


def _swallowed(node: Node, context: ExecutionContext) -> Callable[[], RowSelection] | None:
    """What finds the rows that a sort or a count takes in; None for other nodes."""
    inner = node.source if isinstance(node, Limit) else node
    if isinstance(inner, CountRows):
        return lambda: matching_rows(inner.source, context)
    if not isinstance(inner, Sort):
        return None
    stop = _stop(node.limit, node.offset, context) if isinstance(node, Limit) else None
    return lambda: rows_to_sort(inner, stop, context)


def _lowest(tree: Line) -> Line:
    return tree if tree.child is None else _lowest(tree.child)


def _measure_topk(
    prepared: PreparedTopK, targets: Sequence[bound.Expression], tree: Line, started: float
) -> int:
    rows = counted_topk(prepared)
    scan = _lowest(tree)
    scan.actual_rows, scan.seconds = len(rows), time.perf_counter() - started
    candidates = sum(search.distance_count for search in prepared.searches)
    scan.properties.append(f"Candidates: {candidates}")
    traversal = _traversal(prepared)
    if traversal is not None:
        scan.properties += _counted(prepared, traversal)
    if prepared.is_range_completed:
        scan.properties.append("Range Completed: the filter was run for every row")
    scan.properties += _filter_lines(prepared)
    wanted = prepared.allowed_count if prepared.rows.stop is None else prepared.rows.stop
    recalls = [search.expected_recall(wanted) for search in prepared.searches]
    scan.properties.append(f"Estimated Recall: {min(recalls, default=1.0):.3f}")
    used = [search.beam_used for search in prepared.searches if search.beam_used]
    if traversal is not None and used:
        size = f"{traversal.size}: "
        scan.properties = [
            f"{size}{max(used)}" if text.startswith(size) else text for text in scan.properties
        ]
    frames = selection_frames(rows, prepared.node.scan)
    return sum(batch.num_rows for batch in project(frames, targets, prepared.context))


def _counted(prepared: PreparedTopK, traversal: Traversal) -> list[str]:
    """What a search through an index has met besides distances."""
    counts = {
        traversal.visited: sum(search.visited_count for search in prepared.searches),
        "Reranked": sum(search.reranked_count for search in prepared.searches),
    }
    return [f"{label}: {count}" for label, count in counts.items() if count]


def _timed(run: Callable[[], int]) -> tuple[int, float]:
    started = time.perf_counter()
    count = run()
    return count, time.perf_counter() - started


# ---------------------------------------------------------------------------------------------------------
# Text


def _rendered(tree: Line, request: Explain, width: int) -> list[str]:
    lines = []
    line: Line | None = tree
    depth = 0
    while line is not None:
        prefix = "" if depth == 0 else " " * (2 + 6 * (depth - 1)) + "->  "
        lines.append(prefix + line.title + _numbers(line, request, width))
        lines += [" " * (2 + 6 * depth) + text for text in line.properties]
        line, depth = line.child, depth + 1
    return lines


def _numbers(line: Line, request: Explain, width: int) -> str:
    text = ""
    if request.costs:
        text += f"  (cost=0.00..{line.cost:.2f} rows={line.rows} width={width})"
    if request.analyze:
        spent = f"time=0.000..{line.seconds * 1000:.3f} " if request.timing else ""
        text += f" (actual {spent}rows={line.actual_rows} loops=1)"
    return text


def _width(sql_type: SqlType) -> int:
    if is_vector(sql_type):
        return 4 * max(sql_type.typmod, 1) + 8
    length = TYPES[sql_type.oid].length
    return length if length > 0 else _VARLENA_WIDTH
