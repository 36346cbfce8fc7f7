"""What EXPLAIN says of a filter: which indexes find its rows, and how many. Rows are counted, none is read."""

from __future__ import annotations

from dataclasses import dataclass

from planner import bound
from planner.btree.candidates import Candidates, candidate_rows
from planner.evaluate.coverage import has_effects
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.services import ExecutionContext


@dataclass(frozen=True, slots=True)
class IndexUse:
    """How indexes serve a filter at a snapshot.

    Attributes:
        index_oids: the indexes, in the order in which segments use them.
        conditions: what they are asked, as far as it is written; several where segments are served in different ways.
        rest: what is evaluated for the rows they find.
        rows: how many these are, deleted ones too.
        scanned_rows: visible rows of segments that are scanned instead.
    """

    index_oids: tuple[int, ...]
    conditions: tuple[bound.Expression, ...]
    rest: bound.Expression | None
    rows: int
    scanned_rows: int


def index_use(
    predicate: bound.Expression, shown: bound.Expression, scan: bound.TableScan, context: ExecutionContext
) -> IndexUse | None:
    """How a filter over a table goes through indexes now; None where every segment is scanned.

    Args:
        predicate: the filter, its sub-queries run.
        shown: the filter as it is written: what is found is told in its parts.
    """
    if has_effects(predicate):
        return None
    written = dict(zip(map(id, conjuncts(predicate)), conjuncts(shown), strict=True))
    found: list[Candidates] = []
    scanned_rows = 0
    for segment in context.scanned_table(scan.table_oid).segments:
        candidates = candidate_rows(predicate, segment, scan, context)
        if candidates is not None:
            found.append(candidates)
        else:
            scanned_rows += segment.visible_count
    if not found:
        return None
    asked = [_written(candidates.conditions, written, predicate is shown) for candidates in found]
    conditions = tuple(dict.fromkeys(conjunction(parts) for parts in asked if parts))
    rest = _written(found[0].rest, written, True) if len(set(asked)) == 1 else (shown,)
    return IndexUse(
        tuple(dict.fromkeys(oid for candidates in found for oid in candidates.index_oids)),
        conditions,
        conjunction(rest) if rest else None,
        sum(candidates.count for candidates in found),
        scanned_rows,
    )


def _written(
    parts: tuple[bound.Expression, ...], written: dict[int, bound.Expression], keeps_others: bool
) -> tuple[bound.Expression, ...]:
    """Parts of a filter as they are written. What arms of an OR are asked, but do not answer whole, is written nowhere."""
    return tuple(written.get(id(part), part) for part in parts if keeps_others or id(part) in written)
