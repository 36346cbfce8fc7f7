"""Look-ups of a row by a unique key, executed over and over: only the key's values differ.

`SELECT columns FROM t WHERE id = $1 [LIMIT n]`: the plan says which columns are compared, the catalog which unique index has them, the
view of the table holds the keys. So an execution is one probe of each segment's keys.

Whatever is out of the ordinary (NULLs, a catalog without such an index) is left to `planner.access_paths`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from foundation.sqltypes import INT2, INT4, INT8, TEXT, UUID, VARCHAR, SqlType, arrow_type
from planner import bound
from planner.access_paths import is_unique_key
from planner.evaluate.zone_maps import conjuncts
from planner.nodes import Limit, Node, SeqScan
from planner.planning import NativePlan, Plan
from planner.repeated_reads import Read
from planner.services import ExecutionContext
from storage.catalog import Catalog
from storage.key_specs import KeySpec, key_spec
from storage.keys import key_batch

_INTEGER_BITS = {INT2.oid: 16, INT4.oid: 32, INT8.oid: 64}
_KEY_TYPES = frozenset(kind.oid for kind in (INT2, INT4, INT8, TEXT, VARCHAR, UUID))


class RepeatedLookup:
    """The executions of one plan: a `RepeatedRead`."""

    def __init__(
        self,
        plan: NativePlan,
        scan: bound.TableScan,
        values: Mapping[int, bound.Constant | bound.Parameter],
        limit: bound.Constant | bound.Parameter | None,
    ) -> None:
        self.table_oid = scan.table_oid
        self._values = values
        self._limit = limit
        self._found: tuple[Catalog, KeySpec | None] | None = None
        columns = [target.expression for target in plan.targets]
        self._attnums = [scan.columns[c.position].attnum for c in columns if isinstance(c, bound.ColumnRef)]
        self._names = [f"c{i}" for i in range(len(columns))]
        nothing = [pa.nulls(0, arrow_type(column.sql_type)) for column in columns]
        self._nothing = pa.RecordBatch.from_arrays(nothing, names=self._names)

    @classmethod
    def of(cls, plan: Plan) -> RepeatedLookup | None:
        """None for a plan that does more than compare columns of a table with values of their types, and show columns."""
        if not isinstance(plan, NativePlan) or plan.has_subqueries:
            return None
        node: Node = plan.node
        limit: bound.Expression | None = None
        if isinstance(node, Limit) and node.offset is None:
            limit, node = node.limit, node.source
        if not isinstance(node, SeqScan) or not isinstance(limit, bound.Constant | bound.Parameter | None):
            return None
        scan, condition = node.scan, node.filter
        values: dict[int, bound.Constant | bound.Parameter] = {}
        for part in () if condition is None else conjuncts(condition):
            found = _compared(part, scan)
            if found is None or found[0] in values:
                return None
            values[found[0]] = found[1]
        targets = [target.expression for target in plan.targets]
        are_columns = all(_attnum(target, scan) > 0 for target in targets)
        return cls(plan, scan, values, limit) if values and targets and are_columns else None

    def run(self, read: Read, *, time_ms: float | None = None) -> pa.RecordBatch | None:
        """See `RepeatedRead`; no row is a batch without rows."""
        spec = self._spec(read.catalog)
        limit = 1 if self._limit is None else _value(self._limit, read)
        if spec is None or limit is None or limit < 1:
            return None
        columns = []
        for attnum, sql_type in zip(spec.attnums, spec.types):
            value = _value(self._values[attnum], read)
            if value is None or not _fits(value, sql_type):
                return None
            columns.append(pa.array([value], arrow_type(sql_type)))
        keys = key_batch(spec, columns, by_equality=True)
        batch = self._nothing
        for segment in read.view.segments:
            _, offsets = segment.visible_matches(spec, keys)
            if len(offsets):
                place = int(offsets[0])
                row = [segment.column(attnum).slice(place, 1) for attnum in self._attnums]
                batch = pa.RecordBatch.from_arrays(row, names=self._names)
                break
        read.activity.count_index_scan(spec.index_oid, batch.num_rows)
        return batch

    def preparation_ms(self, read: Read) -> float:
        return 0.0

    def prepare(self, context: ExecutionContext) -> bool:
        """Nothing needs to be."""
        return True

    def _spec(self, catalog: Catalog) -> KeySpec | None:
        """The unique index over the compared columns."""
        found = self._found
        if found is None or found[0] is not catalog:
            indexes = [
                index
                for index in catalog.indexes_of(self.table_oid)
                if is_unique_key(index) and set(index.key_attnums()) == self._values.keys()
            ]
            spec = key_spec(catalog.table(self.table_oid), indexes[0]) if indexes else None
            found = self._found = (catalog, spec)
        return found[1]


def _value(expression: bound.Constant | bound.Parameter, read: Read) -> Any:
    return read.parameters[expression.index] if isinstance(expression, bound.Parameter) else expression.value


def _fits(value: Any, sql_type: SqlType) -> bool:
    """Whether a value of a wider integer type is one of a column's type."""
    bits = _INTEGER_BITS.get(sql_type.oid)
    return bits is None or -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def _compared(
    part: bound.Expression, scan: bound.TableScan
) -> tuple[int, bound.Constant | bound.Parameter] | None:
    """(attnum, value) of `column = value`, where both are integers or of one type whose values are equal when their bytes are."""
    if not isinstance(part, bound.Call) or part.operator != "=" or len(part.arguments) != 2:
        return None
    for column, value in (part.arguments, part.arguments[::-1]):
        kind, attnum = column.sql_type, _attnum(column, scan)
        if attnum > 0 and kind.oid in _KEY_TYPES and isinstance(value, bound.Parameter | bound.Constant):
            are_integers = kind.oid in _INTEGER_BITS and value.sql_type.oid in _INTEGER_BITS
            return (attnum, value) if are_integers or value.sql_type.oid == kind.oid else None
    return None


def _attnum(expression: bound.Expression, scan: bound.TableScan) -> int:
    """A column's number; 0 for anything but a column of the table."""
    if not isinstance(expression, bound.ColumnRef) or expression.relation_id != scan.relation_id:
        return 0
    return scan.columns[expression.position].attnum
