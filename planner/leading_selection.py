"""ORDER BY column LIMIT n of a table whose column an index keeps in order: what is sorted is few rows of each segment."""

from __future__ import annotations

from dataclasses import dataclass

from planner.access_paths import access_path
from planner.btree.leading_rows import leading_index, leading_rows
from planner.evaluate.filters import FilterSources, few_rows, visible_rows
from planner.nodes import SeqScan, Sort
from planner.row_selection import RowSelection, segments_in_order
from planner.services import ExecutionContext

WANTED_MAX = 1024
"""More rows than this are sorted with all others."""


@dataclass(frozen=True, slots=True)
class LeadingSelection:
    """Rows among which the first of a sort are, found through the index `index_oid` in the segments that have its order.

    `scanned_rows` are those of the other segments, as far as they pass the filter.
    """

    rows: RowSelection
    index_oid: int
    sources: FilterSources
    scanned_rows: int

    @property
    def is_ordered(self) -> bool:
        """Whether the order of any segment was of use."""
        return self.index_oid in self.sources.index_rows


def leading_selection(node: Sort, stop: int | None, context: ExecutionContext) -> LeadingSelection | None:
    """The rows to sort for the first `stop`, in the order in which all would be sorted; None without an index.

    Raises:
        QuiverError: what the filter raises for a row that is looked at.
    """
    source = node.source
    if stop is None or not 0 < stop <= WANTED_MAX or not isinstance(source, SeqScan):
        return None
    found = leading_index(node.keys[0], source.scan, context)
    if found is None or not isinstance(access_path(source, context), SeqScan):
        return None
    sources, scanned_rows = FilterSources(), 0
    segments = segments_in_order(source.scan.table_oid, context)
    parts = []
    for segment in segments:
        # A filter that an index answers with few rows leaves the least to sort.
        predicate = source.filter
        part = None if predicate is None else few_rows(predicate, segment, source.scan, context, sources)
        if part is None:
            part = leading_rows(
                segment, node.keys[0], stop, scan=source.scan, predicate=predicate, context=context
            )
            if part is not None:
                sources.index_rows[found[1]] = sources.index_rows.get(found[1], 0) + len(part)
        if part is None:
            part = visible_rows(predicate, segment, source.scan, context, sources).offsets()
            scanned_rows += len(part)
        parts.append(part)
    return LeadingSelection(RowSelection.of_parts(segments, parts), found[1], sources, scanned_rows)
